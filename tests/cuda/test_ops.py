"""Every op on the GPU, forward and backward, against the same op on the CPU; dropout with the CPU's mask."""

import numpy as np
import pytest

import engine
from tests.engine import programs


def run(name, device, monkeypatch):
    """Outputs and gradients of a program, on the CPU."""
    monkeypatch.setattr(programs, "DEVICE", device)
    engine.manual_seed(0)
    function, inputs = programs.PROGRAMS[name]
    tensors = inputs()
    outputs = tuple(flat(function(*tensors)))
    assert all(output.device.type == device for output in outputs)
    total = None
    for output in outputs:
        if output.requires_grad:
            weights = engine.linspace(0.5, 1.5, output.numel(), dtype=output.dtype, device=device).view(output.shape)
            term = (output * weights).sum()
            total = term if total is None else total + term
    if total is not None:
        total.backward()
    gradients = [t.grad for t in tensors if t.grad is not None]
    return [t.detach().cpu().numpy() for t in (*outputs, *gradients)]


def flat(result):
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from flat(part)
    elif isinstance(result, engine.Tensor):
        yield result


@pytest.mark.usefixtures("masks_of_the_cpu")
@pytest.mark.parametrize("program", programs.PROGRAMS)
def test_the_gpu_gives_the_cpus_results(program, monkeypatch):
    expected = run(program, "cpu", monkeypatch)
    actual = run(program, "cuda", monkeypatch)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert a.dtype == e.dtype and a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=1e-6, atol=1e-9)
