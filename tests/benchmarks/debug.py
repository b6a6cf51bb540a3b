"""What observers cost: training steps with one attached against steps with none, interleaved, in one process.

``python -m tests.benchmarks --only debug`` prints the table; ``python -m tests.benchmarks.debug ROUNDS SECONDS`` runs the
measurement and prints JSON lines. In each round all take turns; a ratio is the median over the rounds of
(median step attached) / (median step detached), so that drift of the machine hits both sides alike. Behind it stands the
ratio of the fastest steps, which other work on the machine disturbs least.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.peers import engine_step
from tests.benchmarks.rows import ROWS

#: The rows for which the design sets a limit, and the limits on the ratios.
MEASURED = (4, 8)
LIMITS = {"statistics": 1.15, "recorder": 1.05}


def _statistics() -> Any:
    return importlib.import_module("engine.debug.statistics.observer").Statistics()


def _recorder() -> Any:
    return importlib.import_module("engine.debug.replay.recorder").Recorder()


#: What is attached: every-step statistics; what is attached while a debugger lets the script run freely.
OBSERVERS: dict[str, Callable[[], Any]] = {"detached": lambda: None, "statistics": _statistics, "recorder": _recorder}

_WARM_UP = 5


def measure(row: int, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """{observer: {"us": median step in µs, "ratio": to detached, "fastest": ratio of the fastest steps}}.

    Each observer gets ``seconds`` a round.
    """
    trace = importlib.import_module("engine.trace")
    step = engine_step(ROWS[row])
    observers = {name: make() for name, make in OBSERVERS.items()}
    medians: dict[str, list[float]] = {name: [] for name in observers}
    fastest = dict.fromkeys(observers, float("inf"))
    order = list(observers)
    for turn in range(rounds + 1):
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            trace.set_observer(observers[name])
            times = _times(step, seconds)
            if turn > 0:
                medians[name].append(statistics.median(times))
                fastest[name] = min(fastest[name], min(times))
    trace.set_observer(None)
    return {
        name: {
            "us": statistics.median(found) * 1e6,
            "ratio": statistics.median(a / b for a, b in zip(found, medians["detached"], strict=True)),
            "fastest": fastest[name] / fastest["detached"],
        }
        for name, found in medians.items()
    }


def _times(step: Callable[[], object], seconds: float) -> list[float]:
    for _ in range(_WARM_UP):
        step()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def table(found: dict[int, dict[str, dict[str, float]]]) -> list[str]:
    """The results as lines of a Markdown table."""
    names = [name for name in OBSERVERS if name != "detached"]
    lines = [
        "| training step | detached µs | "
        + " | ".join(f"{name} µs | {name} / detached (at most {LIMITS[name]})" for name in names) + " |",
        "|---" * (2 + 2 * len(names)) + "|",
    ]
    for row, values in found.items():
        cells = [ROWS[row].title, f"{values['detached']['us']:,.0f}"]
        for name in names:
            cells += [f"{values[name]['us']:,.0f}", f"{values[name]['ratio']:.3f} ({values[name]['fastest']:.3f})"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main(rounds: int, seconds: float) -> None:
    """Measure all rows; one JSON line each."""
    for row in MEASURED:
        print(json.dumps({"row": row, "found": measure(row, rounds, seconds)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
