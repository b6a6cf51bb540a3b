"""What lies in the place of a file and is none is not read: a pipe would be waited for, for ever."""

import os
import threading

import pytest

from gui.ordinary_files import read_ordinary
from gui.saved_sessions.opened import read_script
from gui.script_text import python_text, script_text
from tests.gui.conftest import PATIENCE


def refused(path):
    with pytest.raises(OSError, match="it is no ordinary file"):
        script_text(str(path))
    with pytest.raises(OSError, match="it is no ordinary file"):
        read_ordinary(path)
    return read_script(str(path)) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_pipe_is_not_read(tmp_path):
    path, found = tmp_path / "script.py", []
    os.mkfifo(path)
    reading = threading.Thread(target=lambda: found.append(refused(path)), daemon=True)
    reading.start()
    reading.join(PATIENCE / 1000)
    if reading.is_alive():
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))  # the thread shall not wait for the rest of the tests
    assert found == [True]


def test_a_folder_is_not_read_and_what_is_gone_is_told_as_that(tmp_path):
    assert refused(tmp_path)
    with pytest.raises(FileNotFoundError):
        script_text(str(tmp_path / "gone"))


@pytest.mark.parametrize(("data", "text"), [
    (b"# coding: latin-1\r\nx = '\xfc'\r\n", "# coding: latin-1\nx = '\xfc'\n"),
    (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
    (b"", ""),
])  # fmt: skip
def test_a_script_is_decoded_as_python_does(tmp_path, data, text):
    (tmp_path / "script.py").write_bytes(data)
    assert python_text(str(tmp_path / "script.py")) == text == script_text(str(tmp_path / "script.py"))


@pytest.mark.parametrize("data", [b"x = '\xff'\r\n", b"# coding: nonsense\nx = '\xff'\n"])
def test_what_python_would_refuse_is_shown_all_the_same(tmp_path, data):
    (tmp_path / "script.py").write_bytes(data)
    with pytest.raises((SyntaxError, UnicodeDecodeError)):
        python_text(str(tmp_path / "script.py"))
    assert script_text(str(tmp_path / "script.py")).endswith("x = '\ufffd'\n")
