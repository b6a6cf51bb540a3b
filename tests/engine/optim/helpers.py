"""The same parameters and gradients for the engine and for PyTorch."""

import numpy as np

from engine.tensor import wrap

SHAPES = ((7, 5), (5,), (), (3, 2, 2), (0, 4))


def arrays(seed, shapes=SHAPES, dtype=np.float32, scale=1.0):
    generator = np.random.default_rng(seed)
    return [np.asarray(generator.standard_normal(shape) * scale, dtype) for shape in shapes]


def parameters(values):
    return [wrap(value.copy()).requires_grad_(True) for value in values]


def set_gradients(params, seed, scale=1.0):
    """Draw a gradient for each parameter; the same ones for the same seed."""
    shapes = [p._array.shape for p in params]
    for p, gradient in zip(params, arrays(seed, shapes, params[0]._array.dtype, scale), strict=True):
        p.grad = wrap(gradient)


def set_torch_gradients(torch, params, seed, scale=1.0):
    shapes = [tuple(p.shape) for p in params]
    dtype = params[0].detach().numpy().dtype
    for p, gradient in zip(params, arrays(seed, shapes, dtype, scale), strict=True):
        p.grad = torch.from_numpy(gradient)
