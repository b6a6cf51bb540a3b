"""Events for the tests of breakpoints: made by hand, or by running an op or a training step under an observer."""

import numpy as np

import engine as torch
from engine import trace
from engine.debug.events import Event, Position, frozen


def event(kind, name="Linear", **fields):
    """An event made by hand; arrays may be nested lists, which become float32."""
    arrays = {
        key: value if isinstance(value, (np.ndarray, tuple)) else np.array(value, np.float32)
        for key, value in fields.pop("arrays", {}).items()
    }
    return Event(fields.pop("seq", 0), Position(0), kind, name, arrays=arrays, **fields)


def update(before, after, label="fc.weight", gradient=None, **fields):
    """An update by SGD of a parameter, flat as the optimizers' kernels take it."""
    w, w_new = np.array(before, np.float32), np.array(after, np.float32)
    arrays = {"w": w.ravel(), "dw": np.zeros(w.size) if gradient is None else np.ravel(gradient), "w_new": w_new.ravel()}
    return event("update", "SGD", arrays=arrays, labels={"w": label, "dw": f"{label}.grad"},
                 details={"shape": w.shape}, **fields)


class Recorder(trace.Observer):
    """Records what a tiny network does, with the names of ``model``'s parameters."""

    def __init__(self, model=None, samples=None):
        self.events = []
        self.labels = {} if model is None else {id(p): name for name, p in model.named_parameters()}
        self.names = {}
        self.before = {}
        self.step = 0
        if samples is not None:
            self.events.append(event("batch", details={"samples": samples}))

    def _add(self, made):
        made.step = self.step
        self.events.append(made)

    def after_forward(self, function, inputs, outputs):
        names = function.forward.__code__.co_varnames[1 : 1 + len(inputs)]
        arrays = {**dict(zip(names, [t._array for t in inputs])), **dict(zip(function.returns, [t._array for t in outputs]))}
        labels = {n: self.labels[id(t)] for n, t in zip(names, inputs) if id(t) in self.labels}
        self.names[function.seq] = names, labels
        self._add(event("forward", function.name, function=frozen(function), arrays=arrays, labels=labels))

    def after_backward(self, function, gradients, input_gradients):
        names, labels = self.names[function.seq]
        arrays = {f"d{n}": g for n, g in zip(function.returns, gradients)}
        arrays.update({f"d{n}": g for n, g in zip(names, input_gradients) if g is not None})
        self._add(event("backward", function.name, function=frozen(function), arrays=arrays, labels=labels))

    def begin_backward(self, roots, seeds):
        self._add(event("begin_backward", arrays={"loss": roots[0]._array}))

    def before_update(self, kind, tensor, details):
        if kind == "optimizer":
            self.before = {"w": tensor._array.copy().ravel(), "dw": tensor._grad._array.ravel()}

    def after_update(self, kind, tensor, details):
        label = self.labels.get(id(tensor), "")
        if kind == "gradient":
            self._add(event("gradient", label, arrays={"grad": tensor._grad._array}, labels={"grad": f"{label}.grad"}))
        elif kind == "optimizer":
            arrays = {**self.before, "w_new": tensor._array.copy().ravel()}
            self._add(event("update", type(details).__name__, arrays=arrays, labels={"w": label},
                            details={"shape": tensor.shape}))

    def end_step(self, optimizer):
        self.step += 1


def recorded(run, model=None, samples=None):
    """The events of ``run()``."""
    recorder = Recorder(model, samples)
    before = trace.set_observer(recorder)
    try:
        run()
    finally:
        trace.set_observer(before)
    return recorder.events


def training_step(model, x, t, lr=0.1):
    """A function that does one step of SGD on the mean squared error."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), t).backward()
        optimizer.step()

    return step
