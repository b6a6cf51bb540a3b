"""What ``nablascope doctor`` looks at: each examination yields its findings."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from engine.cli.doctor import ADVICE, BROKEN, GOOD, TOLD, Finding, usable_cores
from engine.cli.qt_libraries import LOADING, apt_install, apt_line, missing_qt_libraries

# Distributions that the engine cannot run without, and those that it uses where they are.
_NEEDED = ("numpy", "numba", "llvmlite", "scipy", "platformdirs", "safetensors", "threadpoolctl")
_SAMPLES = ("matplotlib", "pillow", "scikit-learn", "tqdm")
_OPTIONAL = ("numba-cuda", "PyQt6", "pyqtgraph", "torch")


def versions() -> Iterator[Finding]:
    """Python, Nablascope and what both stand on."""
    import engine

    yield Finding(GOOD, "Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding(TOLD, "system", f"{platform.platform()}, {platform.machine()}")
    yield Finding(GOOD, "nablascope", f"{engine.__version__} ({Path(engine.__file__).parent})")
    for name in (*_NEEDED, *_SAMPLES):
        found = _version(name)
        if found:
            yield Finding(GOOD, name, found)
        elif name in _NEEDED:
            yield Finding(BROKEN, name, "not installed", f"pip install {name}")
        else:
            yield Finding(ADVICE, name, "not installed; some samples need it", f"pip install {name}")
    for name in _OPTIONAL:
        yield Finding(TOLD, name, _version(name) or "not installed (optional)")


def engine_runs() -> Iterator[Finding]:
    """A forward and a backward pass with a known result."""
    import engine as torch

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    (dx,) = torch.autograd.grad((x @ x).sum(), x)
    gradient = [] if dx is None else dx.tolist()
    # d/dx of the sum of x @ x: (sum of row q of x) + (sum of column p of x) at [p, q].
    if gradient == [[7.0, 11.0], [9.0, 13.0]]:
        yield Finding(GOOD, "engine", "a product and its gradient come out right")
    else:
        yield Finding(BROKEN, "engine", f"wrong gradient {gradient}", "please report this with the lines above")


def processor() -> Iterator[Finding]:
    """Cores, threads, threading layer, BLAS."""
    import threadpoolctl
    from numba import get_num_threads
    from numba.np.ufunc.parallel import threading_layer

    yield Finding(TOLD, "cores", f"{usable_cores()} usable of {os.cpu_count()}")
    threads = f"{get_num_threads()} for kernels (change with --threads or torch.set_num_threads)"
    yield Finding(TOLD, "threads", threads)
    yield _threading_layer(threading_layer())
    # Loads the BLAS libraries that the engine uses.
    importlib.import_module("scipy.linalg.cython_blas")
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            details = [library["internal_api"], library.get("version"), library.get("architecture")]
            yield Finding(TOLD, "BLAS", f"{' '.join(filter(None, details))}: {library['filepath']}")


def _threading_layer(layer: str) -> Finding:
    if layer == "omp":
        return Finding(GOOD, "threading", "layer omp (OpenMP); slower than oneTBB while another process wants a core")
    if layer != "workqueue":
        return Finding(GOOD, "threading", f"layer {layer}")
    text = "layer workqueue: works, but a parallel kernel costs more to start than with OpenMP"
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            ctypes.CDLL("libgomp.so.1")
            return Finding(TOLD, "threading", text + "; libgomp is installed, so NUMBA_THREADING_LAYER chose it")
        return Finding(ADVICE, "threading", text + "; libgomp is missing", apt_install(["libgomp1"]))
    return Finding(TOLD, "threading", text)


def cache() -> Iterator[Finding]:
    """Where compiled kernels are kept."""
    import platformdirs

    from engine.cache import cache_folder

    folder = cache_folder()
    files = [path for path in folder.rglob("*") if path.is_file()]
    kernels = sum(path.suffix == ".nbi" for path in files)
    size = sum(path.stat().st_size for path in files) / 1e6
    lasting = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("nablascope")
    temporary = Path(lasting) not in folder.parents
    if temporary:
        yield Finding(
            ADVICE, "folder", f"{folder}: temporary, because the user's cache folder cannot be written",
            "set NUMBA_CACHE_DIR to a folder that lasts",
        )
    else:
        yield Finding(GOOD, "folder", f"{folder}: writable")
    if kernels:
        yield Finding(GOOD, "contents", f"warm: {kernels} compiled kernels, {size:.1f} MB")
    else:
        yield Finding(
            ADVICE, "contents", "cold: kernels are compiled when they are first used, which takes up to a minute",
            "nablascope warmup",
        )


def cuda() -> Iterator[Finding]:
    """The GPU that tensors can be moved to, or what is missing for one."""
    from engine.device import gate

    if gate.simulated():
        yield Finding(TOLD, "CUDA", "simulated (NUMBA_ENABLE_CUDASIM is set)")
        return
    why = gate.missing_part()
    if why is not None:
        part, remedy = why
        yield Finding(TOLD, "CUDA", f"{part}; the engine runs on the CPU", remedy)
        return
    capability = ".".join(str(number) for number in gate.compute_capability())
    memory = gate.memory_info()[1] / 1e9
    yield Finding(GOOD, "CUDA", f"{gate.device_name()}, compute capability {capability}, {memory:.0f} GB")


def qt() -> Iterator[Finding]:
    """Qt and the system libraries it stands on. The engine runs without."""
    missing = missing_qt_libraries()
    if missing:
        what = "Qt cannot be loaded" if set(missing) & set(LOADING) else "Qt cannot open windows on X11"
        text = f"missing, without which {what}: {', '.join(missing)} (not needed to run scripts)"
        yield Finding(ADVICE, "libraries", text, apt_line(missing))
    elif sys.platform.startswith("linux"):
        yield Finding(GOOD, "libraries", "the system libraries of Qt are there")
    if importlib.util.find_spec("PyQt6") is None:
        yield Finding(TOLD, "PyQt6", "not installed; this version has no window and does not need it")
        return
    try:
        importlib.import_module("PyQt6.QtWidgets")
    except ImportError as error:
        remedy = apt_line(missing) or "pip install --force-reinstall PyQt6"
        yield Finding(ADVICE, "PyQt6", f"cannot be imported: {error}", remedy)
    else:
        yield Finding(GOOD, "PyQt6", "can be imported")


def data() -> Iterator[Finding]:
    """The picture sets that samples use."""
    from engine.utils.data import datasets, samples_data_folder
    from engine.utils.data.locate import user_data_folder
    from engine.utils.data.picture_files import find_pair

    places = [datasets.SYSTEM_FASHION_MNIST, user_data_folder("fashion-mnist")]
    whole = find_pair(places, "train")
    if whole and find_pair(places, "t10k"):
        yield Finding(GOOD, "Fashion-MNIST", f"whole: {whole[0].parent}")
    else:
        text = f"the whole set is in none of {', '.join(map(str, places))}; the shipped part is used"
        remedy = "for the whole set, on Debian: " + apt_install(["dataset-fashion-mnist"])
        yield Finding(TOLD, "Fashion-MNIST", text, remedy)
    try:
        folder = samples_data_folder()
        found = [find_pair([folder / "fashion-mnist"], stem) for stem in ("train", "t10k")]
    except FileNotFoundError as error:
        yield Finding(ADVICE, "shipped data", str(error), "pip install --force-reinstall nablascope")
        return
    if all(found) and (folder / "digits" / "digits.npz").is_file():
        yield Finding(GOOD, "shipped data", f"part of Fashion-MNIST and the digits: {folder}")
    else:
        yield Finding(ADVICE, "shipped data", f"incomplete: {folder}", "pip install --force-reinstall nablascope")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


#: Title and function of each examination, in the order of the report.
EXAMINATIONS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("Versions", versions),
    ("Engine", engine_runs),
    ("Processor", processor),
    ("Compiled kernels", cache),
    ("CUDA", cuda),
    ("Qt", qt),
    ("Data", data),
)
