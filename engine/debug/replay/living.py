"""Which tensors exist. Nobody keeps a list of them: Python's garbage collector knows, among all other objects."""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
import weakref
from collections.abc import Iterable
from typing import Any

from engine.tensor import Tensor

#: Whether the collector hands objects on from two young generations to an old one, and tells what is in each.
_GENERATIONS = sys.version_info < (3, 14) and not sysconfig.get_config_var("Py_GIL_DISABLED")


def live_tensors() -> list[Tensor]:
    """Every tensor that exists, in no particular order. Takes milliseconds: all objects are looked at."""
    return _tensors_among(gc.get_objects())


def _tensors_among(objects: list[Any]) -> list[Tensor]:
    kinds, waiting = set(), [Tensor]
    while waiting:
        kind = waiting.pop()
        kinds.add(kind)
        waiting += kind.__subclasses__()
    return [o for o in objects if type(o) in kinds]


class Living:
    """Knows :func:`live_tensors` from when it was made on, without looking at all objects each time.

    Nearly all objects are old, and hardly any of them is a tensor. So the tensors are noted, weakly, that the collector
    is about to count among the old ones, and only the young objects are looked at.
    """

    def __init__(self) -> None:
        self._old: dict[int, weakref.ref[Tensor]] = {}
        # Any thread may be the one in which the collector begins, also this one amid its own work here.
        self._lock = threading.RLock()
        if not _GENERATIONS:
            return
        own = weakref.ref(self)

        def collecting(phase: str, info: dict[str, int]) -> None:
            living = own()
            if living is not None and phase == "start" and info["generation"] > 0:
                living._note(_young())

        gc.callbacks.append(collecting)
        weakref.finalize(self, gc.callbacks.remove, collecting)
        self._note(live_tensors())

    def _note(self, tensors: Iterable[Tensor]) -> None:
        with self._lock:
            for tensor in tensors:
                self._old[id(tensor)] = weakref.ref(tensor)

    def tensors(self) -> list[Tensor]:
        """Every tensor that exists, in no particular order."""
        if not _GENERATIONS:
            return live_tensors()
        with self._lock:
            known, self._old = self._old, {}
            found = {id(tensor): tensor for tensor in _young()}
            for reference in known.values():
                if (tensor := reference()) is not None:
                    found[id(tensor)] = tensor
                    self._old[id(tensor)] = reference
        return list(found.values())


def _young() -> list[Tensor]:
    """The tensors in the collector's two young generations."""
    return _tensors_among(gc.get_objects(generation=0) + gc.get_objects(generation=1))
