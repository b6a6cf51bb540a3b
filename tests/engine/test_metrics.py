"""engine.metrics against hand-counted cases and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import metrics
from engine.errors import DataError, ShapeError
from engine.tensor import wrap

TRUE = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40).map(
    lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True))
)


# ---- counted by hand ----


def test_confusion_matrix_by_hand():
    assert metrics.confusion_matrix(TRUE, PREDICTED).tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_precision_recall_f1_by_hand():
    scores = metrics.precision_recall_f1(TRUE, PREDICTED)
    np.testing.assert_allclose(scores.precision, [1, 1 / 2, 1 / 2])
    np.testing.assert_allclose(scores.recall, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(scores.f1, [4 / 5, 1 / 2, 2 / 3])
    assert scores.support.tolist() == [3, 2, 1]


def test_accuracy_by_hand():
    assert metrics.accuracy_score(wrap(TRUE), PREDICTED.tolist()) == 4 / 6
    assert metrics.accuracy_score(TRUE, PREDICTED, normalize=False) == 4
    assert math.isnan(metrics.accuracy_score([], []))


@pytest.mark.parametrize(
    ("output", "threshold", "expected"),
    [
        ([[0.1, 0.9], [3.0, -1.0], [2.0, 2.0]], 0.5, [1, 0, 0]),
        ([[0.4], [0.6]], 0.5, [[0], [1]]),
        ([-0.1, 0.1], 0.0, [0, 1]),
        (np.arange(12.0).reshape(1, 3, 2, 2), 0.5, [[[2, 2], [2, 2]]]),
    ],
)
def test_predicted_classes(output, threshold, expected):
    classes = metrics.predicted_classes(wrap(np.array(output)), threshold)
    assert classes.dtype == np.int64
    assert classes.tolist() == expected


# ---- against scikit-learn ----


@pytest.mark.filterwarnings("ignore:A single label")
@given(pairs, st.sampled_from([None, "true", "pred", "all"]), st.booleans())
def test_confusion_matrix_equals_sklearn(pair, normalize, named):
    sk = pytest.importorskip("sklearn.metrics")
    # scikit-learn refuses labels of which none occurs.
    labels = [int(pair[0][0]), 7, *({3, 1} - {int(pair[0][0])})] if named else None
    ours = metrics.confusion_matrix(*pair, labels=labels, normalize=normalize)
    np.testing.assert_allclose(ours, sk.confusion_matrix(*pair, labels=labels, normalize=normalize))


@given(
    pairs, st.sampled_from([None, "micro", "macro", "weighted"]), st.sampled_from([0.0, 1.0, math.nan]), st.booleans()
)
def test_precision_recall_f1_equals_sklearn(pair, average, zero_division, named):
    sk = pytest.importorskip("sklearn.metrics")
    options = {"average": average, "zero_division": zero_division, "labels": [3, 0, 1] if named else None}
    ours = metrics.precision_recall_f1(*pair, **options)
    theirs = sk.precision_recall_fscore_support(*pair, **options)
    for own, other in zip(ours, theirs, strict=True):
        if other is None:
            assert own is None
        else:
            np.testing.assert_allclose(own, other, rtol=1e-12)


@given(pairs)
def test_binary_scores_and_accuracy_equal_sklearn(pair):
    sk = pytest.importorskip("sklearn.metrics")
    true, predicted = pair[0] % 2, pair[1] % 2
    assert metrics.accuracy_score(*pair) == pytest.approx(sk.accuracy_score(*pair))
    for name in ("precision_score", "recall_score", "f1_score"):
        expected = getattr(sk, name)(true, predicted, zero_division=0)
        assert getattr(metrics, name)(true, predicted) == pytest.approx(expected)


@given(pairs, st.booleans())
def test_report_equals_sklearn(pair, named):
    sk = pytest.importorskip("sklearn.metrics")
    options: dict = {"digits": 3, "zero_division": 0}
    if named:
        options.update(labels=[2, 0], target_names=["two", "a long name of a class"])
    ours, theirs = metrics.classification_report(*pair, **options), sk.classification_report(*pair, **options)
    # Some versions of scikit-learn print some supports as 3.0.
    assert ours.split() == [cell.removesuffix(".0") for cell in theirs.split()]
    assert len(set(map(len, ours.splitlines()))) == 2


def test_string_labels_equal_sklearn():
    sk = pytest.importorskip("sklearn.metrics")
    true, predicted = np.array(["cat", "dog", "dog", "emu"]), np.array(["dog", "dog", "cat", "emu"])
    assert metrics.confusion_matrix(true, predicted).tolist() == sk.confusion_matrix(true, predicted).tolist()
    theirs = sk.classification_report(true, predicted)
    assert metrics.classification_report(true, predicted).split() == theirs.split()
    assert metrics.f1_score(true != "dog", predicted != "dog", pos_label=True) == pytest.approx(0.5)


# ---- errors ----


def test_errors_name_the_values():
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        metrics.accuracy_score([0, 1], [0, 1, 1])
    with pytest.raises(DataError, match=r"y_pred .*0\.3"):
        metrics.accuracy_score([0.0, 1.0], [1.0, 0.3])
    with pytest.raises(ValueError, match="but 3 occur"):
        metrics.f1_score(TRUE, PREDICTED)
    with pytest.raises(ValueError, match="pos_label=1"):
        metrics.f1_score(["a", "b"], ["a", "b"])
    with pytest.raises(ValueError, match="'rows'"):
        metrics.confusion_matrix(TRUE, PREDICTED, normalize="rows")
    with pytest.raises(ValueError, match="none twice"):
        metrics.confusion_matrix(TRUE, PREDICTED, labels=[1, 1])
    with pytest.raises(ValueError, match="average must be"):
        metrics.precision_recall_f1(TRUE, PREDICTED, average="samples")
    with pytest.raises(ValueError, match="1 target_names for 3 labels"):
        metrics.classification_report(TRUE, PREDICTED, target_names=["a"])
