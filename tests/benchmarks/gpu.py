"""Speed on the GPU: training steps, matrix products, convolutions, and kernels that memory limits.

``python -m tests.benchmarks --only gpu`` prints the tables; ``python -m tests.benchmarks.gpu PEER SECONDS`` measures one
peer (``engine`` or ``torch``) in a process of its own and prints JSON lines. PyTorch (cuBLAS, cuDNN) computes in full
float32, without TF32. A time is the median over batches of calls, each batch ended by waiting for the GPU.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import eager_step
from tests.benchmarks.rows import ROWS, Row, mlp

ROOT = Path(__file__).parents[2]


def _residual_like(image: int) -> tuple:
    """Pairs of 3x3 convolutions with 64 to 512 channels, halved by pooling between them."""
    layers: list[tuple] = []
    channels = 3
    for filters in (64, 128, 256, 512):
        layers += [("conv", channels, filters), ("relu",), ("conv", filters, filters), ("relu",), ("pool",)]
        channels = filters
    return (*layers, ("flatten",), ("linear", 512 * (image // 16) ** 2, 10))


LARGE = (
    Row("4096-4096-4096-10", mlp(4096, 4096, 4096, 10), (1024, 4096), 10, "sgd"),
    Row("conv64 to conv512 on 3x32x32", _residual_like(32), (256, 3, 32, 32), 10, "sgd"),
)


@dataclass(frozen=True)
class Sizes:
    """What is measured; the tests take less of it."""

    rows: tuple[Row, ...] = (*ROWS, *LARGE)
    products: tuple[int, ...] = (512, 1024, 2048, 4096, 8192)
    #: (batch, channels, filters, side of the picture)
    convolutions: tuple[tuple[int, int, int, int], ...] = ((256, 64, 64, 32), (256, 128, 128, 16), (256, 256, 256, 8))
    elements: int = 1 << 26
    #: Batches of calls that are timed, for each item.
    batches: int = 10


Item = tuple[str, str, float, Callable[[], object]]


def items(torch: Any, sizes: Sizes) -> Iterator[Item]:
    """(part, title, work of one call, call): work in multiply-adds times two, in bytes, or 0 where a time is wanted."""
    for row in sizes.rows:
        yield "step", row.title, 0, eager_step(torch, row, device="cuda")
    for n in sizes.products:
        a, b = (torch.randn(n, n, device="cuda") for _ in range(2))
        yield "matrix product", f"{n} x {n}", 2.0 * n**3, lambda a=a, b=b: torch.matmul(a, b)
    for n, channels, filters, side in sizes.convolutions:
        yield from _convolution(torch, n, channels, filters, side)
    yield from _memory(torch, sizes.elements)


def _convolution(torch: Any, n: int, channels: int, filters: int, side: int) -> Iterator[Item]:
    x = torch.randn(n, channels, side, side, device="cuda", requires_grad=True)
    w = torch.randn(filters, channels, 3, 3, device="cuda", requires_grad=True)
    dy = torch.randn(n, filters, side, side, device="cuda")
    work = 2.0 * n * channels * filters * 9 * side**2

    def both() -> None:
        x.grad = w.grad = None
        torch.nn.functional.conv2d(x, w, padding=1).backward(dy)

    def forward() -> None:
        with torch.no_grad():
            torch.nn.functional.conv2d(x, w, padding=1)

    title = f"{channels} to {filters} channels, {side} x {side}, batch {n}"
    yield "conv2d", f"{title}, forward", work, forward
    yield "conv2d", f"{title}, forward and backward", 3 * work, both


def _memory(torch: Any, elements: int) -> Iterator[Item]:
    x, y, z = (torch.randn(elements, device="cuda") for _ in range(3))
    size = 4.0 * elements
    yield "memory", "copy", 2 * size, lambda: y.copy_(x)
    yield "memory", "add", 3 * size, lambda: torch.add(x, z)
    yield "memory", "relu", 2 * size, lambda: torch.relu(x)
    yield "memory", "sum", size, lambda: torch.sum(x)
    weight = torch.nn.Parameter(x)
    weight.grad = z
    optimizer = torch.optim.SGD([weight], lr=0.01, momentum=0.9)
    yield "memory", "SGD with momentum", 5 * size, optimizer.step


def seconds_of(torch: Any, call: Callable[[], object], seconds: float, batches: int) -> float:
    """The median time of one call."""
    # The first call compiles kernels.
    call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    count = max(1, int(seconds / batches / max(time.perf_counter() - start, 1e-7)))
    times = []
    for _ in range(batches):
        start = time.perf_counter()
        for _ in range(count):
            call()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / count)
    return statistics.median(times)


def measured(peer: str, seconds: float, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """One answer for each item."""
    torch = importlib.import_module(peer)
    if peer == "torch":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.manual_seed(0)
    for part, title, work, call in items(torch, sizes):
        yield {"part": part, "title": title, "work": work, "seconds": seconds_of(torch, call, seconds, sizes.batches)}


def missing() -> str | None:
    """Why there is nothing to measure; None where there is a GPU."""
    from engine.device import gate

    return "numba.cuda's simulator has no speed to measure" if gate.simulated() else gate.missing()


def peers() -> list[str]:
    """The engine, and PyTorch where it can use the GPU."""
    found = ["engine"]
    if importlib.util.find_spec("torch") and importlib.import_module("torch").cuda.is_available():
        found.append("torch")
    return found


def measure(seconds: float) -> dict[str, list[dict[str, Any]]]:
    """The answers of each peer, measured one after the other."""
    answers = {}
    for peer in peers():
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.gpu", peer, str(seconds)],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ, NABLASCOPE_QUIET="1"), check=True,
        )
        answers[peer] = [json.loads(line) for line in done.stdout.splitlines()]
    return answers


def table(answers: dict[str, list[dict[str, Any]]]) -> list[str]:
    """A line for each item: times in µs, what is done in a second, and how the engine compares.

    Memory is compared with PyTorch's, or else the engine's own, copy of an array; everything else with PyTorch's time.
    """
    lines = ["| part | what | engine µs | engine rate | PyTorch µs | engine against it |", "|---" * 6 + "|"]
    others = {(a["part"], a["title"]): a for a in answers.get("torch", [])}
    copies = [a for a in answers.get("torch", answers["engine"]) if (a["part"], a["title"]) == ("memory", "copy")]
    for answer in answers["engine"]:
        other = others.get((answer["part"], answer["title"]))
        took = f"{other['seconds'] * 1e6:,.1f}" if other else "-"
        compared = f"{other['seconds'] / answer['seconds']:.2f}" if other else "-"
        if answer["part"] == "memory" and copies:
            compared = f"{_rate(answer) / _rate(copies[0]):.2f} of a copy"
        unit = "GB/s" if answer["part"] == "memory" else "Gflop/s"
        rate = f"{_rate(answer) / 1e9:,.0f} {unit}" if answer["work"] else "-"
        cells = (answer["part"], answer["title"], f"{answer['seconds'] * 1e6:,.1f}", rate, took, compared)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _rate(answer: dict[str, Any]) -> float:
    return answer["work"] / answer["seconds"]


if __name__ == "__main__":
    for answered in measured(sys.argv[1], float(sys.argv[2]), Sizes()):
        print(json.dumps(answered), flush=True)
