"""Files of sessions: what is written is read again; what is broken, foreign, newer or hostile is refused in words."""

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.saved_sessions.archive import VERSION, Archive, SessionFileError, write
from gui.saved_sessions.arrays import pack, read_array, unpack
from gui.saved_sessions.content import KeptRun, SavedSession, View
from gui.saved_sessions.differences import changed_lines, environment_words, listed, script_words
from gui.saved_sessions.opened import read_session, script_name, write_script
from gui.saved_sessions.signing import Signer
from gui.saved_sessions.tapes import members_of
from gui.saved_sessions.view import SavedAnswers


def tape(folder):
    """Files as a recording has them."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "kept").mkdir()
    for name, content in {"manifest.json": "{}", "codes": "abcd", "edits.json": "[]", ".codes.77": "on its way"}.items():
        (folder / name).write_text(content)
    (folder / "kept" / "000000").write_bytes(b"model")
    for tick in (5, 20, 30):
        (folder / "checkpoints" / f"{tick:014d}").write_bytes(bytes(100))
    return folder


def example(folder):
    view = View(
        level="batch", watches=["loss"], selection={"name": "y", "at": [1, 0, 0], "index": [0, 1]},
        breakpoints={"lines": {"/a/train.py": [{"line": 3}]}, "watch": [{"kind": "nan"}]},
        panels={"curves": {"log": True}}, stop={"position": [25, 1, 0], "step": 4}, events={"events": [{"seq": 1}]},
        answers=[{"panel": "tensor", "slot": "data", "command": "tensor", "arguments": {}, "body": {"data": np.eye(3)}}],
    )  # fmt: skip
    curves = {"steps": np.arange(4), "losses": np.array([1.0, np.nan, np.inf, 0.25])}
    runs = [
        KeptRun(1, "run 1", ["lr=0.1"], (25, 1, 0), step=4, digest="abc", loss=float("nan"), curves=curves),
        KeptRun(2, "what if", [], (7, 0, 0), 1, (6, 0, 0), [{"kind": "exec", "code": "lr = 1"}], curves=curves),
    ]
    return SavedSession(
        "/a/train.py", "print('π')\n", "/a", ["--fast"], ["lr=0.1"], True, "2026-01-01", 2, {"threads": 2}, runs, view,
        {1: tape(folder / "1"), 2: tape(folder / "2")},
    )


@pytest.fixture
def signer(tmp_path):
    return Signer(tmp_path / "mine")


@pytest.fixture
def path(tmp_path, signer):
    path = tmp_path / "a.nablascope"
    write(path, example(tmp_path / "tapes").members(), signer.sign)
    return path


def rewritten(path, target, change=lambda members: members, manifest=None):
    """Another archive of the members that ``change`` makes of those of ``path``, with a manifest that fits."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members = change({name: data for name, data in members.items() if name not in ("manifest.json", "signature")})
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    about = {"format": "nablascope session", "version": VERSION, "members": hashes, **(manifest or {})}
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in {**members, "manifest.json": json.dumps(about).encode(), "signature": b""}.items():
            archive.writestr(name, data)
    return target


def test_what_is_written_is_read_again(path, signer, tmp_path):
    opened = read_session(str(path), signer)
    saved, wanted = opened.saved, example(tmp_path / "again")
    assert opened.own and opened.disk is None and not opened.same_script
    for name in ("program", "script", "cwd", "arguments", "parameters", "as_torch", "saved", "current", "environment"):
        assert getattr(saved, name) == getattr(wanted, name), name
    assert (saved.run.name, saved.run.edits, saved.run.forked_at) == ("what if", wanted.runs[1].edits, (6, 0, 0))
    assert saved.view.breakpoints == wanted.view.breakpoints and saved.view.level == "batch"
    losses = saved.runs[0].curves["losses"].numpy()
    assert losses.tobytes() == wanted.runs[0].curves["losses"].tobytes()
    assert saved.view.answers[0]["body"]["data"].numpy().tolist() == np.eye(3).tolist()


def test_the_tape_goes_along_with_the_checkpoints_before_the_position(path, tmp_path):
    with Archive(path) as archive:
        names = {name.removeprefix("runs/1/") for name in archive.names("runs/1/")}
        checkpoints = {f"checkpoints/{tick:014d}" for tick in (5, 20)}
        assert names == {*checkpoints, "codes", "edits.json", "kept/000000", "manifest.json"}
        archive.extract("runs/1/", tmp_path / "out")
    assert (tmp_path / "out" / "kept" / "000000").read_bytes() == b"model"
    few = [name for name, _ in members_of(tmp_path / "tapes" / "1", 1, (25, 0, 0), room=150)]
    assert [name for name in few if "checkpoints" in name] == ["runs/1/checkpoints/00000000000020"]


def test_another_users_file_is_known_for_what_it_is(path, tmp_path, signer):
    other = Signer(tmp_path / "other")
    assert not read_session(str(path), other).own
    other.sign(b"")
    opened = read_session(str(path), other)
    assert not opened.own and "saved on another machine" in opened.question()
    changed = rewritten(path, tmp_path / "changed.nablascope")
    assert not read_session(str(changed), signer).own
    assert (tmp_path / "mine" / "session-key").stat().st_mode & 0o777 == 0o600


def test_no_key_can_be_kept(tmp_path):
    (tmp_path / "file").write_text("")
    signer = Signer(tmp_path / "file" / "folder")
    assert signer.sign(b"x") == "" and not signer.knows(b"x", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no session"), (b"print('hello')\n", "no session"), (b"PK\x03\x04", "no session"),
        (pickle.dumps({"a": 1}), "no session"),
    ],
)  # fmt: skip
def test_what_is_no_session_is_refused(tmp_path, content, words, signer):
    path = tmp_path / "s.nablascope"
    path.write_bytes(content)
    with pytest.raises(SessionFileError, match=words):
        read_session(str(path), signer)


def test_what_is_not_there_is_refused(tmp_path, signer):
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(str(tmp_path / "missing.nablascope"), signer)
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(str(tmp_path), signer)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(SessionFileError, match="no session"):
        read_session(str(tmp_path / "other.zip"), signer)


def test_a_newer_version_is_named(path, tmp_path, signer):
    newer = rewritten(path, tmp_path / "newer.nablascope", manifest={"version": VERSION + 1})
    with pytest.raises(SessionFileError, match="newer Nablascope .version 2 .* Update"):
        read_session(str(newer), signer)
    for version in (0, -1, "1", None, 1.5):
        with pytest.raises(SessionFileError, match="version"):
            read_session(str(rewritten(path, newer, manifest={"version": version})), signer)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("state.pkl", pickle.dumps(Bomb())), ("runs/1/state.pt", pickle.dumps(Bomb())), ("../evil.json", b"{}"),
        ("/etc/evil.json", b"{}"), ("runs/1/../../evil", b""), ("runs/1/checkpoints/../x", b""), ("C:\\evil.json", b"{}"),
        ("arrays/0.npy", pickle.dumps(Bomb())),
        ("arrays/0.npy", npy(np.array([Bomb()], object), allow_pickle=True)),
        ("arrays/0.npy", npy(np.zeros(2, [("a", "f4")]))), ("arrays/0.npy", b"\x93NUMPY\x01\x00\xff\xff{'descr'"),
        ("arrays/0.npy", b""), ("session.json", pickle.dumps(Bomb())), ("session.json", b"[" * 100_000),
        ("session.json", b"null"), ("shown.json", b'{"stop": 3}'), ("script.txt", b"\xff\xfe\xff"),
        ("script.txt", b"import os; os.mkdir('exploded')"),
    ],
)  # fmt: skip
def test_what_has_no_place_in_a_session_is_refused_and_nothing_is_unpickled(path, tmp_path, signer, monkeypatch, name, data):
    monkeypatch.chdir(tmp_path)
    hostile = rewritten(path, tmp_path / "hostile.nablascope", lambda members: {**members, name: data})
    with pytest.raises(SessionFileError, match=r"hostile\.nablascope cannot be opened"):
        read_session(str(hostile), signer)
    assert not (tmp_path / "exploded").exists()


def with_session(change):
    def changed(members):
        about = json.loads(members["session.json"])
        change(about)
        return {**members, "session.json": json.dumps(about).encode()}

    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.pop("runs"), lambda about: about.update(runs=[]), lambda about: about.update(runs=3),
        lambda about: about.update(current=9), lambda about: about.update(program=None),
        lambda about: about["runs"][0].update(position=[-1, 0, 0]), lambda about: about["runs"][0].update(position=[1]),
        lambda about: about["runs"][0].update(position=["1", 0, 0]), lambda about: about["runs"][1].update(number=1),
        lambda about: about["runs"][0].update(number=0), lambda about: about["runs"][0].update(edits=["rm"]),
        lambda about: about["runs"][0].update(curves={"$array": 99}), lambda about: about.update(as_torch=1),
        lambda about: about.update(parameters=[1]), lambda about: about["view"].update(breakpoints=[]),
        lambda about: about["view"].pop("level"), lambda about: about["runs"][0].update(step=True),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(path, tmp_path, signer, change):
    wrong = rewritten(path, tmp_path / "wrong.nablascope", with_session(change))
    with pytest.raises(SessionFileError, match="cannot be opened"):
        read_session(str(wrong), signer)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intact")
    write(folder / "a.nablascope", example(folder / "tapes").members(), Signer(folder).sign)
    return folder, (folder / "a.nablascope").read_bytes()


@given(data=st.data())
def test_a_file_that_was_cut_off_or_damaged_is_refused_or_the_same(intact, data):
    folder, whole = intact
    broken = bytearray(whole)
    if data.draw(st.booleans()):
        del broken[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
            broken[place] ^= data.draw(st.integers(1, 255))
    path = folder / "b.nablascope"
    path.write_bytes(broken)
    try:
        opened = read_session(str(path), Signer(folder))
        with Archive(path) as archive:
            archive.extract("runs/", folder / "out")
    except SessionFileError as error:
        assert str(path) in str(error)
    else:
        assert opened.saved.script == "print('π')\n" and opened.saved.current == 2


def test_members_that_the_manifest_does_not_list_are_refused(path, tmp_path, signer):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("runs/1/extra", b"x")
    with pytest.raises(SessionFileError, match="manifest"):
        read_session(str(path), signer)


def test_a_member_that_was_exchanged_is_refused(path, tmp_path, signer):
    target = tmp_path / "exchanged.nablascope"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"abce" if name == "runs/1/codes" else old.read(name))
    assert read_session(str(target), signer).own  # the tapes are looked at when they are needed
    with Archive(target) as archive, pytest.raises(SessionFileError, match="runs/1/codes in it is damaged"):
        archive.extract("runs/1/", tmp_path / "out")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, tmp_path, signer):
    old = path.read_bytes()

    def failing():
        yield "script.txt", b"x"
        raise OSError(28, "No space left on device")

    with pytest.raises(SessionFileError, match="full"):
        write(path, failing(), signer.sign)
    with pytest.raises(ValueError, match="no member"):
        write(path, [("evil.pkl", b"")], signer.sign)
    assert path.read_bytes() == old and not list(tmp_path.glob(".nablascope-*"))


@given(st.sampled_from(["f4", "f8", "i8", "u1", "b1", "f2"]), st.lists(st.integers(0, 4), max_size=3))
def test_arrays_survive_to_the_bit(kind, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    files = []
    packed = json.loads(json.dumps(pack({"a": [array, 3.5, None], "n": np.float32(0.5)}, files)))
    found = unpack(packed, [read_array(data) for data in files])
    back = found["a"][0].numpy()
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert found["a"][1:] == [3.5, None] and found["n"] == 0.5
    with pytest.raises(TypeError):
        pack({"a": object()}, [])


def test_differences_in_words(tmp_path):
    assert script_words("a\nb\n", "a\nb\n") == ""
    assert script_words("a\nb\nc\n", "a\nB\nc\nd\n") == "the script has changed since: 2 lines"
    assert changed_lines("a\n", "") == 1
    then = {"threads": 2, "versions": {"numpy": "1", "numba": "2"}, "processor": "x"}
    now = {"threads": 8, "versions": {"numpy": "1", "numba": "3"}, "system": "y"}
    words = environment_words(then, now)
    assert words == ["another number of threads (2 then, 8 now)", "another Numba (2 then, 3 now)"]
    assert listed([*words, "c"]).endswith("now), another Numba (2 then, 3 now) and c")


def test_the_script_of_a_session_gets_a_file_of_its_own(path, tmp_path, signer):
    saved = read_session(str(path), signer).saved
    where = write_script(saved, tmp_path / "data")
    assert Path(where).name == "train.py" and Path(where).read_text(encoding="utf-8") == saved.script
    assert write_script(saved, tmp_path / "data") == where
    names = {"C:\\x\\a b.py": "a_b.py", "/a/..": "script.py", "": "script.py", "/x/.hidden.py": "hidden.py"}
    for saved.program, name in names.items():
        assert script_name(saved) == name


def test_answers_are_found_by_what_was_asked():
    body, other = {"data": 1}, {"data": 2}
    view = View(events={"events": [{"seq": 1}, {"seq": 2}], "last": 2}, answers=[
        {"panel": "tensor", "slot": "a", "command": "tensor", "arguments": {"index": [0], "maxShape": [4, 4]}, "body": body},
        {"panel": "layers", "slot": "s", "command": "statistics", "arguments": {}, "body": other},
    ])  # fmt: skip
    answer = SavedAnswers(view)
    assert answer(("code", "hover"), "tensor", {"index": (0,), "maxShape": [4, 4]}) is body
    assert answer(("tensor", "a"), "tensor", {"index": [0], "maxShape": [9, 9]}) is body
    assert answer(("tensor", "b"), "tensor", {"index": [0], "maxShape": [9, 9]}) is None
    assert answer(("tensor", "a"), "tensor", {"index": [1], "maxShape": [4, 4]}) is None
    assert answer(("setting", "statistics", ""), "statistics", {"enabled": True}) is other
    assert answer(("timeline", "events"), "events", {"from": 2})["events"] == [{"seq": 2}]


def test_reading_a_file_needs_no_qt():
    code = "import sys, gui.saved_sessions.replaying; print('PyQt6.QtCore' in sys.modules, 'numba' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
