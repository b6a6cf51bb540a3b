"""The state: who hears of what; the selection at a new stop; numbers as they are written."""

import math

import numpy as np
import pytest

from gui.numbers import format_bytes, format_count, format_number, format_numbers, format_shape
from gui.state import Selection, State, follow

FORWARD = {
    "seq": 7, "direction": "forward", "module": "fc", "op": "Linear",
    "tensors": [
        {"name": "x", "shape": [4, 3], "dtype": "float32"},
        {"name": "w", "shape": [2, 3], "dtype": "float32", "label": "fc.weight"},
        {"name": "y", "shape": [4, 2], "dtype": "float32"},
    ],
}  # fmt: skip
BACKWARD = {
    "seq": 9, "direction": "backward", "module": "fc", "op": "Linear",
    "tensors": [{"name": "dy", "shape": [4, 2], "dtype": "float32"}, {"name": "dw", "shape": [2, 3], "dtype": "float32"}],
}  # fmt: skip


def test_a_change_is_told_once_and_an_equal_value_not_at_all():
    state, heard = State(), []
    state.subscribe(("stop", "running"), lambda: heard.append((state.stop, state.running)))
    state.update(stop={"seq": 1}, running=True, level="line")
    assert heard == [({"seq": 1}, True)]
    state.update(stop={"seq": 1}, running=True)
    state.update(level="op")
    assert len(heard) == 1


def test_subscribers_leave_and_methods_are_forgotten_with_their_object():
    class Listener:
        def __init__(self):
            self.count = 0

        def hear(self):
            self.count += 1

    state, listener, heard = State(), Listener(), []
    state.subscribe("level", listener.hear)
    leave = state.subscribe("level", lambda: heard.append(1))
    state.update(level="line")
    assert listener.count == 1 and heard == [1]
    leave()
    del listener
    state.update(level="batch")
    assert heard == [1]
    state.subscribe("level", lambda: None)


def test_a_subscriber_may_change_the_state_again():
    state, heard = State(), []
    state.subscribe("stop", lambda: state.update(level="line"))
    state.subscribe(("level", "stop"), lambda: heard.append(state.level))
    state.update(stop={"seq": 1})
    assert heard[0] == "line"


def test_a_subscriber_that_fails_does_not_keep_the_others_from_the_news():
    state, heard = State(), []
    state.subscribe("level", lambda: 1 / 0)
    state.subscribe("level", lambda: heard.append(state.level))
    with pytest.raises(ZeroDivisionError):
        state.update(level="line")
    assert heard == ["line"]


def test_arrays_count_as_changed_unless_they_are_the_same_object():
    state, heard = State(), []
    state.subscribe("curves", lambda: heard.append(1))
    curve = {"losses": np.zeros(3)}
    state.update(curves={1: curve})
    state.update(curves=state.curves)
    assert heard == [1]
    state.update(curves={1: {"losses": np.zeros(3)}})
    assert heard == [1, 1]


def test_unknown_fields_are_refused():
    with pytest.raises(AttributeError, match="'stops'"):
        State().update(stops=1)
    with pytest.raises(AttributeError, match="stops"):
        State().subscribe(("stop", "stops"), lambda: None)


def test_a_selection_names_its_tensor():
    assert Selection(event=3, name="y").reference == {"event": 3, "name": "y"}
    assert Selection(expression="fc.weight").reference == {"expression": "fc.weight", "frameId": 0}
    assert Selection().reference is None and not Selection()
    assert Selection(event=0, name="y")


def test_the_selection_follows_the_stop():
    first = follow(Selection(), FORWARD)
    assert (first.event, first.name, first.module, first.index, first.label) == (7, "y", "fc", None, "fc y")
    picked = Selection(event=7, name="w", index=(1, 2), sample=3, module="fc")
    later = follow(picked, {**FORWARD, "seq": 30})
    assert (later.event, later.name, later.index, later.sample, later.label) == (30, "w", (1, 2), 3, "fc.weight")
    assert follow(picked, BACKWARD).name == "dw" and follow(picked, BACKWARD).index is None
    output = Selection(event=7, name="y", module="fc")
    with_output = {**BACKWARD, "tensors": [*BACKWARD["tensors"], {"name": "y", "shape": [2, 3], "dtype": "float32"}]}
    assert follow(output, with_output).name == "dw"  # the other phase's own result, though the output is there too
    kept = Selection(expression="fc.weight", index=(0, 0))
    assert follow(kept, BACKWARD) is kept
    assert follow(picked, {"seq": 8, "tensors": []}) is picked


def stop_with(direction, seq, module, **shapes):
    tensors = [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()]
    return {"seq": seq, "direction": direction, "module": module, "op": "op", "tensors": tensors}


def test_an_element_is_followed_backwards():
    """Where the script's ops are those of Linear, ReLU, Linear, CrossEntropy."""
    loss = stop_with("backward", 10, "loss", x=[6, 3], y=[], dy=[], dx=[6, 3])
    last = stop_with("backward", 11, "2", x=[6, 8], dy=[6, 3], dx=[6, 8], dw=[3, 8], db=[3])
    relu = stop_with("backward", 12, "1", dy=[6, 8], dx=[6, 8])
    first = stop_with("backward", 13, "0", dy=[6, 8], dw=[8, 4], db=[8])
    update = stop_with("update", 14, "0", w=[8, 4], dw=[8, 4], w_new=[8, 4])

    def follows(selection, *stops):
        for stop in stops:
            selection = follow(selection, stop)
            yield selection.name, selection.index

    # Nothing chosen: what the op is mainly about.
    assert list(follows(Selection(), loss, last, relu)) == [("dx", None), ("dw", None), ("dx", None)]
    # From dx to dx, and no further than there is one; the next pass finds it again.
    picked = Selection(event=10, name="dx", index=(1, 2), module="loss")
    there = [("dx", (1, 2)), ("dx", (1, 2)), ("dw", None), ("w_new", None), ("dx", (1, 2))]
    assert list(follows(picked, last, relu, first, update, loss)) == there
    # From dw to dw, over what has none.
    picked = Selection(event=11, name="dw", index=(2, 3), module="2")
    assert list(follows(picked, relu, first)) == [("dx", None), ("dw", (2, 3))]
    # Where it does not fit it is none, and not forgotten either.
    picked = Selection(event=11, name="dx", index=(0, 7), module="2")
    assert list(follows(picked, loss, relu)) == [("dx", None), ("dx", (0, 7))]


def test_an_element_is_found_again_behind_the_loss():
    forward = stop_with("forward", 3, "0", x=[6, 4], w=[8, 4], y=[6, 8])
    loss = stop_with("forward", 4, "loss", x=[6, 8], y=[])
    over = follow(Selection(event=3, name="y", index=(1, 2), module="0"), loss)
    assert over.index == () and over.kept == ("y", (1, 2))
    again = follow(over, forward)
    assert (again.name, again.index, again.kept) == ("y", (1, 2), None)


def test_the_selection_goes_to_what_a_watchpoint_saw():
    stop = {**BACKWARD, "tensor": "dy", "index": [3, 1]}
    assert (follow(Selection(), stop).name, follow(Selection(), stop).index) == ("dy", (3, 1))
    assert follow(Selection(), {**stop, "sample": 3}).sample == 3
    assert follow(Selection(), stop).sample == 3, "its first index, where nothing else says what a sample is"
    assert follow(Selection(sample=2), {**BACKWARD, "tensor": "dw", "index": [1, 0]}).sample == 2
    outside = {**BACKWARD, "tensor": "dy", "index": [9, 1]}
    assert follow(Selection(), outside).index is None


@pytest.mark.parametrize(("shape", "index"), [([], ()), ([1], (0,)), ([1, 1], (0, 0)), ([2], None), ([0], None)])
def test_the_only_element_of_an_array_is_selected_at_once(shape, index):
    loss = {**FORWARD, "op": "CrossEntropy", "tensors": [{"name": "y", "shape": shape, "dtype": "float32"}]}
    assert follow(Selection(), loss).index == index
    assert follow(Selection(event=5, name="y", index=(3, 7), module="fc"), loss).index == index


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.12345, "0.1235"), (-12.345, "-12.35"), (12345.6, "12346"), (999.96, "1000"), (0.001, "0.001000"), (0.0, "0"),
        (9.9e-4, "9.900e-04"), (1e5, "1.000e+05"), (7, "7"), (1_000_000, "1000000"), (True, "True"), (None, "–"),
        (math.nan, "nan"), (-math.inf, "-inf"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits(number, text):
    assert format_number(number) == text


def test_columns_are_aligned_at_the_point():
    texts = format_numbers([1.5, -12.25, 1000, 2e-7])
    assert len({len(text) for text in texts}) == 1
    assert [text.find(".") for text in texts[:2]] == [4, 4]


def test_counts_bytes_and_shapes():
    assert (format_count(1240.4), format_shape((2, 3)), format_shape(())) == ("1,240", "2 × 3", "scalar")
    assert [format_bytes(n) for n in (0, 999, 2048, 38 * 2**20, 3 * 2**30)] == ["0 B", "999 B", "2 kB", "38 MB", "3.0 GB"]


def test_a_selection_of_another_run_s_event_becomes_the_parameter_or_nothing():
    stop = {"live": True, "seq": 93, "tensors": []}
    update = Selection(event=173, name="w_new", index=(2,), module="conv1", label="conv1.bias")
    followed = follow(update, stop)
    assert followed.event is None and followed.expression == "conv1.bias" and followed.index == (2,)
    gone = follow(Selection(event=173, name="y", module="conv1", label="conv1 y"), stop)
    assert gone.event is None and gone.expression is None and gone.module == "conv1"
    kept = Selection(event=90, name="y", label="conv1 y")
    assert follow(kept, stop) is kept
