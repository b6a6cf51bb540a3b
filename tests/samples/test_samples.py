"""Every sample runs as it is shipped, with parameters of its own, and prints what it promises."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.script import parameters

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples").glob("*.py"))


def run(name, folder, *settings, command=("-m", "engine", "run")):
    """Run a sample in ``folder``; return what it printed."""
    options = [part for setting in settings for part in ("-p", setting)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"}
    process = subprocess.run(
        [sys.executable, *command, *options, str(ROOT / "samples" / f"{name}.py")],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    return process.stdout


def numbers(pattern, output):
    found = re.findall(pattern, output)
    assert found, output
    return [float(text) for text in found]


def figures_of(name, folder):
    return sorted(path.name for path in (folder / "runs" / name).glob("*.png"))


def test_all_samples_are_here():
    assert [path.stem for path in SAMPLES] == [
        "digits_mlp", "fashion_cnn", "fashion_mlp", "linear_regression", "overfitting", "two_points", "xor",
    ]  # fmt: skip


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_form(path):
    source = path.read_text()
    assert source.startswith("# %% [markdown]\n# # ")
    assert source.count("\n") < 120
    lines = parameters.cell_range(source)
    assert lines is not None
    defaults = parameters.defaults(ast.parse(source), lines)
    assert {"seed", "epochs", "folder"} <= set(defaults)
    assert ... not in defaults.values()
    assert defaults["folder"] == f"runs/{path.stem}"


def test_linear_regression(tmp_path):
    output = run("linear_regression", tmp_path)
    found, best = numbers(r"y = ([-\d.]+) x", output)
    assert found == pytest.approx(best, abs=1e-3)
    assert best == pytest.approx(2.5, abs=0.2)
    assert figures_of("linear_regression", tmp_path) == ["curves.png", "line.png"]


def test_xor(tmp_path):
    output = run("xor", tmp_path, "epochs=500")
    one, two = numbers(r"right: (\d) of 4", output)
    assert one < 4
    assert two == 4


def test_two_points(tmp_path):
    output = run("two_points", tmp_path, "folder=''")
    losses = numbers(r"epoch +\d+  loss ([\d.]+)", output)
    assert losses == sorted(losses, reverse=True)
    first, second = numbers(r"-> ([\d.]+), wanted", output)
    assert first < 0.4 < 0.7 < second
    for before, gradient, after in re.findall(r"weight \d +(\S+) +(\S+) +(\S+)", output):
        assert float(after) == pytest.approx(float(before) - 0.01 * float(gradient), abs=2e-6)
    assert list(tmp_path.iterdir()) == []


def test_two_points_by_pytorch(tmp_path):
    """The trajectory is PyTorch's."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.tensor([[0.9, -0.2], [0.75, 0.6]]), torch.tensor([[0.0], [1.0]])
    expected = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    output = run("two_points", tmp_path, "folder=''", "epochs=200")
    losses = numbers(r"epoch +\d+  loss ([\d.]+)", output)
    assert losses == pytest.approx([expected[0], *expected[19::20]], abs=2e-6)


def test_overfitting(tmp_path):
    output = run("overfitting", tmp_path)
    training = numbers(r"loss: training ([\d.]+)", output)
    validation = numbers(r"validation ([\d.]+)  accuracy", output)
    assert len(training) == 4
    assert training[0] == min(training)
    assert validation[0] == max(validation)
    assert validation[3] == min(validation)


def test_digits_mlp(tmp_path):
    output = run("digits_mlp", tmp_path, "folder=''")
    assert numbers(r"\ntest accuracy ([\d.]+)%", output)[0] >= 97


def test_fashion_mlp(tmp_path):
    output = run("fashion_mlp", tmp_path, "epochs=1", "hidden=32")
    assert numbers(r"\ntest accuracy ([\d.]+)%", output)[0] > 50
    assert (tmp_path / "runs" / "fashion_mlp" / "best.safetensors").is_file()


def test_fashion_cnn(tmp_path):
    output = run("fashion_cnn", tmp_path, "epochs=1", command=("-m", "engine", "run", "--threads", "1"))
    assert "shipped part, 6000 of 60000" in output
    assert numbers(r"\ntest accuracy ([\d.]+)%", output)[0] > 60
    matrix = re.findall(r"\|((?: +[\d.]+){10})\n", output)
    counts = [[int(count.replace(".", "0")) for count in row.split()] for row in matrix]
    assert [sum(row) for row in counts] == [100] * 10
    assert figures_of("fashion_cnn", tmp_path) == [
        "confusion.png", "curves.png", "feature_maps.png", "filters.png", "mistakes.png",
    ]  # fmt: skip


def test_plain_python_runs_a_sample(tmp_path):
    assert "right: 4 of 4" in run("xor", tmp_path, command=())


@pytest.mark.slow
def test_fashion_cnn_accuracy(tmp_path):
    output = run("fashion_cnn", tmp_path, "folder=''")
    assert numbers(r"\ntest accuracy ([\d.]+)%", output)[0] >= 85
