"""Pinned host memory, and copies from it that Python does not wait for."""

import pytest

import engine
from engine.device import copies, gate
from engine.utils import data


@pytest.fixture
def started(monkeypatch):
    """The copies that were started without waiting."""
    found, start = [], copies.start_to_device

    def note(raw, host):
        found.append(host)
        start(raw, host)

    monkeypatch.setattr(copies, "start_to_device", note)
    return found


def test_pin_memory_copies_once_and_views_stay_pinned():
    plain = engine.arange(6.0)
    pinned = plain.pin_memory()
    assert pinned.is_pinned() and not plain.is_pinned() and pinned.tolist() == plain.tolist()
    assert pinned.data_ptr() != plain.data_ptr() and pinned.pin_memory() is pinned
    assert pinned.view(2, 3)[1].is_pinned() and not pinned.clone().is_pinned()
    assert engine.empty(0, 3).pin_memory().shape == (0, 3)
    there = plain.to("cuda")
    assert not there.is_pinned()
    with pytest.raises(RuntimeError, match="only tensors on the CPU can be pinned"):
        there.pin_memory()


def test_only_pinned_memory_is_copied_without_waiting(started):
    pinned, plain = engine.arange(6.0).view(2, 3).pin_memory(), engine.arange(6.0).view(2, 3)
    assert pinned.to("cuda", non_blocking=True).tolist() == plain.tolist() and len(started) == 1
    assert pinned.to("cuda", True).tolist() == plain.tolist() and len(started) == 2
    assert pinned.cuda(non_blocking=True).tolist() == plain.tolist() and len(started) == 3
    # A transposed view must be copied on the CPU first, and that copy is not pinned.
    assert pinned.T.to("cuda", non_blocking=True).tolist() == plain.T.tolist()
    assert plain.to("cuda", non_blocking=True).tolist() == plain.tolist()
    assert pinned.to("cuda").tolist() == plain.tolist()
    assert len(started) == 3


def test_batches_are_pinned():
    pairs = [(engine.ones(2) * i, {"label": i, "name": str(i)}) for i in range(4)]
    (x, others), *_ = data.DataLoader(pairs, 2, pin_memory=True)
    assert x.is_pinned() and others["label"].is_pinned() and others["name"] == ["0", "1"]
    (x, others), *_ = data.DataLoader(pairs, 2)
    assert not x.is_pinned() and not others["label"].is_pinned()


def test_the_source_of_a_copy_stays_until_the_copy_has_ended(monkeypatch):
    """With a driver's events in place of the simulator's, which has none that can be asked."""

    class Copy:
        ended = False

        def record(self, stream):
            begun.append(self)

        def query(self):
            return self.ended

    class Driver:
        def default_stream(self):
            return "the engine's"

        def event(self, timing):
            return Copy()

        def synchronize(self):
            for copy in begun:
                copy.ended = True
            # Another thread begins a copy meanwhile.
            copies.start_to_device(Raw(), fourth)

    class Raw:
        def copy_to_device(self, host, stream):
            assert stream == "the engine's"

    begun: list[Copy] = []
    monkeypatch.setattr(gate, "simulated", lambda: False)
    monkeypatch.setattr(gate, "require", Driver)
    first, second, third, fourth = (engine.ones(3)._array for _ in range(4))
    copies.start_to_device(Raw(), first)
    copies.start_to_device(Raw(), second)
    assert [host is wanted for (_, host), wanted in zip(copies._under_way, (first, second), strict=True)] == [True, True]
    begun[0].ended = True
    copies.start_to_device(Raw(), third)
    assert [host is wanted for (_, host), wanted in zip(copies._under_way, (second, third), strict=True)] == [True, True]
    copies.synchronize()
    assert [host is fourth for _, host in copies._under_way] == [True]
    begun[-1].ended = True
    copies._let_go()
    assert not copies._under_way
