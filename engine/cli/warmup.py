"""``nablascope warmup``: compile the kernels of the usual networks once, so that later runs start at once.

For the CPU, and where there is a GPU also for that.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

from engine.plural import plural


def warmup() -> int:
    """Take one training step with each network of :func:`_steps`; compiled kernels stay in the cache folder."""
    import engine as torch
    from engine.cache import cache_folder
    from engine.kernels.jit import compile_progress

    begun = time.perf_counter()
    devices = ["cpu", *["cuda"] * torch.cuda.is_available()]
    with torch.random.fork_rng():
        for number, (name, step) in enumerate(steps := [step for device in devices for step in _steps(torch, device)], 1):
            print(f"{number} of {len(steps)}: {name}", flush=True)
            step()
    seconds = time.perf_counter() - begun
    compiled = compile_progress.compiled
    print(f"{compiled} {plural(compiled, 'kernel')} compiled in {seconds:.0f} s, kept in {cache_folder()}")
    return 0


def _steps(torch: Any, device: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Networks of the samples' kinds and sizes: on the CPU small ones run serial kernels, large ones parallel kernels."""
    for name, training in _networks(torch):
        yield name if device == "cpu" else f"{name}, on the GPU", functools.partial(training, device)


def _networks(torch: Any) -> Iterator[tuple[str, Callable[[str], None]]]:
    nn = torch.nn
    two_points = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    yield "2-8-1, batch 2, BCE, SGD", _training(
        torch, two_points, (2, 2), nn.BCELoss(), torch.rand(2, 1), torch.optim.SGD, lr=0.01
    )
    xor = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    yield "2-4-1, batch 4, BCE with logits, SGD with momentum", _training(
        torch, xor, (4, 2), nn.BCEWithLogitsLoss(), torch.rand(4, 1), torch.optim.SGD, lr=0.01, momentum=0.9
    )
    for shape, hidden in (((32, 64), 128), ((64, 784), 128)):
        dense = nn.Sequential(
            nn.Linear(shape[1], hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, 10)
        )  # fmt: skip
        classes = torch.randint(0, 10, shape[:1])
        for optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW):
            yield f"{shape[1]}-{hidden}-10, batch {shape[0]}, cross-entropy, {optimizer.__name__}", _training(
                torch, dense, shape, nn.CrossEntropyLoss(), classes, optimizer, lr=1e-3
            )
    for batch in (32, 64):
        yield f"two convolutions, batch {batch}, cross-entropy, Adam", _training(
            torch, _convolutional(nn), (batch, 1, 28, 28), nn.CrossEntropyLoss(), torch.randint(0, 10, (batch,)),
            torch.optim.Adam, lr=1e-3,
        )  # fmt: skip
    yield "the debugger's statistics and its pictures of large tensors", functools.partial(_debugging, torch, xor)


def _debugging(torch: Any, model: Any, device: str) -> None:
    """What the debugger has kernels of its own for: else its first look at a large tensor would wait for a compiler."""
    from engine import trace
    from engine.debug.statistics.observer import Statistics
    from engine.debug.views import arrays

    before = trace.set_observer(Statistics("histograms", ratio_every=1))
    try:
        _training(torch, model, (4, 2), torch.nn.BCEWithLogitsLoss(), torch.rand(4, 1), torch.optim.SGD, lr=0.01)(device)
    finally:
        trace.set_observer(before)
    # Labels are looked at too, as float64; hardly ever so many that several threads do it.
    for rows, dtype in ((2, torch.float32), (1024, torch.float32), (2, torch.int64)):
        array = torch.zeros(rows, 1024, dtype=dtype).numpy()
        arrays.view(array)
        arrays.describe(array)
        arrays.histogram(array)


def _convolutional(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def _training(
    torch: Any, model: Any, shape: tuple[int, ...], loss_fn: Any, target: Any, optimizer: Any, **options: float
) -> Callable[[str], None]:
    """One step of training, then one forward in eval mode."""

    def step(device: str) -> None:
        x = torch.randn(*shape).to(device)
        model.to(device)
        updates = optimizer(model.parameters(), **options)
        updates.zero_grad()
        loss_fn(model(x), target.to(device)).backward()
        updates.step()
        model.eval()
        with torch.no_grad():
            model(x)

    return step
