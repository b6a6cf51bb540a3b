"""Let ``import torch`` and ``import torchvision`` mean the engine, for a while.

:func:`install` puts a finder at the head of ``sys.meta_path`` that answers for both packages, whether or not the real
ones are installed. Each module of theirs becomes a :class:`Facade` of a module of the engine: its names are the
engine's own objects (``torch.nn.Linear is engine.nn.Linear``), and a name that is missing is reported with the place
that asked for it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import engine
from engine.errors import EngineError, MissingError

#: Versions of PyTorch and torchvision whose API the engine follows.
VERSIONS = {"torch": f"2.13.0+nablascope{engine.__version__}", "torchvision": f"0.28.0+nablascope{engine.__version__}"}

# Modules of PyTorch with the module of the engine behind each; None: it has submodules only.
_MODULES: dict[str, str | None] = {
    "torch": "engine",
    "torch.accelerator": "engine.accelerator",
    "torch.autograd": "engine.autograd",
    "torch.autograd.function": "engine.autograd.function",
    "torch.backends": "engine.backends",
    "torch.backends.cuda": "engine.backends.cuda",
    "torch.backends.cudnn": "engine.backends.cudnn",
    "torch.backends.mkldnn": "engine.backends.mkldnn",
    "torch.backends.mps": "engine.backends.mps",
    "torch.cuda": "engine.cuda",
    "torch.linalg": "engine.linalg",
    "torch.nn": "engine.nn",
    "torch.nn.functional": "engine.nn.functional",
    "torch.nn.init": "engine.nn.init",
    "torch.nn.modules": "engine.nn",
    "torch.nn.parameter": "engine.nn.parameter",
    "torch.nn.utils": "engine.nn.utils",
    "torch.nn.utils.clip_grad": "engine.nn.utils.clip_grad",
    "torch.nn.utils.convert_parameters": "engine.nn.utils.convert_parameters",
    "torch.nn.utils.rnn": "engine.nn.utils.rnn",
    "torch.optim": "engine.optim",
    "torch.optim.lr_scheduler": "engine.optim.lr_scheduler",
    "torch.optim.optimizer": "engine.optim.optimizer",
    "torch.random": "engine.random",
    "torch.utils": "engine.utils",
    "torch.utils.data": "engine.utils.data",
    "torch.utils.data.dataloader": "engine.utils.data.dataloader",
    "torch.utils.data.dataset": "engine.utils.data.dataset",
    "torch.utils.data.sampler": "engine.utils.data.sampler",
    "torchvision": None,
    "torchvision.datasets": "engine.utils.data.datasets",
    "torchvision.transforms": "engine.utils.data.transforms",
}

_ABSENT = object()
_ENGINE_FOLDER = os.path.dirname(os.path.abspath(engine.__file__)) + os.sep


class MissingModuleError(EngineError, ModuleNotFoundError):
    """A module of PyTorch, or a name imported from one, that the engine does not have."""


class Facade(types.ModuleType):
    """A module of PyTorch made of a module of the engine, seen under PyTorch's name."""

    def __init__(self, name: str, target: types.ModuleType | None) -> None:
        super().__init__(name, target and target.__doc__)
        self.__path__: list[str] = []
        self.__file__ = target.__file__ if target is not None else __file__
        self.__version__ = VERSIONS[name.partition(".")[0]]
        self._target = target

    def __getattr__(self, name: str) -> Any:
        full_name = f"{self.__name__}.{name}"
        if full_name in _MODULES:
            return importlib.import_module(full_name)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(self._target, name, _ABSENT)
        if value is _ABSENT or isinstance(value, types.ModuleType):
            raise MissingError(_missing(full_name))
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        children = [name.rpartition(".")[2] for name in _MODULES if name.rpartition(".")[0] == self.__name__]
        names = [name for name in dir(self._target) if not name.startswith("_")] if self._target else []
        return sorted({*children, *names, "__version__"})


class _Finder:
    """Finder and loader of the facades (the protocols of ``importlib.abc``, without its import)."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in VERSIONS:
            return None
        if name not in _MODULES:
            # Without the attribute "name": Python would take the failure of "from torch import x" for its own to
            # report, and lose this message.
            raise MissingModuleError(_missing(name))
        return importlib.machinery.ModuleSpec(name, self, origin="nablascope", is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Facade:
        target = _MODULES[spec.name]
        return Facade(spec.name, importlib.import_module(target) if target else None)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to do: names are looked up when they are used."""


class Installation:
    """What :func:`install` changed; :meth:`remove` puts it back."""

    def __init__(self) -> None:
        self._finder = _Finder()
        self._hidden = {name: module for name, module in sys.modules.items() if _is_torch(name)}
        for name in self._hidden:
            del sys.modules[name]
        sys.meta_path.insert(0, self._finder)  # type: ignore[arg-type]

    def remove(self) -> None:
        """Make ``torch`` and ``torchvision`` mean again what they meant before; a second call does nothing."""
        if self._finder not in sys.meta_path:
            return
        sys.meta_path.remove(self._finder)  # type: ignore[arg-type]
        for name in [name for name in sys.modules if _is_torch(name)]:
            del sys.modules[name]
        sys.modules.update(self._hidden)


def install() -> Installation:
    """From now on ``import torch`` and ``import torchvision`` mean the engine."""
    return Installation()


@contextlib.contextmanager
def as_torch() -> Iterator[None]:
    """Within the ``with`` block ``import torch`` and ``import torchvision`` mean the engine."""
    installation = install()
    try:
        yield
    finally:
        installation.remove()


def _is_torch(name: str) -> bool:
    return name.partition(".")[0] in VERSIONS


def _missing(name: str) -> str:
    return f"{_place()}{name} is not part of this engine, which has the part of PyTorch that introductions use"


def _place() -> str:
    """``"script.py, line 12: "``: the innermost code that is neither the engine's nor Python's import system."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith("<frozen") and not os.path.abspath(file).startswith(_ENGINE_FOLDER):
            return f"{os.path.basename(file)}, line {frame.f_lineno}: "
        frame = frame.f_back
    return ""
