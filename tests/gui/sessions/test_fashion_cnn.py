"""The main job: from the start page through one batch of the Fashion-MNIST CNN, op by op, and what one does there."""

import re
import struct
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QPoint
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QGraphicsView, QLabel, QLineEdit, QWidget

from tests.gui.conftest import SAMPLES
from tests.gui.sessions.eyes import count_colors, is_tinted, marked_lines, pixels, timeline_cursor

SCRIPT = (SAMPLES / "fashion_cnn.py").read_text().splitlines()


def line_of(text):
    return 1 + next(i for i, line in enumerate(SCRIPT) if text in line)


FIRST, SECOND, FLAT = map(line_of, ("self.conv1(x)", "self.conv2(x)", "x.flatten(1)"))
HIDDEN, OUTPUT = map(line_of, ("self.hidden(x)", "self.output(x)"))
LOSS, BACKWARD, UPDATE = map(line_of, ("loss = loss_fn(logits", "loss.backward()", "optimizer.step()"))

#: Op, module in the breadcrumb, title in the network, line, tensor, of the forward pass of one batch.
FORWARD = [
    ("Convolution", "conv1", "conv1", FIRST, "64 × 16 × 28 × 28"), ("Relu", "Network", "relu", FIRST, "64 × 16 × 28 × 28"),
    ("MaxPool2d", "pool", "pool", FIRST, "64 × 16 × 14 × 14"),
    ("Convolution", "conv2", "conv2", SECOND, "64 × 32 × 14 × 14"),
    ("Relu", "Network", "relu", SECOND, "64 × 32 × 14 × 14"), ("MaxPool2d", "pool", "pool", SECOND, "64 × 32 × 7 × 7"),
    ("Reshape", "Network", "reshape", FLAT, "64 × 1568"), ("Dropout", "dropout", "dropout", FLAT, "64 × 1568"),
    ("Linear", "hidden", "hidden", HIDDEN, "64 × 64"), ("Relu", "Network", "relu", HIDDEN, "64 × 64"),
    ("Dropout", "dropout", "dropout", HIDDEN, "64 × 64"), ("Linear", "output", "output", OUTPUT, "64 × 10"),
    ("CrossEntropy", "CrossEntropyLoss", "cross-entropy", LOSS, "scalar"),
]  # fmt: skip

PARAMETERS = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "hidden", "output") for kind in ("weight", "bias")]


def network(user):
    return user.the(QGraphicsView, "Network: *", within=user.panel("Network"))


def heat_map(user):
    return user.the(QWidget, "Heat map*", within=user.panel("Tensor"))


def lit(user):
    """Title and phase of the op that is lit in the network."""
    found = re.search(r"([^;]+) is at work \((\w+)\)", network(user).accessibleDescription())
    return found.groups() if found else None


def expect(user, op, module, title, line, tensor, phase, origin=None):
    """Every panel shows that this op is at work."""
    hue = "loss" if op == "CrossEntropy" and phase == "forward" else phase
    assert hue in user.path and (module in user.path or module not in title), user.path
    assert op in user.status and phase in user.status
    assert f"fashion_cnn.py:{line}" in user.subject("Code")
    if origin is not None and origin != line:
        assert f"op of line {origin}" in user.subject("Code")
    assert marked_lines(user, user.theme.phase[hue]) == [line]
    user.wait(lambda: lit(user) in {(title, phase), (title, hue)})
    user.wait(lambda: tensor.replace(" ", "") in user.subject("Tensor").replace(" ", ""))
    assert is_tinted(pixels(user.picture(network(user))), user.theme.phase[hue], user.theme.panel).sum() > 100


def moved_right(user, before):
    """The timeline's cursor stands at the newest event, which is a later one than before."""
    assert user.event > before and "in the past" not in user.subject("Timeline")
    strip, column = timeline_cursor(user)
    assert column > strip.width() - 40
    return user.event


def test_fashion_cnn(user):
    open_from_the_start_page(user)
    run_to_batch_3(user)
    events = step_through_every_op(user)
    explain_an_output_of_a_convolution(user)
    travel_back(user, events["conv2"])
    fork_by_an_edit(user)
    compare(user)
    export(user)


def open_from_the_start_page(user):
    user.shot("start-page")
    user.sample("A convolutional network on Fashion-MNIST")
    user.wait(lambda: user.status.startswith("stopped at line"))
    assert user.window.windowTitle() == "fashion_cnn.py – Nablascope"
    assert f"fashion_cnn.py:{line_of('from tqdm')}" in user.subject("Code")
    user.shot("first-line")


def run_to_batch_3(user):
    user.choose("Level of a step", "batch")
    for _ in range(5):
        user.step("F10")
        if user.path[1].startswith("batch 3"):
            break
    assert user.path[0].startswith("epoch 1") and user.path[1].startswith("batch 3"), user.path
    user.shot("batch-3")
    user.choose("Level of a step", "op")


def step_through_every_op(user):
    event, events = 0, {}
    for op, module, title, line, tensor in FORWARD:
        user.step("F10")
        expect(user, op, module, title, line, tensor, "forward")
        event = events[module] = moved_right(user, event)
        if op in ("Convolution", "CrossEntropy"):
            user.shot(f"forward-{module}")
    for op, module, title, line, _ in reversed(FORWARD):
        user.step("F10")
        expect(user, op, module, title, BACKWARD, "dw" if op in ("Convolution", "Linear") else "dx", "backward", line)
        event = moved_right(user, event)
        if op == "Convolution":
            user.shot(f"backward-{module}")
    for name in PARAMETERS:
        user.step("F10")
        expect(user, "Adam", name.partition(".")[0], name.partition(".")[0], UPDATE, name, "update")
        assert user.path[-1] == name.partition(".")[2]
        event = moved_right(user, event)
        if name == "conv2.weight":
            user.shot(f"update-{name}")
    assert any(part.startswith("batch 3") for part in user.path)
    return events


def explain_an_output_of_a_convolution(user):
    view = network(user)
    place = place_in(user, view, "conv1")
    before = pixels(user.picture(view))
    user.click(view.viewport(), place)
    user.wait(lambda: user.subject("Tensor").startswith("conv1 y"))
    user.shot("conv1-output-selected")
    explain = user.panel("Explain")
    user.wait(lambda: "Convolution" in user.subject("Explain"))
    formula = next(part for part in user.all(QWidget, "Formula*", explain) if not isinstance(part, QLabel))
    assert count_colors(pixels(user.picture(formula))) > 10
    user.shot("explained")
    terms = int(re.search(r"sum of (\d+) terms", user.scroll_to("About the terms", explain))[1])
    assert 4 <= terms <= 10  # 3 × 3 products, fewer at the border, and the bias
    assert user.scroll_to("Check against the kernel", explain).startswith("✓ kernel says the same")
    lit_numbers = int(re.search(r"(\d+) numbers are lit", view.accessibleDescription())[1])
    assert lit_numbers == 2 * (terms - 1) or lit_numbers == 2 * (terms - 1) + 1
    changed = np.abs(pixels(user.picture(view)) - before).max(axis=2) > 40
    assert changed[:, : place.x() - 60].sum() > 20, "no contributor is ringed in the input"
    user.shot("explained-to-the-end")
    user.panel("Tensor")
    assert "is selected" in heat_map(user).accessibleDescription()


def place_in(user, view, title):
    """A place in the picture of a node's values, found with the mouse: where the hint names an element of it."""
    width, height = view.viewport().width(), view.viewport().height()
    for down in np.arange(0.1, 0.95, 0.06):
        for across in np.arange(0.04, 0.98, 0.03):
            spot = QPoint(int(across * width), int(down * height))
            said = user.hint_now(view.viewport(), spot)
            if said.startswith(title) and "output" in said and re.search(r"\[\d+, \d+, \d+\]", said):
                return spot
    raise AssertionError(f"no element of {title} in the network")


def travel_back(user, wanted):
    position = timeline_cursor(user)[1]
    for _ in range(3):
        user.step("Alt+F10")
    assert "in the past" in user.subject("Timeline") and user.status.startswith("in the past at ")
    strip, column = timeline_cursor(user)
    assert column < position
    user.shot("three-steps-back")
    event = user.event
    goal = max(20, column - 90)
    user.drag(strip, *(QPoint(x, strip.height() // 2) for x in np.linspace(column, goal, 12).astype(int)))
    user.wait(lambda: user.status.startswith("in the past at ") and abs(timeline_cursor(user)[1] - goal) <= 3)
    # Under the mouse the head says what is pointed at.
    user.hover(user.the(QWidget, "Where the script stands"))
    user.settle()
    there = user.wait(lambda: user.event + 1) - 1
    hint = user.hint(strip, QPoint(timeline_cursor(user)[1], strip.height() // 2))
    pointed = int(re.search(r"event (\d+)", hint)[1])
    assert there < event and abs(pointed - there) <= 3  # there are several events to a pixel
    user.hover(user.the(QWidget, "Where the script stands"))
    user.shot("dragged-back")
    user.settle()
    user.wait(lambda: user.event == there)
    while user.event != wanted:
        user.step("F10" if user.event < wanted else "Alt+F10")
    assert "conv2" in user.path and "forward" in user.path


def fork_by_an_edit(user):
    view = network(user)
    user.click(view.viewport(), place_of_weight(user, view, "conv2.weight"))
    user.panel("Tensor")
    user.wait(lambda: "conv2.weight" in user.subject("Tensor"))
    cells = heat_map(user)
    place = QPoint(cells.width() // 3, cells.height() // 2)

    def answer(dialog):
        user.shot("edit")
        user.key("Ctrl+A")
        user.type("0.75")
        assert user.the(QLineEdit, "New value", within=dialog).text() == "0.75"
        user.key("Return")

    user.answering(lambda: user.double_click(cells, place), answer)
    runs = user.the(QComboBox, "Current run")
    user.wait(lambda: runs.count() == 2 and runs.currentIndex() == 1 and user.status.startswith("stopped"))
    assert "0.75" in runs.currentText() and runs.itemText(0) == "run 1"
    user.shot("forked")


def place_of_weight(user, view, label):
    width, height = view.viewport().width(), view.viewport().height()
    for down in np.arange(0.08, 0.95, 0.04):
        for across in np.arange(0.03, 0.98, 0.02):
            spot = QPoint(int(across * width), int(down * height))
            said = user.hint_now(view.viewport(), spot)
            if label in said and "[" in said:
                return spot
    raise AssertionError(f"no weight of {label} in the network")


def compare(user):
    runs = user.the(QComboBox, "Current run")
    fork = runs.currentText()
    user.choose("Level of a step", "batch")
    for _ in range(3):
        ended = user.step("F10")
    user.choose("Current run", "run 1")
    user.wait(lambda: runs.currentText() == "run 1" and user.event not in (-1, ended))
    for _ in range(3):
        user.step("F10")
    curves = user.panel("Curves")
    user.wait(lambda: "steps" in user.subject("Curves"))
    assert count_colors(pixels(user.picture(curves))) > 20
    button = user.the(QAbstractButton, "Compare runs*")
    user.wait(button.isEnabled)
    user.click(button)
    user.wait(lambda: "first differ" in user.message)
    assert "run 1" in user.message and fork in user.message and "conv2" in user.message
    user.shot("compared")


def export(user):
    user.click(heat_map(user))
    tensor, window = user.scratch / "tensor.png", user.scratch / "window.png"
    user.save_as(lambda: user.key("Ctrl+Shift+E"), tensor)
    width, height = size_of(tensor)
    panel = user.panel("Tensor")
    assert width >= panel.width() and height >= panel.height()
    assert abs(width / height - panel.width() / panel.height()) < 0.2  # the head of the panel comes with it
    user.wait(lambda: "tensor.png" in user.message)
    user.save_as(lambda: user.menu("File", "Export", "Window as PNG…"), window)
    assert size_of(window)[0] >= user.window.width()
    user.wait(lambda: "window.png" in user.message)
    user.shot("exported")


def size_of(path: Path):
    """Width and height that a PNG file says it has."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    return struct.unpack(">II", head[16:24])
