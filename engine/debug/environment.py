"""What the numbers of a run depend on besides its script: told to whoever compares a run with one of another day."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib import metadata
from typing import Any

import engine
from engine import random
from engine.debug.lines import is_user_file

#: Packages whose versions may change a result.
PACKAGES = ("nablascope", "numpy", "numba", "llvmlite", "scipy")


def describe_environment() -> dict[str, Any]:
    """The body of the answer to ``environment``."""
    import llvmlite.binding

    return {
        "versions": versions(), "system": f"{platform.system()} {platform.machine()}",
        "processor": llvmlite.binding.get_host_cpu_name(), "threads": engine.get_num_threads(),
        "seed": random.initial_seed(), "files": loaded_files(),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of what computes; a package without one (a checkout that is not installed) is left out."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def loaded_files() -> dict[str, str]:
    """The user's files that the script has imported so far: path -> SHA-256 of what lies there now."""
    found = {}
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path == script or not isinstance(path, str) or not path.endswith(".py") or not is_user_file(path):
            continue
        try:
            with open(path, "rb") as file:
                found[os.path.abspath(path)] = hashlib.sha256(file.read()).hexdigest()
        except OSError:
            continue  # gone since: nothing to compare with
    return found
