"""Between Python objects and the contents of a checkpoint: named arrays, and JSON that says how they belong together.

In the JSON, None, bools, strings, integers, finite floats and lists stand for themselves. Everything else is an
object whose first key is a kind:

=============== =============================================================================
``tensor``      name of the array; ``requires_grad: true`` where it is set
``parameter``   the same for an ``nn.Parameter``; ``requires_grad: false`` where it is not set
``array``       name of a NumPy array, kept with its own dtype
``bytes``       name of a uint8 array; also ``bytearray``
``dict``        list of [key, value]; also ``OrderedDict`` (with ``metadata`` for the versions in the
                ``_metadata`` of a module's state) and ``Counter``
``tuple``       list of items; also ``size``
``float``       ``"nan"``, ``"inf"`` or ``"-inf"``
``number``      a NumPy number: ``[dtype, value]``
``dtype``       name of a dtype of the engine
``device``      name of a device
=============== =============================================================================
"""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict
from typing import Any

import numpy as np

from engine import dtypes
from engine.device import Device, on_host, place_of
from engine.errors import CheckpointError
from engine.tensor import Size, Tensor, wrap

FORMAT = "nablascope.checkpoint"
VERSION = 1

_ARRAY_KINDS = "biuf"
_DICTS = {dict: "dict", OrderedDict: "OrderedDict", Counter: "Counter"}
_DICT_TYPES = {name: kind for kind, name in _DICTS.items()}
_SAVED = (
    "a checkpoint holds tensors, arrays, numbers, strings, bytes, bools, None, dtypes, devices, sizes, and "
    "dict, OrderedDict, Counter, list and tuple of them"
)


def pack(obj: Any) -> bytes:
    """The contents of a checkpoint that holds ``obj``.

    Raises:
        CheckpointError: obj contains something that is not state; the message names its place.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save

    packer = _Packer()
    structure = packer.encode(obj, "")
    metadata = {"format": FORMAT, "version": str(VERSION), "structure": json.dumps(structure, allow_nan=False)}
    try:
        return save(packer.arrays, metadata)
    except SafetensorError as error:
        raise CheckpointError(f"save: safetensors refuses the contents: {error}") from error


class _Packer:
    """Encodes one object; collects its arrays by name."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        # The original arrays are kept, so that addresses stay theirs.
        self._names: dict[tuple, tuple[str, np.ndarray]] = {}
        self._open: set[int] = set()

    def encode(self, obj: Any, path: str) -> Any:
        """The JSON of ``obj``, which lies at ``path``."""
        kind = type(obj)
        if obj is None or kind in (bool, str, int):
            return obj
        if kind is float:
            return obj if math.isfinite(obj) else {"float": repr(obj)}
        if isinstance(obj, Tensor):
            return self._tensor(obj, path)
        if kind is np.ndarray:
            return {"array": self._name(obj, path)}
        if isinstance(obj, np.generic):
            return self._number(obj, path)
        if kind in (bytes, bytearray):
            return {kind.__name__: self._name(np.frombuffer(bytes(obj), np.uint8), path)}
        if isinstance(obj, dtypes.dtype):
            return {"dtype": obj.name}
        if kind is Device:
            return {"device": str(obj)}
        if kind is Size:
            return {"size": list(obj)}
        if kind in (list, tuple) or kind in _DICTS:
            return self._container(obj, kind, path)
        raise CheckpointError(_refusal(obj, path))

    def _container(self, obj: Any, kind: type, path: str) -> Any:
        if id(obj) in self._open:
            raise CheckpointError(f"save: {_place(path)} contains itself")
        self._open.add(id(obj))
        try:
            if kind not in _DICTS:
                items = [self.encode(item, _join(path, i)) for i, item in enumerate(obj)]
                return items if kind is list else {"tuple": items}
            items = [[self.encode(k, _join(path, "key")), self.encode(v, _join(path, k))] for k, v in obj.items()]
            node = {_DICTS[kind]: items}
            if getattr(obj, "_metadata", None) is not None:
                node["metadata"] = self.encode(obj._metadata, _join(path, "_metadata"))
            return node
        except RecursionError:
            raise CheckpointError(f"save: {_place(path)} is nested too deeply") from None
        finally:
            self._open.discard(id(obj))

    def _tensor(self, tensor: Tensor, path: str) -> dict[str, Any]:
        from engine.nn.parameter import Parameter

        kind = "parameter" if isinstance(tensor, Parameter) else "tensor"
        node: dict[str, Any] = {kind: self._name(tensor._array, path)}
        if tensor.requires_grad != (kind == "parameter"):
            node["requires_grad"] = tensor.requires_grad
        return node

    def _number(self, number: np.generic, path: str) -> dict[str, Any]:
        if number.dtype.kind not in _ARRAY_KINDS or number.dtype.itemsize > 8:
            raise CheckpointError(_refusal(number, path))
        return {"number": [number.dtype.name, self.encode(number.item(), path)]}

    def _name(self, array: np.ndarray, path: str) -> str:
        """The name under which ``array`` is saved; the same for arrays that are the same piece of memory."""
        if array.dtype.kind not in _ARRAY_KINDS or array.dtype.itemsize > 8:
            raise CheckpointError(f"save: {_place(path)} is an array of dtype {array.dtype}; {_SAVED}")
        key = (place_of(array), array.shape, array.strides, array.dtype.str)
        if key not in self._names:
            name = self._free_name(path or "tensor")
            self._names[key] = (name, array)
            self.arrays[name] = np.require(on_host(array), array.dtype.newbyteorder("="), "C")
        return self._names[key][0]

    def _free_name(self, path: str) -> str:
        # Half of a surrogate pair can stand in a Python string but not in the file's UTF-8.
        path = path.encode("utf-8", "replace").decode()
        name, number = path, 1
        while name in self.arrays or name == "__metadata__":
            number += 1
            name = f"{path}#{number}"
        return name


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _place(path: str) -> str:
    return f"the entry {path!r}" if path else "the object"


def _refusal(obj: Any, path: str) -> str:
    place, name = _place(path), type(obj).__name__
    if hasattr(obj, "state_dict"):
        return (
            f"save: {place} is a whole {name}, which only its code can rebuild; save its state, "
            "x.state_dict(), and load it with x.load_state_dict(torch.load(path))"
        )
    hint = ""
    if isinstance(obj, (tuple, list, dict, str, int, float)):
        plain = next(t for t in (tuple, list, dict, str, int, float) if isinstance(obj, t))
        hint = f"; convert it with {plain.__name__}()"
    elif hasattr(obj, "__fspath__"):
        hint = "; convert it with str()"
    return f"save: {place} is of type {name}; {_SAVED}{hint}"


def decode(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The object that ``node`` describes.

    Raises:
        KeyError, TypeError, ValueError: node does not describe an object; an array is missing.
    """
    if not isinstance(node, (dict, list)):
        return node
    if isinstance(node, list):
        return [decode(item, arrays) for item in node]
    kind = next(iter(node))
    value = node[kind]
    if kind in ("tensor", "parameter"):
        return _decode_tensor(kind, arrays[value], node)
    if kind == "array":
        return arrays[value]
    if kind in _DICT_TYPES:
        return _decode_dict(_DICT_TYPES[kind], value, node, arrays)
    if kind == "tuple":
        return tuple(decode(item, arrays) for item in value)
    return _decode_value(kind, value, arrays)


def _decode_tensor(kind: str, array: np.ndarray, node: dict[str, Any]) -> Tensor:
    dtypes.from_numpy(array.dtype)
    tensor = wrap(array)
    if kind == "parameter":
        from engine.nn.parameter import Parameter

        return Parameter(tensor, requires_grad=node.get("requires_grad", True))
    return tensor.requires_grad_(node.get("requires_grad", False))


def _decode_dict(kind: type, items: list, node: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    result = kind()
    for key, value in items:
        result[decode(key, arrays)] = decode(value, arrays)
    if "metadata" in node:
        result._metadata = decode(node["metadata"], arrays)
    return result


def _decode_value(kind: str, value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if kind in ("bytes", "bytearray"):
        data = arrays[value].tobytes()
        return data if kind == "bytes" else bytearray(data)
    if kind == "float":
        return float(value)
    if kind == "number":
        return np.dtype(value[0]).type(decode(value[1], arrays))
    if kind == "dtype":
        return next(d for d in dtypes.ALL if d.name == value)
    if kind == "device":
        return Device(value)
    if kind == "size":
        return Size(value)
    raise ValueError(f"unknown kind {kind!r}")
