"""What a run tells of how far it goes: epochs, batches, speed, and where it computes."""

import sys
import types

import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.debug.outlook import Speed, batch_count, epoch_count, surroundings
from engine.debug.session import Session
from engine.trainer import Trainer
from engine.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from tests.debug.processes import PATIENCE, wait_for


def loader(rows=10, **more):
    return DataLoader(TensorDataset(torch.zeros(rows, 2)), **more)


@pytest.mark.parametrize("options, count", [({}, 10), ({"batch_size": 4}, 3), ({"batch_size": 4, "drop_last": True}, 2)])
def test_batches_of_a_pass(options, count):
    assert batch_count(loader(**options)) == count


def test_a_loader_without_a_length_has_no_count_and_is_left_alone():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(5))

        def __len__(self):
            raise AssertionError("nobody asked")

    class Endless(Dataset):
        def __getitem__(self, index):
            return torch.zeros(1)

    assert batch_count(DataLoader(Stream(), batch_size=2)) is None
    assert batch_count(DataLoader(Endless(), sampler=iter(range(3)))) is None


def test_counting_draws_no_random_numbers():
    class Drawing(Dataset):
        def __getitem__(self, index):
            return torch.zeros(1)

        def __len__(self):
            np.random.rand()
            torch.rand(3)
            return 6

    torch.manual_seed(3)
    found = DataLoader(Drawing(), batch_size=2)
    before = torch.get_rng_state()
    assert batch_count(found) == 3
    assert torch.equal(before, torch.get_rng_state())


def test_epochs_are_told_by_the_usual_names():
    def within(**names):
        frame = types.SimpleNamespace(f_locals=names, f_globals={}, f_back=None)
        return epoch_count(types.SimpleNamespace(f_locals={}, f_globals={}, f_back=frame))

    assert within(epochs=12) == 12
    assert within(args=types.SimpleNamespace(epochs=14)) == 14
    assert within(trainer=Trainer(max_epochs=3, progress=False), epochs=12) == 3
    assert within(epochs=[1, 2], num_epochs=True, rounds=4) is None
    assert within() is None


def test_speed_is_that_of_the_last_second():
    now = [0.0]
    speed = Speed(lambda: now[0])
    assert speed.of(0) is None
    now[0] = 0.1
    assert speed.of(50) is None
    now[0] = 0.5
    assert speed.of(100) == pytest.approx(200)
    for _ in range(20):
        now[0] += 0.1
        steps = 100 + round((now[0] - 0.5) * 1000)
        rate = speed.of(steps)
    assert rate == pytest.approx(1000)


def test_surroundings():
    torch.manual_seed(77)
    parameter = nn.Parameter(torch.zeros(2))
    found = surroundings([torch.optim.SGD([parameter], lr=1.0)])
    assert found == {"device": "cpu", "threads": torch.get_num_threads(), "seed": 77}
    assert surroundings([])["device"] == "cpu"


def test_before_an_optimizer_has_stepped_the_device_is_the_called_model_s():
    elsewhere = nn.Linear(1, 1)
    elsewhere.parameters = lambda recurse=True: iter([types.SimpleNamespace(device="cuda:0")])
    assert surroundings([], [nn.Linear(1, 1), nn.ReLU(), elsewhere, nn.ReLU()])["device"] == "cuda:0"


def test_stops_progress_and_status_tell_it(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import engine as torch\nfrom engine import nn\nfrom engine.utils.data import DataLoader, TensorDataset\n"
        "epochs = 1000000\ntorch.manual_seed(5)\nmodel = nn.Linear(2, 1)\n"
        "loader = DataLoader(TensorDataset(torch.ones(6, 2)), batch_size=2)\n"
        "opt = torch.optim.SGD(model.parameters(), lr=0.01)\n"
        "for epoch in range(epochs):\n    for (x,) in loader:\n        opt.zero_grad()\n"
        "        loss = model(x).square().mean()\n        loss.backward()\n        opt.step()\n"
    )
    told = []

    def progress():
        return [message["body"] for message in told if message["event"] == "progress"]

    with Session.launch(
        str(script), on_event=lambda run, message: told.append(message), python=sys.executable
    ) as session:
        first = session.start()
        assert first["epochs"] is None and first["batches"] is None
        stop = session.step("runTo", step=2)
        expected = {"epochs": 1_000_000, "batches": 3, "device": "cpu", "seed": 5, "historyBudget": 256 << 20}
        assert expected.items() <= stop.items() and stop["threads"] >= 1 and 0 < stop["historyBytes"] < 1 << 20
        with pytest.raises(TimeoutError):
            session.step("continue", timeout=0.1)
        assert wait_for(lambda: any((body["stepsPerSecond"] or 0) > 10 for body in progress()))
        session.pause()
        session.wait(PATIENCE)
        status = session.request("status")
    assert expected.items() <= status.items() and expected.items() <= progress()[-1].items()


def test_the_kernel_that_is_compiled_is_named():
    from types import SimpleNamespace

    from engine.debug.outlook import compiling
    from engine.kernels.jit import compile_progress

    assert compiling() is None
    happening = SimpleNamespace(data={"dispatcher": SimpleNamespace(py_func=compile_progress_example)})
    compile_progress.on_start(happening)
    assert compiling() == "compile_progress_example"
    compile_progress.on_end(happening)
    assert compiling() is None


def test_a_function_without_a_module_may_be_compiled():
    space = {}
    exec("import numba\n@numba.njit\ndef double(x):\n    return 2 * x\n", space)
    assert space["double"].py_func.__module__ is None
    assert space["double"](21) == 42


def compile_progress_example():
    """Stands for a kernel."""


compile_progress_example.__module__ = "engine.kernels.cpu.example"
