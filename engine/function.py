"""Functions: the ops that the tape records, forward and backward side by side.

A Function is one call of one op. Its attributes are named like the arguments of its definitions
(:mod:`engine.definitions`): the arrays that backward needs and the op's parameters. So the debugger can show
them by name, and any element of any output or gradient can be computed again from its definition.

Backward works on arrays, not on tensors: there is no gradient of a gradient.
"""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from engine import trace
from engine.definitions.contract import Definition
from engine.device import device_of
from engine.errors import GradientError, MixedDevicesError
from engine.tensor import Tensor, clock, grad_mode, wrap

_sequence = itertools.count()

#: Bytes of the input of an op that was not recorded, up to which it may wait to be told of.
_LITTLE = 1 << 16


class Function:
    """One call of an op. Subclasses give ``forward`` on arrays and ``backward`` on arrays.

    Class attributes that a subclass declares:

    * ``definitions``: for each output (``y``) and each gradient (``d`` + the name that ``forward`` gives the
      input), its element function.
    * ``returns``: names of the outputs; the gradients that arrive are called ``d`` + name.
    * ``saves_inputs``: positions of the inputs that backward reads. Changing one of these in place before
      backward is an error, as in PyTorch.
    * ``saves_output``: whether backward reads the output.
    * ``is_view``: whether the output shares the memory of the first input.
    * ``passes_gradient``: whether backward may return its argument itself or a view of it.
    * ``stays_finite``: whether backward makes finite numbers of finite ones, but for an overflow, where forward did.
    * ``told_at_once``: whether even an observer that defers is told at once: it wants to know the line of the script.
    * ``may_wait``: whether such an observer may be told later also where the op was not recorded. For what counts right
      predictions and the like: where its input is small, it keeps no memory that other ops need.
    """

    definitions: dict[str, Definition] = {}
    returns: ClassVar[tuple[str, ...]] = ("y",)
    saves_inputs: ClassVar[tuple[int, ...]] = ()
    saves_output: ClassVar[bool] = False
    is_view: bool = False
    passes_gradient: ClassVar[bool] = False
    stays_finite: ClassVar[bool] = False
    told_at_once: ClassVar[bool] = False
    may_wait: ClassVar[bool] = False

    #: What the op is called in messages and pictures: the class's name, unless it says otherwise.
    name: str = "Function"

    seq = -1
    #: For each input None, or (its Function, number of the output), or (leaf tensor, -1).
    edges: Sequence = ()
    needs: tuple[bool, ...] = ()
    #: What backward reads, and when it was recorded: input tensors, and change counters of anything else.
    recorded_at = 0
    saved: Sequence = ()
    watched: Sequence = ()
    outputs = 1
    hooks: dict | None = None
    released = False

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def forward(self, *inputs: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
        """The output array or arrays, fresh or (``is_view``) views of the first input."""
        raise NotImplementedError

    def backward(self, *gradients: np.ndarray) -> np.ndarray | None | tuple[np.ndarray | None, ...]:
        """Gradients with respect to the inputs, in their order; None where ``self.needs`` says it is not asked for."""
        raise NotImplementedError

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        """``array``, bound to the definitions' argument or result ``name``, in the layout that they index."""
        return array

    def operands(self, definition: Definition, arrays: dict[str, np.ndarray]) -> list:
        """What ``definition`` takes before the index, in its order.

        Args:
            arrays: inputs, outputs and gradients by name; what is not among them is an attribute of the
                function (saved arrays and parameters), and what is neither is absent: an array of size 0.
        """
        found = []
        for name in definition.arrays:
            array = arrays.get(name)
            if array is None:
                array = getattr(self, name, None)
            found.append(np.empty((0,), np.float32) if array is None else self.canonical(name, array))
        return found + [getattr(self, name) for name in definition.parameters]

    def __repr__(self) -> str:
        return f"<{self.name}Backward0>"

    @property
    def next_functions(self) -> tuple:
        """PyTorch's view of the graph: (function, output number) behind each input."""
        return tuple(
            (None, 0) if edge is None else (edge[0], max(edge[1], 0)) for edge in self.edges
        )


def apply(function: Function, *inputs: Tensor) -> Any:
    """Run ``function`` on ``inputs``; record it where gradients are wanted.

    Returns:
        The output tensor, or a tuple of them where forward returns a tuple.
    """
    observer, runner = trace.on_forward, trace.on_run
    try:
        result = function.forward(*map(_array_of, inputs)) if runner is None else runner.run_forward(function, inputs)
    except Exception as error:
        _raise_if_mixed(function, inputs, error)
        raise
    if type(result) is np.ndarray:
        output = object.__new__(Tensor)
        output._array = result
        outputs = (output,)
    elif type(result) is tuple:
        outputs = tuple([wrap(array) for array in result])
        function.outputs = len(outputs)
    else:
        outputs = (wrap(result),)  # type: ignore[arg-type]
    if function.is_view:
        _share_memory(inputs[0], outputs)
    if grad_mode.enabled:
        needs = tuple(map(_requires_grad_of, inputs))
        if True in needs:
            _record(function, inputs, outputs, needs)
    if observer is not None:
        waiting = trace.waiting
        if (
            waiting is None or function.told_at_once or len(waiting) >= trace.MOST_UNTOLD
            or (function.seq < 0 and not (function.may_wait and inputs[0]._array.nbytes <= _LITTLE))
        ):  # fmt: skip
            observer.after_forward(function, inputs, outputs)
        else:
            waiting.append((function, inputs, outputs))
    return outputs if type(result) is tuple else outputs[0]


def _raise_if_mixed(function: Function, inputs: tuple[Tensor, ...], error: Exception) -> None:
    """Raise what it means to the user that a kernel did not take its arguments, where these lie on different devices.

    Looking before each op would cost every op; a kernel that is given an array of another device never takes it.
    """
    by_device: dict[str, list[str]] = {}
    for name, tensor in zip(_input_names(function, len(inputs)), inputs, strict=True):
        by_device.setdefault(str(device_of(tensor._array)), []).append(f"{name} {tuple(tensor._array.shape)}")
    if len(by_device) > 1 and (isinstance(error, MixedDevicesError) or type(error).__module__.startswith("numba.")):
        found = "; ".join(f"on {device}: {', '.join(names)}" for device, names in by_device.items())
        raise MixedDevicesError.of(function.name, found) from None


def _input_names(function: Function, count: int) -> list[str]:
    """What ``forward`` calls its inputs; those of ``*x`` are x[0], x[1] ..."""
    names = []
    for parameter in inspect.signature(function.forward).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.extend(f"{parameter.name}[{i}]" for i in range(count - len(names)))
        else:
            names.append(parameter.name)
    return names[:count]


_array_of = operator.attrgetter("_array")
_requires_grad_of = operator.attrgetter("_requires_grad")


def _record(function: Function, inputs: tuple, outputs: tuple, needs: tuple[bool, ...]) -> None:
    function.seq = next(_sequence)
    function.needs = needs
    function.edges = edges = []
    for t in inputs:
        if not t._requires_grad:
            edges.append(None)
            continue
        if t._base is not None:
            _check_view(function, t)
        if t._function is None:
            edges.append((t, -1))
        else:
            edges.append((t._function, t._output))
    function.recorded_at = clock.now
    saves = function.saves_inputs
    if saves:
        function.saved = inputs if len(saves) >= len(inputs) else [inputs[i] for i in saves]
    if function.saves_output:
        function.watched = [output._version_counter() for output in outputs]
    for number, output in enumerate(outputs):
        if output._array.dtype.kind == "f":
            output._requires_grad = True
            output._function = function
            output._output = number


def _check_view(function: Function, view: Tensor) -> None:
    counter, made_by = view._version, view._function
    if counter is not None and made_by is not None and len(counter) > 1 and counter[1] > made_by.recorded_at:
        raise GradientError(
            f"{function.name}: this view was taken before the tensor behind it was changed in place by a recorded op; "
            "its gradient would be that of the old elements. Take the view again, after the change"
        )


def _share_memory(base: Tensor, outputs: tuple) -> None:
    counter = base._version_counter()
    for output in outputs:
        output._version = counter
        output._base = base if base._base is None else base._base
