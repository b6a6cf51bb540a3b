"""Where lines of a text are in another version of it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches


def moved_lines(old: str, new: str, lines: Iterable[int]) -> dict[int, int]:
    """By line of ``old`` (from 1) the line of ``new`` that it has become.

    A line that was changed becomes the one most like it among those in its place; one that was taken out the next that
    is left. Of a text that was emptied all keep their numbers: it may come back.
    """
    before, after = old.splitlines(), new.splitlines()
    if not after:
        return {line: line for line in lines}
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    found = {}
    for line in lines:
        for kind, start, end, new_start, new_end in blocks:
            if start < line <= end:
                place = new_start + line - start if kind == "equal" else _likest(before[line - 1], after, new_start, new_end)
                found[line] = min(max(place, 1), len(after))
                break
        else:
            found[line] = min(line, len(after))
    return found


def _likest(text: str, after: list[str], start: int, end: int) -> int:
    """The number, from 1, of the line among ``after[start:end]`` that is most like ``text``; else of the first of them."""
    likest = get_close_matches(text.strip(), [line.strip() for line in after[start:end]], 1, 0.5)
    if likest:
        return next(number for number in range(start, end) if after[number].strip() == likest[0]) + 1
    return start + 1
