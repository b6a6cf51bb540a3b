"""Gradients against finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.backward import grad
from engine.errors import MissingError
from engine.tensor import Tensor, enable_grad, no_grad, wrap


class GradcheckError(RuntimeError):
    """The gradients of backward and those of finite differences are not the same."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Compare the gradients of ``func`` with central differences, (f(x + eps) - f(x - eps)) / (2 eps).

    Every float output is compared with respect to every input that requires a gradient; the inputs should be
    float64. The condition for every element is |analytical - numerical| <= atol + rtol |numerical|.

    Args:
        func: takes ``inputs`` and returns a tensor or a sequence of tensors.
        inputs: a tensor or a sequence, of which some require a gradient.
        eps: how far an element is moved, in its own unit.
        raise_exception: raise instead of returning False.
        nondet_tol: how much two runs of backward may differ.

    Raises:
        GradcheckError: the message shows both Jacobians (inputs' elements down, outputs' across).
        ValueError: when no input requires a gradient.
    """
    arguments = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    wanted = [(i, t) for i, t in enumerate(arguments) if isinstance(t, Tensor) and t.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of them have requires_grad=True."
        )
    for i, tensor in wanted:
        if tensor._array.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point; "
                "this check will likely fail",
                stacklevel=2,
            )
    try:
        _check(func, arguments, wanted, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(func, arguments, wanted, eps, atol, rtol, nondet_tol) -> None:
    with enable_grad():
        outputs = _outputs(func(*arguments))
    if not any(y.requires_grad for y in outputs):
        _check_constant(func, arguments, wanted, eps)
        return
    numerical = [_numerical(func, arguments, tensor, eps) for _, tensor in wanted]
    for o, output in enumerate(outputs):
        if not output.requires_grad:
            continue
        analytical = _analytical(output, [t for _, t in wanted])
        again = _analytical(output, [t for _, t in wanted])
        for (i, _), numbers, found, repeated in zip(wanted, numerical, analytical, again, strict=True):
            if not np.allclose(found, repeated, rtol=0.0, atol=nondet_tol, equal_nan=True):
                raise GradcheckError(
                    f"Backward is not reentrant, i.e., running backward twice gave different gradients for output {o} "
                    f"with respect to input {i}; the tolerance is nondet_tol={nondet_tol}"
                )
            if not np.allclose(found, numbers[o], rtol=rtol, atol=atol, equal_nan=True):
                raise GradcheckError(
                    f"Jacobian mismatch for output {o} with respect to input {i},\n"
                    f"numerical:{numbers[o]}\nanalytical:{found}\n"
                )


def _check_constant(func, arguments, wanted, eps) -> None:
    for i, tensor in wanted:
        for o, numbers in enumerate(_numerical(func, arguments, tensor, eps)):
            if np.any(numbers != 0):
                raise GradcheckError(
                    f"Numerical gradient for function expected to be zero, but output {o} depends on input {i}:\n"
                    f"numerical:{numbers}"
                )


def _outputs(result: Any) -> list[Tensor]:
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [y for y in results if isinstance(y, Tensor) and y.is_floating_point()]


def _numerical(func, arguments, tensor: Tensor, eps: float) -> list[np.ndarray]:
    """For each output its Jacobian: elements of ``tensor`` down, elements of the output across."""
    array = tensor._array
    rows = []
    with no_grad():
        for index in np.ndindex(array.shape):
            before = array[index]
            sides = []
            for step in (eps, -eps):
                array[index] = before + step
                sides.append([y._array.astype(np.float64).ravel() for y in _outputs(func(*arguments))])
            array[index] = before
            rows.append([(up - down) / (2 * eps) for up, down in zip(*sides, strict=True)])
    return [np.array(columns) for columns in zip(*rows, strict=True)]


def _analytical(output: Tensor, inputs: list[Tensor]) -> list[np.ndarray]:
    """For each input the Jacobian of ``output``, one backward for each of its elements."""
    jacobians = [np.zeros((t.numel(), output.numel())) for t in inputs]
    for column in range(output.numel()):
        seed = np.zeros(output._array.shape, output._array.dtype)
        seed.reshape(-1)[column] = 1
        gradients = grad(output, inputs, wrap(seed), retain_graph=True, allow_unused=True)
        for jacobian, gradient in zip(jacobians, gradients, strict=True):
            if gradient is not None:
                jacobian[:, column] = gradient._array.ravel()
    return jacobians


def gradgradcheck(*args: Any, **kwargs: Any) -> bool:
    """Not available: there is no gradient of a gradient in this engine."""
    raise MissingError(
        "gradgradcheck: backward works on arrays, so that there is no gradient of a gradient in this engine"
    )
