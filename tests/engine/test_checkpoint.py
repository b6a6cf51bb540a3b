"""engine.save and engine.load: what survives, what is refused, and that no failure costs the old file."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import random
import subprocess
import sys
import textwrap
from collections import Counter, OrderedDict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine import nn
from engine.checkpoint import atomic
from engine.errors import CheckpointError, DeviceError
from engine.tensor import Size, Tensor, wrap


def round_trip(obj):
    file = io.BytesIO()
    engine.save(obj, file)
    file.seek(0)
    return engine.load(file)


def same(a, b) -> bool:
    """Equality of type and value, bit by bit, through containers."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a.requires_grad == b.requires_grad and same(a._array, b._array)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) and same(a[x], b[y]) for x, y in zip(a, b, strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    return a == b


def array_of(dtype, shape=(2, 3)):
    values = np.random.RandomState(0).uniform(0, 100, shape)
    return values.astype(dtype)


# ---- what survives ----


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4)])
def test_tensors_survive(dtype, shape):
    tensor = wrap(array_of(dtype, shape))
    loaded = round_trip(tensor)
    assert same(tensor, loaded)
    assert loaded._array.flags.writeable


def test_special_float_values_survive_bit_by_bit():
    array = np.array([math.nan, math.inf, -math.inf, -0.0, 5e-324])
    assert same(round_trip(wrap(array)), wrap(array))


def test_non_contiguous_tensors_survive():
    tensor = wrap(array_of("float32", (4, 6))[::2, ::-2].T)
    loaded = round_trip(tensor)
    assert np.array_equal(loaded._array, tensor._array)
    assert loaded.is_contiguous()


def test_nested_mix_survives_with_types_and_key_types():
    obj = OrderedDict(
        state={0: {"step": 3.0, "buffer": wrap(array_of("float32"))}, 1: {}},
        keys={None: 1, True: 2, 1.5: 3, (1, "a"): 4, "1": 5, 7: 6},
        tuples=((), (1, (2, [3])), [()]),
        numbers=[0, -1, 2**80, 1e-300, math.inf, -math.inf, math.nan, 0.1],
        texts=["", "ü\n\0", "\ud800", "__metadata__"],
        raw=[b"", b"\x00\xff", bytearray(b"abc")],
        counted=Counter([3, 3, 5]),
        kinds=[engine.float64, engine.device("cpu"), Size((2, 3)), None, True],
        numpy=[np.float32(0.1), np.int16(-3), np.bool_(True), np.float64("nan"), array_of("int32"), array_of("f2")],
    )
    loaded = round_trip(obj)
    assert list(loaded) == list(obj)
    assert same(loaded, obj)


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=20),
    st.lists(st.floats(width=32), max_size=4).map(lambda v: wrap(np.array(v, np.float32))),
)  # fmt: skip
keys = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.tuples(st.integers(), st.text()))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4).map(OrderedDict),
    ),
    max_leaves=12,
)


@given(trees)
def test_any_nesting_survives(tree):
    assert same(round_trip(tree), tree)


def test_colliding_names_do_not_mix_up_tensors():
    obj = {"a": {"b": wrap(np.float32([1]))}, "a.b": wrap(np.float32([2])), "": wrap(np.float32([3]))}
    obj["__metadata__"] = wrap(np.float32([4]))
    obj[0], obj["0"] = wrap(np.float32([5])), wrap(np.float32([6]))
    assert same(round_trip(obj), obj)


def test_shared_memory_is_shared_again_and_stored_once():
    weight = wrap(np.zeros((1000,), np.float32))
    file = io.BytesIO()
    engine.save({"encoder": weight, "decoder": weight.detach()}, file)
    assert len(file.getvalue()) < 2 * weight.nbytes
    file.seek(0)
    loaded = engine.load(file)
    loaded["encoder"]._array[0] = 7
    assert loaded["decoder"]._array[0] == 7


def test_random_generator_states_survive():
    generator = engine.Generator().manual_seed(3)
    bits = np.random.Generator(np.random.PCG64(5))
    states = [generator.get_state(), random.getstate(), np.random.get_state(), bits.bit_generator.state]
    assert same(round_trip(states), states)


def test_state_dict_keeps_order_and_versions():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    state = model.state_dict()
    loaded = round_trip(state)
    assert same(loaded, state)
    assert loaded._metadata == state._metadata
    other = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    other.load_state_dict(loaded)
    assert same(other.state_dict(), state)


def test_parameters_and_requires_grad_survive():
    obj = [
        nn.Parameter(wrap(np.ones(2, np.float32))),
        nn.Parameter(wrap(np.ones(2, np.float32)), requires_grad=False),
        wrap(np.ones(2, np.float32)).requires_grad_(),
    ]
    assert same(round_trip(obj), obj)


def test_optimizer_and_scheduler_state_survive():
    parameter = nn.Parameter(wrap(np.ones((2, 2), np.float32)))
    optimizer = engine.optim.Adam([parameter], lr=0.1)
    scheduler = engine.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 3])
    parameter.grad = wrap(np.full((2, 2), 0.5, np.float32))
    optimizer.step()
    scheduler.step()
    state = {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
    assert same(round_trip(state), state)


def test_path_objects_and_names_without_suffix(tmp_path):
    for target in (tmp_path / "a", str(tmp_path / "b.pt"), tmp_path / "ü ß.safetensors"):
        engine.save([1], target)
        assert engine.load(target) == [1]


# ---- other programs' files ----


def test_saved_state_dict_is_a_plain_safetensors_file(tmp_path):
    state = {"0.weight": wrap(array_of("float32")), "0.bias": wrap(array_of("int64"))}
    engine.save(state, tmp_path / "m.safetensors")
    plain = safetensors.numpy.load_file(tmp_path / "m.safetensors")
    assert {k: v.tobytes() for k, v in plain.items()} == {k: v._array.tobytes() for k, v in state.items()}


def test_plain_safetensors_file_loads_as_dict(tmp_path):
    arrays = {kind: array_of(kind) for kind in ("bool", "uint8", "int64", "float32", "float64")}
    arrays["scalar"] = np.array(2.5, np.float32)
    safetensors.numpy.save_file(arrays, tmp_path / "plain.safetensors", {"format": "pt"})
    loaded = engine.load(tmp_path / "plain.safetensors", map_location="cpu", weights_only=True)
    assert {k: v.dtype.name for k, v in loaded.items()} == {k: v.dtype.name for k, v in arrays.items()}
    assert all(np.array_equal(loaded[k]._array, arrays[k]) for k in arrays)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("int8", "int64"), ("int16", "int64"), ("int32", "int64"), ("uint16", "int64"), ("uint32", "int64"),
     ("uint64", "int64"), ("float16", "float32")],
)  # fmt: skip
def test_foreign_dtypes_are_converted_without_loss(tmp_path, kind, expected):
    array = array_of(kind)
    safetensors.numpy.save_file({"x": array}, tmp_path / "f")
    loaded = engine.load(tmp_path / "f")["x"]
    assert loaded.dtype.name == expected
    assert np.array_equal(loaded._array, array)


def test_bfloat16_of_pytorch_becomes_float32(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    values = torch.tensor([[1.5, -3e38, float("inf")], [0.1, -0.0, 1e-40]]).bfloat16()
    save_file({"x": values, "s": torch.tensor(0.3).bfloat16()}, tmp_path / "b")
    loaded = engine.load(tmp_path / "b")
    assert loaded["x"]._array.tobytes() == values.float().numpy().tobytes()
    assert loaded["s"].shape == ()


def test_dtypes_that_would_lose_are_refused(tmp_path):
    safetensors.numpy.save_file({"c": np.zeros(2, np.complex64)}, tmp_path / "c")
    with pytest.raises(CheckpointError, match=r"'c'.* element type C64"):
        engine.load(tmp_path / "c")
    safetensors.numpy.save_file({"u": np.array([2**63], np.uint64)}, tmp_path / "u")
    with pytest.raises(CheckpointError, match="above 2"):
        engine.load(tmp_path / "u")


@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_are_refused_with_a_conversion_that_works(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    source = tmp_path / "model.pt"
    tied = torch.arange(3.0)
    torch.save({"w": tied, "v": tied}, source, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"never unpickles") as caught:
        engine.load(source)
    script = "\n".join(line.strip() for line in str(caught.value).splitlines()[1:])
    subprocess.run([sys.executable, "-c", script], check=True)
    loaded = engine.load(tmp_path / "model.safetensors")
    assert loaded["v"].tolist() == [0.0, 1.0, 2.0]


def test_a_pickle_is_never_run(tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "evil.pth").write_bytes(b"\x80\x04cbuiltins\nopen\nX" + bytes([len(str(mark)), 0, 0, 0]) + b"x.")
    with pytest.raises(CheckpointError, match="pickle"):
        engine.load(tmp_path / "evil.pth", weights_only=False)
    assert not mark.exists()


def test_numpy_files_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(2))
    np.savez(tmp_path / "a.npz", x=np.zeros(2))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(CheckpointError, match=r"numpy\.load"):
            engine.load(tmp_path / name)


# ---- damaged files ----


@pytest.fixture
def whole(tmp_path):
    engine.save({"a": wrap(array_of("float32")), "b": [1, (2,)]}, tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


def test_every_truncation_is_noticed(tmp_path, whole):
    for length in range(len(whole)):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"cut"):
            engine.load(tmp_path / "cut")


def test_truncation_is_named_with_sizes(tmp_path, whole):
    (tmp_path / "cut").write_bytes(whole[:-5])
    with pytest.raises(CheckpointError, match=rf"truncated: it should have {len(whole)} bytes, the file has"):
        engine.load(tmp_path / "cut")


def test_damage_never_raises_anything_else(tmp_path, whole):
    header = 8 + int.from_bytes(whole[:8], "little")
    positions = np.random.RandomState(0).randint(0, header, 300)
    for position in positions:
        broken = bytearray(whole)
        broken[position] ^= 1 << (position % 7)
        with contextlib.suppress(CheckpointError):
            engine.load(io.BytesIO(bytes(broken)))


def test_garbage_and_empty_files(tmp_path):
    for contents in (b"", b"hello world, this is no checkpoint", b"\0" * 64, b"\x05\0\0\0\0\0\0\0{abcd"):
        (tmp_path / "f").write_bytes(contents)
        with pytest.raises(CheckpointError, match=r"'.*f'"):
            engine.load(tmp_path / "f")


def rewritten(whole, **changes):
    size = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + size])
    header["__metadata__"].update(changes)
    text = json.dumps(header).encode()
    return io.BytesIO(len(text).to_bytes(8, "little") + text + whole[8 + size :])


def test_newer_versions_and_damaged_structures_are_refused(whole):
    with pytest.raises(CheckpointError, match="version '2'"):
        engine.load(rewritten(whole, version="2"))
    for structure in ("{", "{}", '{"tensor": "none"}', '{"dict": [[1]]}', '{"code": "x"}', '{"dict": [[[], 1]]}'):
        with pytest.raises(CheckpointError, match="structure"):
            engine.load(rewritten(whole, structure=structure))


def test_missing_file_is_also_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        engine.load(tmp_path / "none")
    with pytest.raises(CheckpointError):
        engine.load(tmp_path / "none")
    with pytest.raises(CheckpointError, match="cannot read"):
        engine.load(tmp_path)


def test_reading_at_the_end_of_a_file_says_so():
    file = io.BytesIO()
    engine.save(1, file)
    with pytest.raises(CheckpointError, match="seek"):
        engine.load(file)


def test_map_location():
    file = io.BytesIO()
    engine.save(1, file)
    for good in ("cpu", engine.device("cpu"), {"cuda:0": "cpu"}, lambda storage, _: storage):
        file.seek(0)
        assert engine.load(file, good) == 1
    with pytest.raises(DeviceError):
        engine.load(file, "cuda")
    with pytest.raises(CheckpointError, match="map_location"):
        engine.load(file, 3)


# ---- what is refused ----


class Custom:
    pass


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (lambda: {"net": [nn.Linear(2, 2)]}, r"'net.0' is a whole Linear.*state_dict"),
        (lambda: nn.Linear(2, 2), r"the object is a whole Linear"),
        (lambda: {"x": Custom()}, r"'x' is of type Custom"),
        (lambda: {"x": namedtuple("Point", "a")(1)}, r"'x' is of type Point.*tuple\(\)"),
        (lambda: {"x": {1, 2}}, r"'x' is of type set"),
        (lambda: {"x": Path(".")}, r"'x'.*str\(\)"),
        (lambda: {"f": len}, r"'f'"),
        (lambda: np.array(["text"]), r"dtype <U4"),
        (lambda: np.array([None]), r"dtype object"),
        (lambda: [np.zeros(2, complex)], r"'0'.*complex128"),
    ],
)
def test_what_is_not_state_is_refused_by_name(tmp_path, obj, message):
    with pytest.raises(CheckpointError, match=message):
        engine.save(obj(), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_optimizers_are_refused():
    optimizer = engine.optim.SGD([nn.Parameter(wrap(np.ones(2, np.float32)))], lr=0.1)
    with pytest.raises(CheckpointError, match="whole SGD"):
        engine.save({"optimizer": optimizer}, io.BytesIO())


def test_cycles_and_depth_are_refused():
    loop = []
    loop.append({"again": loop})
    with pytest.raises(CheckpointError, match="contains itself"):
        engine.save(loop, io.BytesIO())
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CheckpointError, match="too deeply"):
        engine.save(deep, io.BytesIO())


def test_wrong_file_arguments():
    with pytest.raises(TypeError, match="path or a binary file"):
        engine.save(1, 3)
    with pytest.raises(TypeError, match="path or a binary file"):
        engine.load(3)
    with pytest.raises(CheckpointError, match="binary"):
        engine.load(io.StringIO("x"))


# ---- writing as a whole or not at all ----


@pytest.fixture
def old(tmp_path):
    engine.save("old", tmp_path / "f")
    return tmp_path / "f"


def assert_untouched(old):
    assert engine.load(old) == "old"
    assert os.listdir(old.parent) == ["f"]


def test_full_disk_keeps_the_old_file(old, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left") as caught:
        engine.save("new", old)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOSPC
    assert_untouched(old)


def test_interrupt_while_writing_keeps_the_old_file(old, monkeypatch):
    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        engine.save("new", old)
    assert_untouched(old)


KILLED = """
    import os, signal, sys
    from engine.checkpoint import atomic
    from engine.checkpoint.structure import pack

    def killed(descriptor):
        os.ftruncate(descriptor, 10)
        os.kill(os.getpid(), signal.SIGKILL)

    atomic.os.fsync = killed
    atomic.write_atomically(sys.argv[1], pack(list(range(10000))))
"""

LIMITED = """
    import resource, sys
    from engine.checkpoint import atomic
    from engine.errors import CheckpointError

    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    try:
        atomic.write_atomically(sys.argv[1], bytes(1_000_000))
    except CheckpointError as error:
        print(error)
"""


def run(script, path):
    root = Path(engine.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)], cwd=root, capture_output=True, text=True
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_keeps_the_old_file(old):
    assert run(KILLED, old).returncode == -9
    assert engine.load(old) == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_file_size_limit_keeps_the_old_file(old):
    finished = run(LIMITED, old)
    assert finished.returncode == 0, finished.stderr
    assert "cannot write" in finished.stdout
    assert_untouched(old)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user who can be refused")
def test_a_read_only_folder_is_named(old):
    old.parent.chmod(0o500)
    try:
        with pytest.raises(CheckpointError, match="Permission denied"):
            engine.save("new", old)
    finally:
        old.parent.chmod(0o700)
    assert_untouched(old)


def test_missing_folder_and_folder_as_target(tmp_path):
    with pytest.raises(CheckpointError, match=r"folder .*none' does not exist"):
        engine.save(1, tmp_path / "none" / "f")
    with pytest.raises(CheckpointError, match="cannot write"):
        engine.save(1, tmp_path)


def test_a_failing_file_object_is_an_error_too():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(CheckpointError, match="No space left"):
        engine.save(1, Full())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and links")
def test_permissions_and_links_stay(tmp_path):
    target, link = tmp_path / "f", tmp_path / "link"
    engine.save("old", target)
    target.chmod(0o640)
    link.symlink_to(target)
    engine.save("new", link)
    assert link.is_symlink()
    assert engine.load(target) == "new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_devices_are_written_to_and_not_replaced():
    engine.save(1, os.devnull)
    assert not os.path.isfile(os.devnull)
