"""``nablascope doctor``, the check of Qt's system libraries, and ``nablascope warmup``."""

import ctypes
import importlib.metadata
import os
import subprocess
import sys

import pytest

import engine
from engine.cli import doctor, examine
from engine.cli.main import main
from engine.cli.qt_libraries import LOADING, WINDOW, apt_line, missing_qt_libraries
from engine.errors import DeviceError


@pytest.fixture
def linux_with(monkeypatch):
    """A Linux on which exactly the given libraries can be loaded."""

    def make(libraries, root=False):
        def load(name, *_arguments):
            if name not in libraries:
                raise OSError(f"{name}: cannot open shared object file")

        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(ctypes, "CDLL", load)
        monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000, raising=False)

    return make


def test_nothing_is_missing(linux_with):
    linux_with({*LOADING, *WINDOW})
    assert missing_qt_libraries() == []
    assert apt_line([]) == ""


def test_missing_libraries_and_their_packages(linux_with):
    linux_with({*LOADING, *WINDOW} - {"libEGL.so.1", "libxcb-cursor.so.0"})
    assert missing_qt_libraries() == ["libEGL.so.1", "libxcb-cursor.so.0"]
    assert missing_qt_libraries(window=False) == ["libEGL.so.1"]
    line = apt_line(missing_qt_libraries())
    assert line == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends libegl1 libxcb-cursor0"
    )


def test_root_needs_no_sudo(linux_with):
    linux_with(set(), root=True)
    assert "sudo" not in apt_line(missing_qt_libraries())
    assert len(missing_qt_libraries()) == len(LOADING) + len(WINDOW)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_bring_everything(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert missing_qt_libraries() == []


def test_report_of_this_machine(capsys):
    assert main(["doctor"]) == 0
    report = capsys.readouterr().out
    for subject in ("Python", "nablascope", "numpy", "numba", "scipy", "llvmlite", "cores", "threading", "BLAS"):
        assert f" {subject} " in report
    for title, _ in examine.EXAMINATIONS:
        assert f"\n{title}\n" in "\n" + report
    assert importlib.metadata.version("numba") in report
    assert "FAIL" not in report
    assert report.endswith("The engine can run.\n")


def test_missing_dependency_fails(capsys, monkeypatch):
    monkeypatch.setattr(examine, "_NEEDED", ("numpy", "no-such-distribution"))
    assert main(["doctor"]) == 1
    report = capsys.readouterr().out
    assert "FAIL no-such-distribution not installed" in report
    assert "-> pip install no-such-distribution" in report
    assert "The engine cannot run" in report


def test_broken_engine_fails_and_the_rest_is_still_examined(capsys, monkeypatch):
    def broken():
        raise ImportError("cannot load it")
        yield

    examinations = [(title, broken if title == "Engine" else look) for title, look in examine.EXAMINATIONS]
    monkeypatch.setattr(examine, "EXAMINATIONS", examinations)
    assert doctor.doctor() == 1
    report = capsys.readouterr().out
    assert "FAIL engine         ImportError: cannot load it" in report
    assert "\nData\n" in report


def test_failing_examination_is_no_failing_engine(capsys, monkeypatch):
    def broken():
        raise PermissionError("not for you")
        yield

    monkeypatch.setattr(examine, "EXAMINATIONS", [("Data", broken)])
    assert doctor.doctor() == 0
    assert "not examined   PermissionError: not for you" in capsys.readouterr().out


def test_cold_and_warm_cache(tmp_path, monkeypatch):
    folder = tmp_path / "kernels"
    folder.mkdir()
    monkeypatch.setattr("engine.cache.cache_folder", lambda: folder)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert [finding.state for finding in examine.cache()] == [doctor.GOOD, doctor.ADVICE]
    (folder / "kernel.nbi").write_bytes(b"x" * 2_000_000)
    assert "1 compiled kernels, 2.0 MB" in list(examine.cache())[1].text
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert "temporary" in next(iter(examine.cache())).text


def test_threading_layer_without_openmp(linux_with):
    linux_with(set())
    finding = examine._threading_layer("workqueue")
    assert finding.state == doctor.ADVICE
    assert finding.remedy.endswith("libgomp1")
    linux_with({"libgomp.so.1"})
    assert examine._threading_layer("workqueue").state == doctor.TOLD
    assert examine._threading_layer("omp").state == doctor.GOOD


@pytest.fixture
def gate(monkeypatch):
    """The gate, asked anew, on a machine without the simulator's variable."""
    from engine.device import gate

    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    gate.missing_part.cache_clear()
    gate.missing.cache_clear()
    yield gate
    gate.missing_part.cache_clear()
    gate.missing.cache_clear()


class _NoGpu:
    """numba.cuda where no GPU can be used."""

    @staticmethod
    def is_available():
        return False


def test_missing_driver(gate, monkeypatch):
    monkeypatch.setattr(gate, "_driver_library", lambda: False)
    (finding,) = examine.cuda()
    assert finding.state == doctor.TOLD and "no NVIDIA driver" in finding.text and "driver" in finding.remedy
    with pytest.raises(DeviceError, match=r"no NVIDIA driver.*nablascope\[cuda\].*device='cpu'"):
        engine.ones(2).to("cuda")


@pytest.mark.parametrize(("installed", "text", "remedy"), [
    (False, "numba-cuda is not installed", "pip install 'nablascope[cuda]'"),
    (True, "no usable GPU was found", "nvidia-smi"),
])  # fmt: skip
def test_missing_package_or_gpu(installed, text, remedy, gate, monkeypatch):
    monkeypatch.setattr(gate, "_driver_library", lambda: True)
    monkeypatch.setattr(gate, "driver", lambda: _NoGpu)
    monkeypatch.setattr(gate, "_package_installed", lambda: installed)
    (finding,) = examine.cuda()
    assert text in finding.text and remedy in finding.remedy
    with pytest.raises(DeviceError, match=text):
        engine.ones(2).to("cuda")


def test_data_that_are_not_found(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.utils.data.datasets.SYSTEM_FASHION_MNIST", tmp_path)
    monkeypatch.setattr("engine.utils.data.locate.user_data_folder", lambda name: tmp_path / name)
    monkeypatch.setenv("NABLASCOPE_DATA", str(tmp_path))
    findings = {finding.subject: finding for finding in examine.data()}
    assert "dataset-fashion-mnist" in findings["Fashion-MNIST"].remedy
    assert findings["shipped data"].state == doctor.ADVICE


def test_warmup_leaves_the_random_stream_alone(capsys):
    import engine as torch

    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert main(["warmup"]) == 0
    assert torch.equal(torch.get_rng_state(), before)
    assert "kernels compiled in" in capsys.readouterr().out


def test_warmup_compiles_what_the_debugger_looks_with():
    """In a process of its own: this one may have compiled anything."""
    code = """if True:
        from engine.cli.main import main
        assert main(["warmup"]) == 0
        from engine.kernels.cpu.block_sums import block_sums
        from engine.kernels.cpu.statistics import histogram, linear_histogram, summarize
        for form in (block_sums.serial, histogram.serial, linear_histogram.serial, summarize.serial, summarize._parallel):
            assert form.signatures, form
        """
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
