"""``nablascope warmup`` where there is a GPU."""

import engine
from engine import nn
from engine.cli import warmup


def small(torch):
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    labels = torch.tensor([0, 1])
    yield "2-3-2", warmup._training(torch, model, (2, 2), nn.CrossEntropyLoss(), labels, torch.optim.SGD, lr=0.1)


def test_each_network_is_trained_on_both_devices(monkeypatch, capsys):
    monkeypatch.setattr(warmup, "_networks", small)
    states = engine.get_rng_state().tolist(), engine.cuda.get_rng_state().tolist()
    assert warmup.warmup() == 0
    said = capsys.readouterr().out
    assert "1 of 2: 2-3-2\n" in said and "2 of 2: 2-3-2, on the GPU\n" in said
    assert (engine.get_rng_state().tolist(), engine.cuda.get_rng_state().tolist()) == states
