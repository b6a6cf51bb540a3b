"""What the network made of each sample: held against PyTorch's losses and counts by hand."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine.debug.event_arrays import forward_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.names import Names
from engine.debug.views.samples import batch_view, loss_event, page, samples
from engine.tensor import wrap
from engine.trace import Observer, set_observer


class Forwards(Observer):
    """Makes forward events."""

    watches = frozenset({"forward"})

    def __init__(self):
        self.events = []

    def after_forward(self, function, inputs, outputs):
        arrays, labels = forward_arrays(function, inputs, outputs, Names())
        event = Event(len(self.events), Position(0), "forward", function.name, arrays=arrays, labels=labels)
        event.function = frozen(function)
        self.events.append(event)


def recorded(compute):
    """The newest loss event of ``compute()``; backward has run, as it may have at a stop."""
    observer = Forwards()
    set_observer(observer)
    try:
        loss = compute()
    finally:
        set_observer(None)
    if loss.requires_grad:
        loss.backward()
    return loss_event(observer.events)


def logits(*shape, seed=0):
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 2
    return engine.tensor(array, requires_grad=True)


LOSSES = {
    "cross_entropy": (lambda F, x, t, w: F.cross_entropy(x, t["labels"]), {}),
    "weighted": (lambda F, x, t, w: F.cross_entropy(x, t["labels"], w, label_smoothing=0.1), {}),
    "ignoring": (lambda F, x, t, w: F.cross_entropy(x, t["labels"], ignore_index=2), {}),
    "soft": (lambda F, x, t, w: F.cross_entropy(x, t["soft"]), {}),
    "nll": (lambda F, x, t, w: F.nll_loss(F.log_softmax(x, 1), t["labels"], w), {}),
    "bce_logits": (lambda F, x, t, w: F.binary_cross_entropy_with_logits(x, t["bits"], pos_weight=w), {}),
    "bce": (lambda F, x, t, w: F.binary_cross_entropy(x.sigmoid(), t["bits"]), {}),
    "kl": (lambda F, x, t, w: F.kl_div(F.log_softmax(x, 1), t["soft"], reduction="batchmean"), {}),
    "mse": (lambda F, x, t, w: F.mse_loss(x, t["numbers"]), {}),
    "l1": (lambda F, x, t, w: F.l1_loss(x, t["numbers"], reduction="sum"), {}),
    "smooth": (lambda F, x, t, w: F.smooth_l1_loss(x, t["numbers"], beta=0.5), {}),
    "huber": (lambda F, x, t, w: F.huber_loss(x, t["numbers"], delta=0.7), {}),
}


def targets():
    generator = np.random.default_rng(1)
    soft = generator.random((9, 4)).astype(np.float32)
    return {
        "labels": np.array([0, 1, 2, 3, 0, 1, 2, 3, 0]), "soft": soft / soft.sum(1, keepdims=True),
        "bits": (generator.random((9, 4)) < 0.5).astype(np.float32),
        "numbers": generator.normal(size=(9, 4)).astype(np.float32),
    }  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_samples_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    compute = LOSSES[name][0]
    x, weights = logits(9, 4), np.array([0.5, 1, 2, 3], np.float32)
    given = targets()
    event = recorded(lambda: compute(F, x, {k: wrap(v) for k, v in given.items()}, wrap(weights)))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    tx = torch.tensor(x.detach().numpy())
    torch_targets = {k: torch.tensor(v) for k, v in given.items()}

    class Unreduced:
        """torch.nn.functional with reduction="none"."""

        def __getattr__(self, function):
            if function == "log_softmax":
                return torch.nn.functional.log_softmax
            return lambda *a, **k: getattr(torch.nn.functional, function)(*a, **{**k, "reduction": "none"})

    expected = compute(Unreduced(), tx, torch_targets, torch.tensor(weights)).numpy().reshape(9, -1).mean(1)
    np.testing.assert_allclose(found["losses"], expected, rtol=2e-5, atol=1e-6)
    assert np.isclose(found["meanLoss"], expected.mean(), rtol=1e-5)


def test_classes_probabilities_mistakes_and_confusion():
    x = np.array([[2, 1, 0, -1], [0, 3, 1, 2], [5, 0, 0, 0], [0, 0, 0, 9]], np.float32)
    labels = np.array([0, 2, 3, 3])
    event = recorded(lambda: F.cross_entropy(wrap(x), wrap(labels)))
    found = page(batch_view([np.zeros((4, 1, 8, 8), np.float32), labels], event, [10, 11, 12, 13]))
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    assert found["predictions"].tolist() == [0, 1, 0, 3] and found["labels"].tolist() == labels.tolist()
    assert found["correct"].tolist() == [True, False, False, True]
    assert (found["mistakes"], found["scored"], found["worst"].tolist()) == (2, 4, [2, 1])
    assert found["classes"][1].tolist() == [1, 3, 2]
    np.testing.assert_allclose(found["probabilities"], -np.sort(-p, axis=1)[:, :3], rtol=1e-5)
    expected = np.zeros((4, 4), int)
    for t, y in zip(labels, found["predictions"]):
        expected[t, y] += 1
    np.testing.assert_array_equal(found["confusion"], expected)
    assert found["indices"].tolist() == [10, 11, 12, 13]
    assert found["inputs"]["data"].shape == (4, 1, 8, 8)


def test_ignored_labels_are_not_scored():
    found = samples(np.array([1, -100, 0]), np.array([[0, 1], [0, 1], [0, 1]], np.float32))
    assert (found["scored"], found["mistakes"], found["confusion"].tolist()) == (2, 1, [[0, 1], [0, 1]])


def test_not_a_number_comes_first():
    x = np.array([[0, 1, 0], [0, np.nan, 0], [4, 0, 0]], np.float32)
    event = recorded(lambda: F.cross_entropy(wrap(x), wrap(np.array([2, 0, 2]))))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    assert found["worst"].tolist()[0] == 1 and found["worst"].tolist()[1:] == [2, 0]
    assert np.isnan(found["losses"][1]) and np.isfinite(found["meanLoss"])


def test_binary_and_multi_label():
    x, t = logits(6, 1), np.array([[0], [1], [0], [1], [1], [0]], np.float32)
    event = recorded(lambda: F.binary_cross_entropy_with_logits(x, wrap(t)))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    expected = (x.detach().numpy() > 0).astype(int)
    np.testing.assert_array_equal(found["predictions"], expected)
    np.testing.assert_array_equal(found["correct"], (expected == t).reshape(-1))
    assert found["confusion"].shape == (2, 2) and found["confusion"].sum() == 6
    x, t = logits(6, 3), (np.arange(18).reshape(6, 3) % 2).astype(np.float32)
    event = recorded(lambda: F.binary_cross_entropy_with_logits(x, wrap(t)))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    right = (x.detach().numpy() > 0) == (t > 0)
    np.testing.assert_allclose(found["correct"], right.mean(1), rtol=1e-6)


def test_labels_of_every_pixel():
    x, t = logits(2, 3, 4, 4), np.random.default_rng(0).integers(0, 3, (2, 4, 4))
    event = recorded(lambda: F.cross_entropy(x, wrap(t)))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    right = x.detach().numpy().argmax(1) == t
    np.testing.assert_allclose(found["correct"], right.reshape(2, -1).mean(1), rtol=1e-6)
    assert found["losses"].shape == (2,) and found["confusion"].sum() == 32


def test_regression_has_no_classes():
    x, t = logits(5, 1), np.linspace(-1, 1, 5, dtype=np.float32)[:, None]
    event = recorded(lambda: F.mse_loss(x, wrap(t)))
    found = samples(event.arrays["t"], event.arrays["x"], event.function)
    assert found["confusion"] is None and found["correct"] is None and found["classes"] is None
    np.testing.assert_array_equal(found["predictions"], x.detach().numpy())
    np.testing.assert_array_equal(found["worst"], np.argsort(-found["losses"]))


def test_pages_cut_columns_only():
    labels = np.arange(5000) % 3
    result = batch_view([np.zeros((5000, 784), np.float32), labels], None, np.arange(5000))
    found = page(result, 4990, 100)
    assert found["labels"].tolist() == labels[4990:].tolist() and found["start"] == 4990 and found["total"] == 5000
    assert found["inputs"]["data"].shape == (10, 784) and found["losses"] is None
    assert page(result)["labels"].size == 1024 and page(result, 9999)["labels"].size == 0
    only = page(batch_view([np.zeros((7, 2), np.float32)]), 2, 3)
    assert only["total"] == 7 and only["inputs"]["data"].shape == (3, 2) and only["labels"] is None
    assert page(batch_view([]))["total"] == 0


def test_the_run_is_not_disturbed():
    observer = Forwards()
    event = recorded(lambda: F.cross_entropy(logits(3, 2), wrap(np.array([0, 1, 0]))))
    set_observer(observer)
    try:
        samples(event.arrays["t"], event.arrays["x"], event.function)
    finally:
        assert set_observer(None) is observer
    assert observer.events == []
