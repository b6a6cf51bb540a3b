"""What a network is made of: for every layer its output, parameters, arithmetic and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine import dtypes, nn, random
from engine.errors import DataError
from engine.nn.module import Module
from engine.summary.table import LayerSummary, Summary
from engine.tensor import RemovableHandle, Tensor, wrap
from engine.trainer.evaluation import evaluation_mode

__all__ = ["LayerSummary", "Summary", "summary"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d)
_PARAMETER_CONTAINERS = (nn.ParameterList, nn.ParameterDict)


def summary(model: Module, input_data: Any, dtype: dtypes.dtype | None = None) -> Summary:
    """Run ``model`` once and describe every layer that was called.

    A layer is a module without submodules, or with parameters of its own. The run is in evaluation mode and
    without gradients; afterwards training flags and the random generator are as before.

    Multiply-adds are those of linear layers and convolutions (the bias comes with them), and of normalisations:
    one per element, and one more where the variance is computed from the data. Everything else counts 0.

    Args:
        input_data: the shape of the input with its batch dimension, ``(1, 784)``: the model is given zeros; or
            a tensor; or a list of these for a model with several inputs.
        dtype: of the zeros; the default float dtype when None (give ``torch.int64`` for an Embedding).

    Raises:
        DataError: input_data is something else.
    """
    inputs = _inputs(input_data, dtype)
    result = Summary(type(model).__name__, [tuple(x.shape) for x in inputs])
    recorder = _Recorder(result, inputs)
    names = {id(module): (name, module) for name, module in model.named_modules()}
    layers = [(name, module) for name, module in names.values() if _is_layer(module)]
    handles = [recorder.watch(name, module) for name, module in layers]
    try:
        with evaluation_mode(model), random.fork_rng():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    for name, module in layers:
        if id(module) not in recorder.called:
            result.layers.append(recorder.row(name, module, None))
    result.buffer_bytes = sum(buffer.nbytes for buffer in model.buffers())
    return result


class _Recorder:
    """Makes a row of every call. Holds all outputs, so that no two of them can have the same memory by turns."""

    def __init__(self, result: Summary, inputs: list[Tensor]) -> None:
        self.result = result
        self.called: set[int] = set()
        self._counted: set[int] = set()
        # Owner of memory -> an array on it, which keeps it from going back to the pool and being used again.
        self._memory: dict[int, np.ndarray] = {id(_owner(x._array)): x._array for x in inputs}

    def watch(self, name: str, module: Module) -> RemovableHandle:
        """Note every call of ``module``."""

        def note(module: Module, args: tuple, output: Any) -> None:
            self.called.add(id(module))
            row = self.row(name, module, output)
            row.mult_adds = _mult_adds(module, _tensors(args), _tensors(output))
            row.activation_bytes = sum(self._new_bytes(tensor) for tensor in _tensors(output))
            self.result.layers.append(row)

        return module.register_forward_hook(note)

    def row(self, name: str, module: Module, output: Any) -> LayerSummary:
        """A row with the parameters of ``module`` that no row has yet."""
        tensors = _tensors(output)
        row = LayerSummary(name, type(module).__name__, tuple(tensors[0].shape) if tensors else None)
        for parameter in _own_parameters(module):
            if id(parameter) in self._counted:
                row.shared = True
                continue
            self._counted.add(id(parameter))
            row.parameters += parameter.numel()
            row.frozen += 0 if parameter.requires_grad else parameter.numel()
            row.parameter_bytes += parameter.nbytes
        return row

    def _new_bytes(self, tensor: Tensor) -> int:
        owner = id(_owner(tensor._array))
        if owner in self._memory:
            return 0
        self._memory[owner] = tensor._array
        return tensor.nbytes


def _inputs(given: Any, dtype: dtypes.dtype | None) -> list[Tensor]:
    if isinstance(given, Tensor):
        return [given]
    if isinstance(given, Sequence) and not isinstance(given, str):
        if all(isinstance(extent, (int, np.integer)) for extent in given):
            numpy_type = (dtype or dtypes.get_default_dtype()).numpy
            return [wrap(np.zeros(tuple(given), numpy_type))]
        return [tensor for part in given for tensor in _inputs(part, dtype)]
    raise DataError(f"summary: expected a shape such as (1, 784), a tensor, or a list of these, got {given!r}")


def _is_layer(module: Module) -> bool:
    if isinstance(module, _PARAMETER_CONTAINERS):
        return False
    return not module._modules or any(True for _ in _own_parameters(module))


def _own_parameters(module: Module) -> Iterator[Tensor]:
    """The parameters of the module itself and in its ParameterLists and ParameterDicts."""
    for parameter in module._parameters.values():
        if parameter is not None:
            yield parameter
    for child in module._modules.values():
        if isinstance(child, _PARAMETER_CONTAINERS):
            yield from child.parameters()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for part in value for tensor in _tensors(part)] if isinstance(value, (tuple, list)) else []


def _owner(array: np.ndarray) -> Any:
    """The array that owns the memory of ``array``."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _mult_adds(module: Module, inputs: list[Tensor], outputs: list[Tensor]) -> int:
    if not inputs or not outputs:
        return 0
    if isinstance(module, nn.Linear):
        return outputs[0].numel() * module.in_features
    # Each element of the output (of the input, where it is transposed) meets one filter.
    if isinstance(module, _CONVOLUTIONS):
        return outputs[0].numel() * math.prod(module.weight.shape[1:])
    if isinstance(module, _TRANSPOSED):
        return inputs[0].numel() * math.prod(module.weight.shape[1:])
    if isinstance(module, _NORMS):
        computes_variance = getattr(module, "running_var", None) is None
        return outputs[0].numel() * (2 if computes_variance else 1)
    return 0
