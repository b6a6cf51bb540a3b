"""The house rules that can be checked by reading the source: which part may import which, and what stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Parts of the engine, lowest first; a part may import its own tier and the tiers below.
TIERS = (
    {"definitions", "errors", "trace", "cache", "plural", "temporary"},
    {"device", "dtypes", "limits"},
    {"kernels"},
    {"random"},
    {"tensor", "function", "backward", "printing", "settings"},
    {"ops", "creation", "from_data", "random_tensors", "autograd", "linalg"},
    {"nn", "optim", "utils", "checkpoint", "cuda", "backends", "accelerator", "inspection"},
    {"metrics", "summary", "trainer", "figures"},
    {"script"},
    {"debug"},
    {"cli", "__main__"},
)
TIER = {name: i for i, names in enumerate(TIERS) for name in names}

#: Arrows against the order, inside functions only, each with its reason.
LATE = {
    ("nn", "summary"),  # Module.summary is the method that users look for
}


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


def part(path):
    inside = path.relative_to(ROOT / "engine")
    return inside.parts[0].removesuffix(".py")


def imported_parts(path):
    """The part of the engine that each import of the engine in ``path`` names; imports for type checkers do not count."""
    tree = ast.parse(path.read_text())
    for_checkers = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in for_checkers:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] if node.module != "engine" else [f"engine.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        else:
            continue
        for name in names:
            pieces = name.split(".")
            if pieces[0] == "engine" and len(pieces) > 1:
                yield pieces[1]


@pytest.mark.parametrize("path", [p for p in modules("engine") if p.parent != ROOT / "engine" or p.name != "__init__.py"],
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_imports_upward(path):
    here = part(path)
    assert here in TIER, f"engine/{here} has no place in TIERS"
    for there in imported_parts(path):
        if there in TIER and (here, there) not in LATE:
            assert TIER[there] <= TIER[here], f"{path.relative_to(ROOT)} imports engine.{there}, which stands above it"


#: What speaks to the engine process and loads neither NumPy nor Numba.
CLIENT_SIDE = {"engine.debug.protocol", "engine.debug.client", "engine.debug.session"}


def test_the_window_sees_the_protocol_only():
    for path in modules("gui"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
            for name in names:
                assert not name.startswith("engine") or name in CLIENT_SIDE, f"{path} imports {name}"


@pytest.mark.parametrize("package", ["engine", "gui"])
def test_importing_is_light(package):
    heavy = "numba scipy matplotlib sklearn PIL PyQt6 torch".split()
    code = f"import sys, {package}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_no_star_imports_and_no_swallowed_errors():
    for path in modules("engine") + modules("gui") + modules("samples"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert all(a.name != "*" for a in node.names), f"{path}: star import"
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, f"{path}:{node.lineno}: bare except"
                silent = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
                assert not silent, f"{path}:{node.lineno}: an error is swallowed"
