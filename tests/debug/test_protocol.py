"""What messages say: the tables, and holding requests against them; and that a client needs Python alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.debug import protocol
from engine.debug.protocol import (
    ERRORS,
    EVENTS,
    REQUESTS,
    STRUCTURES,
    ArgumentsError,
    AuthenticationError,
    Decoder,
    ProtocolError,
    TooLargeError,
    UnknownCommandError,
    VersionError,
    check_event,
    check_request,
    encode,
    error_response,
    event,
    request,
    response,
)

ROOT = Path(__file__).parents[2]
LIGHT = (
    "wire.arrays", "wire.framing", "wire.connection", "wire.handshake", "wire.messages", "wire.process", "wire.inbox",
    "protocol", "client", "run", "processes", "compare", "saved_runs", "beginning", "session",
)  # fmt: skip

names = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=4), max_leaves=20)

# ------------------------------------------------------------------------------------------------ what messages say

GOOD = {
    "launch": {"program": "a.py", "arguments": ["--x"], "parameters": [], "asTorch": True, "recording": None,
               "replay": {"recording": "r", "at": [5, 0, 1], "edits": [{"kind": "exec", "code": "x = 1"}]}, "threads": 2},
    "setBreakpoints": {"source": {"path": "a.py"}, "breakpoints": [{"line": 3, "condition": "loss > 2"}]},
    "setOpBreakpoints": {"breakpoints": [{"op": "Conv*", "direction": "backward"}, {}]},
    "setExceptionBreakpoints": {"filters": ["uncaught", "raised"]},
    "setWatchpoints": {"breakpoints": [{"kind": "nan"},
                                       {"kind": "crosses", "tensor": "fc.weight", "index": [0, 1], "threshold": 1}]},
    "next": {"granularity": "op"},
    "tensor": {"reference": {"event": 4, "name": "y"}, "slice": "0, :", "maxShape": [10, 10]},
    "histogram": {"reference": {"expression": "model.weight"}, "range": [0, 1.5]},
    "edit": {"edits": [{"kind": "tensor", "reference": {"expression": "w"}, "index": [0], "value": 1.5}]},
    "goto": {"position": [1, 2, 3]},
    "evaluate": {"expression": "1", "frameId": None, "context": "watch"},
}  # fmt: skip

BAD = [
    ("launch", {}, "'program' is missing"),
    ("launch", {"program": 5}, "'program' must be str, not 5"),
    ("launch", {"program": "a", "argumets": []}, "'argumets' is unknown; known: program, arguments"),
    ("launch", {"program": "a", "arguments": ["x", 1]}, r"'arguments' \[1\] must be str"),
    ("launch", {"program": "a", "replay": {}}, "'replay' .*'recording' is missing"),
    ("launch", {"program": "a", "threads": True}, "'threads' must be int or null, not True"),
    ("setBreakpoints", {"source": {"path": "a"}, "breakpoints": [{"line": "3"}]},
     r"'breakpoints' \[0\] .*'line' must be int"),
    ("setBreakpoints", {"source": "a", "breakpoints": []}, "'source' must be an object"),
    ("next", {"granularity": "instruction"}, "'granularity' must be 'run' or"),
    ("tensor", {"reference": {"event": 1}}, "'reference' .*'name' is missing"),
    ("tensor", {"reference": "y"}, "'reference' must be EventReference or ExpressionReference"),
    ("setExceptionBreakpoints", {"filters": ["all"]}, r"'filters' \[0\] must be 'raised' or 'uncaught'"),
    ("goto", {"position": [1, "2"]}, r"'position' \[1\] must be int"),
    ("edit", {"edits": [{"kind": "exec"}]}, "'code' is missing"),
    ("continue", {"$": 1}, "unknown"),
]


@pytest.mark.parametrize("command", GOOD)
def test_good_arguments_pass(command):
    check_request(request(command, GOOD[command]))


@pytest.mark.parametrize(("command", "arguments", "words"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_bad_arguments_are_named(command, arguments, words):
    with pytest.raises(ArgumentsError, match=words) as caught:
        check_request(request(command, arguments))
    assert str(caught.value).startswith(f"{command}: ") and caught.value.id in ERRORS


def test_unknown_commands_and_events():
    with pytest.raises(UnknownCommandError, match="'fly'"):
        check_request(request("fly"))
    with pytest.raises(ProtocolError, match="'fly'"):
        check_event(event("fly"))
    with pytest.raises(ProtocolError, match="exited: 'exitCode' must be int"):
        check_event(event("exited", {"exitCode": "0"}))
    check_event(event("exited", {"exitCode": 0, "more": 1}))


some_names = st.text(max_size=6) | st.sampled_from(["reference", "breakpoints", "edits", "position"])


@given(st.sampled_from(sorted(REQUESTS)), st.dictionaries(some_names, values))
def test_any_arguments_pass_or_are_named(command, arguments):
    try:
        check_request(request(command, arguments))
    except ArgumentsError as error:
        assert str(error).startswith(command)


def test_the_tables_are_well_formed():
    def check(kind):
        kind = protocol.ALIASES.get(kind, kind)
        for choice in protocol._choices(kind):
            if choice.startswith("["):
                assert choice.endswith("]")
                check(choice[1:-1])
            elif not (choice.startswith("'") and choice.endswith("'")):
                assert choice in {"any", "number", *protocol._PLAIN, *STRUCTURES} or choice in protocol.ALIASES, choice

    tables = [*STRUCTURES.values(), *(r.arguments for r in REQUESTS.values()), *(r.body for r in REQUESTS.values()),
              *(e.body for e in EVENTS.values())]  # fmt: skip
    for fields in tables:
        for kind in fields.values():
            check(kind)
    for entry in (*REQUESTS.values(), *EVENTS.values()):
        assert entry.text.endswith(".")
    assert {r.when for r in REQUESTS.values()} == {"always", "tick", "stopped", "start"}


def test_errors_of_the_protocol_have_ids_of_the_table():
    for error in (ProtocolError, TooLargeError, UnknownCommandError, ArgumentsError, AuthenticationError, VersionError):
        assert error.id in ERRORS


def test_answers_belong_to_their_requests():
    asked = {"seq": 7, **request("digest")}
    good = response(asked, {"digest": "x"})
    bad = error_response(asked, "beyondHistory", "Too long ago.", before=[3, 0, 0], level="op")
    assert [m["request_seq"] for m in (good, bad)] == [7, 7] and good["success"] and not bad["success"]
    got = Decoder().feed(b"".join(encode({"seq": 1, **bad})))[0]
    assert got["message"] == "Too long ago."
    assert got["body"]["error"] == {"id": "beyondHistory", "before": [3, 0, 0], "level": "op"}


# ------------------------------------------------------------------------------------------------ structure


CLIENTS_SIDE = (*(f"engine.debug.{name}" for name in LIGHT), "engine.temporary")


@pytest.mark.parametrize("name", CLIENTS_SIDE)
def test_the_clients_side_needs_python_alone(name):
    tree = ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules = [node.module]
        else:
            continue
        for module in modules:
            inside = module in CLIENTS_SIDE
            numpy_on_demand = name == "engine.debug.wire.arrays" and module == "numpy" and node not in tree.body
            assert inside or numpy_on_demand or module.partition(".")[0] in sys.stdlib_module_names, module
            assert module.partition(".")[0] not in {"pickle", "marshal", "shelve"}
        calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        assert not calls & {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize("name", ["protocol", "client", "session"])
def test_the_clients_side_loads_neither_numpy_nor_numba(name):
    heavy = {"numpy", "numba", "scipy", "llvmlite"}
    code = f"import sys, engine.debug.{name}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
