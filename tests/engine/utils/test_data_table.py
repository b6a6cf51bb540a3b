"""CSV files become the numbers they hold; what does not fit is named by line and column."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.utils.data import load_sklearn, read_csv

FLOWERS = """length;colour;kind
1.5;red;rose
2;blue;tulip
3e0;red;tulip
"""


@pytest.fixture
def write(tmp_path):
    def make(text, name="file.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def test_numeric_one_hot_and_class_columns(write):
    table = read_csv(write(FLOWERS), target="kind")
    assert table.feature_names == ("length", "colour=blue", "colour=red")
    np.testing.assert_array_equal(table.x, np.float32([[1.5, 0, 1], [2, 1, 0], [3, 0, 1]]))
    assert table.x.dtype == np.float32 and table.y.dtype == np.int64
    assert table.y.tolist() == [0, 1, 1] and table.target_classes == ("rose", "tulip")
    assert table.task == "classification" and table.categories == {"colour": ("blue", "red")}


def test_integer_coding_and_regression_target(write):
    table = read_csv(write(FLOWERS), target="length", coding="integer")
    assert table.feature_names == ("colour", "kind")
    np.testing.assert_array_equal(table.x, [[1, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(table.y, np.float32([[1.5], [2], [3]]))
    assert table.task == "regression" and table.y.dtype == np.float32


def test_numbers_named_as_categories_give_classes(write):
    table = read_csv(write("1,7\n2,9\n3,7\n"), target=-1, categorical=[-1])
    assert table.y.tolist() == [0, 1, 0] and table.target_classes == ("7", "9")
    assert table.feature_names == ("column 0",) and table.target_name == "column 1"


def test_without_target(write):
    table = read_csv(write("a b\n1 2\n3   4\n"))
    assert table.y is None and table.task == "none" and table.x.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_and_quotes(write, delimiter):
    rows = [["name", "value"], ['"a, b; c"', "1"], ['"d"', "2"]]
    table = read_csv(write("\n".join(delimiter.join(row) for row in rows)), categorical=["name"])
    assert table.categories["name"] == ("a, b; c", "d")
    assert table.x[:, -1].tolist() == [1, 2]


def test_header_is_found_or_told(write):
    assert read_csv(write("1,2\n3,4\n")).x.shape == (2, 2)
    assert read_csv(write("a,b\n3,4\n")).x.shape == (1, 2)
    assert read_csv(write("1,2\n3,4\n"), header=True).feature_names == ("1", "2")
    assert read_csv(write("kind,colour\nrose,red\ntulip,red\n")).x.shape == (2, 3)
    assert len(read_csv(write("rose,red\ntulip,red\nrose,blue\n")).x) == 3


def test_byte_order_mark_windows_lines_blank_lines_and_decimal_comma(write):
    table = read_csv(write(b"\xef\xbb\xbfa;b\r\n1,5;2\r\n\r\n3,25;4\r\n"), decimal=",")
    assert table.feature_names == ("a", "b") and table.x.tolist() == [[1.5, 2], [3.25, 4]]


def test_decimal_comma_without_header(write):
    table = read_csv(write("1,5;2,5\n3;4,25\n"), decimal=",")
    assert table.x.tolist() == [[1.5, 2.5], [3, 4.25]]


@given(
    st.lists(
        st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=1,
        max_size=8,
    )
)
def test_numbers_survive(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "n.csv"
    path.write_text("x,y,z\n" + "\n".join(",".join(repr(v) for v in row) for row in rows))
    np.testing.assert_array_equal(read_csv(path).x, np.array(rows, np.float32))


def test_missing_values_are_named_or_dropped(write):
    path = write("a,b\n1,2\n,3\n4,NaN\n5,6\n7,?\n")
    with pytest.raises(DataError) as caught:
        read_csv(path)
    message = str(caught.value)
    assert "3 missing" in message and "line 3, column 'a'" in message
    assert "line 4, column 'b'" in message and "file.csv" in message
    table = read_csv(path, missing="drop")
    assert table.dropped == 3 and table.x.tolist() == [[1, 2], [5, 6]]
    with pytest.raises(DataError, match="nothing is left"):
        read_csv(write("a,b\n1,\n,2\n"), missing="drop")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty"),
        ("\n\n", {}, "empty"),
        ("a,b\n", {"header": True}, "no row of data"),
        ("a,b\n1,2\n3\n4,5\n", {}, "line 3 has 1 cells, most lines have 2"),
        ("a,b\n1,2\n3,x\n", {}, "line 3, column 'b': 'x' is not a number"),
        ("a,b\n1,inf\n", {}, "line 2, column 'b': 'inf' is not a finite"),
        ("a,b\n1,1e300\n", {}, "not a finite float32"),
        ("a,b\n1,2\n", {"target": "c"}, "no column 'c'; there are: a, b"),
        ("a,b\n1,2\n", {"target": 2}, "no column 2"),
        ("a,a\n1,2\n", {}, "more than once"),
        ("a\n1\n", {"target": "a"}, "no column left"),
        (b"a,b\n\xff\xfe,2\n", {}, "not text"),
        (b"a,b\n\x00,2\n", {}, "null bytes"),
        ("a,b\n1,2\n", {"coding": "binary"}, "coding"),
        ("a,b\n1,2\n", {"missing": "mean"}, "missing"),
        ("a,b\n1,2\n", {"delimiter": "::"}, "one character"),
        ('a,b\n"1,2\n', {}, "file.csv: line"),
    ],
)
def test_bad_tables_are_explained(write, text, options, message):
    with pytest.raises(DataError, match=message):
        read_csv(write(text), **options)


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path / "absent.csv")


def test_digits_are_those_of_sklearn_without_importing_it():
    datasets = pytest.importorskip("sklearn.datasets")
    table, theirs = load_sklearn("digits"), datasets.load_digits()
    np.testing.assert_array_equal(table.x, theirs.data)
    np.testing.assert_array_equal(table.y, theirs.target)
    assert list(table.feature_names) == list(theirs.feature_names)


@pytest.mark.parametrize(
    ("name", "shape", "task"),
    [("iris", (150, 4), "classification"), ("diabetes", (442, 10), "regression")],
)
def test_sklearn_sets(name, shape, task):
    datasets = pytest.importorskip("sklearn.datasets")
    table, theirs = load_sklearn(name), getattr(datasets, f"load_{name}")()
    assert table.x.shape == shape and table.x.dtype == np.float32 and table.task == task
    np.testing.assert_array_equal(table.x, theirs.data.astype(np.float32))
    np.testing.assert_array_equal(table.y.reshape(-1), theirs.target.astype(table.y.dtype))


def test_unknown_sklearn_set():
    with pytest.raises(DataError, match="no set 'boston'"):
        load_sklearn("boston")
