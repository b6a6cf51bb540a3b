"""engine.summary: counts against hand calculations, and that the model is left as it was."""

from __future__ import annotations

import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.errors import DataError
from engine.summary import summary
from engine.tensor import wrap


def cnn():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        nn.Conv2d(8, 6, (3, 1), stride=2, groups=2),
        nn.ConvTranspose2d(6, 4, 2, stride=2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(4 * 8 * 8, 10),
    )


def test_counts_by_hand():
    result = summary(cnn(), (2, 3, 9, 7))
    by_name = {layer.name: layer for layer in result.layers}
    assert list(by_name) == ["0.0", "0.1", "0.2", "1", "2", "3", "4", "5"]
    shapes = [by_name[name].output_shape for name in by_name]
    assert shapes == [
        (2, 8, 9, 7), (2, 8, 9, 7), (2, 8, 9, 7), (2, 6, 4, 4), (2, 4, 8, 8), (2, 256), (2, 256), (2, 10)
    ]  # fmt: skip
    assert [by_name[name].parameters for name in by_name] == [
        8 * 3 * 9, 16, 0, 6 * 4 * 3 + 6, 6 * 4 * 4 + 4, 0, 0, 2570
    ]  # fmt: skip
    assert [by_name[name].mult_adds for name in by_name] == [
        2 * 8 * 63 * 27, 2 * 8 * 63, 0, 2 * 6 * 16 * 12, 2 * 6 * 16 * 16, 0, 0, 2 * 256 * 10
    ]  # fmt: skip
    assert result.total_params == sum(p.numel() for p in cnn().parameters())
    assert result.parameter_bytes == 4 * result.total_params
    assert by_name["0.0"].activation_bytes == 4 * 2 * 8 * 63
    assert by_name["3"].activation_bytes == 0
    assert result.buffer_bytes == 2 * 8 * 4 + 8


def test_normalisations_that_compute_their_statistics_count_twice():
    for layer, shape in [(nn.LayerNorm(6), (2, 6)), (nn.GroupNorm(2, 6), (2, 6, 3)), (nn.InstanceNorm1d(6), (2, 6, 3))]:
        assert summary(layer, shape).total_mult_adds == 2 * np.prod(shape)
    assert summary(nn.BatchNorm1d(6), (2, 6)).total_mult_adds == 12


def test_memory_that_a_pool_would_use_again_is_counted_for_every_output():
    # From 32 KiB on, the engine's pool hands the memory of a dead array to the next of its size.
    model = nn.Sequential(*[nn.Linear(128, 128, bias=False) for _ in range(5)], nn.Flatten(0))
    result = summary(model, (128, 128))
    assert [layer.activation_bytes for layer in result.layers] == [128 * 128 * 4] * 5 + [0]
    assert "320.0 KiB for this batch" in repr(result)


def test_frozen_parameters():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model[0].weight.requires_grad_(False)
    result = summary(model, (1, 3))
    assert (result.total_params, result.trainable_params) == (26, 14)
    assert [layer.frozen for layer in result.layers] == [12, 0]


class Reuse(nn.Module):
    """A layer called twice, a tied parameter, parameters of its own, and a layer that is never called."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(3, 3)
        self.tied = nn.Linear(3, 3)
        self.tied.weight = self.shared.weight
        self.scale = nn.Parameter(wrap(np.ones(3, np.float32)))
        self.more = nn.ParameterList([nn.Parameter(wrap(np.ones((), np.float32)))])
        self.unused = nn.Linear(3, 5)

    def forward(self, x):
        return self.tied(self.shared(self.shared(x))) * self.scale * self.more[0]


def test_reused_tied_own_and_uncalled_layers_count_parameters_once():
    model = Reuse()
    result = summary(model, (4, 3))
    rows = [(row.name, row.parameters, row.shared, row.mult_adds, row.output_shape) for row in result.layers]
    assert rows == [
        ("shared", 12, False, 36, (4, 3)),
        ("shared", 0, True, 36, (4, 3)),
        ("tied", 3, True, 36, (4, 3)),
        ("", 4, False, 0, (4, 3)),
        ("unused", 20, False, 0, None),
    ]
    assert result.total_params == sum(p.numel() for p in model.parameters())
    text = repr(result)
    assert "not called" in text
    assert "(model)" in text


def test_the_model_is_left_as_it_was():
    torch.manual_seed(3)
    model = cnn()
    model[4].eval()
    modes = [module.training for module in model.modules()]
    state = {name: tensor._array.copy() for name, tensor in model.state_dict().items()}
    generator = torch.get_rng_state()._array
    summary(model, (2, 3, 9, 7))
    assert [module.training for module in model.modules()] == modes
    assert all(np.array_equal(state[name], tensor._array) for name, tensor in model.state_dict().items())
    assert np.array_equal(torch.get_rng_state()._array, generator)
    assert not any(module._forward_hooks for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_a_failing_forward_leaves_no_hooks():
    model = cnn()
    with pytest.raises(RuntimeError):
        summary(model, (2, 5))
    assert not any(module._forward_hooks for module in model.modules())
    assert all(module.training for module in model.modules())


def test_kinds_of_input():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(7, 3)
            self.linear = nn.Linear(3, 2)

        def forward(self, words, x):
            return self.linear(self.embedding(words) + x), x

    tokens = wrap(np.array([[6, 1]]))
    result = summary(Two(), [tokens, (1, 2, 3)])
    assert result.input_shapes == [(1, 2), (1, 2, 3)]
    assert result.layers[-1].output_shape == (1, 2, 2)
    assert summary(nn.Embedding(7, 3), (4,), dtype=torch.int64).layers[0].output_shape == (4, 3)
    assert summary(nn.Linear(3, 2), [1, 3]).layers[0].output_shape == (1, 2)
    with pytest.raises(DataError, match="expected a shape"):
        summary(nn.Linear(3, 2), 3)


def test_the_table_has_aligned_columns_and_units():
    lines = repr(summary(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), (32, 784))).splitlines()
    assert lines[0] == "Sequential, input (32, 784)"
    assert lines[3].split() == ["0", "Linear", "(32,", "128)", "100,480", "3,211,264", "16.0", "KiB", "392.5", "KiB"]
    assert lines[-3].startswith("parameters   101,770 (101,770 trainable, 0 frozen), 397.5 KiB")
    assert len(lines[2]) == max(map(len, lines[1:6]))
