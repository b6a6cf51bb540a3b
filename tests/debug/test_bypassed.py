"""Scripts that compute with PyTorch itself, of which nothing can be seen: it is said, and what to do."""

import pytest

from engine.debug.session import Session
from engine.script.program import imported

#: Stands in for PyTorch: a module of that name beside the script.
PYTORCH = "def ones(n): return [1.0] * n\n"


@pytest.fixture
def stops(tmp_path):
    """``stops(text, **how)``: the first stop of a script beside another ``torch``, and its last."""
    (tmp_path / "torch.py").write_text(PYTORCH)

    def of(text, **how):
        script = tmp_path / "train.py"
        script.write_text(text)
        with Session.launch(str(script), capture_output=True, **how) as session:
            return session.start(), session.step("continue")

    return of


def test_the_packages_that_a_script_imports():
    text = "import a.b as c, d\ndef late():\n    from e.f import g\n    from . import h\n'import i'\n"
    assert imported(text) == {"a", "d", "e"}


@pytest.mark.parametrize("line", ["import torch", "from torch import ones", "def f():\n    import torchvision"])
def test_a_script_that_imports_pytorch_is_told_where_it_begins(stops, line):
    first, last = stops(f"{line}\n")
    assert first.reason == "entry" and first["bypassed"] == "torch"
    assert last.reason == "end" and last.get("bypassed") == (None if "vision" in line else "torch")


def test_one_that_imports_it_on_another_way_is_told_where_it_ends(stops):
    first, last = stops("import importlib\nimportlib.import_module('torch').ones(2)\n")
    assert "bypassed" not in first and last["bypassed"] == "torch"


@pytest.mark.parametrize(
    "text, as_torch",
    [
        ("import torch\nprint(torch.ones(2).sum())", True),
        ("import engine\nprint(engine.ones(2).sum())", False),
        ("import torch\nimport engine\nprint(engine.ones(2).sum(), torch.ones(2))", False),
        ("print('import torch')", False),
    ],
)
def test_what_is_computed_here_is_not_bypassed(stops, text, as_torch):
    first, last = stops(text, as_torch=as_torch)
    assert last.reason == "end" and "bypassed" not in first and "bypassed" not in last


def test_one_that_begins_at_a_breakpoint_is_told_too(tmp_path):
    (tmp_path / "torch.py").write_text(PYTORCH)
    script = tmp_path / "train.py"
    script.write_text("import torch\ny = torch.ones(2)\n")
    with Session.launch(str(script), capture_output=True) as session:
        session.configure("setBreakpoints", source={"path": str(script)}, breakpoints=[{"line": 1}])
        first = session.start()
        assert first["entry"] is True and first["bypassed"] == "torch"
        assert "bypassed" not in session.step("next", granularity="line")
