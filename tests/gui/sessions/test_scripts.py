"""Shorter journeys: the other samples, a run that overfits, one that turns NaN, one written for PyTorch."""

import re
from pathlib import Path

from PyQt6.QtWidgets import QComboBox, QGraphicsView, QWidget

from tests.gui.sessions.eyes import count_colors, has_hue, marked_lines, pixels

TESTS = Path(__file__).parents[2]


def open_file(user, path):
    """By the dialog, stopped at its first line."""
    user.open_file(path)
    user.wait(lambda: user.status.startswith("stopped at line"))
    assert user.window.windowTitle() == f"{Path(path).name} – Nablascope"


def walk(user, count, level="op"):
    """Steps of a level; what the status line said at each."""
    user.choose("Level of a step", level)
    said = []
    for _ in range(count):
        user.step("F10")
        said.append(user.status)
    return said


def canvas(user):
    return user.the(QGraphicsView, "Network: *", within=user.panel("Network"))


def heat_map(user):
    return user.the(QWidget, "Heat map*", within=user.panel("Tensor"))


def explain_selected(user, row=0, column=0):
    """Click a number in the Tensor panel, and read what Explain says of it."""
    cells = heat_map(user)
    user.click(cells, cells.cell_rect(row, column).center())
    panel = user.panel("Explain")
    user.wait(lambda: user.subject("Explain"))
    said = user.scroll_to("Check against the kernel", panel)
    user.panel("Tensor")
    return said


def has_curve(user):
    curves = user.panel("Curves")
    return count_colors(pixels(user.picture(curves)))


def test_two_points(user):
    user.sample("Two points, one network, every number")
    user.wait(lambda: user.status.startswith("stopped at line"))
    said = walk(user, 13)
    assert [words for words in said if "forward" in words] and [words for words in said if "backward" in words]
    back = user.event
    while "Linear" not in user.status or "forward" not in user.status:
        user.step("Alt+F10")
    assert user.event < back
    assert explain_selected(user).startswith("✓ kernel says the same")
    assert "is at work" in canvas(user).accessibleDescription()
    user.shot("two-points-explained")
    walk(user, 3, "batch")
    user.shot("two-points-after-steps")
    assert has_curve(user) > 10
    user.choose("Level of a step", "op")
    while "update" not in user.status:
        user.step("F10")
    assert marked_lines(user, user.theme.phase["update"])
    user.shot("two-points-update")


def test_xor(user):
    user.sample("XOR: why a hidden layer is needed")
    user.wait(lambda: user.status.startswith("stopped at line"))
    said = walk(user, 4)
    assert any("Linear" in words for words in said)
    number = user.event
    user.step("Alt+F10")
    assert user.event < number and user.status.startswith("in the past")
    user.step("F10")
    user.key("F5")
    user.wait(lambda: user.status.startswith("running"))
    user.shot("xor-running")
    user.key("F6")
    user.wait(lambda: user.status.startswith("stopped"))
    assert "step" in user.subject("Curves") and has_curve(user) > 10
    user.shot("xor-paused")
    walk(user, 2, "batch")
    user.choose("Level of a step", "op")
    while "CrossEntropy" not in user.status or "forward" not in user.status:
        user.step("F10")
    user.wait(lambda: "cross-entropy is at work" in canvas(user).accessibleDescription())
    data = user.panel("Data")
    user.wait(lambda: count_colors(pixels(user.picture(data))) > 10)
    user.shot("xor-data")


def test_overfitting(user):
    open_file(user, TESTS / "debug" / "scripts" / "overfitting_faulty.py")
    user.panel("Diagnostics")
    user.key("F5")
    user.wait(lambda: "ended" in user.status or "end" in user.status)
    panel = user.panel("Diagnostics")
    user.wait(lambda: "overfit" in user.texts(panel).lower())
    user.shot("overfitting-diagnosis")
    curves = user.panel("Curves")
    user.wait(lambda: "validation" in user.texts(curves))
    train, validation = losses(user.texts(curves))
    assert train < 0.1 and validation > 10 * train
    user.shot("overfitting-curves")


def losses(text):
    """Training and validation loss that the Curves panel reads out."""
    return [float(re.search(rf"loss\b.*?{kind} ([-+.\de]+)", text)[1]) for kind in ("train", "validation")]


def test_becomes_nan(user):
    open_file(user, TESTS / "debug" / "scripts" / "becomes_nan.py")
    panel = user.panel("Breakpoints")
    user.menu_of("Add a breakpoint", "When numbers go wrong…")
    watch = user.the(QComboBox, "What to watch", panel)
    assert "NaN" in watch.currentText()
    user.shot("nan-form")
    user.button("Add breakpoint", panel)
    user.key("F5")
    user.wait(lambda: "Div" in user.status and user.status.startswith("stopped"))
    user.wait(lambda: "NaN" in user.texts(user.panel("Tensor")) or "nan" in user.texts(user.panel("Tensor")))
    alarm = user.theme.phase["alarm"]
    user.wait(lambda: has_hue(pixels(user.picture(heat_map(user))), alarm).sum() > 10)
    # The network shows the sample that became NaN.
    user.wait(lambda: "sample [1] of 2" in user.subject("Network"))
    user.wait(lambda: has_hue(pixels(user.picture(canvas(user))), alarm).sum() > 10)
    user.shot("nan-found")
    panel = user.panel("Explain")
    user.wait(lambda: user.all(QWidget, "Cause", panel))
    assert "0" in user.text("Cause", panel)
    user.shot("nan-explained")
    user.step("Alt+F10")
    user.panel("Tensor")
    user.settle()
    assert not has_hue(pixels(user.picture(heat_map(user))), alarm).sum()
    assert "NaN" not in user.text("Statistics of the whole tensor")
    user.shot("nan-one-step-back")


def test_a_script_for_pytorch(user):
    # What "nablascope classify.py --as-torch" does.
    user.window.open(str(TESTS / "engine" / "cli" / "scripts" / "classify.py"), as_torch=True)
    user.wait(lambda: user.status.startswith("stopped at line"))
    user.shot("as-torch-opened")
    walk(user, 1, "batch")
    user.choose("Level of a step", "op")
    while "conv1" not in user.status:
        user.step("F10")
    user.wait(lambda: user.subject("Tensor").startswith("conv1 y"))
    assert explain_selected(user, 2, 2).startswith("✓ kernel says the same")
    user.shot("as-torch-explained")
    while "update" not in user.status:
        user.step("F10")
    user.shot("as-torch-update")
