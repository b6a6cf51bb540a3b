"""A session of the debugger with a script that trains on the GPU: forwards, backwards, a fork, dropout, out of memory."""

import pytest

from engine.debug.client import RequestError
from engine.debug.session import Session
from engine.device import gate

TRAINING = """
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).to("cuda")
x = torch.tensor([[0.5, -1.0], [2.0, 0.25]]).to("cuda")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(STEPS):
    optimizer.zero_grad()
    loss = (model(x) ** 2).mean()
    loss.backward()
    optimizer.step()
"""

DROPOUT = """
import torch
from torch import nn

torch.manual_seed(0)
dropout = nn.Dropout(0.5)
x = torch.ones(2, 8, device="cuda")
for step in range(4):
    y = dropout(x)
    noise = torch.randn(3, device="cuda")
"""

FULL = """
import torch
from engine.device import gate

held = torch.zeros(3, 500, device="cuda")
torch.cuda.empty_cache()
allocate = gate.allocate


def small(nbytes):
    if nbytes > 1 << 20:
        raise gate.OutOfMemory
    return allocate(nbytes)


gate.allocate = small
torch.empty(1234, 567, device="cuda")
"""

LOST = """
import torch
from torch import nn
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray


class CudaAPIError(Exception):
    pass


def lost(self, host, stream=0):
    raise CudaAPIError("[719] Call to cuMemcpyDtoH results in CUDA_ERROR_LAUNCH_FAILED")


model = nn.Linear(2, 1).to("cuda")
try:
    model(torch.ones(3, 2))
except RuntimeError:
    pass
y = model(torch.ones(3, 2, device="cuda"))
copy, FakeCUDAArray.copy_to_host = FakeCUDAArray.copy_to_host, lost
y.tolist()
"""


@pytest.fixture
def launch(tmp_path):
    sessions = []

    def start(source):
        path = tmp_path / "script.py"
        path.write_text(source)
        session = Session.launch(str(path), as_torch=True, capture_output=True)
        sessions.append(session)
        session.start()
        return session

    yield start
    for session in sessions:
        session.close()


def explained(session, name, index):
    body = session.request("explain", reference={"expression": name}, index=list(index))
    assert body["agrees"] and body["contributors"] and body["launch"]["blockDim"], body
    shown = session.request("tensor", reference={"expression": name}, slice=list(index))
    assert float(shown["data"].numpy()) == pytest.approx(body["actual"], rel=1e-6)
    return body


def test_a_session_on_the_gpu(launch):
    session = launch(TRAINING.replace("STEPS", "3"))
    seen = {}
    for _ in range(40):
        stop = session.step("next", granularity="op")
        key = (stop["direction"], stop["op"])
        if key not in seen:
            seen[key] = stop
            if key == ("forward", "Linear"):
                assert stop["device"] == "cuda:0"
                explained(session, "y", (1, 0))
            if key == ("backward", "Linear"):
                explained(session, "dw", (0, 1))
            if key == ("update", "SGD"):
                explained(session, "w_new", (0, 1))
                break
    assert ("update", "SGD") in seen
    assert "float32 (2, 2)" in session.request("evaluate", expression="model[0].weight")["result"]
    assert session.request("histogram", reference={"expression": "model[0].weight"}, bins=4)["count"] == 4

    back = session.step("stepBack", granularity="op")
    assert not back["live"] and back.position < seen["update", "SGD"].position

    stop = session.step("runTo", step=2)
    digest = session.request("digest")["digest"]
    position = stop.position
    session.step("continue")
    assert session.travel(position, live=True).position == position
    assert session.request("digest")["digest"] == digest

    run = session.fork([{"kind": "tensor", "reference": {"expression": "0.weight"}, "index": [0, 0], "value": 5.0}])
    session.switch(run)
    shown = session.request("tensor", reference={"expression": "0.weight"}, slice=[0, 0])
    assert float(shown["data"].numpy()) == 5.0
    assert session.request("digest")["digest"] != digest


def test_stepping_back_across_a_dropout_brings_the_same_mask(launch):
    session = launch(DROPOUT)

    def shown():
        return session.request("tensor", reference={"expression": "y"})["data"].numpy().tolist()

    def next_dropout(command):
        while (stop := session.step(command, granularity="op"))["op"] != "Dropout":
            assert not stop.ended
        return stop.position, shown()

    seen = []
    for _ in range(3):
        position, y = next_dropout("next")
        assert {value for row in y for value in row} == {0.0, 2.0}
        body = explained(session, "y", (1, 3))
        assert {c["tensor"]: c["value"] for c in body["contributors"]} == {"x": 1.0, "mask": y[1][3]}
        seen.append((position, y, session.request("digest")["digest"]))
    assert len({str(y) for _, y, _ in seen}) == len({digest for _, _, digest in seen}) == 3
    for position, y, _ in seen[1::-1]:
        assert next_dropout("stepBack") == (position, y)
    for position, y, digest in (seen[0], seen[2]):
        assert session.travel(position, live=True).position == position
        assert (shown(), session.request("digest")["digest"]) == (y, digest)


def test_out_of_memory_is_a_stop_that_names_what_holds_memory(launch):
    session = launch(FULL)
    session.configure("setExceptionBreakpoints", filters=["uncaught"])
    stop = session.step("continue")
    assert stop.reason == "exception" and "(1234, 567)" in stop["text"] and "(3, 500)" in stop["text"], stop
    assert "(3, 500)" in session.request("evaluate", expression="held")["result"]
    assert session.request("status")["state"] == "stopped"


@pytest.mark.skipif(not gate.simulated(), reason="breaks the simulator's arrays in place of a GPU")
def test_mixed_devices_and_a_gpu_that_is_gone_are_stops_after_which_the_process_lives(launch):
    session = launch(LOST)
    session.configure("setExceptionBreakpoints", filters=["raised"])
    stop = session.step("continue")
    assert stop.reason == "exception" and "on cpu: x (3, 2); on cuda:0: w (1, 2), b (1,)" in stop["text"], stop
    session.configure("setExceptionBreakpoints", filters=["uncaught"])
    stop = session.step("continue")
    assert stop.reason == "exception" and "does not answer any more ([719]" in stop["text"], stop
    assert session.request("status")["state"] == "stopped"
    assert session.request("evaluate", expression="y.shape")["result"].endswith("[3, 1])")
    with pytest.raises(RequestError, match="start the script anew"):
        session.request("tensor", reference={"expression": "y"})
    assert session.request("stackTrace")["stackFrames"][0]["name"] == "<module>"
    # Only the script's past can be looked at now, and another process takes its place.
    assert session.restart().reason == "entry"
