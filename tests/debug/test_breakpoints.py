"""Breakpoints at lines, ops, modules and exceptions: where they stop, when, and what the client is told."""

import os
import sys
import threading

import numpy as np
import pytest

import engine as torch
from engine.debug.breakpoints.registry import Breakpoints
from tests.debug.recording import event, recorded, training_step, update

SCRIPT = '''\
"""A script."""
# %% a comment

def train(n):
    """Docstring."""
    total = 0
    for i in range(n):

        # only a comment
        total += i
    else:
        total += 100
    return sum(
        [total,
         n]
    )

result = train(3)
# the end
'''


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return str(path)


def lines_run(path, breakpoints, **extra):
    """Run the script; (line, hit) of every hit."""
    hits = []

    def tracer(frame, kind, argument):
        if frame.f_code.co_filename != path:
            return None
        if kind == "line" and (hit := breakpoints.on_line(path, frame.f_lineno, frame, **extra)) is not None:
            hits.append((frame.f_lineno, hit))
        return tracer

    code = compile(SCRIPT, path, "exec")
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        exec(code, {})
    finally:
        sys.settrace(before)
    return hits


def test_a_line_is_hit_each_time_it_runs(script):
    points = Breakpoints()
    (told,) = points.set_lines(script, [{"line": 10}])
    assert told == {"id": told["id"], "verified": True, "line": 10}
    hits = lines_run(script, points)
    assert [line for line, _ in hits] == [10, 10, 10]
    hit = hits[0][1]
    assert hit.ids == (told["id"],) and hit.stops and hit.reason == "breakpoint"
    assert hit.description == "Breakpoint at line 10 of script.py"


@pytest.mark.parametrize(("asked", "line"), [(1, 1), (2, 4), (5, 6), (8, 10), (11, 12), (14, 14), (17, 18)])
def test_a_line_without_code_moves_to_the_next(script, asked, line):
    points = Breakpoints()
    (told,) = points.set_lines(script, [{"line": asked}])
    assert told["verified"] and told["line"] == line and points.lines_of(script) == {line}
    assert ("message" in told) == (asked != line)
    assert [at for at, _ in lines_run(script, points)][:1] == [line]


@pytest.mark.parametrize(
    ("line", "message"),
    [(19, "no code at line 19"), (0, "counted from 1"), ("3", "as a number"), (None, "as a number"), (True, "as a number")],
)
def test_lines_that_cannot_be_hit_are_not_verified(script, line, message):
    points = Breakpoints()
    (told,) = points.set_lines(script, [{"line": line}])
    assert not told["verified"] and message in told["message"] and told["line"] == line
    assert not points.has_lines


def test_files_that_are_no_python(tmp_path):
    points = Breakpoints()
    (told,) = points.set_lines(str(tmp_path / "none.py"), [{"line": 1}])
    assert not told["verified"] and "there is no file" in told["message"]
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\nfor\n")
    (told,) = points.set_lines(str(broken), [{"line": 1}])
    assert not told["verified"] and "line 2 of" in told["message"]
    (told,) = points.set_lines(str(tmp_path), [{"line": 1}])
    assert not told["verified"] and "cannot be read" in told["message"]
    broken.write_bytes(b"x = '\xff'\n")
    (told,) = points.set_lines(str(broken), [{"line": 1}])
    assert not told["verified"] and "not Python" in told["message"]


def test_every_spelling_of_a_path_is_the_same_file(script, tmp_path):
    points = Breakpoints()
    link = tmp_path / "link.py"
    link.symlink_to(script)
    points.set_lines(str(link), [{"line": 6}])
    assert points.lines_of(script) == points.lines_of(os.path.join(str(tmp_path), ".", "script.py")) == {6}
    assert len(lines_run(script, points)) == 1
    points.set_lines(script, [])
    assert points.lines_of(str(link)) == frozenset() and not points.has_lines


def test_conditions_see_the_frame_and_more(script):
    points = Breakpoints()
    points.set_lines(script, [{"line": 10, "condition": "i == 2 and total == 1 and epoch == 7"}])
    assert len(lines_run(script, points, names=lambda: {"epoch": 7, "total": -1})) == 1
    assert len(lines_run(script, points, names=lambda: {"epoch": 8})) == 0


def test_hits_are_counted_where_the_condition_holds(script):
    points = Breakpoints()
    points.set_lines(script, [{"line": 10, "condition": "i > 0", "hitCondition": "2"}])
    seen = []
    before = points.on_line

    def on_line(path, line, frame, names=None):
        hit = before(path, line, frame, names)
        if hit is not None:
            seen.append(frame.f_locals["i"])
        return hit

    points.on_line = on_line
    lines_run(script, points)
    assert seen == [2]


def test_a_condition_that_raises_stops_and_says_why(script):
    points = Breakpoints()
    points.set_lines(script, [{"line": 10, "condition": "j > 0", "hitCondition": "100"}])
    hits = lines_run(script, points)
    assert len(hits) == 3 and hits[0][1].stops
    assert "'j > 0' cannot be evaluated: NameError: name 'j' is not defined" in hits[0][1].description


def test_a_condition_on_a_tensor_of_many_elements_says_so():
    points = Breakpoints()
    points.set_ops([{"op": "Linear", "condition": "y > 0"}])
    (hit,) = points.on_event(event("forward"), lambda: {"y": torch.ones(3)})
    assert hit.stops and "ambiguous" in hit.description


def test_a_condition_may_try_to_exit():
    points = Breakpoints()
    points.set_ops([{"condition": "exit(3)"}])
    (hit,) = points.on_event(event("forward"), lambda: {"exit": sys.exit})
    assert "SystemExit: 3" in hit.description


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"condition": "i >"}, "not a Python expression"), ({"hitCondition": "often"}, "must be a count"),
     ({"logMessage": "{"}, "not closed"), ({"condition": 3}, "condition must be text")],
)
def test_wrong_conditions_are_told_at_once(script, wrong, message):
    points = Breakpoints()
    (told,) = points.set_lines(script, [{"line": 10, **wrong}])
    assert not told["verified"] and message in told["message"] and not points.has_lines
    (told,) = points.set_ops([{"op": "Linear", **wrong}])
    assert not told["verified"] and message in told["message"] and not points.needs_full


def test_log_points_do_not_stop(script):
    points = Breakpoints()
    points.set_lines(script, [{"line": 10, "logMessage": "i={i} {lost}"}])
    hits = [hit for _, hit in lines_run(script, points)]
    assert [hit.stops for hit in hits] == [False] * 3
    assert hits[1].log == "i=1 <NameError: name 'lost' is not defined>"
    points.set_lines(script, [{"line": 10, "logMessage": "here", "condition": "lost"}])
    hit = lines_run(script, points)[0][1]
    assert not hit.stops and "NameError" in hit.log


def test_breakpoints_on_one_line_make_one_hit(script):
    points = Breakpoints()
    first, second = points.set_lines(script, [{"line": 8, "logMessage": "i={i}"}, {"line": 10, "condition": "i == 1"}])
    hits = [hit for _, hit in lines_run(script, points)]
    assert [hit.stops for hit in hits] == [False, True, False]
    assert hits[1].ids == (first["id"], second["id"]) and hits[1].log == "i=1"


# ---- ops ----


def ops_hit(specification, events):
    points = Breakpoints()
    told = points.set_ops([specification])
    return [(e.kind, e.name) for e in events for _ in points.on_event(e, dict)], told[0]


@pytest.fixture(scope="module")
def step():
    """The events of a training step of a small convolutional network."""
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    return recorded(training_step(model, torch.randn(3, 1, 4, 4), torch.zeros(3, 2)), model)


@pytest.mark.parametrize(
    ("specification", "expected"),
    [
        ({"op": "Linear"}, [("forward", "Linear"), ("backward", "Linear")]),
        ({"op": "linear", "direction": "forward"}, [("forward", "Linear")]),
        ({"op": "Conv2d", "direction": "backward"}, [("backward", "Convolution")]),
        ({"op": "convol*"}, [("forward", "Convolution"), ("backward", "Convolution")]),
        ({"op": "MSELoss", "direction": "forward"}, [("forward", "MseLoss")]),
        ({"op": "ReLU", "direction": "backward"}, [("backward", "Relu")]),
        ({"op": "SGD"}, [("update", "SGD")] * 4),
        ({"direction": "update"}, [("update", "SGD")] * 4),
        ({"direction": "update", "module": "3"}, [("update", "SGD")] * 2),
        ({"op": "AccumulateGrad", "module": "0"}, [("gradient", "0.weight"), ("gradient", "0.bias")]),
        ({"op": "AccumulateGrad"}, [("gradient", n) for n in ("3.weight", "3.bias", "0.weight", "0.bias")]),
        ({"op": "Tanh"}, []),
        ({"op": "Linear", "direction": "update"}, []),
    ],
)
def test_op_breakpoints(step, specification, expected):
    hits, told = ops_hit(specification, step)
    assert hits == expected and told["verified"]


def test_op_breakpoints_by_module():
    places = [("forward", "features.0"), ("forward", "classifier"), ("backward", "Features.1")]
    events = [event(kind, module=module) for kind, module in places]
    assert len(ops_hit({"module": "features.*"}, events)[0]) == 2
    assert ops_hit({"module": "features.*", "direction": "backward"}, events)[0] == [("backward", "Linear")]
    assert ops_hit({"module": "features"}, events)[0] == []


def test_the_hit_of_an_op_says_where():
    points = Breakpoints()
    points.set_ops([{"op": "Linear"}])
    (hit,) = points.on_event(event("backward", module="fc1"), dict)
    assert hit.reason == "op breakpoint" and hit.description == "Breakpoint at backward of Linear (fc1)"
    points.set_ops([{"op": "SGD"}])
    (hit,) = points.on_event(update([1.0], [2.0]), dict)
    assert hit.description == "Breakpoint at SGD's update of fc.weight"


def test_names_are_asked_for_once_and_only_by_conditions():
    asked = []

    def names():
        asked.append(1)
        return {"loss": 2.0}

    points = Breakpoints()
    points.set_ops([{"op": "Linear"}])
    assert len(points.on_event(event("forward"), names)) == 1 and not asked
    points.set_ops([{"condition": "loss > 1"}, {"condition": "loss > 3"}, {"condition": "loss == 2"}])
    assert len(points.on_event(event("forward"), names)) == 2 and len(asked) == 1


def test_an_op_that_does_not_exist_is_not_verified_but_waits():
    hits, told = ops_hit({"op": "Conv3d"}, [event("forward", "Conv3d")])
    assert not told["verified"] and "did you mean Conv" in told["message"] and hits == [("forward", "Conv3d")]


def test_wrong_directions_are_refused():
    assert "must be 'forward'" in ops_hit({"direction": "sideways"}, [])[1]["message"]


# ---- modules, exceptions ----


@pytest.mark.parametrize(
    ("specification", "expected"),
    [
        ({"module": "features.0", "when": "enter"}, ["enter"]),
        ({"module": "linear", "when": "exit"}, ["exit"]),
        ({"module": "FEATURES.*"}, ["enter"]),
        ({"module": "features.1", "when": "enter"}, []),
    ],
)
def test_module_breakpoints(specification, expected):
    points = Breakpoints()
    (told,) = points.set_modules([specification])
    assert told["verified"] and points.needs_full
    events = [event(kind, "Linear", module="features.0") for kind in ("enter", "forward", "exit")]
    assert [e.kind for e in events for _ in points.on_event(e, dict)] == expected


def test_module_breakpoints_say_where_and_check_their_arguments():
    points = Breakpoints()
    points.set_modules([{"module": "net", "when": "exit"}])
    (hit,) = points.on_event(event("exit", "Net", module="a.b"), dict)
    assert hit.reason == "module breakpoint" and hit.description == "Breakpoint at the end of Net (a.b)"
    (hit,) = points.on_event(event("exit", "Net", module="Net"), dict)
    assert hit.description == "Breakpoint at the end of Net"
    told = points.set_modules([{"when": "enter"}, {"module": "a", "when": "during"}])
    assert "needs 'module'" in told[0]["message"] and "'enter' or 'exit'" in told[1]["message"]


def test_exceptions():
    points = Breakpoints()
    # At first those that end the script are stopped at.
    assert points.on_exception(ValueError("no"), True).stops and not points.has_exceptions
    assert points.set_exceptions([]) == [] and points.on_exception(ValueError("no"), True) is None
    told = points.set_exceptions(["uncaught", {"filter": "raised", "condition": "isinstance(error, KeyError)"}, "caught"])
    assert [t["verified"] for t in told] == [True, True, False] and points.has_exceptions
    hit = points.on_exception(ValueError("no"), True)
    assert hit.reason == "exception" and hit.description == "ValueError: no" and hit.ids == (told[0]["id"],)
    assert points.on_exception(ValueError("no"), False) is None
    assert points.on_exception(KeyError("k"), False).ids == (told[1]["id"],)
    points.clear()
    assert points.on_exception(ValueError("no"), True) is not None and not points.has_exceptions


def test_what_is_set_twice_is_refused_and_hits_once():
    points = Breakpoints()
    nan = {"kind": "nan-inf"}
    first, second, other = points.set_watchpoints([nan, dict(nan), {**nan, "condition": "step > 3"}])
    assert first["verified"] and other["verified"] and not second["verified"]
    assert second["message"] == f"it is set twice: breakpoint {first['id']} is the same"
    bad = event("forward", arrays={"y": np.array([np.nan], np.float32)})
    assert [hit.ids for hit in points.on_event(bad, lambda: {"step": 0})] == [(first["id"],)]
    # Sent again it is the same one, with its hits; without the first the second would do.
    assert points.set_watchpoints([nan])[0] == first


# ---- the past ----


def test_past_hits_counts_nothing():
    points = Breakpoints()
    points.set_ops([{"op": "Linear", "condition": "loss > 1"}])
    assert points.past_hits(event("forward"), lambda: {"loss": 2})
    assert not points.past_hits(event("forward"), lambda: {"loss": 1})
    assert not points.past_hits(event("forward"), dict), "the name is gone"
    assert not points.past_hits(event("forward", "Relu"), lambda: {"loss": 2})
    points.set_ops([{"op": "Linear", "logMessage": "here"}])
    assert not points.past_hits(event("forward"), dict)


def test_past_hits_at_a_line_are_those_that_stopped(script):
    points = Breakpoints()
    here = event("line", seq=7, file=script, line=10)
    points.set_lines(script, [{"line": 10, "logMessage": "here"}])
    assert not points.past_hits(here, dict), "a log point stops nowhere"
    points.set_lines(script, [{"line": 10, "condition": "i > 1"}])
    assert not points.past_hits(here, dict), "what i was is gone"
    assert points.past_hits(here, lambda: {"i": 2})[0].description == "Breakpoint at line 10 of script.py"
    lines_run(script, points, seq=7)
    assert points.past_hits(here, dict) and not points.past_hits(event("line", seq=8, file=script, line=10), dict)
    points.set_lines(script, [{"line": 10, "condition": "i > 1"}, {"line": 9}])
    assert points.past_hits(here, dict), "it is the same breakpoint still"
    assert not points.past_hits(event("line", seq=7, file=script, line=8), dict)


def test_past_hits_remembers_which_hit_stopped():
    points = Breakpoints()
    points.set_ops([{"op": "Linear", "hitCondition": "2"}])
    events = [event("forward", seq=i) for i in range(4)]
    assert not any(points.past_hits(e, dict) for e in events)
    assert [bool(points.on_event(e, dict)) for e in events] == [False, True, False, False]
    assert [bool(points.past_hits(e, dict)) for e in events] == [False, True, False, False]


# ---- replacing ----


def test_unchanged_breakpoints_keep_their_id_and_hits(script):
    points = Breakpoints()
    (first,) = points.set_lines(script, [{"line": 10, "hitCondition": "4"}])
    assert not lines_run(script, points)
    again, other = points.set_lines(script, [{"line": 10, "hitCondition": "4"}, {"line": 6}])
    assert again["id"] == first["id"] != other["id"]
    assert [line for line, _ in lines_run(script, points)] == [6, 10]
    (fresh,) = points.set_lines(script, [{"line": 10, "hitCondition": "5"}])
    assert fresh["id"] not in (first["id"], other["id"])


def test_kinds_and_files_are_replaced_apart(script, tmp_path):
    points = Breakpoints()
    other = tmp_path / "other.py"
    other.write_text("x = 1\n")
    points.set_lines(script, [{"line": 6}])
    points.set_lines(str(other), [{"line": 1}])
    points.set_ops([{"op": "Linear"}])
    points.set_watchpoints([{"kind": "nan"}])
    points.set_lines(script, [])
    assert points.lines_of(str(other)) == {1} and points.has_lines
    points.set_ops([])
    assert points.needs_full and not points.on_event(event("forward"), dict)
    points.set_watchpoints([])
    assert not points.needs_full
    points.clear()
    assert not points.has_lines and not points.lines_of(str(other))


def test_what_is_no_object_is_refused():
    points = Breakpoints()
    (told,) = points.set_ops(["Linear"])
    assert not told["verified"] and "must be an object" in told["message"]


def test_replacing_while_the_run_asks():
    points = Breakpoints()
    done = threading.Event()
    seen, errors = set(), []

    def client():
        try:
            for i in range(300):
                points.set_ops([{"op": "Linear", "condition": f"True or {i} or {k}"} for k in range(i % 3 + 1)])
        except Exception as error:
            errors.append(error)
        finally:
            done.set()

    points.set_ops([{"op": "Linear"}])
    thread = threading.Thread(target=client)
    thread.start()
    while not done.is_set():
        seen.add(len(points.on_event(event("forward"), dict)))
    thread.join()
    assert not errors and seen <= {1, 2, 3} and len(points.on_event(event("forward"), dict)) == 3
