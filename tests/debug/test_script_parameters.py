"""Parameters changed under way: what was made with them follows, and nothing else."""

from pathlib import Path

import pytest

from engine import nn, optim
from engine.debug.script_parameters import assign_parameters
from engine.debug.server import RequestFailedError
from engine.debug.session import Session

SAMPLES = Path(__file__).parents[2] / "samples"


def script(**names):
    """A frame whose global variables are ``names``, as at a stop of a script."""
    exec("import sys\nframe = sys._getframe()", names)
    return names["frame"], names


def groups(**defaults):
    model = nn.Linear(3, 2)
    return optim.AdamW(model.parameters(), **defaults)


def test_a_learning_rate_reaches_the_optimizer_also_one_of_a_function():
    frame, names = script(learning_rate=0.01)

    def train():
        optimizer = groups(lr=0.01)
        assign_parameters(["learning_rate=0.5"], frame)
        return optimizer

    assert train().param_groups[0]["lr"] == 0.5 and names["learning_rate"] == 0.5


def test_the_variable_is_the_scripts_not_one_of_the_function_at_work():
    _, names = script(hidden=8)
    exec("def work():\n    return sys._getframe()\n", names)
    assign_parameters(["hidden=16"], names["work"]())
    assert names["hidden"] == 16


def test_only_what_has_its_value_from_there_follows():
    optimizer = groups(lr=0.1, weight_decay=2.0)
    other = groups(lr=0.1, weight_decay=0.0)
    frame, _ = script(weight_decay=2.0, learning_rate=0.3)
    assign_parameters(["weight_decay=0.5", "learning_rate=0.2"], frame)
    assert optimizer.param_groups[0]["weight_decay"] == 0.5 and other.param_groups[0]["weight_decay"] == 0.0
    assert optimizer.param_groups[0]["lr"] == other.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    "schedule",
    [
        lambda o, lr: optim.lr_scheduler.StepLR(o, 3, gamma=0.5),
        lambda o, lr: optim.lr_scheduler.OneCycleLR(o, lr, total_steps=12),
        lambda o, lr: optim.lr_scheduler.CosineAnnealingLR(o, 12),
        lambda o, lr: optim.lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)),
        lambda o, lr: optim.lr_scheduler.SequentialLR(
            o, [optim.lr_scheduler.LinearLR(o, 0.1, total_iters=6), optim.lr_scheduler.ExponentialLR(o, 0.9)], [6]
        ),
    ],
)
def test_a_schedule_goes_on_as_if_it_had_been_drawn_up_with_the_new_rate(schedule):
    def run(lr, change):
        optimizer = groups(lr=lr)
        scheduler, rates = schedule(optimizer, lr), []
        for step in range(11):
            if step == 4 and change is not None:
                assign_parameters([f"learning_rate={change}"], frame)
                assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]]
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return rates

    frame, _ = script(learning_rate=0.04)
    changed, old, new = run(0.04, 0.01), run(0.04, None), run(0.01, None)
    assert changed[:4] == old[:4]
    assert changed[4:] == pytest.approx(new[4:], rel=1e-12)


def test_a_rate_that_was_lowered_on_a_plateau_is_scaled_twice_too():
    optimizer = groups(lr=0.1)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=0)
    for _ in range(2):
        plateau.step(1.0)
    frame, _ = script(lr=0.1)
    for value in (0.2, 0.4):
        assign_parameters([f"lr={value}"], frame)
        assert optimizer.param_groups[0]["lr"] == pytest.approx(value / 10)
    assert plateau.get_last_lr() == [optimizer.param_groups[0]["lr"]]


def test_a_group_with_a_rate_of_its_own_keeps_it():
    body, head = nn.Linear(3, 2), nn.Linear(2, 2)
    optimizer = optim.SGD([{"params": body.parameters()}, {"params": head.parameters(), "lr": 0.7}], lr=0.1)
    frame, _ = script(learning_rate=0.1)
    assign_parameters(["learning_rate=0.2"], frame)
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.7]


def test_before_the_parameters_and_a_value_of_another_kind_are_refused():
    frame, names = script(lr=0.1)
    with pytest.raises(RequestFailedError, match="epochs: the script has not come to its parameters yet"):
        assign_parameters(["epochs=3"], frame)
    with pytest.raises(RequestFailedError, match="expected a number such as 0.1"):
        assign_parameters(["lr=fast"], frame)
    assert names["lr"] == 0.1
    with pytest.raises(RequestFailedError, match="not come to"):
        assign_parameters(["lr=1"], None)


def test_values_have_the_kind_of_those_before():
    frame, names = script(shape=(2, 3), name="a", nesterov=False, steps=5)
    assign_parameters(["shape=(4, 5)", "name=b=c", "nesterov=True", "steps=7"], frame)
    assert (names["shape"], names["name"], names["nesterov"], names["steps"]) == ((4, 5), "b=c", True, 7)


def test_a_fork_with_another_rate_is_the_run_in_which_the_script_sets_it_there():
    by_hand = {"kind": "exec", "code": "optimizer.param_groups[0]['lr'] = 0.05"}
    by_parameter = {"kind": "parameters", "settings": ["learning_rate=0.05"]}
    script = str(SAMPLES / "xor.py")
    with Session.launch(script, parameters=["epochs=40", "folder="], capture_output=True) as session:
        session.start()
        session.step("runTo", step=10)
        plain, digests = session.current, {}
        for name, edits in (("as it is", []), ("by hand", [by_hand]), ("by parameter", [by_parameter])):
            session.switch(plain)
            run = session.fork(edits, name)
            session.step("runTo", step=30)
            digests[name] = session.request("digest")["digest"]
            assert run.assigned == (("learning_rate=0.05",) if name == "by parameter" else ())
        assert digests["by hand"] == digests["by parameter"] != digests["as it is"]
        there = session.current.stop.position
        assert session.travel([40, 0, 0], live=True)["step"] < 10
        session.travel(there)
        assert session.request("digest")["digest"] == digests["by parameter"], "a replay makes the edit again"
