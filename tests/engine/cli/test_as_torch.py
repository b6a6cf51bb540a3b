"""``nablascope run --as-torch``: torch means the engine for one script."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.cli.main import main
from engine.errors import MissingError
from engine.script.as_torch import _MODULES, as_torch, install

SCRIPTS = Path(__file__).parent / "scripts"
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+")


def write(folder, text, name="script.py"):
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["hand_written", "autograd", "sequential", "dynamic", "classify"])
def test_prints_what_pytorch_prints(name, capsys):
    pytest.importorskip("torch")
    script = str(SCRIPTS / f"{name}.py")
    real = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    assert main(["run", "--as-torch", script]) == 0
    ours = capsys.readouterr().out
    assert NUMBER.sub("#", ours) == NUMBER.sub("#", real)
    numbers = [float(number) for number in NUMBER.findall(ours)]
    assert len(numbers) > 10
    assert numbers == pytest.approx([float(number) for number in NUMBER.findall(real)], rel=1e-4, abs=1e-6)


def test_saved_state_is_safetensors(tmp_path, capsys):
    from safetensors.numpy import load_file

    path = tmp_path / "net.pt"
    assert main(["run", "--as-torch", str(SCRIPTS / "classify.py"), "--dry-run", "--save-model", str(path)]) == 0
    arrays = load_file(path)
    assert arrays["conv1.weight"].shape == (4, 1, 3, 3)
    assert capsys.readouterr().out.count("Loss") == 2


def test_names_are_the_engines_own_objects():
    with as_torch():
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        from torch.optim.lr_scheduler import StepLR
        from torch.utils.data import DataLoader
        from torchvision import datasets, transforms
        from torchvision.datasets import MNIST

        assert torch.nn is nn
        assert torch.nn.functional is F
        assert nn.Linear is engine.nn.Linear
        assert F.relu is engine.nn.functional.relu
        assert torch.Tensor is engine.Tensor
        assert StepLR is engine.optim.lr_scheduler.StepLR
        assert DataLoader is engine.utils.data.DataLoader
        assert torch.utils.data.DataLoader is DataLoader
        assert MNIST is datasets.MNIST is engine.utils.data.datasets.MNIST
        assert transforms.ToTensor is engine.utils.data.transforms.ToTensor
        assert isinstance(torch.zeros(2), torch.Tensor)
        assert torch.float is engine.float32
        assert torch.pi == engine.pi
        assert torch.__version__.startswith("2.")
        assert "nablascope" in torch.__version__
        assert "Linear" in dir(nn)
        assert "nn" in dir(torch)


@pytest.mark.parametrize("name", sorted(_MODULES))
def test_every_module_can_be_imported(name):
    with as_torch():
        module = importlib.import_module(name)
        parent, _, child = name.rpartition(".")
        assert not parent or getattr(importlib.import_module(parent), child) is module


def test_flags_can_be_set():
    with as_torch():
        import torch
        import torch.backends.cudnn as cudnn

        cudnn.benchmark = True
        torch.backends.cudnn.deterministic = True
        assert torch.backends.cudnn.benchmark is True
        assert not torch.backends.mps.is_available()


def test_what_was_there_before_comes_back():
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}
    finders = list(sys.meta_path)
    installation = install()
    import torch.nn

    inner = torch
    with as_torch():
        import torch.optim

        assert torch is not inner
    assert sys.modules["torch"] is inner
    installation.remove()
    installation.remove()
    assert sys.meta_path == finders
    assert {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"} == before


def test_other_imports_are_left_alone():
    with as_torch(), pytest.raises(ModuleNotFoundError, match="torchless"):
        import torchless  # noqa: F401


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import torch.fft", "torch.fft"),
        ("from torch import fft", "torch.fft"),
        ("from torch.nn import LSTMCellOfMine", "torch.nn.LSTMCellOfMine"),
        ("import torch.distributed as dist", "torch.distributed"),
        ("from torchvision.datasets import CIFAR100", "torchvision.datasets.CIFAR100"),
        ("import torchvision.models", "torchvision.models"),
    ],
)
def test_missing_import_names_name_and_line(statement, name, tmp_path, capsys):
    script = write(tmp_path, f"import torch\n\n{statement}\n")
    assert main(["run", "--as-torch", script]) == 1
    error = capsys.readouterr().err
    assert f"script.py, line 3: {name} is not part of this engine" in error
    assert "as_torch.py" not in error


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("torch.fft", "torch.fft"),
        ("torch.nn.NoSuchLayer(3)", "torch.nn.NoSuchLayer"),
        ("torch.trainer", "torch.trainer"),
        ("torch.optim.LBFGS", "torch.optim.LBFGS"),
        ("torch.nn.functional.no_such_loss", "torch.nn.functional.no_such_loss"),
    ],
)
def test_missing_attribute_names_name_and_line(expression, name, tmp_path, capsys):
    script = write(tmp_path, f"import torch\ndef use():\n    return {expression}\nuse()\n")
    assert main(["run", "--as-torch", script]) == 1
    error = capsys.readouterr().err
    assert f"script.py, line 3: {name} is not part of this engine" in error
    assert "as_torch.py" not in error


def test_missing_names_can_be_asked_for():
    with as_torch():
        import torch

        assert not hasattr(torch, "fft")
        assert getattr(torch, "fft", None) is None
        with pytest.raises(ImportError):
            import torch.utils.tensorboard
        with pytest.raises(MissingError):
            torch.fft
