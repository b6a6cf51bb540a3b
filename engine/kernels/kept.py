"""Compiled kernels on disk: Numba's cache, in the engine's folder, for the CPU's kernels and the GPU's.

What Numba looks at to find a kernel again (its file's date, its name, its code, what it closes over) knows nothing of the
functions in other files that it calls: the folder's name does (:func:`engine.cache.kernel_stamp`).
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import sys
from collections.abc import Iterator
from typing import Any

from numba.core import event

from engine.cache import cache_folder


@contextlib.contextmanager
def in_our_folder(config: Any) -> Iterator[None]:
    """Have kernels that are decorated meanwhile kept in the engine's folder; ``config`` is the settings of their compiler.

    Numba asks for the folder when it decorates. It is ours for this moment only: functions that the user compiles go where
    the user wants them.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        yield
    finally:
        config.CACHE_DIR = before


def saved_if_there_is_room(dispatcher: Any) -> None:
    """Have what ``dispatcher`` compiles run where it cannot be kept, on a full disk say."""
    cache = dispatcher._cache
    save = cache.save_overload

    def save_overload(*given: Any) -> None:
        # It runs all the same, and is compiled again next time.
        try:
            save(*given)
        except OSError as error:
            _say_once(f"compiled kernels cannot be kept in {cache_folder()} ({error.strerror or error}): they are compiled "
                      "again in every process; make room there, or set NUMBA_CACHE_DIR to another folder")
        except (RuntimeError, pickle.PicklingError) as error:
            # Of kernels for the GPU numba.cuda keeps those alone that are linked with no other code.
            _say_once(f"the compiled kernel {dispatcher.py_func.__name__} cannot be kept ({error}): it is compiled again in "
                      "every process")

    cache.save_overload = save_overload


@functools.cache
def _say_once(text: str) -> None:
    if sys.stderr is not None:
        print(f"nablascope: {text}", file=sys.stderr, flush=True)


def kept_on_disk(dispatcher: Any, config: Any) -> Any:
    """``dispatcher``, of a kernel for the GPU, with a cache; what it compiles is announced as the CPU's kernels are.

    ``config`` is the settings of the package that ``numba.cuda`` comes from: numba-cuda has its own.
    """
    with in_our_folder(config):
        dispatcher.enable_caching()
    saved_if_there_is_room(dispatcher)
    load, compile_ = dispatcher._cache.load_overload, dispatcher.compile
    compiling = contextlib.ExitStack()

    def load_overload(*given: Any) -> Any:
        found = load(*given)
        if found is None:
            # Numba says so of the CPU's kernels only.
            compiling.enter_context(event.trigger_event("numba:compile", {"dispatcher": dispatcher}))
        return found

    def compile_and_say(signature: Any) -> Any:
        with compiling:
            return compile_(signature)

    dispatcher._cache.load_overload, dispatcher.compile = load_overload, compile_and_say
    return dispatcher
