"""``nablascope run``: the same as ``python FILE``, with parameters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.main import main

ROOT = Path(__file__).parents[3]

CELLS = '''# %% [markdown]
# # A script
# %% tags=["parameters"]
epochs = 3  # a number
rate: float = 0.5
name, shuffle = "sgd", True
layers = (4, 2)

# %%
print(epochs, rate, name, shuffle, layers)
'''


@pytest.fixture
def script(tmp_path):
    def write(text, name="script.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_the_script_sees_what_it_sees_under_python(script, capsys):
    file = script(
        "import sys, os, __main__\n"
        "print(__name__, __file__, sys.argv, sys.path[0], __spec__, __doc__)\n"
        "print(__main__.__dict__ is globals(), sorted(globals()))\n"
        "class A: pass\n"
        "print(A, A.__module__, sys.modules[A.__module__].A is A)\n"
    )
    real = subprocess.run([sys.executable, file, "--x", "-h", "y"], capture_output=True, text=True, check=True).stdout
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    assert main(["run", file, "--x", "-h", "y"]) == 0
    ours = capsys.readouterr().out
    assert ours.replace("'__loader__', ", "") == real.replace("'__loader__', ", "").replace("'__annotations__', ", "")
    assert (sys.argv, list(sys.path), sys.modules["__main__"]) == before


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("pass", 0), ("sys.exit()", 0), ("sys.exit(0)", 0), ("sys.exit(7)", 7), ("sys.exit('no')", 1),
        ("sys.exit(True)", 1), ("sys.exit(-1)", 255), ("1 / 0", 1), ("raise KeyboardInterrupt", 130),
    ],
)  # fmt: skip
def test_exit_codes(statement, code, script, capsys):
    assert main(["run", script(f"import sys\n{statement}\n")]) == code
    assert ("no\n" in capsys.readouterr().err) == (statement == "sys.exit('no')")


def test_interrupt_from_the_keyboard(script):
    file = script("import time\nwhile True: print('ready', flush=True); time.sleep(30)\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "engine", "run", file]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    def hear_interrupts():
        # A shell starts background jobs with SIGINT ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, text=True, env=environment, preexec_fn=hear_interrupts, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=200)
    assert process.returncode == 130
    assert error.splitlines()[1].startswith(f'  File "{file}", line 2')
    assert error.endswith("KeyboardInterrupt\n")


def test_traceback_begins_in_the_script(script, capsys):
    file = script("def f():\n    raise ValueError('here')\n\nf()\n")
    assert main(["run", file]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{file}", line 4, in <module>'
    assert lines[2].strip() == "f()"
    assert lines[-1] == "ValueError: here"


def test_the_scripts_own_excepthook_is_used(script, capsys):
    file = script("import sys\nsys.excepthook = lambda *e: print('mine', e[0].__name__)\n1 / 0\n")
    hook = sys.excepthook
    try:
        assert main(["run", file]) == 1
    finally:
        sys.excepthook = hook
    assert capsys.readouterr().out == "mine ZeroDivisionError\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.py", None, "absent.py: no such file"),
        ("bad.py", b"x = (\n", "line 1: SyntaxError: '(' was never closed: x = ("),
        ("tabs.py", b"if 1:\n\tx\n        y\n", "line 3: TabError"),
        ("late.py", b"return 3\n", "line 1: SyntaxError: 'return' outside function"),
        ("bytes.py", b"x = '\xff'\n", "is not Python source"),
        ("null.py", b"x = 1\0\n", "null"),
        ("a.ipynb", b"{}", "is a notebook"),
        ("coding.py", b"# coding: nonsense\n", "unknown encoding"),
    ],
)
def test_what_cannot_be_run_is_said_in_one_line(name, content, message, tmp_path, capsys):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["run", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nablascope run: {path}")
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_is_refused(tmp_path, capsys):
    assert main(["run", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_declared_encoding(script, tmp_path, capsys):
    path = tmp_path / "latin.py"
    path.write_bytes("# coding: latin-1\nprint('é')\n".encode("latin-1"))
    assert main(["run", str(path)]) == 0
    assert capsys.readouterr().out == "é\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", "epochs=7", "--parameters", "name=adam", "FILE"],
        ["FILE", "-p", "epochs=7", "--parameters=name=adam"],
        ["-p", "epochs=7", "FILE", "-p", "name='adam'"],
    ],
)
def test_parameters_are_set_after_their_cell(arguments, script, capsys):
    file = script(CELLS)
    assert main(["run", *(file if argument == "FILE" else argument for argument in arguments)]) == 0
    assert capsys.readouterr().out == "7 0.5 adam True (4, 2)\n"


def test_each_kind_of_parameter(script, capsys):
    settings = ["rate=1", "shuffle=false", "layers=[8, 8]", "epochs=1e3", "name=3"]
    assert main(["run", *(part for setting in settings for part in ("-p", setting)), script(CELLS)]) == 0
    assert capsys.readouterr().out == "1000.0 1.0 3 False [8, 8]\n"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epoch=3", "'epoch' is not in the script's parameters cell; it has: epochs, rate, name, shuffle, layers"),
        ("epochs", "write NAME=VALUE"),
        ("=3", "write NAME=VALUE"),
        ("epochs=many", "expected a number such as 3, got 'many'"),
        ("epochs=True", "expected a number such as 3, got 'True'"),
        ("shuffle=1", "expected True or False, got '1'"),
        ("layers=4", "expected values such as (4, 2), got '4'"),
    ],
)
def test_parameters_that_do_not_fit(setting, message, script, capsys):
    assert main(["run", "-p", setting, script(CELLS)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


def test_line_numbers_stay_with_parameters(script, capsys):
    file = script(CELLS + "1 / 0\n")
    assert main(["run", "-p", "epochs=1", "-p", "rate=2", file]) == 1
    assert f'File "{file}", line 11, in <module>' in capsys.readouterr().err


def test_without_a_parameters_cell_arguments_are_the_scripts(script, capsys):
    file = script("import sys\nprint(sys.argv[1:])\n")
    assert main(["run", file, "-p", "a=1", "--", "x"]) == 0
    assert capsys.readouterr().out == "['-p', 'a=1', '--', 'x']\n"
    assert main(["run", "-p", "a=1", file]) == 2
    assert 'no cell tagged "parameters"' in capsys.readouterr().err


def test_arguments_behind_two_dashes_are_the_scripts(script, capsys):
    file = script(CELLS + "import sys\nprint(sys.argv[1:])\n")
    assert main(["run", file, "-p", "epochs=1", "a", "--", "-p", "epochs=2"]) == 0
    assert capsys.readouterr().out == "1 0.5 sgd True (4, 2)\n['a', '-p', 'epochs=2']\n"


def test_a_cell_inside_a_string_is_none(script, capsys):
    file = script('text = """\n# %% tags=["parameters"]\na = 1\n"""\n')
    assert main(["run", "-p", "a=2", file]) == 2
    assert 'no cell tagged "parameters"' in capsys.readouterr().err


def test_threads(script, capsys):
    import numba

    before = numba.get_num_threads()
    try:
        assert main(["run", "--threads", "1", script("import engine\nprint(engine.get_num_threads())\n")]) == 0
    finally:
        numba.set_num_threads(before)
    assert capsys.readouterr().out == "1\n"
    with pytest.raises(SystemExit) as stop:
        main(["run", "--threads", "0", "x.py"])
    assert stop.value.code == 2


def test_version(capsys):
    import engine

    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"nablascope {engine.__version__}\n"


def test_help_loads_neither_numpy_nor_numba():
    program = (
        "import sys\nfrom engine.cli.main import main\n"
        "try:\n    main(['run', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'numpy', 'numba', 'engine.tensor'} & set(sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment)
