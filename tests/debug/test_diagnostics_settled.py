"""A training that has settled is followed from a distance: faults that begin late are found all the same."""

import pytest

import engine as torch
from engine import nn, trace
from engine.debug.diagnostics import Diagnostics
from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.schedule import SETTLED, SPARSE
from engine.utils.data import DataLoader, TensorDataset

LATE = SETTLED + 33


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 8)
        self.drop = nn.Dropout(0.1)
        self.last = nn.Linear(8, 1)
        self.bad = None

    def forward(self, x):
        y = self.last(self.drop(torch.relu(self.first(x))))
        if self.bad is not None:
            y = self.bad(y)
        return y


@pytest.fixture
def training():
    """(model, diagnostics, step): one step of a training that is watched."""
    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x = torch.randn(16, 3)
    t = x.sum(dim=1, keepdim=True)

    def step(clear=True):
        if clear:
            optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), t)
        loss.backward()
        optimizer.step()

    diagnostics = Diagnostics()
    with diagnostics:
        yield model, diagnostics, step


def found(diagnostics):
    return {finding.id: finding for finding in diagnostics.findings}


def test_between_the_passes_looked_at_neither_modules_nor_updates_are_heard_of(training):
    _model, diagnostics, step = training
    for _ in range(SETTLED):
        assert trace.on_module is diagnostics and trace.on_update is diagnostics
        step()
    close = []
    for _ in range(200):
        step()
        close.append(trace.on_module is diagnostics)
        assert (trace.on_update is diagnostics) == close[-1] == ("update" in diagnostics.watches)
        assert trace.on_forward is trace.on_pass is diagnostics
        assert trace.on_backward is None
    # Every fiftieth, and it has to be heard of from its beginning on.
    assert sum(close) == 4
    assert diagnostics.findings == []


@pytest.mark.filterwarnings("ignore:invalid value")
def test_the_op_that_makes_a_nan_is_named_by_module_and_line(training):
    model, diagnostics, step = training
    for _ in range(LATE):
        step()
    assert "module" not in diagnostics.watches
    model.last.weight.data[0, 0] = float("inf")
    step()
    place = found(diagnostics)["non-finite"].place
    assert (place.op, place.module) == ("Linear", "last")
    assert place.line == Net.forward.__code__.co_firstlineno + 1


def test_an_op_that_was_not_there_before_is_named_without_its_line(training):
    model, diagnostics, step = training
    for _ in range(LATE):
        step()
    model.bad = lambda y: torch.log(y * 0 - 1)
    step()
    place = found(diagnostics)["non-finite"].place
    assert place.op == "Log"


def test_a_nan_that_begins_in_backward_is_found(training):
    model, diagnostics, step = training
    for _ in range(LATE):
        step()
    model.bad = lambda y: y + torch.sqrt(y * 0)
    step()
    assert found(diagnostics)["non-finite"].place.op == "Sqrt"


def test_what_ops_have_saved_is_kept_only_where_one_may_make_a_nan_on_the_way_back(training):
    model, diagnostics, step = training
    kept = []
    for _ in range(LATE + 2 * SPARSE):
        step()
        kept.append(diagnostics.looks_back)
    assert all(kept[:SETTLED])
    # Neither those of which the checks are asked, nor the one that is followed closely.
    assert not any(kept[SETTLED + 1 :])
    model.bad = lambda y: torch.sqrt(y * y + 1)
    for _ in range(SPARSE):
        step()
        assert diagnostics.looks_back
    assert diagnostics.findings == []


@pytest.mark.parametrize("later", range(SPARSE))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_nan_that_an_infinite_weight_makes_on_the_way_back_is_found(training, later):
    """An activation hides it on the way forward."""
    model, diagnostics, step = training
    for _ in range(LATE + later):
        step()
    weight = torch.full((1, 1), -float("inf"), requires_grad=True)
    model.bad = lambda y: y + torch.relu((y * y + 1) @ weight)
    step()
    finding = found(diagnostics)["non-finite"]
    assert "backward" in finding.title and finding.evidence["direction"] == "backward"
    assert finding.place.parameter or finding.place.op == "Mm"


def test_a_nan_in_backward_of_a_pass_with_a_given_gradient_is_found():
    weight = torch.tensor([1.0, 4.0], requires_grad=True)
    with Diagnostics() as diagnostics:
        for step in range(LATE):
            value = torch.sqrt(weight * (0.0 if step == LATE - 1 else 1.0))
            (value + 1).backward(torch.tensor([0.0, 3.0]))
            weight.grad = None
    found = diagnostics.findings[-1]
    assert (found.id, found.place.op) == ("non-finite", "Sqrt")
    assert found.evidence["direction"] == "backward" and found.evidence["index"] == [0]


def test_the_way_back_is_the_one_that_was_gone(training):
    """Ops are run backward once more for a finding: the gradients are those of the pass itself."""
    model, diagnostics, step = training
    heard, again = [], []

    class Hears(Check):
        def gradients(self, this):
            again.extend((f.name, [None if g is None else g.tolist() for g in found]) for f, _, found in this.backward_ops())

    diagnostics._at["gradients"].append(Hears(diagnostics.run).gradients)

    class Listens(trace.Observer):
        def __getattribute__(self, name):
            if name in ("after_backward", "__class__", "watches", "runs") or name.startswith("_"):
                return super().__getattribute__(name)
            return getattr(diagnostics, name)

        def after_backward(self, function, gradients, found):
            heard.append((function.name, [None if g is None else g.tolist() for g in found]))

    trace.set_observer(Listens())
    model.bad = lambda y: y + y * y
    step()
    assert again == heard and len(heard) > 6


@pytest.mark.parametrize("later", range(SPARSE))
def test_gradients_that_jump_late_are_found_in_any_pass(training, later):
    model, diagnostics, step = training
    for _ in range(LATE + later):
        step()
    model.bad = lambda y: 1e4 * y
    before = len(diagnostics.run.findings)
    step()
    assert [finding.id for finding in diagnostics.findings[before:]] == ["exploding-gradients"]


def test_of_a_settled_training_the_checks_hear_of_some_passes_only():
    heard = []

    class Hears(Check):
        def gradients(self, this):
            assert this.norm > 0
            heard.append(this.site.losses.count)

    weight = torch.ones(3, requires_grad=True)
    with Diagnostics(checks=[Hears]):
        for _ in range(SETTLED + 40):
            (weight * 2).square().sum().backward()
            weight.grad = None
    near = SETTLED + 2  # the one that is looked at, and the one behind it
    assert heard == [*range(1, near + 1), *range(SETTLED + SPARSE, SETTLED + 41, SPARSE)]


def test_gradients_that_are_cleared_no_more_are_found(training):
    _, diagnostics, step = training
    for _ in range(LATE):
        step()
    for _ in range(60):
        step(clear=False)
    assert "gradients-not-cleared" in found(diagnostics)


@pytest.mark.parametrize("mode", [True, False])
def test_evaluations_that_begin_late_are_looked_at(training, mode):
    model, diagnostics, step = training
    data = TensorDataset(torch.randn(8, 3), torch.randn(8, 1))
    train_loader, test_loader = DataLoader(data, batch_size=4), DataLoader(data, batch_size=8)
    for _ in range(2):
        for _batch in train_loader:
            step()
    for _ in range(LATE):
        step()
    model.train(mode)
    with torch.no_grad():
        for x, t in test_loader:
            nn.functional.mse_loss(model(x), t)
    assert ("training-mode-in-evaluation" in found(diagnostics)) == mode


def test_evaluations_without_a_loader_that_begin_late_are_looked_at(training):
    model, diagnostics, step = training
    x, t = torch.randn(8, 3), torch.randn(8, 1)
    for _ in range(LATE):
        step()
    for _ in range(2):
        with torch.no_grad():
            nn.functional.mse_loss(model(x), t)
        step()
    assert "training-mode-in-evaluation" in found(diagnostics)


def test_two_losses_that_take_turns_are_both_looked_at():
    torch.manual_seed(0)
    a, b = nn.Linear(2, 1), nn.Linear(2, 1)
    x = torch.randn(4, 2)
    sites = []
    with Diagnostics() as diagnostics:
        diagnostics._at["forward"].append(lambda this: sites.append(this.site))
        optimizers = [torch.optim.SGD(m.parameters(), lr=0.01) for m in (a, b)]
        for _ in range(SETTLED + 110):
            optimizers[0].zero_grad()
            (a(x) ** 2).mean().backward()
            optimizers[0].step()
            optimizers[1].zero_grad()
            (b(x) ** 2).mean().backward()
            optimizers[1].step()
        assert "module" not in diagnostics.watches
    counts = [sites.count(site) for site in set(sites)]
    assert len(counts) == 2
    # Three at first, every tenth until it has settled, then every fiftieth.
    assert counts[0] == counts[1] == 3 + (SETTLED // 10 - 1) + 3
