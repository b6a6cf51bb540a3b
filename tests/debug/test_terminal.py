"""The terminal front end: texts, what users type, and a shell on a debuggee that is made up."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import debug
from engine.cli.main import _parser
from engine.cli.terminal.completion import Completer
from engine.cli.terminal.registry import COMMANDS, GROUPS
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.targets import Target, parse_target, split_assignment, split_condition
from engine.cli.terminal.text import BARS, Style, grid, histogram, number, sparkline
from engine.debug.session import Session
from tests.debug.fake_client import FakeClient

# ---- texts ----


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.25, "0.25"), (1.23456789, "1.2346"), (1e-9, "1.000e-09"), (3e7, "3.000e+07"), (0.0, "0"), (True, "True"),
     (7, "7"), (float("nan"), "nan"), (-0.5, "-0.5")],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


def test_grid_aligns_columns_and_names_matrices():
    assert grid([[1.0, -2.5], [10.0, 0.5]]) == ["     1  -2.5", "    10   0.5"]
    assert grid([[[1.0]], [[2.0]]]) == ["[0]", "  1", "[1]", "  2"]
    assert grid([[[[1.0]]], [[[2.0]]]]) == ["[0, 0]", "  1", "[1, 0]", "  2"]
    assert grid(3.5) == ["3.5"]
    assert grid([]) == ["(no elements)"]


def test_grid_folds_long_rows():
    lines = grid([float(i) for i in range(10)], width=12)
    assert lines == ["  0  1  2  3", "     4  5  6  7", "     8  9"]


def test_sparkline_spans_the_range_and_leaves_gaps():
    assert sparkline([0.0, 7.0]) == BARS[0] + BARS[-1]
    assert sparkline([1.0, 1.0]) == BARS[0] * 2
    assert sparkline([0.0, float("nan"), 1.0]) == f"{BARS[0]} {BARS[-1]}"
    assert sparkline([]) == ""
    assert len(sparkline([float(i) for i in range(1000)], 50)) == 50


def test_histogram_shows_every_count():
    lines = histogram([1, 0, 100], [0.0, 1.0, 2.0, 3.0], width=10)
    assert [line.split()[-1] for line in lines] == ["1", "0", "100"]
    assert lines[2].count("█") == 10
    assert "▏" in lines[0]


def test_style_is_plain_where_there_are_no_colours():
    assert Style(False)("text", "red") == "text"
    assert Style(True)("text", "red", "bold") == "\x1b[31;1mtext\x1b[0m"


# ---- what users type ----


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("y", Target("y")),
        ("y[0, 3]", Target("y", [0, 3])),
        ("conv1.weight[0,0,1,-1]", Target("conv1.weight", [0, 0, 1, -1])),
        ("x[0, :, 2:5]", Target("x", None, "0, :, 2:5")),
        ("x[1]", Target("x[1]")),
        ("x[1][0, 2]", Target("x[1]", [0, 2])),
        ('groups["a"]', Target('groups["a"]')),
        ("groups[i]", Target("groups[i]")),
        ("[1]", Target("[1]")),
    ],
)
def test_targets(text, target):
    assert parse_target(text, ("y", "x[1]")) == target


def test_assignments_and_conditions():
    assert split_assignment('a["x=y"] = b == c') == ("a['x=y']", "b == c")
    assert split_assignment("a == b") is None
    assert split_assignment("a = b = c") is None
    assert split_assignment("a +") is None
    assert split_assignment("0.weight[2, 3] = -1.5") == ("0.weight[2, 3]", "-1.5")
    assert split_assignment("0.weight[2, 3] == 1") is None
    assert split_condition("12, x > 3, y") == ("12", "x > 3, y")
    assert split_condition("12") == ("12", None)


def test_every_command_has_a_group_and_help():
    for entry in COMMANDS.values():
        assert entry.group in GROUPS
        assert entry.text.endswith((".", ")", "]", "5"))
    for name in "n s r c b w l p q h u d a tbreak cl until unt disable enable condition ignore ll pp whatis restart".split():
        assert name in COMMANDS


# ---- a shell ----


@pytest.fixture
def shell(monkeypatch):
    monkeypatch.setattr(FakeClient, "made", [])
    monkeypatch.setattr(FakeClient, "crash_at", None)
    heard = []
    hear = debug._to(heard)
    with Session.launch("script.py", client_class=FakeClient, on_event=hear) as session:
        shell = Shell(session, io.StringIO(), Style(False))
        heard.append(shell)
        shell.begin()
        yield shell


def asked(shell, command):
    return [arguments for name, arguments in shell.session.current.client.asked if name == command]


def test_pdb_s_names_mean_the_same(shell):
    for line in ("n", "next 2", "s", "r", "batch", "op 3", "back op"):
        shell.session.current.client.do_stepIn = shell.session.current.client.do_next
        shell.session.current.client.do_stepOut = lambda: shell.session.current.client.do_next()
        assert shell.run_line(line), shell.said
    assert asked(shell, "next") == [{"granularity": level} for level in ["line"] * 3 + ["batch"] + ["op"] * 3]
    assert asked(shell, "stepIn") == [{"granularity": "line"}]
    assert asked(shell, "stepBack") == [{"granularity": "op"}]


def test_an_empty_line_repeats(shell):
    assert shell.run_line("op") and shell.run_line("")
    assert shell.stop.position == (2, 0, 0)


def test_level_changes_what_next_means(shell):
    shell.run_line("level op")
    shell.run_line("n")
    assert asked(shell, "next") == [{"granularity": "op"}]
    assert not shell.run_line("level stair")


@pytest.mark.parametrize(
    "line", ["step = 3", "batch.shape", "run(3)", "x", "step += 1", "p[0]", "model.fc", "!n", "next_step", "b2 = 1"]
)
def test_what_is_no_command_is_python(shell, line):
    shell.session.current.client.do_evaluate = lambda **_: {"result": ""}
    assert shell.run_line(line), shell.said
    found = [arguments["expression"] for arguments in asked(shell, "evaluate")]
    assert found == [line.removeprefix("!")]


def test_breakpoints_are_kept_and_numbered(shell):
    shell.session.current.client.do_setOpBreakpoints = lambda breakpoints: {
        "breakpoints": [{"id": 10 + i, "verified": True} for i in range(len(breakpoints))]
    }
    assert shell.run_line("b 12, x > 3")
    assert shell.run_line("tbreak other.py:7")
    assert shell.run_line("b op Conv* backward in features.*")
    assert shell.run_line("disable 1")
    assert shell.run_line("condition 2 y < 0")
    assert shell.run_line("ignore 2 4")
    sent = asked(shell, "setBreakpoints")
    assert sent[0]["breakpoints"] == [{"line": 12, "condition": "x > 3"}]
    assert sent[2] == {"source": sent[0]["source"], "breakpoints": []}
    assert sent[-1]["breakpoints"] == [{"line": 7, "condition": "y < 0", "hitCondition": "> 4"}]
    assert sent[-1]["source"]["path"].endswith("other.py")
    assert asked(shell, "setOpBreakpoints") == [
        {"breakpoints": [{"op": "Conv*", "direction": "backward", "module": "features.*"}]}
    ]
    shell.run_line("b")
    assert "3: op Conv* backward in features.*" in shell.said and "(disabled)" in shell.said
    shell.run_line("cl 1 2")
    assert [point.number for point in shell.points] == [3]
    assert not shell.run_line("cl 9")


def test_watchpoints_are_parsed(shell):
    for line in ("watch nan-inf", "watch max-above conv1.weight 3", "watch weight-crosses fc.weight[0, 3] -0.5, step > 2"):
        assert shell.run_line(line), shell.said
    assert asked(shell, "setWatchpoints")[-1]["breakpoints"] == [
        {"kind": "nan-inf"},
        {"kind": "max-above", "tensor": "conv1.weight", "threshold": 3},
        {"kind": "weight-crosses", "tensor": "fc.weight", "index": [0, 3], "threshold": -0.5, "condition": "step > 2"},
    ]


def test_what_is_set_already_is_refused(shell):
    assert shell.run_line("watch nan-inf") and not shell.run_line("watch nan-inf")
    assert "breakpoint 1 is that already" in shell.said
    assert asked(shell, "setWatchpoints") == [{"breakpoints": [{"kind": "nan-inf"}]}]
    assert shell.run_line("disable 1") and not shell.run_line("watch nan-inf")
    assert "breakpoint 1 is that already, disabled ('enable 1')" in shell.said
    assert shell.run_line("watch nan-inf, step > 3") and shell.run_line("cl 1") and shell.run_line("watch nan-inf")
    assert [point.number for point in shell.points] == [2, 3]


def test_exceptions_are_caught(shell):
    assert shell.run_line("catch raised") and shell.run_line("catch uncaught off") and shell.run_line("catch")
    assert asked(shell, "setExceptionBreakpoints") == [{"filters": ["raised", "uncaught"]}, {"filters": ["raised"]}]
    assert "raised exceptions: the script stops" in shell.said and "uncaught exceptions: off" in shell.said
    assert not shell.run_line("catch fire") and not shell.run_line("catch raised on")


def test_runs_until_places(shell):
    client = shell.session.current.client
    client.do_runTo = lambda **place: client.stopped("goto", 4)
    for line in ("run until step 3", "run until loss < 0.5", "until 40", "goto 5.1"):
        assert shell.run_line(line), shell.said
    assert asked(shell, "runTo") == [{"step": 3}, {"condition": "loss < 0.5"}, {"line": 40}, {"position": [5, 1, 0]}]


def test_set_forks_a_run(shell):
    shell.run_line("op 3")
    shell.session.current.client.do_evaluate = lambda expression, **_: {"result": "", "type": "Tensor"}
    assert shell.run_line("set w[0] = 5"), shell.said
    assert [run.name for run in shell.session.runs] == ["run 1", "run 2"]
    edit = {"kind": "tensor", "reference": {"expression": "w"}, "index": [0], "value": 5}
    assert shell.session.current.client.replay["edits"] == [edit]
    assert shell.prompt == "(nabla run 2) "
    assert shell.run_line("run 1")
    assert shell.prompt == "(nabla run 1) "


def test_explain_says_what_an_edit_set(shell):
    shell.run_line("op 3")
    client = shell.session.current.client
    client.do_explain = lambda **_: {"here": "w", "result": 0.25, "actual": 5.0, "agrees": False, "edited": True, "now": 7.0}
    assert shell.run_line("explain w[0]"), shell.said
    assert "set to 5 by an edit after the op" in shell.said and "changed since then: 7 now" in shell.said
    assert "KERNEL" not in shell.said
    client.do_explain = lambda **_: {"here": "w", "result": 0.25, "actual": 0.5, "agrees": False, "editedInputs": ["b"]}
    assert shell.run_line("explain w[0]") and "kernel 0.5, before an edit changed b" in shell.said
    assert "KERNEL" not in shell.said


def test_set_parameters_starts_another_run(shell):
    assert shell.run_line("set parameters lr = 0.5")
    assert shell.session.current.parameters == ("lr=0.5",)


def test_compare_says_where(shell):
    shell.run_line("op 5")
    shell.session.fork([{"kind": "tensor", "value": 0.5}])
    shell.run_line("run until step 3")
    shell.run_line("run 1")
    shell.run_line("run until step 3")
    assert shell.run_line("compare"), shell.said
    assert "the loss first differs at step 2.0: 8 and 8.5" in shell.said
    assert "position 5.0.0" in shell.said and "y[1, 1]: 5 and 5.5" in shell.said


def test_errors_are_said_and_do_no_harm(shell):
    wrong = ("goto x", "run", "break ?", "explain y", "run 9", "compare", "watch %", "into y", "condition", "n -1")
    for line in wrong:
        assert not shell.run_line(line)
        assert "***" in shell.said
    assert shell.run_line("op")


def test_a_lost_process_is_said_and_restart_helps(shell, monkeypatch):
    shell.run_line("op 3")
    monkeypatch.setattr(FakeClient, "crash_at", 5)
    shell.run_line("c")
    assert "signal 6" in shell.said and "restart" in shell.said
    assert not shell.run_line("p 1")
    assert shell.run_line("restart")
    assert shell.run_line("op")


def test_scripted_sessions_stop_at_the_first_failure(shell, capsys):
    assert debug.scripted(shell, ["op", "# comment", "", "goto x || continue", "op"])
    assert shell.stop.position == (2, 0, 0)
    assert not debug.scripted(shell, ["goto x", "op"])
    assert shell.stop.position == (2, 0, 0)
    assert capsys.readouterr().out.splitlines()[:2] == ["(nabla) op", "(nabla) goto x"]
    assert debug.scripted(shell, ["q", "op"])
    assert shell.stop.position == (2, 0, 0)


def test_assert_and_expect(shell):
    client = shell.session.current.client
    values = {"bool(a < b)": "False", "a": "3", "b": "2"}
    client.do_evaluate = lambda expression, **_: {"result": values.get(expression, "True")}
    assert shell.run_line("assert a > b")
    assert not shell.run_line("assert a < b")
    assert "assertion failed: a < b: a is 3, b is 2" in shell.said
    assert shell.run_line("echo one two")
    assert shell.run_line("expect two")
    assert shell.run_line("expect one")
    assert not shell.run_line("expect three")


def test_completion(shell):
    client = shell.session.current.client
    shell.stop["tensors"] = [{"name": "y", "shape": [2]}]
    client.do_modules = lambda: {"modules": [{"path": "fc", "parameters": [{"name": "fc.weight"}]}]}
    client.do_evaluate = lambda expression, **_: {"result": "'yes model'" if "globals" in expression else "'bias'"}
    completer = Completer(shell)
    assert completer.candidates("rest", "rest") == ["restart"]
    assert completer.candidates("level mo", "mo") == ["module"]
    assert completer.candidates("help conti", "conti") == ["continue"]
    assert completer.candidates("tensor y", "y") == ["y", "yes"]
    assert completer.candidates("explain fc.", "fc.") == ["fc.bias", "fc.weight", "fc.weight.grad"]


# ---- the command line ----


def test_arguments_of_the_command_line():
    given = _parser().parse_args(["debug", "--commands", "c.txt", "-p", "lr=1", "--as-torch", "s.py", "-x", "1"])
    assert (given.command, given.commands, given.parameters, given.as_torch) == ("debug", "c.txt", ["lr=1"], True)
    assert (given.file, given.arguments) == ("s.py", ["-x", "1"])
    given = _parser().parse_args(["attach", "--key-file", "k", "localhost:5678"])
    assert (given.address, given.key_file) == ("localhost:5678", "k")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["debug", "no such.py"], "no such file"),
        (["debug", "--commands", "nowhere.txt", __file__], "cannot be read"),
        (["attach", "nonsense"], "expected HOST:PORT"),
        (["attach", "localhost:99999"], "expected HOST:PORT with a port from 1 to 65535"),
        (["attach", "--window", "localhost:0"], "expected HOST:PORT with a port from 1 to 65535"),
    ],
)
def test_bad_usage(arguments, message, capsys):
    from engine.cli.main import main

    assert main(arguments) == debug.USAGE_ERROR
    assert message in capsys.readouterr().err


def test_an_address_where_nothing_listens_is_told_with_where_to_look(capsys, monkeypatch):
    from engine.cli.main import main

    monkeypatch.setenv("NABLASCOPE_KEY", "secret")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert main(["attach", address]) == debug.FAILED
    said = capsys.readouterr().err
    assert f"attach: {address} cannot be joined: Connection refused. engine.debug.listen()" in said and "Errno" not in said


def test_the_terminal_loads_no_numpy():
    code = "import sys, engine.cli.debug; print('numpy' in sys.modules, 'numba' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
