"""IDX and NPZ files: what is read equals what was written; damaged files are named."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import DataError
from engine.utils.data import read_idx, read_npz

TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    head = struct.pack(">BBBB", 0, 0, TYPES[array.dtype.str[1:]], array.ndim)
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return head + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


@given(
    array=st.sampled_from(sorted(TYPES)).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=4, max_side=5))
    ),
    zipped=st.booleans(),
)
def test_round_trip_of_all_types(tmp_path_factory, array, zipped):
    path = tmp_path_factory.mktemp("idx") / "file"
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if zipped else content)
    got = read_idx(path)
    assert got.dtype == array.dtype and got.dtype.isnative and got.flags.writeable
    np.testing.assert_array_equal(got, array)


GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (GOOD[:3], "not an IDX file"),
        (b"\x89PNG" + GOOD, "found 89 50 4e 47"),
        (b"\0\0\x07\x03" + GOOD[4:], "not an IDX file"),
        (GOOD[:10], "cut short in the header"),
        (GOOD[:-1], "needs 24 bytes of elements, found 23"),
        (GOOD + b"x", "longer than its header"),
        (b"\0\0\x08\x00", "0 dimensions"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "taken for damaged"),
        (gzip.compress(GOOD, mtime=0)[:-12], "gzip stream is damaged"),
        (b"\x1f\x8bnonsense", "gzip stream is damaged"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    path = tmp_path / "some-images"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert "some-images" in str(caught.value)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(GOOD[:16] + bytes(50_000_000)))
    with pytest.raises(DataError, match="longer than its header"):
        read_idx(path)


def test_wrong_number_of_dimensions(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(GOOD)
    with pytest.raises(DataError, match="expected 1 dimensions, the header says 3"):
        read_idx(path, expect_dimensions=1)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path)


def test_npz_round_trip(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(6.0).reshape(2, 3), y=np.array([1, 2]))
    got = read_npz(path, required=("x", "y"))
    assert list(got) == ["x", "y"]
    np.testing.assert_array_equal(got["x"], np.arange(6.0).reshape(2, 3))


def test_npz_refuses_objects_and_names_what_is_absent(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, things=np.array([{}, []], dtype=object))
    with pytest.raises(DataError, match=r"things.*refused"):
        read_npz(path)
    np.savez(path, x=np.zeros(2))
    with pytest.raises(DataError, match=r"no array named 'y'; it holds: x"):
        read_npz(path, required=("x", "y"))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 and then nothing"])
def test_npz_damaged(tmp_path, content):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.npz"):
        read_npz(path)


def test_npz_cut_short(tmp_path):
    path = tmp_path / "cut.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).normal(size=1000))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"cut\.npz"):
        read_npz(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_npz(tmp_path / "absent.npz")
