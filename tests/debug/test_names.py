"""What trained tensors of a script without modules are called, and how often a variable that holds them is looked for."""

import gc
import sys

import engine as torch
from engine import nn
from engine.debug import names as names_module
from engine.debug.names import Names


def counted(monkeypatch):
    """The looks through all of the user's frames."""
    looks = []

    def look(frame):
        looks.append(frame.f_lineno)
        return frames(frame)

    frames = names_module.user_frames
    monkeypatch.setattr(names_module, "user_frames", look)
    return looks


def parts():
    body, head = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1)
    return body, head, nn.Sequential(body, head)


def test_names_do_not_depend_on_where_the_script_has_stood():
    """At a stop between its parts and the model the first part was taken for the model: its layers were called "0", their
    weights "model.0.0.weight".
    """
    stepped, ran, (body, head, model) = Names(), Names(), parts()
    for held in ({"body": body}, {"body": body, "head": head}):
        for name, module in held.items():
            stepped.learn(module, {name: module}, called=False)
    for names in (stepped, ran):
        names.learn(model, {"model": model})
        called = [names.tensor(parameter) for parameter in model.parameters()]
        assert called == ["0.0.weight", "0.0.bias", "1.weight", "1.bias"]
        assert all(names.tensor_named(name) is parameter for name, parameter in zip(called, model.parameters()))
        assert names.tensor_named("model.0.0.weight") is None and names.tensor_named("0.weight") is None
    assert stepped.all_modules() == ran.all_modules() and stepped.models() == [model]


def test_what_was_called_alone_keeps_its_name():
    names, (body, _, model) = Names(), parts()
    names.learn(body, {"body": body})
    names.learn(model, {"model": model})
    called = [names.tensor(parameter) for parameter in model.parameters()]
    assert called == ["0.weight", "0.bias", "model.1.weight", "model.1.bias"]
    assert names.module(body[0]) == "0" and names.module(model) == "model"


def test_what_only_a_list_holds_is_looked_for_once_at_each_line(monkeypatch):
    names, looks, held, found = Names(), counted(monkeypatch), [torch.zeros(2, requires_grad=True)], []
    # No call stands in an assert: pytest would hold its arguments in variables.
    for _ in range(3):
        found.append(names.trained(held[0], sys._getframe()))
    assert found == [""] * 3 and len(looks) == 1
    for _ in range(3):
        found.append(names.trained(held[0], sys._getframe()))
    assert found == [""] * 6 and len(looks) == 2
    # A variable may hold it elsewhere: then it has a name, and keeps it.
    later = held[0]
    found.append(names.trained(later, sys._getframe()))
    assert found[6:] == ["later"] and names.tensor(later) == "later"


def test_nothing_is_kept_of_a_tensor_that_is_gone(monkeypatch):
    names, looks, found = Names(), counted(monkeypatch), []
    for _ in range(4):
        found.append(names.trained([torch.zeros(2, requires_grad=True)][0], sys._getframe()))
        gc.collect()
    assert found == [""] * 4 and len(looks) == 4 and names._unheld == {}


def test_what_is_not_trained_is_not_looked_for(monkeypatch):
    names, looks = Names(), counted(monkeypatch)
    data = torch.zeros(2)
    assert names.trained(data, sys._getframe()) == "" and names.trained(data * 2, sys._getframe()) == "" and looks == []


def test_a_model_that_is_met_in_the_midst_of_its_call_is_the_one_that_has_names():
    names = Names()

    class Met(nn.Linear):
        def forward(self, x):
            names.learn_called(self, sys._getframe())
            return super().forward(x)

    model = nn.Sequential(nn.ReLU(), nn.Sequential(Met(2, 1)))
    model(torch.ones(1, 2))
    assert names.models() == [model]
    assert names.tensor(model[1][0].weight) == "1.0.weight"
