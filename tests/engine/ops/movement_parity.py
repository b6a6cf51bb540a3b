"""The same call on the engine's tensors and on PyTorch's: values, gradients, sharing of memory, errors."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import engine.ops
from engine.backward import backward
from engine.tensor import wrap

torch = pytest.importorskip("torch")

ours = SimpleNamespace(**engine.ops.functions)


def randoms(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


def listed(outputs):
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def same(call, *arrays, grad=True, layout=True, rtol=1e-5, atol=1e-6):
    """``call(library, *tensors)`` gives the same in both libraries; each array becomes a tensor on its own memory."""
    mine = [wrap(a) for a in arrays]
    theirs = [torch.from_numpy(a.copy(order="K") if a.base is None else a) for a in arrays]
    for a, b in zip(mine, theirs, strict=True):
        if grad and a._array.dtype.kind == "f":
            a.requires_grad = True
            b.requires_grad_()
    found, expected = listed(call(ours, *mine)), listed(call(torch, *theirs))
    assert len(found) == len(expected)
    for y, z in zip(found, expected, strict=True):
        compare(y, z, rtol, atol)
        if layout:
            assert y.is_contiguous() == z.is_contiguous()
            inside = [np.may_share_memory(y._array, a._array) for a in mine]
            assert inside == [np.may_share_memory(z.detach().numpy(), b.detach().numpy()) for b in theirs]
    if not grad:
        return
    pairs = [(y, z) for y, z in zip(found, expected, strict=True) if z.requires_grad]
    if not pairs:
        return
    seeds = [randoms(*z.shape, seed=i).astype(y._array.dtype) for i, (y, z) in enumerate(pairs)]
    backward([y for y, _ in pairs], [wrap(s) for s in seeds])
    torch.autograd.backward([z for _, z in pairs], [torch.from_numpy(s) for s in seeds])
    for a, b in zip(mine, theirs, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if b.grad is not None:
            compare(a.grad, b.grad, rtol, atol)


def compare(y, z, rtol=1e-5, atol=1e-6):
    assert tuple(y.shape) == tuple(z.shape)
    assert str(y.dtype) == str(z.dtype)
    assert y.requires_grad == z.requires_grad
    np.testing.assert_allclose(y._array, z.detach().numpy(), rtol=rtol, atol=atol)


def both_refuse(call, *arrays, match=None):
    """Both libraries raise; ours raises an error of the type that PyTorch raises, with ``match`` in its text."""
    with pytest.raises(Exception) as theirs:
        call(torch, *[torch.from_numpy(a.copy()) for a in arrays])
    with pytest.raises(theirs.type, match=match):
        call(ours, *[wrap(a) for a in arrays])
