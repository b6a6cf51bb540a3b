"""Indices out of range on the GPU: told in words, when the CPU next waits."""

import numpy as np
import pytest

import engine
from engine import nn, trace
from engine.device import faults
from engine.nn import functional as F


@pytest.fixture(autouse=True)
def read():
    faults.look()
    yield
    faults.look()


def test_a_label_that_is_no_class_is_told_by_the_next_read():
    x = engine.zeros(3, 4, device="cuda", requires_grad=True)
    loss = F.cross_entropy(x, engine.tensor([1, 7, 9], device="cuda"))
    loss.backward()
    with pytest.raises(IndexError, match=r"cross_entropy: Target 7 is out of bounds: target\[1\] is 7 .*\[0, 3\]"):
        loss.item()
    # Told once, and the process goes on.
    assert np.isnan(loss.item())
    assert np.isfinite(x.grad.tolist()[0]).all()
    assert F.cross_entropy(x, engine.tensor([1, 2, 3], device="cuda")).item() == pytest.approx(np.log(4))


def test_of_several_faults_the_first_is_told():
    x = engine.zeros(2, 2, device="cuda")
    F.nll_loss(x, engine.tensor([0, -3], device="cuda"))
    F.cross_entropy(x, engine.tensor([5, 0], device="cuda"))
    with pytest.raises(IndexError, match=r"nll_loss: Target -3 .*target\[1\]"):
        engine.cuda.synchronize()
    assert x.tolist() == [[0, 0], [0, 0]]


def test_faults_of_several_streams_are_all_told():
    x = engine.zeros(1, 2, device="cuda")
    labels = [engine.tensor([label], device="cuda") for label in (5, 7)]
    engine.cuda.synchronize()
    for label in labels:
        with engine.cuda.stream(engine.cuda.Stream()):
            F.nll_loss(x, label)
    with pytest.raises(IndexError, match=r"^nll_loss: Target 5 .*\nin another stream: nll_loss: Target 7 "):
        engine.cuda.synchronize()
    engine.cuda.synchronize()


@pytest.mark.parametrize("index", [-1, 3, 1 << 40])
def test_an_embedding_index_outside_the_table(index):
    weight = engine.ones(3, 2, device="cuda", requires_grad=True)
    y = F.embedding(engine.tensor([[2, index]], device="cuda"), weight)
    y.sum().backward()
    with pytest.raises(IndexError, match=rf"input\[0, 1\] is {index} but weight has 3 rows"):
        y.tolist()
    assert np.isnan(y.tolist()[0][1]).all() and y.tolist()[0][0] == [1, 1]
    assert weight.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_weights_and_ignored_labels_are_not_read_outside(loss):
    x, weight = engine.zeros(3, 2, device="cuda", requires_grad=True), engine.tensor([1.0, 2.0], device="cuda")
    y = loss(x, engine.tensor([-100, 9, 1], device="cuda"), weight)
    y.backward()
    with pytest.raises(IndexError, match="Target 9"):
        y.item()
    assert x.grad.tolist()[0] == [0, 0]


def test_a_debugger_is_told_at_once():
    before = trace.set_observer(trace.Observer())
    try:
        with pytest.raises(IndexError, match="Target 7"):
            F.cross_entropy(engine.zeros(1, 4, device="cuda"), engine.tensor([7], device="cuda"))
    finally:
        trace.set_observer(before)


def test_checks_that_nobody_reads_are_read_in_the_end(monkeypatch):
    monkeypatch.setattr(faults, "_MOST_UNREAD", 3)
    x, good = engine.zeros(1, 4, device="cuda"), engine.tensor([0], device="cuda")
    F.cross_entropy(x, engine.tensor([4], device="cuda"))
    F.cross_entropy(x, good)
    F.cross_entropy(x, good)
    with pytest.raises(IndexError, match="Target 4"):
        F.cross_entropy(x, good)
    F.cross_entropy(x, good).item()


def test_training_goes_on_after_the_error():
    model = nn.Linear(2, 2).to("cuda")
    x = engine.ones(1, 2, device="cuda")
    with pytest.raises(IndexError):
        F.cross_entropy(model(x), engine.tensor([2], device="cuda")).item()
    loss = F.cross_entropy(model(x), engine.tensor([1], device="cuda"))
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(model.weight.grad.tolist()).all()
