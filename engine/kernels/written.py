"""Modules whose text a program writes: kernels that differ only in an expression, in a rank, in a definition.

Numba's disk cache misses on closures, so the functions are written out as modules in the cache folder, importable
under ``engine.kernels.derived``.
"""

from __future__ import annotations

import functools
import importlib
import os
import tempfile
import types
from pathlib import Path

from engine.cache import cache_folder
from engine.kernels import derived
from engine.temporary import make_folder


def load(name: str, text: str) -> types.ModuleType:
    """The module ``engine.kernels.derived.NAME`` with the contents ``text``, imported."""
    folder = cache_folder() / "derived"
    path = folder / f"{name}.py"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        try:
            _write(path, text)
        except OSError:  # a full disk
            folder = _elsewhere()
            _write(folder / path.name, text)
    if str(folder) not in derived.__path__:
        derived.__path__.append(str(folder))
    importlib.invalidate_caches()
    return importlib.import_module(f"{derived.__name__}.{name}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


@functools.cache
def _elsewhere() -> Path:
    """A folder for what finds no room in the cache: of this process."""
    return make_folder()
