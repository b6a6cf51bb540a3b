"""One seed, one result: across runs, processes, thread counts and threading layers; and memory that stays put."""

import gc
import hashlib
import importlib
import json
import os
import resource
import subprocess
import sys
import weakref

import numba
import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.function import Function

THREADS = numba.config.NUMBA_NUM_THREADS


def make_net():
    """A net with convolution, batch norm, pooling, dropout and dense layers, large enough for parallel kernels."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Dropout(0.3), nn.Linear(16 * 5 * 5, 32), nn.GELU(), nn.Linear(32, 10),
    )


def run(steps=8, seed=5):
    """Train; the losses and a digest of all parameters and buffers."""
    torch.manual_seed(seed)
    net = make_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    losses = []
    for _ in range(steps):
        x, y = torch.randn(32, 1, 24, 24), torch.randint(0, 10, (32,))
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    digest = hashlib.sha256(b"".join(value.numpy().tobytes() for value in net.state_dict().values())).hexdigest()
    return losses, digest


def run_in_process(**environment):
    """:func:`run` in a new process: losses, digest, threading layer."""
    code = (
        "import json, numba\n"
        "from tests.engine.test_determinism import run\n"
        "result = run()\n"
        "print(json.dumps([*result, numba.threading_layer() if numba.config.NUMBA_NUM_THREADS > 1 else None]))\n"
    )
    return json.loads(process(code, **environment))


def process(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_runs_are_bit_identical():
    assert run() == run()


def test_another_seed_gives_another_result():
    assert run()[1] != run(seed=6)[1]


def test_two_processes_are_bit_identical():
    losses, digest, _ = run_in_process()
    assert (losses, digest) == run()


@pytest.mark.slow
def test_compiling_and_loading_compiled_kernels_give_the_same_bits(tmp_path):
    compiled, loaded = (run_in_process(NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert compiled == loaded


@pytest.mark.skipif(THREADS == 1, reason="needs two threads")
def test_thread_counts_agree_within_rounding():
    expected, _ = run()
    before = numba.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = run()
        assert one == run()
    finally:
        numba.set_num_threads(before)
    np.testing.assert_allclose(one[0], expected, rtol=1e-5)
    np.testing.assert_allclose(run_in_process(NUMBA_NUM_THREADS="1")[0], expected, rtol=1e-5)


@pytest.mark.skipif(THREADS == 1, reason="needs two threads")
@pytest.mark.parametrize("wanted", ["tbb", "omp", "workqueue"])
def test_every_threading_layer_gives_the_same_bits(wanted):
    if wanted != "workqueue":
        importlib.import_module("engine.kernels.jit")
        pytest.importorskip(f"numba.np.ufunc.{wanted}pool", exc_type=ImportError)
    losses, digest, layer = run_in_process(NUMBA_THREADING_LAYER=wanted)
    assert layer == wanted
    assert (losses, digest) == run()


def test_two_threads_at_once_do_not_abort_under_workqueue():
    code = (
        "import threading\n"
        "import numba\n"
        "import engine as torch\n"
        "from engine.nn import functional as F\n"
        "x, w = torch.randn(64, 3, 32, 32), torch.randn(16, 3, 3, 3)\n"
        "m = torch.randn(512, 512)\n"
        "def work():\n"
        "    y = F.softmax(F.relu(F.conv2d(x, w)).flatten(1), 1)\n"
        "    return float(y.sum()) + float(F.linear(m, m).relu().mean())\n"
        "expected, results = work(), []\n"
        "def loop():\n"
        "    results.extend(work() for _ in range(10))\n"
        "threads = [threading.Thread(target=loop) for _ in range(2)]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]\n"
        "assert results == [expected] * 20, (expected, results)\n"
        "print(numba.threading_layer() if numba.config.NUMBA_NUM_THREADS > 1 else 'workqueue')\n"
    )
    assert process(code, NUMBA_THREADING_LAYER="workqueue").strip() == "workqueue"


# ---- memory ----


def make_step(batch=64):
    """A function that does one training step on the same batch."""
    torch.manual_seed(0)
    net = make_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = torch.randn(batch, 1, 24, 24), torch.randint(0, 10, (batch,))
    loss_fn = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def test_steady_state_has_no_page_faults():
    step = make_step()
    for _ in range(15):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        step()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    # A step moves some 20 MB through memory: 5,000 pages. Without the pool, most of them fault at each step.
    # Without the pool there are more than 1,000 a step.
    assert faults < 50 * 4, f"{faults / 50} page faults a step"


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_saved_arrays_die_with_the_loss(no_collector):
    net = make_net()
    x = torch.randn(4, 1, 24, 24)
    hidden = net[:9](x)
    loss = nn.functional.cross_entropy(net[9:](hidden), torch.zeros(4, dtype=torch.int64))
    functions, waiting = [], [loss.grad_fn]
    while waiting:
        function = waiting.pop()
        if not any(function is other() for other in functions):
            functions.append(weakref.ref(function))
            waiting += [behind for behind, _ in function.next_functions if isinstance(behind, Function)]
    del function, waiting
    arrays = [weakref.ref(hidden._array)]
    assert len(functions) >= 10
    del hidden, loss
    assert [f for f in functions if f() is not None] == []
    assert [a for a in arrays if a() is not None] == []


def test_backward_frees_what_was_saved(no_collector):
    x = torch.randn(4, 3, requires_grad=True)
    hidden = (x * 2).tanh()
    loss = hidden.sum()
    saved = weakref.ref(hidden._array)
    del hidden
    assert saved() is not None
    loss.backward()
    assert saved() is None
    assert loss.grad_fn is not None


def test_a_training_step_leaves_no_reference_cycles():
    step = make_step(4)
    step()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        step()
        gc.collect()
        left = [type(o).__name__ for o in gc.garbage if type(o).__module__.startswith(("engine", "numpy"))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert left == []
