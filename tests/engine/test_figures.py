"""Figures: what is drawn is what was given, and files appear where they were asked for."""

import numpy as np
import pytest

import engine as torch
from engine import figures

CLASSES = ["a", "b", "c"]


def images_of(figure):
    return [image for axes in figure.get_axes() for image in axes.images]


def test_training_curves_group_by_quantity(tmp_path):
    history = {"train_loss": [3, 2, 1], "val_loss": [3, 2, 2], "train_accuracy": [0, 0.5, 1], "lr": [1, 1, 0.5]}
    path = tmp_path / "new" / "curves.svg"
    axes = figures.training_curves(history, path, "title").get_axes()
    assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy", "lr"]
    assert {line.get_label(): list(line.get_ydata()) for line in axes[0].get_lines()} == {
        "training": [3, 2, 1], "validation": [3, 2, 2],
    }  # fmt: skip
    assert list(axes[0].get_lines()[0].get_xdata()) == [1, 2, 3]
    assert path.read_text().startswith("<?xml")


def test_filters_share_one_scale_with_white_at_zero(tmp_path):
    weight = torch.tensor(np.random.default_rng(0).normal(size=(6, 1, 3, 3)), requires_grad=True)
    images = images_of(figures.filters(weight, tmp_path / "filters.png"))[:6]
    scale = float(weight.abs().max())
    assert all(image.get_clim() == (-scale, scale) for image in images)
    assert np.array_equal(images[4].get_array(), weight.detach().numpy()[4, 0])
    assert figures.diverging_map()(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert (tmp_path / "filters.png").read_bytes()[:4] == b"\x89PNG"


def test_filters_of_several_channels_and_of_zeros():
    figure = figures.filters(np.zeros((20, 3, 2, 2)), limit=4)
    assert len(images_of(figure)) == 4 * 3


def test_feature_maps_show_picture_and_channels():
    picture = np.arange(16.0).reshape(4, 4)
    maps = {"conv1": np.ones((3, 2, 2)), "conv2": torch.zeros(20, 1, 1)}
    images = images_of(figures.feature_maps(picture, maps))
    assert np.array_equal(images[0].get_array(), picture)
    assert len(images) == 1 + 3 + 16


def test_confusion_matrix_shades_rows_and_writes_counts():
    counts = np.array([[8, 2, 0], [0, 5, 5], [0, 0, 0]])
    axes = figures.confusion_matrix(counts, CLASSES).get_axes()[0]
    assert np.allclose(axes.images[0].get_array(), [[0.8, 0.2, 0], [0, 0.5, 0.5], [0, 0, 0]])
    assert [text.get_text() for text in axes.texts] == ["8", "2", "5", "5"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")


def test_mistakes_are_ordered_by_certainty():
    pictures = np.arange(4 * 4.0).reshape(4, 2, 2)
    probabilities = np.array([[0.6, 0.3, 0.1], [0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])
    figure = figures.mistakes(pictures, np.array([1, 1, 0, 2]), probabilities, CLASSES)
    shown = [image.get_array() for image in images_of(figure)]
    assert [int(image[0, 0]) for image in shown] == [4, 8, 0]
    assert figure.get_axes()[0].get_title() == "a 90%\nis: b"
    assert figure.get_suptitle() == "3 mistakes of 4, the most certain first"


def test_no_mistakes():
    figure = figures.mistakes(np.zeros((1, 2, 2)), np.array([0]), np.array([[1.0, 0.0]]), CLASSES)
    assert images_of(figure) == []


def test_decision_regions_take_the_model_over_the_plane():
    seen = []

    def probability(plane):
        seen.append(plane)
        return 1 / (1 + np.exp(-plane[:, 0]))

    figure = figures.decision_regions(probability, [[0, 0], [1, 2]], [0, 1])
    assert seen[0].dtype == np.float32
    assert seen[0].shape == (121 * 121, 2)
    assert seen[0].min() < 0
    assert seen[0].max() > 2
    assert {text.get_text() for text in figure.get_axes()[0].get_legend().get_texts()} == {"class 0", "class 1"}


def test_lines_draw_points_behind_curves():
    axes = figures.lines({"f": ([0, 1], [1, 2])}, points=([0.5], [1.5]), x_label="t", y_label="v").get_axes()[0]
    assert [line.get_label() for line in axes.get_lines()] == ["data", "f"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "v")
