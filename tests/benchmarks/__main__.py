"""``python -m tests.benchmarks``: training steps of the engine and its peers, interleaved, as medians and ratios.

Every peer runs in a process of its own and all take turns, round by round, so that drift of the machine hits all
alike and idle thread pools have gone to sleep. Times are the median over all rounds; ``engine ×`` is how many
times as fast as that peer the engine is. Then what a debugger costs (:mod:`tests.benchmarks.debug`), and how the window
and the training get along (:mod:`tests.benchmarks.desktop`), also with the smallest and the largest networks
(:mod:`tests.benchmarks.sizes`). Options: ``--rounds``, ``--seconds``, ``--rows``, ``--peers``, ``--only peers``,
``--only debug``, ``--only desktop``, ``--only sizes`` or ``--only gpu`` (:mod:`tests.benchmarks.gpu`), ``--write``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import debug, desktop, gpu, sizes
from tests.benchmarks.peers import MODULES
from tests.benchmarks.rows import ROWS

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("RESULTS.md")

#: Rounds of the debugging part: many short ones, since its ratios are near 1.
DEBUG_ROUNDS = 60


class Worker:
    """A peer's process."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.worker", peer],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        )

    def run(self, row: int, seconds: float) -> dict | None:
        """Times of about ``seconds`` of steps; None when the peer cannot run the row."""
        try:
            self.process.stdin.write(json.dumps({"row": row, "seconds": seconds}) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        return json.loads(answer) if answer else None

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(timeout=30)


def measure(peers: list[str], rows: list[int], rounds: int, seconds: float) -> dict[int, dict[str, float]]:
    """Median seconds per step: {row: {peer: seconds}}."""
    medians: dict[int, dict[str, float]] = {}
    for row in rows:
        workers = [Worker(peer) for peer in peers]
        times: dict[str, list[float]] = {peer: [] for peer in peers}
        for worker in workers:
            worker.run(row, 0.05)
        for _ in range(rounds):
            for worker in workers:
                time.sleep(0.25)
                answer = worker.run(row, seconds)
                if answer is not None:
                    times[worker.peer].append(statistics.median(answer["times"]))
        for worker in workers:
            worker.close()
        medians[row] = {peer: statistics.median(t) for peer, t in times.items() if t}
        print(line(row, medians[row], peers), flush=True)
    return medians


def line(row: int, medians: dict[str, float], peers: list[str]) -> str:
    """One row of the table."""
    cells = [ROWS[row].title]
    ours = medians.get("engine")
    for peer in peers:
        cells.append(f"{medians[peer] * 1e6:,.0f}" if peer in medians else "-")
    for peer in peers[1:]:
        cells.append(f"{medians[peer] / ours:.2f}" if ours and peer in medians else "-")
    return "| " + " | ".join(cells) + " |"


def start_up(peers: list[str], row: int) -> list[str]:
    """Import, first step and peak memory, of each peer; the engine with nothing cached and with all cached."""
    lines = ["| peer | import s | first step s | peak MiB |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as cache:
        for peer in peers:
            for state in ("cold", "warm") if peer == "engine" else ("",):
                environment = dict(os.environ, NABLASCOPE_QUIET="1")
                if peer == "engine":
                    environment["NUMBA_CACHE_DIR"] = cache
                done = subprocess.run(
                    [sys.executable, "-m", "tests.benchmarks.startup", peer, str(row)],
                    capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
                )
                if done.returncode == 0:
                    found = json.loads(done.stdout.splitlines()[-1])
                    name = f"{peer} {state}".strip()
                    lines.append(
                        f"| {name} | {found['import_s']:.2f} | {found['first_step_s']:.2f} | {found['peak_mib']:.0f} |"
                    )
    return lines


def debugging(rounds: int) -> list[str]:
    """What observers cost, as a table; measured in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.debug", str(rounds), "0.03"],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ, NABLASCOPE_QUIET="1"), check=True,
    )
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    return debug.table({answer["row"]: answer["found"] for answer in answers})


def machine() -> str:
    """The processor, its cores, and the versions that were run."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for entry in information.read_text().splitlines():
            if entry.startswith("model name"):
                name = entry.split(":", 1)[1].strip()
                break
    from importlib.metadata import PackageNotFoundError, version

    versions = []
    for package in ("numba", "numpy", "torch", "jax"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}"


def main() -> None:
    """Run what the command line asks for and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of steps, for each peer and round")
    parser.add_argument("--rows", help="numbers of rows, separated by commas; all if not given")
    parser.add_argument("--peers", default="engine,pytorch,torch.compile,jax")
    parser.add_argument("--write", action="store_true", help=f"write the tables to {RESULTS.name}")
    parser.add_argument("--only", choices=("peers", "debug", "desktop", "sizes", "gpu"), help="this part; all if not given")
    options = parser.parse_args()
    print(machine(), flush=True)
    parts: list[str] = []
    if options.only in (None, "peers"):
        parts += compare(options)
    if options.only in (None, "debug"):
        lines = debugging(DEBUG_ROUNDS)
        print("\nDebugging\n\n" + "\n".join(lines))
        parts.append(f"## Debugging\n\n{DEBUG_ROUNDS} interleaved rounds, medians of their ratios.\n\n" + "\n".join(lines))
    if options.only in (None, "desktop"):
        lines = desktop.table(desktop.measure(options.rounds))
        platform_name = os.environ.get("QT_QPA_PLATFORM", "offscreen")
        print(f"\nDesktop ({platform_name})\n\n" + "\n".join(lines))
        note = f"Qt platform {platform_name}; {options.rounds} interleaved rounds."
        parts.append(f"## Desktop\n\n{note}\n\n" + "\n".join(lines))
    if options.only in (None, "sizes"):
        lines = sizes.table(sizes.measure())
        print("\nSizes\n\n" + "\n".join(lines))
        parts.append("## Sizes\n\nThe window on networks of these sizes.\n\n" + "\n".join(lines))
    if options.only in (None, "gpu"):
        parts += on_gpu(options.seconds)
    if options.write:
        RESULTS.write_text(renewed(RESULTS.read_text() if RESULTS.exists() else "", parts))


def renewed(old: str, parts: list[str]) -> str:
    """The results with these parts (``## title``, text) in the place of those of their titles; others stay as they are."""
    _, *rest = [text.strip() for text in ("\n" + old).split("\n## ")]
    known = {text.partition("\n")[0]: text for text in rest}
    for part in parts:
        title, _, text = part.removeprefix("## ").partition("\n")
        known[title] = f"{title}\n\nOn {machine()}.\n\n{text.strip()}"
    head = "# Results\n\nOf `python -m tests.benchmarks --write`; each part says where it was measured. Medians."
    return "\n\n".join([head, *[f"## {text}" for text in known.values()]]) + "\n"


def on_gpu(seconds: float) -> list[str]:
    """The table of the GPU, printed and as a part of the results; none where there is no GPU."""
    why = gpu.missing()
    if why is not None:
        print(f"\nGPU: nothing is measured. {why}")
        return []
    from engine import cuda

    lines = gpu.table(gpu.measure(seconds))
    print(f"\n{cuda.get_device_name()}\n\n" + "\n".join(lines))
    return [f"## GPU\n\n{cuda.get_device_name()}.\n\n" + "\n".join(lines)]


def compare(options: argparse.Namespace) -> list[str]:
    """The engine and its peers: the tables, printed and as parts of the results."""
    peers = [p for p in options.peers.split(",") if importlib.util.find_spec(MODULES[p])]
    rows = [int(r) for r in options.rows.split(",")] if options.rows else list(range(len(ROWS)))
    head = [
        "| training step | " + " | ".join(f"{p} µs" for p in peers) + " | "
        + " | ".join(f"{p} / engine" for p in peers[1:]) + " |",
        "|---" * (2 * len(peers)) + "|",
    ]
    print("\n" + "\n".join(head), flush=True)
    medians = measure(peers, rows, options.rounds, options.seconds)
    table = head + [line(row, medians[row], peers) for row in rows]
    starts = start_up(peers, 8)
    print("\nStart-up, on " + ROWS[8].title + "\n\n" + "\n".join(starts))
    note = f"{options.rounds} interleaved rounds, medians."
    engine = f"## Engine\n\n{note}\n\n" + "\n".join(table)
    return [engine, "## Start-up\n\nOn " + ROWS[8].title + ".\n\n" + "\n".join(starts)]


if __name__ == "__main__":
    main()
