"""A label that is changed at a stop behind the loss is changed where the loss reads it: this step's loss is another."""

import numpy as np
import pytest

from engine.debug.session import Session

HEAD = """import engine as torch
from engine import nn
import engine.nn.functional as F
from engine.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(6, 4)
y = torch.tensor([0, 1, 2, 0, 1, 2])
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.CrossEntropyLoss()
"""
LOOPS = {
    "a variable of the script": """for step in range(4):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
""",
    "a function's own": """def train(inputs, targets):
    for step in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
train(x, y)
""",
    "a global in a function": """def train():
    for step in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
train()
""",
    "what an op made": """for step in range(4):
    optimizer.zero_grad()
    loss = loss_fn(model(x[:4]), y[:4])
    loss.backward()
    optimizer.step()
""",
    "a batch": """for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=3):
    optimizer.zero_grad()
    loss = loss_fn(model(inputs), targets)
    loss.backward()
    optimizer.step()
""",
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("past", [False, True])
def test_the_loss_of_this_step_sees_the_label(tmp_path, loop, past):
    path = tmp_path / "script.py"
    path.write_text(HEAD + LOOPS[loop])
    with Session.launch(str(path), capture_output=True) as session:
        session.start()
        session.step("runTo", step=1)
        while session.current.stop.get("kind") != "update":
            session.step("next", granularity="op")
        if past:
            while session.current.stop.get("kind") != "backward":
                session.step("stepBack", granularity="op")
        body = session.request("samples")
        at, before = session.request("labelsAt")["labelsAt"], body["losses"].numpy()
        assert body["labels"].tolist()[0] == 0
        if at["event"] != session.current.stop["seq"]:
            session.step("goto", seq=at["event"])
        reference = {"expression": at["expression"]} if "expression" in at else {"event": at["event"], "name": at["name"]}
        session.fork([{"kind": "tensor", "reference": reference, "index": [0], "value": 2}])
        while session.current.stop.get("kind") != "backward":
            session.step("next", granularity="op")
        after = session.request("samples")
        losses = after["losses"].numpy()
        assert after["labels"].tolist()[0] == 2 and np.array_equal(losses[1:], before[1:])
        # What the script has is what the kernel computed, with the new label.
        computed = float(session.request("evaluate", expression="loss.item()", frameId=0)["result"])
        assert losses[0] != before[0] and np.isclose(computed, losses.mean(), rtol=1e-5)
