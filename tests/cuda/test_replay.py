"""A replay that passes over steps: what lies on the GPU is hollow meanwhile, and comes back from a checkpoint.

Inputs and dropout's masks are drawn on the GPU, so that every loss depends on where its generator stands.
"""

import gc

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.debug.events import Position
from engine.debug.replay.recorder import Recorder
from engine.debug.replay.recording import Recording
from engine.debug.replay.replayer import Replayer


def train(steps):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Dropout(0.3), nn.Linear(2, 1)).to("cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(steps):
        x = torch.randn(2, 2, device="cuda")
        optimizer.zero_grad()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.cpu().item())
    return model, optimizer, losses


def observed(observer, steps):
    previous = trace.set_observer(observer)
    try:
        return train(steps)
    finally:
        trace.set_observer(previous)


@pytest.fixture(autouse=True)
def _unfrozen():
    """A recorder freezes what the collector knows."""
    yield
    gc.unfreeze()


@pytest.mark.parametrize("skip", [True, False])
def test_a_replay_ends_where_the_run_was(tmp_path, skip):
    recorder = Recorder(Recording(tmp_path / "run"), interval=0.0)
    recorder.amortised = 0.0
    model, optimizer, losses = observed(recorder, 6)
    expected = [p.detach().cpu().numpy() for p in model.parameters()]
    tick, digest = recorder.tick, recorder.digest()
    recorder.flush()
    del model, optimizer

    replayer = Replayer(Recording(tmp_path / "run"), Position(tick), skip, interval=1e9)
    replayer.prepare()
    assert bool(replayer.skipped_to) == skip
    again, optimizer, repeated = observed(replayer, 6)
    assert replayer.failed is None and replayer.divergence is None and repeated == losses
    for p, values in zip(again.parameters(), expected, strict=True):
        assert p.is_cuda
        np.testing.assert_array_equal(p.detach().cpu().numpy(), values)
    assert replayer.digest() == digest and optimizer is not None
