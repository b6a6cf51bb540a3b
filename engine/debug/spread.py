"""Work on the pieces of a large array by several threads: the processors have nothing to do while the debugger works on the
script's own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import numba

Piece = TypeVar("Piece")
Result = TypeVar("Result")

#: Elements below which one thread is as fast.
LEAST = 1 << 20

#: Threads at most: more of them wait for memory.
_MOST = 8

#: What their names begin with; they live as long as the process.
THREAD_NAME = "nablascope-view"


def spread(work: Callable[[Piece], Result], pieces: Iterable[Piece], elements: int) -> list[Result]:
    """``[work(piece) for piece in pieces]``, which are parts of so many elements.

    Only the script's own thread gets help, of as many threads as its kernels have: what works beside the script (for live
    pictures) must not take its processors. ``work`` calls what lets go of the interpreter: NumPy, serial kernels.
    """
    threads = min(numba.get_num_threads(), _MOST) if elements >= LEAST else 1
    if threads == 1 or threading.current_thread() is not threading.main_thread():
        return [work(piece) for piece in pieces]
    all_pieces = list(pieces)
    left, found = deque(enumerate(all_pieces)), {}

    def work_off() -> None:
        # Each takes the next piece: a thread whose processor another process uses as well takes fewer of them.
        while True:
            try:
                place, piece = left.popleft()
            except IndexError:
                return
            found[place] = work(piece)

    others = [_helpers().submit(work_off) for _ in range(threads - 1)]
    work_off()
    for other in others:
        other.result()
    return [found[place] for place in range(len(all_pieces))]


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST - 1, THREAD_NAME)
