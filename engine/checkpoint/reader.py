"""Reading a checkpoint: what kind of file it is, whether it is whole, and its contents."""

from __future__ import annotations

import json
import os
import re
from typing import Any, BinaryIO

import numpy as np

from engine import dtypes
from engine.checkpoint.atomic import CheckpointFileError, CheckpointNotFoundError
from engine.checkpoint.structure import FORMAT, VERSION, decode
from engine.errors import CheckpointError
from engine.tensor import Tensor, wrap

_NUMPY = {
    "BOOL": np.bool_, "U8": np.uint8, "I8": np.int8, "U16": np.uint16, "I16": np.int16, "U32": np.uint32,
    "I32": np.int32, "U64": np.uint64, "I64": np.int64, "F16": np.float16, "F32": np.float32, "F64": np.float64,
}  # fmt: skip

_PICKLE = (
    "is a {kind}, as PyTorch's torch.save makes them. This engine never unpickles, because a pickle can run any "
    "code. Convert it once with PyTorch:\n"
    "    import torch, safetensors.torch\n"
    "    state = torch.load({source!r}, map_location='cpu', weights_only=True)\n"
    "    safetensors.torch.save_file({{k: v.clone().contiguous() for k, v in state.items()}}, {target!r})"
)


def read_file(f: str | os.PathLike | BinaryIO) -> tuple[str, bytes]:
    """The name of ``f`` for messages, and its bytes."""
    reader: Any = f
    if hasattr(f, "read"):
        data = reader.read()
        name = getattr(f, "name", None)
        if not isinstance(data, bytes):
            raise CheckpointError(f"load: {f!r} gives {type(data).__name__}; open the file in binary mode, 'rb'")
        if not data:
            raise CheckpointError(
                f"load: nothing to read from {name or f!r}; if it was written just now, seek(0) first"
            )
        return name if isinstance(name, str) else type(f).__name__, data
    if not isinstance(f, (str, os.PathLike)):
        raise TypeError(f"load: expected a path or a binary file, got {type(f).__name__}")
    path = os.fspath(f)
    try:
        with open(path, "rb") as file:
            return path, file.read()
    except FileNotFoundError as error:
        raise CheckpointNotFoundError(f"load: there is no file {path!r} (looked in {os.getcwd()!r})") from error
    except OSError as error:
        raise CheckpointFileError(f"load: cannot read {path!r}: {error.strerror or error}") from error


def unpack(data: bytes, name: str) -> Any:
    """The object in the bytes of a checkpoint; ``name`` stands for the file in messages.

    Raises:
        CheckpointError: the bytes are not a safetensors file, or not a whole one.
    """
    from safetensors import SafetensorError, deserialize

    _refuse_other_formats(data, name)
    try:
        entries = deserialize(data)
    except SafetensorError as error:
        raise CheckpointError(f"load: {name!r} {_damage(data, str(error))}") from error
    metadata = _metadata(data)
    if metadata.get("format") != FORMAT:
        return {key: _foreign_tensor(key, entry, name) for key, entry in entries}
    version = metadata.get("version", "")
    if version != str(VERSION):
        raise CheckpointError(
            f"load: {name!r} has version {version!r} of the format {FORMAT}; this engine reads version {VERSION}"
        )
    try:
        arrays = {key: _array(entry) for key, entry in entries}
        return decode(json.loads(metadata["structure"]), arrays)
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, RecursionError, RuntimeError) as error:
        raise CheckpointError(f"load: the structure of {name!r} is damaged: {type(error).__name__}: {error}") from error


def _refuse_other_formats(data: bytes, name: str) -> None:
    # The ninth byte of a safetensors file is the brace that opens its header.
    if data[8:9] == b"{":
        return
    if data[:6] == b"\x93NUMPY" or (data[:2] == b"PK" and name.endswith(".npz")):
        raise CheckpointError(f"load: {name!r} is a NumPy file; read it with numpy.load")
    kind = ""
    if data[:4] == b"PK\x03\x04":
        kind = "zip archive with a pickle"
    elif re.match(rb"\x80[\x02-\x05]", data):
        kind = "pickle"
    if kind:
        target = os.path.splitext(name)[0] + ".safetensors"
        raise CheckpointError(f"load: {name!r} " + _PICKLE.format(kind=kind, source=name, target=target))


def _damage(data: bytes, reason: str) -> str:
    """What is wrong with bytes that safetensors refuses."""
    if len(data) < 8:
        return f"is no checkpoint: it has only {len(data)} bytes"
    if data[8:9] not in (b"{", b""):
        return f"is no safetensors file: it begins with {data[:12]!r}"
    header = int.from_bytes(data[:8], "little")
    if 8 + header > len(data):
        return f"is truncated: its header needs {8 + header} bytes, the file has {len(data)}"
    expected = _expected_size(data, header)
    if expected is not None and expected > len(data):
        return f"is truncated: it should have {expected} bytes, the file has {len(data)}"
    return f"is corrupt: {reason}"


def _expected_size(data: bytes, header: int) -> int | None:
    try:
        entries = json.loads(data[8 : 8 + header])
        ends = [entry["data_offsets"][1] for key, entry in entries.items() if key != "__metadata__"]
        return 8 + header + max(ends, default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


def _metadata(data: bytes) -> dict[str, str]:
    # The library has checked the header, but hands its metadata out for files on disk only.
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header.get("__metadata__") or {}


def _array(entry: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(_NUMPY[entry["dtype"]]).newbyteorder("<")
    array = np.frombuffer(entry["data"], dtype).reshape(entry["shape"])
    # Native order, and memory that can be written, whatever kind of buffer the library returned.
    return array.astype(dtype.newbyteorder("="))


def _foreign_tensor(key: str, entry: dict[str, Any], name: str) -> Tensor:
    kind = entry["dtype"]
    if kind == "BF16":
        # bfloat16 is the upper half of a float32.
        halves = np.frombuffer(entry["data"], "<u2").reshape(entry["shape"])
        return wrap((halves.astype(np.uint32) << 16).view(np.float32))
    if kind not in _NUMPY:
        raise CheckpointError(f"load: tensor {key!r} of {name!r} has element type {kind}, which this engine lacks")
    array = _array(entry)
    if any(d.numpy == array.dtype for d in dtypes.ALL):
        return wrap(array)
    if kind == "F16":
        return wrap(array.astype(np.float32))
    if kind == "U64" and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise CheckpointError(f"load: tensor {key!r} of {name!r} has uint64 values above 2**63 - 1")
    return wrap(array.astype(np.int64))
