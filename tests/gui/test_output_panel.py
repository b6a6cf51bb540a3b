"""The Output panel: what it says where nothing has been printed."""

from gui.panels.output import OutputPanel


def test_an_open_script_that_has_printed_nothing_is_not_told_to_be_opened(qtbot, context, link):
    panel = OutputPanel(context)
    qtbot.addWidget(panel)
    panel.show()
    assert "Open a script" in panel.text.placeholderText()
    link.starting.emit("Starting the engine process")
    assert panel.text.placeholderText().startswith("Starting")
    context.state.update(stop={"seq": 1, "reason": "entry", "live": True, "tensors": []})
    link.starting.emit("")
    assert "Open" not in panel.text.placeholderText() and "printed nothing" in panel.text.placeholderText()
    link.output.emit("stdout", "epoch 1\n")
    panel._clear.click()
    context.state.update(stop={"seq": 2, "reason": "step", "live": True, "tensors": []})
    assert "nothing" not in panel.text.placeholderText() and "from here on" in panel.text.placeholderText()
    context.state.update(stop=None)
    link.starting.emit("Starting the engine process")
    link.starting.emit("")
    context.state.update(stop={"seq": 9, "reason": "end", "live": True, "tensors": []})
    assert "ended without printing" in panel.text.placeholderText()
