"""engine.trainer: the loop against one written by hand, callbacks, history, and exact resumption."""

from __future__ import annotations

import csv
import io
import math
import os
import random
import re

import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.errors import CheckpointError, DataError, DeviceError
from engine.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau, StepLR
from engine.tensor import wrap
from engine.trainer import (
    Accuracy,
    Callback,
    ConfusionMatrix,
    CSVLogger,
    EarlyStopping,
    F1Score,
    History,
    LearningRateMonitor,
    ModelCheckpoint,
    NonFiniteLossError,
    Precision,
    Recall,
    Trainer,
)
from engine.trainer.measures import make_metrics
from engine.trainer.progress import Progress
from engine.trainer.randomness import Randomness, seed_everything
from engine.utils.data import DataLoader, TensorDataset

SAMPLES = 20


def arrays():
    rng = np.random.RandomState(0)
    x = rng.standard_normal((SAMPLES, 4)).astype(np.float32)
    return x, (x[:, 0] + x[:, 1] > 0).astype(np.int64)


def loader(batch_size=6, shuffle=True, generator=None):
    x, y = arrays()
    return DataLoader(TensorDataset(wrap(x), wrap(y)), batch_size, shuffle=shuffle, generator=generator)


class Parts:
    """Model, optimizer, scheduler and loaders of a run, made from a seed."""

    def __init__(self, seed=1, own_generator=False, scheduler=StepLR):
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.02)
        self.scheduler = scheduler and scheduler(self.optimizer, 2)
        generator = torch.Generator().manual_seed(9) if own_generator else None
        self.train, self.val = loader(generator=generator), loader(8, shuffle=False)

    def fit(self, trainer, **options):
        options.setdefault("val_loader", self.val)
        options.setdefault("scheduler", self.scheduler)
        return trainer.fit(self.model, nn.CrossEntropyLoss(), self.optimizer, self.train, **options)

    def bits(self):
        """Every number of the run that is not in the history, as bytes."""
        state = self.optimizer.state_dict()["state"]
        found = [tensor._array.tobytes() for tensor in self.model.state_dict().values()]
        found += [value._array.tobytes() for one in state.values() for value in one.values()]
        lr = None if self.scheduler is None else self.scheduler.get_last_lr()
        return [*found, torch.get_rng_state()._array.tobytes(), lr, self.optimizer.param_groups[0]["lr"]]


def quiet(**options):
    options.setdefault("max_epochs", 3)
    return Trainer(progress=False, **options)


def without_seconds(history):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


class Hooks(Callback):
    """Notes the name of every hook as it is called."""

    def __init__(self):
        self.called = []

    def __getattribute__(self, name):
        if name.startswith("on_"):
            object.__getattribute__(self, "called").append(name.removeprefix("on_"))
        return object.__getattribute__(self, name)


class At(Callback):
    """Calls a function at one hook."""

    def __init__(self, hook, function):
        setattr(self, hook, function)


# ---- the loop ----


def test_fit_equals_a_loop_written_by_hand():
    parts = Parts(scheduler=None)
    model, loss_fn, losses, accuracies = parts.model, nn.CrossEntropyLoss(), [], []
    for _ in range(2):
        loss_sum = correct = 0.0
        for x, y in parts.train:
            parts.optimizer.zero_grad()
            output = model(x)
            loss = loss_fn(output, y)
            loss.backward()
            parts.optimizer.step()
            loss_sum += loss.item() * len(y)
            correct += (output._array.argmax(1) == y._array).sum()
        losses.append(loss_sum / SAMPLES)
        accuracies.append(correct / SAMPLES)
        for _ in loader(8, shuffle=False):
            pass
    by_hand = parts.bits()
    parts = Parts(scheduler=None)
    history = parts.fit(quiet(max_epochs=2))
    assert parts.bits() == by_hand
    assert history["train_loss"] == losses
    assert history["train_accuracy"] == accuracies
    assert history["epoch"] == [0, 1]
    assert history["lr"] == [0.02, 0.02]
    assert history.columns == [
        "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds"
    ]  # fmt: skip


def test_evaluate_is_the_mean_over_samples_without_dropout_and_leaves_modes():
    parts = Parts()
    parts.model[1].eval()
    x, y = arrays()
    modes = [module.training for module in parts.model.modules()]
    before = parts.bits()
    trainer = quiet()
    result = trainer.evaluate(parts.model, nn.CrossEntropyLoss(), parts.val)
    assert [module.training for module in parts.model.modules()] == modes
    outputs = trainer.predict(parts.model, parts.val)
    # The default loader draws one seed per pass, so that only the parameters can be compared.
    assert parts.bits()[:6] == before[:6]
    assert outputs.shape == (SAMPLES, 2)
    assert not outputs.requires_grad
    assert result["loss"] == pytest.approx(nn.CrossEntropyLoss()(outputs, wrap(y)).item(), rel=1e-6)
    assert result["accuracy"] == (outputs._array.argmax(1) == y).mean()
    parts.model.eval()
    np.testing.assert_allclose(parts.model(wrap(x)).detach()._array, outputs._array, rtol=1e-5)


def test_reduction_sum_gives_the_mean_per_sample():
    parts = Parts()
    mean = quiet().evaluate(parts.model, nn.CrossEntropyLoss(), parts.val)["loss"]
    total = quiet().evaluate(parts.model, nn.CrossEntropyLoss(reduction="sum"), parts.val)["loss"]
    assert total == pytest.approx(mean, rel=1e-6)


def test_hooks_come_in_their_order():
    hooks = Hooks()
    parts = Parts()
    parts.fit(quiet(max_epochs=1, callbacks=hooks, limit_train_batches=1, limit_val_batches=1))
    assert hooks.called == [
        "fit_start", "train_start", "train_epoch_start", "train_batch_start", "before_backward", "after_backward",
        "before_optimizer_step", "train_batch_end", "validation_start", "validation_batch_start",
        "validation_batch_end", "validation_end", "train_epoch_end", "train_end", "fit_end",
    ]  # fmt: skip


def test_modes_during_fit():
    seen = {}
    at = [
        At("on_train_batch_start", lambda t, m, batch, i: seen.update(train=m.training)),
        At("on_validation_batch_end", lambda t, m, out, batch, i: seen.update(
            val=m.training, grad=out["output"].requires_grad, recording=torch.is_grad_enabled())),
    ]  # fmt: skip
    parts = Parts()
    parts.model.eval()
    parts.fit(quiet(max_epochs=1, callbacks=at))
    assert seen == {"train": True, "val": False, "grad": False, "recording": False}
    assert parts.model.training


@pytest.mark.parametrize(("limit", "expected"), [(None, 4), (2, 2), (0.5, 2), (1.0, 4), (1, 1)])
def test_limit_train_batches(limit, expected):
    trainer = quiet(max_epochs=2, limit_train_batches=limit)
    Parts().fit(trainer)
    assert trainer.global_step == 2 * expected


def test_wrong_arguments_are_named():
    for options, message in [
        ({"limit_train_batches": 1.5}, "share"),
        ({"limit_train_batches": "all"}, "'all'"),
    ]:
        with pytest.raises(ValueError, match=message):
            Parts().fit(quiet(**options))
    with pytest.raises(ValueError, match="max_epochs"):
        Trainer(max_epochs=-1)
    with pytest.raises(ValueError, match="gradient_clip_algorithm"):
        Trainer(gradient_clip_algorithm="l2")
    with pytest.raises(DeviceError):
        Trainer(device="cuda")
    parts = Parts()
    with pytest.raises(TypeError, match="model must be"):
        quiet().fit(len, len, parts.optimizer, [])
    with pytest.raises(TypeError, match="optimizer must be"):
        quiet().fit(parts.model, len, None, [])
    with pytest.raises(DataError, match="no batch"):
        quiet().fit(parts.model, len, parts.optimizer, [])
    with pytest.raises(DataError, match=r"dict with \['x'\].*step\(\)"):
        quiet().fit(parts.model, len, parts.optimizer, [{"x": 1}])
    with pytest.raises(DataError, match=r"shape \(6,\).*reduction"):
        quiet().fit(parts.model, nn.CrossEntropyLoss(reduction="none"), parts.optimizer, parts.train)
    with pytest.raises(RuntimeError, match="no fit"):
        quiet().save_checkpoint("x")


def test_one_part_batches_are_their_own_target_and_more_parts_are_inputs():
    x, _ = arrays()
    model = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    history = quiet(max_epochs=2).fit(model, nn.MSELoss(), optimizer, DataLoader(TensorDataset(wrap(x)), 10))
    assert history[1]["train_loss"] < history[0]["train_loss"]
    assert "train_accuracy" not in history.columns

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, a, b):
            return self.linear(a) + b, b

    assert [part.shape for part in quiet().predict(Two(), [(wrap(x), wrap(x), 0)] * 2)] == [(40, 4), (40, 4)]


def test_step_can_be_overridden():
    class Own(Trainer):
        def step(self, model, loss_fn, batch):
            output = model(batch["x"])
            return loss_fn(output, batch["y"]), output, batch["y"]

    x, y = arrays()
    parts = Parts()
    history = Own(progress=False, max_epochs=2).fit(
        parts.model, nn.CrossEntropyLoss(), parts.optimizer, [{"x": wrap(x), "y": wrap(y)}]
    )
    assert len(history) == 2


@pytest.mark.parametrize(("algorithm", "limit"), [("norm", 0.01), ("value", 0.001)])
def test_gradients_are_clipped_before_the_step(algorithm, limit):
    found = []

    def note(trainer, model, optimizer):
        gradients = np.concatenate([p.grad._array.ravel() for p in model.parameters()])
        found.append(np.linalg.norm(gradients) if algorithm == "norm" else np.abs(gradients).max())

    clipping = {"gradient_clip_val": limit, "gradient_clip_algorithm": algorithm}
    Parts().fit(quiet(max_epochs=1, callbacks=At("on_before_optimizer_step", note), **clipping))
    assert len(found) == 4
    assert max(found) <= limit * 1.0001


def test_seed_makes_runs_equal():
    states = []
    for _ in range(2):
        parts = Parts()
        random.random()
        np.random.rand()
        torch.rand(3)
        parts.fit(quiet(seed=5))
        states.append((parts.bits(), random.random(), np.random.rand()))
    assert states[0] == states[1]


# ---- failures ----


class Poison(Callback):
    """Makes the output NaN from one batch on."""

    def on_train_batch_start(self, trainer, model, batch, batch_idx):
        if trainer.global_step == 5:
            batch[0]._array[...] = math.nan


def test_a_nan_loss_stops_and_names_the_batch_and_keeps_the_parameters():
    states = []
    parts = Parts()
    note = At("on_train_batch_end", lambda *arguments: states.append(parts.bits()[0]))
    trainer = quiet(callbacks=[Poison(), note])
    with pytest.raises(NonFiniteLossError, match=r"loss is nan at epoch 1, batch 1 .*step 5.*the loss before was 0\."):
        parts.fit(trainer)
    assert parts.bits()[0] == states[-1]
    assert len(trainer.history) == 1


def test_a_nan_loss_can_be_let_pass():
    history = Parts().fit(quiet(callbacks=Poison(), terminate_on_nan=False))
    assert math.isnan(history[-1]["train_loss"])


def test_an_interrupt_ends_cleanly_with_the_history_so_far():
    def interrupt(trainer, model, outputs, batch, batch_idx):
        if trainer.global_step == 6:
            raise KeyboardInterrupt

    hooks = Hooks()
    trainer = quiet(callbacks=[At("on_train_batch_end", interrupt), hooks])
    history = Parts().fit(trainer)
    assert len(history) == 1
    assert trainer.interrupted
    assert hooks.called[-3:] == ["exception", "train_end", "fit_end"]


def test_other_exceptions_are_told_and_raised():
    def fail(trainer, model):
        raise OSError("disk")

    hooks = Hooks()
    with pytest.raises(OSError, match="disk"):
        Parts().fit(quiet(callbacks=[hooks, At("on_train_epoch_end", fail)]))
    assert hooks.called[-1] == "exception"


# ---- metrics ----


@pytest.mark.parametrize(
    ("output", "target", "loss_fn", "expected"),
    [
        ([[0.2, 0.9], [3, 1], [0, 1], [1, 0]], np.array([1, 0, 0, 0]), nn.CrossEntropyLoss(), 3 / 4),
        ([[0.2, 0.9], [3, 1]], np.array([[0.0, 1.0], [0.0, 1.0]]), nn.CrossEntropyLoss(), 1 / 2),
        ([[0.2], [-0.2], [3.0]], np.array([[1.0], [1.0], [0.0]]), nn.BCEWithLogitsLoss(), 1 / 3),
        ([[0.2], [0.7], [0.9]], np.array([[1.0], [1.0], [0.0]]), nn.BCELoss(), 1 / 3),
        ([0.2, 0.7, 0.4], np.array([0, 1, 1]), nn.functional.binary_cross_entropy, 2 / 3),
        ([0.2, 0.7, -0.4], np.array([1, 1, 1]), nn.functional.binary_cross_entropy_with_logits, 2 / 3),
        ([[[1.0, 0.0], [0.0, 1.0]]], np.array([[0, 0]]), nn.CrossEntropyLoss(), 1 / 2),
    ],
)
def test_accuracy_of_every_kind_of_output(output, target, loss_fn, expected):
    (accuracy,) = make_metrics(None, loss_fn)
    accuracy.update(wrap(np.array(output)), wrap(target))
    assert accuracy.compute() == expected


@pytest.mark.parametrize(
    ("output", "target"),
    [
        (np.zeros((3, 2)), np.zeros((3, 2)) + 0.5),
        (np.zeros((3, 2)), np.zeros((3, 2))),
        (np.zeros((3, 1)), np.array([[0.5], [1.0], [0.0]])),
        (np.zeros((3, 4)), np.zeros(3)),
    ],
)
def test_accuracy_is_left_out_of_regressions_and_refused_when_asked_for(output, target):
    (automatic,) = make_metrics(None, nn.MSELoss())
    automatic.update(wrap(output), wrap(target))
    assert automatic.compute() is None
    with pytest.raises(DataError, match="accuracy: output of shape"):
        make_metrics("accuracy", nn.MSELoss())[0].update(wrap(output), wrap(target))


def test_class_scores_over_batches_equal_sklearn():
    sk = pytest.importorskip("sklearn.metrics")
    rng = np.random.RandomState(0)
    scores, true = rng.standard_normal((30, 5)), rng.randint(0, 3, 30)
    predicted = scores.argmax(1)
    metrics = [Accuracy(), Precision(), Recall("weighted"), F1Score("micro"), ConfusionMatrix()]
    for metric in metrics:
        for i in range(0, 30, 7):
            metric.update(wrap(scores[i : i + 7]), wrap(true[i : i + 7]))
    expected = [
        sk.accuracy_score(true, predicted),
        sk.precision_score(true, predicted, average="macro", zero_division=0),
        sk.recall_score(true, predicted, average="weighted", zero_division=0),
        sk.f1_score(true, predicted, average="micro", zero_division=0),
    ]
    assert [metric.compute() for metric in metrics[:4]] == pytest.approx(expected)
    assert metrics[4].compute().tolist() == sk.confusion_matrix(true, predicted, labels=range(5)).tolist()


def test_binary_f1_is_that_of_class_1():
    metric = F1Score("binary", threshold=0.0)
    metric.update(wrap(np.array([1.0, 1.0, -1.0, -1.0])), wrap(np.array([1, 0, 1, 0])))
    assert metric.compute() == 0.5


def test_metrics_by_name_function_and_mapping():
    def error(output, target):
        return (output.argmax(1) != target).float().mean()

    parts = Parts()
    wanted = {"f1": "f1", "error": error, "matrix": ConfusionMatrix()}
    trainer = quiet(max_epochs=1, metrics=wanted)
    history = parts.fit(trainer)
    assert history.columns[:5] == ["epoch", "train_loss", "train_f1", "train_error", "val_loss"]
    result = trainer.evaluate(parts.model, nn.CrossEntropyLoss(), parts.val)
    matrix = result["matrix"]
    assert result["error"] == pytest.approx(1 - np.trace(matrix) / matrix.sum())
    with pytest.raises(ValueError, match="'auc' is unknown"):
        make_metrics(["auc"], None)
    with pytest.raises(ValueError, match="must all differ"):
        make_metrics(["f1", F1Score()], None)
    with pytest.raises(ValueError, match="expected a name"):
        make_metrics([3], None)


# ---- schedulers ----


def rates(scheduler, **options):
    seen = []
    parts = Parts(scheduler=None)
    note = At("on_before_optimizer_step", lambda t, m, o: seen.append(o.param_groups[0]["lr"]))
    parts.fit(quiet(callbacks=note, limit_train_batches=2), scheduler=scheduler(parts.optimizer), **options)
    return seen


def test_epoch_schedulers_step_after_epochs():
    assert rates(lambda o: StepLR(o, 1, 0.5)) == [0.02, 0.02, 0.01, 0.01, 0.005, 0.005]
    every_second = rates(lambda o: {"scheduler": StepLR(o, 1, 0.5), "frequency": 2})
    assert every_second == [0.02, 0.02, 0.02, 0.02, 0.01, 0.01]


def test_one_cycle_and_interval_step_step_after_batches():
    seen = rates(lambda o: OneCycleLR(o, max_lr=0.1, total_steps=7))
    assert len(set(seen)) == 6
    seen = rates(lambda o: {"scheduler": StepLR(o, 1, 0.5), "interval": "step"})
    assert seen == [0.02 * 0.5**i for i in range(6)]


def test_plateau_gets_the_validation_loss():
    seen = rates(lambda o: ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=10.0, threshold_mode="abs"))
    assert seen == [0.02, 0.02, 0.02, 0.02, 0.01, 0.01]
    with pytest.raises(KeyError, match="monitors 'x'"):
        rates(lambda o: {"scheduler": ReduceLROnPlateau(o), "monitor": "x"})
    with pytest.raises(ValueError, match="must be 'epoch'"):
        rates(lambda o: {"scheduler": ReduceLROnPlateau(o), "interval": "step"})
    with pytest.raises(ValueError, match="keys"):
        rates(lambda o: {"schedule": ReduceLROnPlateau(o)})


# ---- resumption ----


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("scheduler", [StepLR, lambda o, n: OneCycleLR(o, 0.1, total_steps=40), None])
def test_resumption_at_an_epoch_continues_bit_by_bit(tmp_path, own_generator, scheduler):
    options = {"own_generator": own_generator, "scheduler": scheduler}
    parts = Parts(**options)
    whole = parts.fit(quiet(max_epochs=5))
    expected = parts.bits()
    saver = ModelCheckpoint(tmp_path, save_last=True)
    Parts(**options).fit(quiet(max_epochs=2, callbacks=saver))
    torch.rand(3)
    parts = Parts(seed=77, **options)
    resumed = parts.fit(quiet(max_epochs=5), ckpt_path=saver.last_model_path)
    assert parts.bits() == expected
    assert without_seconds(resumed) == without_seconds(whole)
    assert resumed.steps == whole.steps


def test_resumption_restores_python_and_numpy_generators(tmp_path):
    drawn = []
    note = At("on_train_batch_start", lambda t, m, batch, i: drawn.append((random.random(), np.random.rand())))
    Parts().fit(quiet(max_epochs=2, seed=3, callbacks=note))
    trainer = quiet(max_epochs=1, seed=3, callbacks=note)
    Parts().fit(trainer)
    trainer.save_checkpoint(tmp_path / "one")
    random.random()
    np.random.rand()
    Parts().fit(quiet(max_epochs=2, seed=3, callbacks=note), ckpt_path=tmp_path / "one")
    assert drawn[:8] == drawn[8:]


@pytest.mark.parametrize("stop_at", [1, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("own_generator", [False, True])
def test_resumption_inside_an_epoch_continues_bit_by_bit(tmp_path, stop_at, own_generator):
    def options():
        return {"max_epochs": 3, "log_every_n_steps": 1, "metrics": ["accuracy", "f1"]}

    parts = Parts(own_generator=own_generator)
    whole = parts.fit(quiet(**options(), callbacks=LearningRateMonitor()))
    expected = parts.bits()

    class Stop(Callback):
        def on_train_batch_end(self, trainer, model, outputs, batch, batch_idx):
            if trainer.global_step == stop_at:
                trainer.save_checkpoint(tmp_path / "now")
                raise KeyboardInterrupt

    Parts(own_generator=own_generator).fit(quiet(**options(), callbacks=[LearningRateMonitor(), Stop()]))
    random.random()
    parts = Parts(seed=77, own_generator=own_generator)
    resumed = parts.fit(quiet(**options(), callbacks=LearningRateMonitor()), ckpt_path=tmp_path / "now")
    assert parts.bits() == expected
    assert without_seconds(resumed) == without_seconds(whole)
    assert resumed.steps == whole.steps


def test_resumption_restores_the_state_of_callbacks(tmp_path):
    parts = Parts()
    saver, stopping = (
        ModelCheckpoint(tmp_path, monitor="val_loss", save_top_k=2),
        EarlyStopping(min_delta=10, patience=9),
    )
    parts.fit(quiet(callbacks=[saver, stopping]))
    assert stopping.wait_count == 2
    again, patient = (
        ModelCheckpoint(tmp_path, monitor="val_loss", save_top_k=2),
        EarlyStopping(min_delta=10, patience=9),
    )
    newest = max(saver.best_k_models, key=os.path.getmtime)
    epochs = torch.load(newest)["epoch"]
    Parts().fit(quiet(max_epochs=epochs, callbacks=[again, patient]), ckpt_path=newest)
    assert patient.wait_count == epochs - 1
    assert patient.best_score == stopping.best_score
    assert newest in again.best_k_models


def test_a_finished_run_resumed_without_more_epochs_trains_nothing(tmp_path):
    parts = Parts()
    trainer = quiet()
    parts.fit(trainer)
    trainer.save_checkpoint(tmp_path / "end")
    state = parts.bits()[:6]
    parts = Parts(seed=3)
    history = parts.fit(quiet(), ckpt_path=tmp_path / "end")
    assert parts.bits()[:6] == state
    assert len(history) == 3


def test_what_cannot_be_resumed_is_refused(tmp_path):
    parts = Parts()
    trainer = quiet(max_epochs=1)
    parts.fit(trainer)
    trainer.save_checkpoint(tmp_path / "full")
    trainer.save_checkpoint(tmp_path / "weights", weights_only=True)
    torch.save(parts.model.state_dict(), tmp_path / "plain")
    for name in ("weights", "plain"):
        with pytest.raises(CheckpointError, match="not the checkpoint of a run"):
            Parts().fit(quiet(), ckpt_path=tmp_path / name)
    with pytest.raises(CheckpointError, match="a scheduler's state but this run has no"):
        Parts(scheduler=None).fit(quiet(), ckpt_path=tmp_path / "full")
    with pytest.raises(CheckpointError, match="generators of data loaders"):
        Parts(own_generator=True).fit(quiet(), ckpt_path=tmp_path / "full")
    Parts(seed=5).model.load_state_dict(torch.load(tmp_path / "weights")["state_dict"])


def test_a_checkpoint_holds_the_random_streams_of_all_devices(tmp_path):
    def draws():
        return torch.rand(2).tolist(), torch.random.cuda_generator.take(), random.random(), np.random.rand()

    seed_everything(3)
    assert torch.random.cuda_generator.take() == (3, 0)
    torch.save({"randomness": Randomness().state()}, tmp_path / "state")
    expected = draws()
    state = torch.load(tmp_path / "state")["randomness"]
    Randomness().restore(state)
    assert draws() == expected
    # Checkpoints of older versions know nothing of a GPU's stream: it stays where it is.
    del state["cuda"]
    Randomness().restore(state)
    assert draws() == (expected[0], (3, 8), *expected[2:])


# ---- EarlyStopping ----


class Scores(Callback):
    """Puts given values into the rows, as if they were results."""

    def __init__(self, *values):
        self.values = values

    def on_train_epoch_end(self, trainer, model):
        trainer.callback_metrics["score"] = self.values[trainer.current_epoch]
        trainer.callback_metrics["weight"] = float(model.weight._array[0, 0])


def fit_scores(*values, callbacks=(), **options):
    model = nn.Linear(1, 1)
    batch = (wrap(np.ones((2, 1), np.float32)), wrap(np.full((2, 1), 5.0, np.float32)))
    trainer = quiet(max_epochs=len(values), callbacks=[Scores(*values), *callbacks], **options)
    history = trainer.fit(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1), [batch])
    return model, history


@pytest.mark.parametrize(
    ("scores", "options", "epochs"),
    [
        ([5, 4, 4, 4, 3, 2], {"patience": 2}, 4),
        ([5, 4, 4, 3, 3, 2], {"patience": 2}, 6),
        ([5, 4.9, 4.8, 4.7, 4.6, 4.5], {"patience": 2, "min_delta": 0.5}, 3),
        ([1, 2, 2, 2, 3, 4], {"patience": 2, "mode": "max"}, 4),
        ([5, math.nan, 3], {}, 2),
        ([5, math.nan, 3], {"check_finite": False, "patience": 2}, 3),
        ([5, 0.5, 3], {"stopping_threshold": 1.0}, 2),
        ([5, 50, 3], {"divergence_threshold": 10.0}, 2),
    ],
)
def test_early_stopping(scores, options, epochs):
    stopping = EarlyStopping("score", **options)
    _, history = fit_scores(*scores, callbacks=[stopping])
    assert len(history) == epochs
    assert stopping.stopped_epoch == (epochs - 1 if epochs < len(scores) else 0)


@pytest.mark.parametrize("scores", [[5, 3, 4, 4, 4], [5, 3, 4]])
def test_early_stopping_restores_the_best_weights(scores):
    stopping = EarlyStopping("score", patience=2, restore_best_weights=True)
    model, history = fit_scores(*scores, callbacks=[stopping])
    assert stopping.best_epoch == 1
    assert model.weight.item() == history[1]["weight"] != history[-1]["weight"]


def test_missing_monitors_are_named():
    with pytest.raises(RuntimeError, match="no 'val_loss' to monitor, only epoch, train_loss.*val_loader"):
        fit_scores(1, 2, callbacks=[EarlyStopping()])
    fit_scores(1, 2, callbacks=[EarlyStopping(strict=False)])
    with pytest.raises(ValueError, match="mode"):
        EarlyStopping(mode="auto")


# ---- ModelCheckpoint ----


def test_the_best_k_are_kept(tmp_path):
    saver = ModelCheckpoint(tmp_path, "{epoch:02d}-{score:.1f}", monitor="score", save_top_k=2, save_last=True)
    fit_scores(5.0, 3.0, 4.0, 1.0, 2.0, callbacks=[saver])
    names = ["epoch=03-score=1.0.safetensors", "epoch=04-score=2.0.safetensors", "last.safetensors"]
    assert sorted(os.listdir(tmp_path)) == names
    assert saver.best_model_path == str(tmp_path / names[0])
    assert saver.best_model_score == 1.0
    assert torch.load(saver.last_model_path)["epoch"] == 5
    assert torch.load(saver.best_model_path)["epoch"] == 4


def test_mode_max_and_nan(tmp_path):
    saver = ModelCheckpoint(tmp_path, "{epoch}", monitor="score", mode="max")
    fit_scores(math.nan, 3.0, 4.0, math.nan, 2.0, callbacks=[saver])
    assert os.listdir(tmp_path) == ["epoch=2.safetensors"]


def test_without_monitor_the_newest_or_all_or_none_are_kept(tmp_path):
    for top, expected in [(1, ["epoch=2-step=3"]), (-1, [f"epoch={i}-step={i + 1}" for i in range(3)]), (0, [])]:
        folder = tmp_path / str(top)
        folder.mkdir()
        fit_scores(1, 2, 3, callbacks=[ModelCheckpoint(folder, save_top_k=top)])
        assert sorted(os.listdir(folder)) == [f"{name}.safetensors" for name in expected]


def test_files_of_other_runs_are_not_overwritten(tmp_path):
    for _ in range(2):
        fit_scores(1, callbacks=[ModelCheckpoint(tmp_path, "best")])
    assert sorted(os.listdir(tmp_path)) == ["best-v1.safetensors", "best.safetensors"]


def test_saving_by_steps_and_by_epochs(tmp_path):
    saver = ModelCheckpoint(tmp_path, "{step}", save_top_k=-1, every_n_train_steps=5, auto_insert_metric_name=False)
    Parts().fit(quiet(callbacks=saver))
    assert sorted(os.listdir(tmp_path)) == ["10.safetensors", "5.safetensors"]
    fit_scores(1, 2, 3, callbacks=[ModelCheckpoint(tmp_path, "e{epoch}", every_n_epochs=2)])
    assert "eepoch=1.safetensors" in os.listdir(tmp_path)


def test_contradictions_and_unknown_names(tmp_path):
    for options in (
        {"save_top_k": -2},
        {"save_top_k": 3},
        {"monitor": "a", "every_n_train_steps": 2},
        {"every_n_epochs": 1, "every_n_train_steps": 2},
        {"mode": "auto"},
    ):
        with pytest.raises(ValueError, match="ModelCheckpoint"):
            ModelCheckpoint(tmp_path, **options)
    with pytest.raises(KeyError, match="filename has {f1}"):
        fit_scores(1, callbacks=[ModelCheckpoint(tmp_path, "{f1}")])


# ---- the other callbacks, history, progress ----


def test_learning_rate_monitor():
    parts = Parts(scheduler=None)
    first, second = parts.model[0].parameters(), parts.model[4].parameters()
    optimizer = torch.optim.SGD([{"params": first}, {"params": second, "lr": 0.5}], lr=1.0)
    trainer = quiet(callbacks=LearningRateMonitor(), log_every_n_steps=3)
    trainer.fit(parts.model, nn.CrossEntropyLoss(), optimizer, parts.train, scheduler=StepLR(optimizer, 1, 0.5))
    assert trainer.history["lr-SGD/pg1"] == [1.0, 0.5, 0.25]
    assert trainer.history["lr-SGD/pg2"] == [0.5, 0.25, 0.125]
    assert [row["step"] for row in trainer.history.steps] == [3, 6, 9, 12]
    assert [row["lr-SGD/pg2"] for row in trainer.history.steps] == [0.5, 0.25, 0.125, 0.125]
    with pytest.raises(ValueError, match="'batch'"):
        LearningRateMonitor("batch")


def test_csv_logger_writes_the_table(tmp_path):
    history = Parts().fit(quiet(callbacks=CSVLogger(tmp_path / "log.csv")))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [float(row["val_loss"]) for row in rows] == history["val_loss"]
    assert list(rows[0]) == history.columns


def history_of(*rows):
    history = History()
    history.rows = [{"epoch": i, **row} for i, row in enumerate(rows)]
    return history


def test_history_as_table():
    history = history_of({"val_loss": 2.0}, {"val_loss": math.nan, "extra": 3}, {"val_loss": 0.123456, "extra": 4})
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "val_loss", "extra"]
    assert lines[-1].split() == ["2", "0.1235", "4"]
    assert len(set(map(len, lines))) == 1
    assert history["extra"] == [None, 3, 4]
    assert history[-1]["epoch"] == len(history) - 1 == 2
    assert history.best()["epoch"] == 2
    assert history.best("val_loss", "max")["epoch"] == 0
    with pytest.raises(KeyError, match="no column 'loss'; it has epoch, val_loss, extra"):
        history["loss"]
    with pytest.raises(ValueError, match="no epoch has"):
        history_of({"val_loss": None}).best()
    assert "no epoch" in repr(History())


def test_history_plot_has_the_curves():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = history_of(
        {"train_loss": 2.0, "val_loss": 3.0, "lr": 0.1, "seconds": 1.0}, {"train_loss": 1.0, "lr": 0.1, "seconds": 1.0}
    ).plot()
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "lr"]
    loss = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert loss["train"] == [2.0, 1.0]
    assert loss["val"][0] == 3.0
    assert math.isnan(loss["val"][1])
    figure.savefig(io.BytesIO())
    plt.close(figure)
    with pytest.raises(KeyError, match="no 'f1'"):
        history_of({"train_loss": 2.0}).plot("f1")
    plt.close("all")


def test_progress_is_a_line_per_epoch_without_terminal(capsys):
    Parts().fit(Trainer(max_epochs=2, callbacks=EarlyStopping(patience=1, min_delta=9, verbose=True)))
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert re.fullmatch(r"epoch 0/1: train_loss \S+  train_accuracy \S+  val_loss .* s\)", lines[0])
    assert len(lines) == 3
    assert lines[2].startswith("EarlyStopping after epoch 1")
    Parts().fit(quiet())
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch):
    pytest.importorskip("tqdm")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    progress = Progress(True, 3)
    progress.begin_epoch(1, 2, 0)
    progress.batch(0.25)
    progress.message("a message")
    progress.batch(0.5)
    progress.end_epoch({"epoch": 1, "train_loss": 0.375, "lr": 0.1, "seconds": 1.0})
    text = stream.getvalue()
    assert "epoch 1/2: 100%" in text
    assert "2/2" in text
    assert "train_loss=0.375" in text
    assert "lr=" not in text
    assert "a message\n" in text


def test_no_stderr_at_all(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert len(Parts().fit(Trainer(max_epochs=1))) == 1
