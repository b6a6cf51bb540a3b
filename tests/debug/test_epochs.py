"""Which epoch it is: what the script's own loops say, however its DataLoaders are made and passed over."""

import gc
import weakref

import pytest

import engine as torch
from engine import nn, trace
from engine.debug.replay.recorder import Recorder
from engine.utils.data import DataLoader, Dataset, IterableDataset, Subset, SubsetRandomSampler, TensorDataset, random_split


class Run:
    """A model to train, two sets of data, and what the recorder says beside what the script knows."""

    def __init__(self, recorder):
        self.recorder, self.said = recorder, []
        self.train, self.test = (TensorDataset(torch.randn(n, 2), torch.randn(n, 1)) for n in (12, 8))
        self.model = nn.Linear(2, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def step(self, epoch, batch):
        """One step of training, in the epoch that the script calls number ``epoch`` (from 1)."""
        self.note("train", epoch)
        x, y = batch
        self.optimizer.zero_grad()
        nn.functional.mse_loss(self.model(x), y).backward()
        self.optimizer.step()
        self.note("trained", epoch)

    def look(self, epoch, batch):
        """One batch of an evaluation."""
        self.note("look", epoch)
        nn.functional.mse_loss(self.model(batch[0]), batch[1])

    def note(self, what, epoch):
        self.said.append((what, epoch, self.recorder.epochs))

    def wrong(self, of=("train", "trained", "look")):
        return [one for one in self.said if one[0] in of and one[1] != one[2]]


@pytest.fixture
def run():
    recorder = Recorder()
    torch.manual_seed(0)
    run = Run(recorder)
    trace.set_observer(recorder)
    yield run
    trace.set_observer(None)


@pytest.fixture(params=["the same data", "data of its own"])
def made(request, run):
    """A loader made anew, of a dataset that lasts or of one that is new too."""
    def make(dataset, **options):
        if request.param == "data of its own":
            dataset = TensorDataset(*(t[torch.randperm(len(dataset))] for t in dataset.tensors))
        return DataLoader(dataset, batch_size=4, **options)

    return make


def test_a_loader_made_in_each_epoch(run, made):
    for epoch in range(5):
        loader = made(run.train, shuffle=True)
        for batch in loader:
            run.step(epoch + 1, batch)
    assert len(run.said) == 30 and run.wrong() == []


def test_loaders_for_training_and_validation_made_in_each_epoch(run, made):
    for epoch in range(4):
        for batch in made(run.train):
            run.step(epoch + 1, batch)
        for batch in made(run.test):
            run.look(epoch + 1, batch)
    assert len(run.said) == 4 * (6 + 2) and run.wrong() == []


def test_one_line_passes_over_both(run, made):
    for epoch in range(3):
        for phase in ("train", "test"):
            for batch in made(getattr(run, phase)):
                (run.step if phase == "train" else run.look)(epoch + 1, batch)
    assert run.wrong() == []


@pytest.mark.parametrize("anew", [False, True])
def test_one_function_passes_over_both(run, made, anew):
    train, test = made(run.train), made(run.test)

    def passing(loader, do, epoch):
        for batch in loader:
            do(epoch, batch)

    for epoch in range(1, 4):
        passing(made(run.train) if anew else train, run.step, epoch)
        passing(made(run.test) if anew else test, run.look, epoch)
    assert run.wrong() == []


def test_two_samplers_of_one_dataset(run):
    train = DataLoader(run.train, 3, sampler=SubsetRandomSampler(range(9)))
    test = DataLoader(run.train, 3, sampler=SubsetRandomSampler(range(9, 12)))
    for epoch in range(1, 4):
        for batch in train:
            run.step(epoch, batch)
        for batch in test:
            run.look(epoch, batch)
    assert run.wrong() == []


def test_folds_and_trials_begin_at_1_again(run):
    for fold in range(3):
        loader = DataLoader(Subset(run.train, [i for i in range(12) if i % 3 != fold]), 4)
        for epoch in range(1, 3):
            for batch in loader:
                run.step(epoch, batch)
    # Until the first step says so, a pass over another loader need not be one for training.
    assert run.wrong(of=("trained",)) == []


def test_a_split_made_in_each_epoch(run):
    for epoch in range(1, 5):
        train, test = random_split(run.train, [8, 4])
        for batch in DataLoader(train, 4):
            run.step(epoch, batch)
        for batch in DataLoader(test, 4):
            run.look(epoch, batch)
    assert run.wrong() == []


def test_loops_in_loops(run):
    for inner, _ in enumerate(DataLoader(run.test, 4), 1):
        for batch in DataLoader(run.train, 4):
            run.step(inner, batch)
    assert run.wrong(of=("trained",)) == []


def test_a_batch_of_another_loader_in_each_step_takes_no_part_in_the_count(run):
    others = DataLoader(run.test, 4, shuffle=True)
    for epoch in range(1, 4):
        for number, batch in enumerate(DataLoader(run.train, 4)):
            other = next(iter(others))
            run.step(epoch, (torch.cat([batch[0], other[0]]), torch.cat([batch[1], other[1]])))
            assert run.recorder.batches == number and run.recorder.batch_count == 3
    assert run.wrong(of=("trained",)) == []


def test_a_batch_at_a_time_of_an_iterator_that_is_kept_is_its_pass(run):
    for epoch in range(1, 4):
        batches = iter(DataLoader(run.train, 4))
        for _ in range(3):
            run.step(epoch, next(batches))
    assert run.wrong() == []


def test_a_look_at_the_first_batch_is_no_epoch(run):
    loader, test = DataLoader(run.train, 4), DataLoader(run.test, 4)
    next(iter(loader))
    next(iter(test))
    for epoch in range(1, 4):
        for batch in loader:
            run.step(epoch, batch)
    assert run.wrong() == []


def test_a_pass_that_only_prints_shapes_is_no_epoch(run, made):
    loader = made(run.train)
    for _ in loader:
        run.note("look", 1)  # while it lasts it may be one
    run.note("between", 0)
    for epoch in range(1, 4):
        for batch in loader:
            run.step(epoch, batch)
        run.note("between", epoch)
    for _ in loader:
        run.note("shape", 3)
    run.note("between", 3)
    for batch in loader:
        run.step(4, batch)
    assert run.wrong(of=("look", "between", "train", "trained")) == []


def test_a_pass_at_the_place_of_the_training_that_trains_nothing_is_no_epoch(run, made):
    loader = made(run.train)
    for epoch in range(6):
        for batch in loader:
            if epoch % 3 == 0:
                run.note("shape", 0)
                continue
            run.step(epoch - epoch // 3, batch)
    assert run.wrong(of=("train", "trained")) == []


def test_gradients_that_a_later_step_uses_make_an_epoch(run, made):
    loader = made(run.train)
    for epoch in range(1, 5):
        for x, y in loader:
            nn.functional.mse_loss(run.model(x), y).backward()
            run.note("train", epoch)
        run.note("between", epoch)
        if epoch % 2 == 0:
            run.optimizer.step()
            run.note("trained", epoch)
    assert run.wrong(of=("train", "trained", "between")) == []


def test_the_accuracy_on_the_training_data_is_no_epoch(run):
    loader = DataLoader(run.train, 4)
    for epoch in range(1, 4):
        for batch in loader:
            run.step(epoch, batch)
        with torch.no_grad():
            for batch in loader:
                run.look(epoch, batch)
    assert run.wrong() == []


def test_an_accuracy_that_forgets_no_grad_is_no_epoch(run):
    loader = DataLoader(run.train, 4)
    for epoch in range(1, 4):
        for batch in loader:
            run.step(epoch, batch)
        for batch in loader:
            run.look(epoch, batch)
    assert run.wrong(of=("train", "trained")) == []
    assert run.wrong() == [("look", 1, 2)] * 3  # the first time it may be a loop that goes on with the training


def test_loops_that_go_on_with_the_training(run):
    loader = DataLoader(run.train, 4)
    for epoch in (1, 2):
        for batch in loader:
            run.step(epoch, batch)
    for epoch in (3, 4):
        for batch in loader:
            run.step(epoch, batch)
    batches = iter(loader)
    for step in range(9):
        try:
            batch = next(batches)
        except StopIteration:
            batches = iter(loader)
            batch = next(batches)
        run.step(5 + step // 3, batch)
    assert run.wrong() == []


def test_passes_that_are_left_before_their_ends(run, made):
    for epoch in range(1, 4):
        for i, batch in enumerate(made(run.train)):
            run.step(epoch, batch)
            if i == 1:
                break
        for batch in made(run.test):
            run.look(epoch, batch)
            break
    assert run.wrong() == []


def test_training_without_an_optimizer(run, made):
    recorder = Recorder()
    trace.set_observer(recorder)
    seen = []
    for epoch in range(1, 4):
        for x, y in made(run.train):
            run.model.zero_grad()
            nn.functional.mse_loss(run.model(x), y).backward()
            with torch.no_grad():
                for p in run.model.parameters():
                    p -= 0.1 * p.grad
            seen.append((epoch, recorder.epochs))
        with torch.no_grad():
            for _ in made(run.train):
                seen.append((epoch, recorder.epochs))
    assert [a for a, b in seen if a != b] == []


def test_one_step_for_each_epoch(run, made):
    for epoch in range(1, 4):
        for x, y in made(run.train):
            nn.functional.mse_loss(run.model(x), y).backward()
            run.note("train", epoch)
        run.optimizer.step()
        run.note("trained", epoch)
    assert run.wrong() == []


def test_data_without_a_length_or_a_weak_reference(run):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(rows)

    rows = list(run.train)
    stream = Stream()
    for epoch in range(1, 4):
        for batch in DataLoader(stream, 4):
            run.step(epoch, batch)
        for batch in DataLoader(rows[:5], 4):
            run.look(epoch, batch)
    assert run.wrong() == []


def test_data_whose_length_raises(run):
    class Odd(Dataset):
        def __getitem__(self, index):
            return run.train[index]

        def __len__(self):
            raise RuntimeError("unknown yet")

    odd = Odd()
    for epoch in range(1, 4):
        for batch in DataLoader(odd, 4, sampler=range(12)):
            run.step(epoch, batch)
    assert run.wrong() == []


def test_what_was_made_in_each_epoch_is_not_kept(run):
    gone = []
    for epoch in range(1, 6):
        data = TensorDataset(torch.randn(12, 2), torch.randn(12, 1))
        loader = DataLoader(data, 4)
        gone += [weakref.ref(data), weakref.ref(loader)]
        for batch in loader:
            run.step(epoch, batch)
    gc.collect()
    assert [one() for one in gone[:-2]] == [None] * 8 and run.wrong() == []
    assert len(run.recorder._passes._by_loader) == 1
