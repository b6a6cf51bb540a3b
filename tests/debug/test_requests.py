"""Every request of the protocol is answered, on a real script, with what its table says."""

from pathlib import Path

import numpy as np
import pytest

from engine.debug.protocol import REQUESTS
from engine.debug.requests import HANDLERS
from engine.debug.session import RequestError, Session

SAMPLES = Path(__file__).parents[2] / "samples"


def test_every_request_has_a_handler():
    # The handshake and the launch come before the debuggee is there.
    assert set(HANDLERS) == set(REQUESTS) - {"authenticate", "launch"}


@pytest.fixture(scope="module")
def session():
    with Session.launch(str(SAMPLES / "fashion_cnn.py"), parameters=["epochs=1", "folder="], capture_output=True) as found:
        found.start()
        found.listen_to("statistics", enabled=True)
        found.listen_to("diagnostics", enabled=True)
        found.step("runTo", batch=3)
        while found.step("next", granularity="op")["direction"] != "update":
            pass
        yield found


def test_events(session):
    body = session.request("events", count=30)
    seqs = [event["seq"] for event in body["events"]]
    assert seqs == sorted(seqs)
    assert len(seqs) == 30
    assert seqs[-1] == body["last"]
    later = session.request("events", **{"from": seqs[10], "kinds": ["forward", "backward"]})["events"]
    assert later
    assert all(event["kind"] in ("forward", "backward") and event["seq"] >= seqs[10] for event in later)


def test_curves_hold_the_losses(session):
    body = session.request("curves")
    assert body["steps"].tolist() == [0, 1, 2, 3]
    assert all(1.5 < loss < 3 for loss in body["losses"].tolist())


def test_statistics_are_those_of_the_tensors(session):
    latest = session.request("statistics")["latest"]
    assert {"conv1.weight", "conv1.weight.grad", "output.bias"} <= set(latest)
    assert latest["conv1.weight"]["count"] == 16 * 9
    series = session.request("statistics", names=["conv1.weight"], field="norm")["series"]["conv1.weight"]
    assert len(series["steps"]) == len(series["values"]) == 3
    assert latest["conv1.weight"]["norm"] == pytest.approx(series["values"][-1], rel=1e-5)


def test_diagnostics_find_nothing_in_a_sound_script(session):
    assert session.request("diagnostics") == {"enabled": True, "findings": []}


def test_samples_are_judged(session):
    body = session.request("samples", count=10)
    assert body["total"] == 64
    assert len(body["labels"].tolist()) == len(body["predictions"].tolist()) == 10
    losses = body["losses"].numpy()
    assert losses.shape == (10,)
    assert (losses > 0).all()
    assert body["confusion"].numpy().sum() == 64
    assert np.mean(session.request("samples")["losses"].numpy()) == pytest.approx(
        session.request("curves")["losses"].tolist()[-1], rel=1e-5
    )


def test_classes_are_named_before_the_network_has_seen_the_batch(session):
    batch = session.request("events", kinds=["batch"], count=1)["events"][-1]
    body = session.request("samples", event=batch["seq"], count=1)
    assert body["predictions"] is None and body["confusion"] is None
    assert len(body["names"]) == 10 and body["names"][1] == "Trouser"


def test_samples_name_classes_labels_and_batch(session):
    body = session.request("samples", count=1)
    assert len(body["names"]) == 10 and body["names"][1] == "Trouser"
    assert "labelsAt" not in body and body["pass"]["loader"]
    at = session.request("labelsAt")["labelsAt"]
    assert at["shape"] == [64]
    labels = session.request("tensor", reference={k: at[k] for k in ("event", "name")}, slice=[[0, 1]])
    assert labels["data"].tolist() == body["labels"].tolist()


def test_several_tensors_at_once(session):
    views = [
        {"reference": {"expression": "conv1.weight"}, "maxShape": [2, 2]}, {"reference": {"expression": "no_such_name"}},
        {"reference": {"expression": "conv1.bias"}, "slice": "9, 9"},
    ]  # fmt: skip
    one, unknown, wrong = session.request("tensors", tensors=views)["tensors"]
    alone = session.request("tensor", **views[0])
    assert one["data"].tolist() == alone["data"].tolist() and "description" not in one
    assert "no_such_name" in unknown["error"] and wrong["error"]


def test_graph_and_modules(session):
    graph = session.request("graph")
    ops = [node["op"] for node in graph["nodes"] if node["kind"] == "op"]
    assert ops.count("Convolution") == 2
    assert ops[-1] == "CrossEntropy"
    ids = {node["id"] for node in graph["nodes"]}
    assert all({edge["from"], edge["to"]} <= ids for edge in graph["edges"])
    paths = {module["path"] for module in session.request("modules")["modules"]}
    assert {"conv1", "conv2", "hidden", "output"} <= paths


def test_the_graph_before_the_first_backward_is_that_of_the_pass_that_comes_to_it(session):
    """Going back into the first pass took the network apart, node by node, though it is known whole."""
    events = session.request("events", **{"from": 0, "count": 10_000})["events"]
    begin = next(event["seq"] for event in events if event["kind"] == "begin_backward")
    first = [event for event in events if event["kind"] == "forward" and event["module"] and event["seq"] < begin]
    whole = [node["id"] for node in session.request("graph", event=begin)["nodes"]]
    for seq in (0, first[0]["seq"], first[-1]["seq"]):
        graph = session.request("graph", event=seq)
        assert [node["id"] for node in graph["nodes"]] == whole and graph["holds"][0] <= seq <= graph["holds"][1]
        assert graph["holds"][1] < begin


def test_histogram_counts_every_element(session):
    body = session.request("histogram", reference={"expression": "conv1.weight"}, bins=10)
    assert sum(body["counts"].tolist()) == 16 * 9 and body["description"]["count"] == 16 * 9
    assert "description" not in session.request("histogram", reference={"expression": "conv1.weight"}, describe=False)


def test_the_shape_of_a_tensor_alone(session):
    body = session.request("tensor", reference={"expression": "conv1.weight"}, shapeOnly=True)
    made = {"event": body["event"], "step": 3, "name": body["name"]}
    assert body == {"shape": [16, 1, 3, 3], "dtype": "float32", **made}


def test_scopes_and_variables(session):
    frames = session.request("stackTrace")["stackFrames"]
    assert frames[-1]["name"] == "<module>"
    scopes = session.request("scopes", frameId=0)["scopes"]
    assert scopes
    names = set()
    for scope in scopes:
        inside = session.request("variables", variablesReference=scope["variablesReference"])["variables"]
        names |= {variable["name"] for variable in inside}
    assert {"loss", "pictures", "labels", "model", "optimizer"} <= names


def test_a_name_pointed_at_is_the_scripts_and_not_the_ops(session):
    def text(name, context):
        return session.request("evaluate", expression=name, context=context, frameId=0)["result"]

    assert text("pictures.shape", "hover") == text("pictures.shape", "watch")
    assert "float32" in text("dw", "watch")  # an array of the update
    with pytest.raises(RequestError, match="NameError"):
        text("dw", "hover")


def test_the_loss_has_no_value_before_there_is_one(tmp_path):
    with Session.launch(str(SAMPLES / "two_points.py"), parameters=["folder="], capture_output=True) as session:
        session.start()
        for context in ("hover", "watch"):
            with pytest.raises(RequestError, match="NameError: name 'loss'"):
                session.request("evaluate", expression="loss", context=context, frameId=0)
        assert session.request("evaluate", expression="step", context="watch", frameId=0)["result"] == "0"


def test_the_source_and_the_threads(session):
    assert "class Network" in session.request("source", path=str(SAMPLES / "fashion_cnn.py"))["content"]
    assert session.request("threads")["threads"][0]["id"] == 1


def test_element_steps_follow_the_definition(session):
    session.step("stepBack", granularity="op")
    steps = session.request("elementSteps", reference={"expression": "dw"}, index=[0, 0, 1, 1], count=5)
    assert len(steps["steps"]) == 5
    assert steps["count"] > 100
    stop = session.step("stepIn", tensor="db", index=[2])
    assert stop["level"] == "element"
    first = stop["element"]["index"]
    assert session.step("next")["element"]["index"] == first + 1
    assert session.step("stepBack")["element"]["index"] == first
    assert session.step("stepOut")["level"] == "op"
    assert session.step("next", granularity="op")["direction"] == "update"


def test_a_plane_of_inputs():
    with Session.launch(str(SAMPLES / "xor.py"), parameters=["epochs=5", "folder="], capture_output=True) as session:
        session.start()
        session.step("runTo", step=2)
        session.step("next", granularity="op")
        body = session.request("gridEvaluate", model="model", x=[-1, 2], y=[-1, 2], resolution=20)
        assert body["output"].numpy().shape == (1, 20, 20)


def test_edits_in_place_and_digests(session):
    before = session.request("digest")["digest"]
    session.request("evaluate", expression="1 + 1", frameId=0)
    assert session.request("digest")["digest"] == before
    edit = {"kind": "tensor", "reference": {"expression": "output.bias"}, "index": [3], "value": 0.25}
    session.request("edit", edits=[edit])
    assert session.request("digest")["digest"] != before
    changed = session.request("tensor", reference={"expression": "model.output.bias"})["data"].tolist()
    assert changed[3] == 0.25


def test_the_environment_names_what_the_numbers_depend_on(session):
    body = session.request("environment")
    assert body["versions"]["numpy"] == np.__version__
    assert (body["threads"], body["seed"], body["files"]) == (session.request("environment")["threads"], 0, {})
    assert body["threads"] >= 1 and body["system"] and body["processor"]


def test_the_graph_of_the_stop_is_sent_once_for_as_long_as_it_stays_the_same(session):
    first = session.request("graph")
    assert session.request("graph") is first
    session.step("next", granularity="op")
    assert session.request("graph") is first
    told = session.request("graph", event=session.current.stop["seq"])
    assert {**first, "holds": told["holds"]} == {**told, "number": first["number"]}
    # Whoever has another one is told all of it.
    assert session.current.client._request("graph", None, unless=first["number"] - 1) == {**first, "holds": told["holds"]}
    while session.step("next", granularity="op")["direction"] != "backward":
        pass
    other = session.request("graph")
    events = [[node["event"] for node in whole["nodes"] if node["event"]] for whole in (first, other)]
    assert other["signature"] == first["signature"] and max(events[0]) < min(events[1])
