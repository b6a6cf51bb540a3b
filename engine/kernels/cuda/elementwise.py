"""NumPy's ufuncs on the GPU: one kernel for each ufunc, loop dtype, and form of its operands.

An operand is an array (``v``), an array of one element (``o``) or a number (``s``). Where all arrays are C-contiguous and
of the result's shape, the kernel runs over one dimension, and a thread asks for several elements before it computes any:
one element each would leave most of the way from memory unused. Else it runs over as many dimensions as remain when
neighbouring ones that lie like one are joined.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine.device import cuda_array
from engine.device.cuda_array import CudaArray, empty
from engine.errors import DeviceError, MissingError, MixedDevicesError
from engine.kernels import written
from engine.kernels.cuda.expressions import expression
from engine.kernels.cuda.launch import launch, one_each, several_each

#: Elements of one thread, where arrays have one dimension.
EACH = 4

#: NumPy's name of a dtype -> Numba's.
NUMBA_NAMES = {
    "float32": "float32", "float64": "float64", "int64": "int64", "int32": "int32", "uint8": "uint8", "bool": "boolean",
}  # fmt: skip


@functools.cache
def name_of(dtype: np.dtype) -> str:
    """NumPy's name of a dtype, which NumPy puts together anew each time."""
    return dtype.name


def call(ufunc: np.ufunc, *inputs: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind",
         where: Any = True, **options: Any) -> Any:  # fmt: skip
    """``ufunc(*inputs)`` where an input or ``out`` lies on the GPU.

    Raises:
        DeviceError: when an operand with dimensions lies on the CPU.
        MissingError: for a ufunc or an option without a kernel.
    """
    if options or where is not True or ufunc.nout != 1 or ufunc.signature is not None:
        if ufunc is np.matmul:
            return cuda_array.FUNCTIONS[np.matmul](*inputs)
        how = sorted(options) or "these operands"
        raise MissingError(f"cuda: numpy.{ufunc.__name__} has no kernel for the GPU with {how}")
    target = out[0] if isinstance(out, tuple) else out
    operands = [operand(x, ufunc.__name__) for x in inputs]
    loops, result_dtype = _loop(ufunc, tuple([_kind(x) for x in inputs]), dtype)
    shape = np.broadcast_shapes(*[x.shape for x in operands if type(x) is CudaArray])
    if target is None:
        target = empty(shape, result_dtype)
    elif not isinstance(target, CudaArray):
        raise DeviceError(
            f"{ufunc.__name__}: the result is wanted on the CPU but an operand lies on the GPU; copy it with .cpu()"
        )
    text = expression(ufunc.__name__, loops[0].kind)
    if text is None:
        raise MissingError(f"cuda: numpy.{ufunc.__name__} has no kernel for the GPU")
    run(ufunc.__name__, text, [name_of(dtype) for dtype in loops], target, operands)
    return target


def copy(target: CudaArray, source: Any) -> None:
    """``target[...] = source``, converted and broadcast; float to integer cuts off."""
    value = operand(source, "copy")
    run("copy", "a", [name_of(value.dtype if isinstance(value, CudaArray) else target.dtype)], target, [value])


def select(target: CudaArray, condition: Any, x: Any, y: Any) -> None:
    """``target[...] = x where condition else y``, broadcast."""
    kinds = [name_of(target.dtype) if i else "bool" for i in range(3)]
    run("where", "b if a else c", kinds, target, [condition, x, y])


def operand(x: Any, name: str) -> Any:
    """``x`` as kernels take it: a CudaArray, or a number.

    Raises:
        MixedDevicesError: for an array with dimensions that lies on the CPU.
    """
    if isinstance(x, CudaArray):
        return x
    if isinstance(x, np.ndarray):
        if x.size != 1:
            raise MixedDevicesError(
                f"{name}: expected all tensors to be on the same device, but one of shape {x.shape} lies on the CPU "
                "and another one on cuda:0; move it with .to('cuda')"
            )
        return x.reshape(-1)[0]
    return x


def _kind(x: Any) -> Any:
    """What stands for an operand where NumPy finds out the dtypes: a dtype, or the type of a Python number."""
    if isinstance(x, (CudaArray, np.ndarray, np.generic)):
        return x.dtype
    return type(x)


@functools.lru_cache(4096)
def _loop(ufunc: np.ufunc, kinds: tuple, dtype: Any) -> tuple[tuple[np.dtype, ...], np.dtype]:
    """The dtypes that the operands are converted to, and the result's."""
    probes = [np.ones((1,), kind) if isinstance(kind, np.dtype) else kind(1) for kind in kinds]
    with np.errstate(all="ignore"):
        result = ufunc(*probes) if dtype is None else ufunc(*probes, dtype=dtype)
    if result.dtype.kind == "b" and ufunc.__name__ not in ("add", "multiply", "maximum", "minimum"):
        common = np.result_type(*probes)
        return (common,) * len(kinds), result.dtype
    return (result.dtype,) * len(kinds), result.dtype


def run(name: str, text: str, dtypes: list[str], target: CudaArray, operands: list) -> None:
    """Launch the kernel that writes ``text`` of the operands, converted to ``dtypes``, to each element of ``target``."""
    if not target.size:
        return
    arrays = [x if type(x) is CudaArray and x.size > 1 else None for x in operands]
    operands = [_one(x) if array is None else array for x, array in zip(operands, arrays, strict=True)]
    forms = "".join("v" if array is not None else ("o" if type(x) is CudaArray else "s")
                    for array, x in zip(arrays, operands, strict=True))  # fmt: skip
    involved = [target, *[array for array in arrays if array is not None]]
    if all(array.shape == target.shape and array.layout.flags.c_contiguous for array in involved):
        kernel = compiled(name, text, tuple(dtypes), forms, 0)
        flat = [x if array is None else x.reshape(-1) for x, array in zip(operands, arrays, strict=True)]
        launch(kernel, *several_each(target.size, EACH), target.reshape(-1), *flat)
        return
    layouts = joined([np.broadcast_to(array.layout, target.shape) for array in involved])
    views = iter([array.viewed(layout) for array, layout in zip(involved, layouts, strict=True)])
    result = next(views)
    kernel = compiled(name, text, tuple(dtypes), forms, result.ndim)
    strided = [x if array is None else next(views) for x, array in zip(operands, arrays, strict=True)]
    launch(kernel, *one_each(target.size), result, *strided)


def _one(x: Any) -> Any:
    return x.reshape(1) if type(x) is CudaArray else x


def joined(layouts: list[np.ndarray]) -> list[np.ndarray]:
    """The same elements with as few dimensions as all ``layouts`` (of one shape) allow; at least one."""
    shape = layouts[0].shape
    kept: list[int] = [d for d in range(len(shape)) if shape[d] != 1]
    layouts = [layout.transpose((*kept, *[d for d in range(len(shape)) if shape[d] == 1])) for layout in layouts]
    groups: list[list[int]] = []
    for d in range(len(kept)):
        if groups and all(a.strides[d - 1] == a.strides[d] * a.shape[d] for a in layouts):
            groups[-1].append(d)
        else:
            groups.append([d])
    extents = tuple([int(np.prod([layouts[0].shape[d] for d in group])) for group in groups]) or (1,)
    result = []
    for layout in layouts:
        strides = tuple([layout.strides[group[-1]] for group in groups]) or (layout.itemsize,)
        result.append(np.lib.stride_tricks.as_strided(layout, extents, strides))
    return result


@functools.cache
def compiled(name: str, text: str, dtypes: tuple[str, ...], forms: str, rank: int) -> Any:
    """The kernel for one form of the operands; ``rank`` 0 is the flat one."""
    title = f"cuda_{name}_{'_'.join(dict.fromkeys(dtypes))}_{forms}{rank}"
    module = written.load(title, _source(name, text, dtypes, forms, rank))
    return module.kernel


def _source(name: str, text: str, dtypes: tuple[str, ...], forms: str, rank: int) -> str:
    letters = "abc"[: len(forms)]
    casts = sorted({NUMBA_NAMES[dtype] for dtype in dtypes})
    arguments = ", ".join(f"x{letter}" for letter in letters)
    each = f"{EACH} elements" if rank == 0 else "one element"
    lines = [
        f'"""{name} of {", ".join(dtypes)} on the GPU, a thread for {each}."""',
        f"from numba import {', '.join([*casts, *['uint64'] * (rank == 0)])}, {NUMBA_NAMES[dtypes[0]]} as kind",
        "from engine.kernels.cuda.launch import cuda, device_function, jit, math",
        "from engine.kernels.cuda.scalars import *",
        "",
        "@device_function",
        f"def element({', '.join(letters)}):",
        f"    return {text}",
        "",
        "@jit",
        f"def kernel(out, {arguments}):",
    ]
    operands = list(zip(letters, forms, [NUMBA_NAMES[dtype] for dtype in dtypes], strict=True))
    return "\n".join(lines + (_strided(operands, rank) if rank else _flat(operands))) + "\n"


def _read(operand: tuple[str, str, str], position: str) -> str:
    letter, form, kind = operand
    value = {"v": f"x{letter}[{position}]", "o": f"x{letter}[0]", "s": f"x{letter}"}[form]
    return f"{kind}({value})"


def _flat(operands: list[tuple[str, str, str]]) -> list[str]:
    """A thread has every blockDim.x-th element, so that neighbouring threads read neighbours."""

    def names(k: int) -> str:
        return ", ".join([f"{operand[0]}{k}" for operand in operands])

    lines = [
        "    step = cuda.blockDim.x",
        f"    first = cuda.blockIdx.x * step * {EACH} + cuda.threadIdx.x",
        f"    if first + step * {EACH - 1} < out.size:",
    ]
    # Of an unsigned place Numba does not ask whether it is negative.
    lines += [f"        place{k} = uint64(first + step * {k})" for k in range(EACH)]
    lines += [f"        {operand[0]}{k} = {_read(operand, f'place{k}')}" for k in range(EACH) for operand in operands]
    lines += [f"        out[place{k}] = element({names(k)})" for k in range(EACH)]
    # The last elements, of which not every thread has as many.
    rest = ", ".join([_read(operand, "place") for operand in operands])
    lines += ["    else:", "        for place in range(first, out.size, step):", f"            out[place] = element({rest})"]
    return lines


def _strided(operands: list[tuple[str, str, str]], rank: int) -> list[str]:
    lines = ["    place = cuda.grid(1)", "    if place < out.size:"]
    for d in reversed(range(1, rank)):
        lines += [f"        i{d} = place % out.shape[{d}]", f"        place = place // out.shape[{d}]"]
    position = ", ".join(["i0", *[f"i{d}" for d in range(1, rank)]])
    values = ", ".join([_read(operand, position) for operand in operands])
    return [*lines, "        i0 = place", f"        out[{position}] = element({values})"]


cuda_array.UFUNCS["__call__"] = call
