"""What is different from when a session was saved, in words: for whoever wonders why a replay came out otherwise. No Qt."""

from __future__ import annotations

import difflib
import hashlib
import os
from typing import Any

from gui.numbers import plural

_NAMES = {"python": "Python", "nablascope": "Nablascope", "numpy": "NumPy", "numba": "Numba", "scipy": "SciPy"}


def changed_lines(saved: str, now: str) -> int:
    """How many lines of a script were changed, added or removed."""
    matcher = difflib.SequenceMatcher(None, saved.splitlines(), now.splitlines(), autojunk=False)
    return sum(max(b - a, d - c) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal")


def script_words(saved: str, now: str) -> str:
    """``"the script has changed since: 3 lines"``; "" where the texts are equal."""
    if saved == now:
        return ""
    count = changed_lines(saved, now)
    if not count:
        return "the script has changed since: the ends of its lines"
    return f"the script has changed since: {count:,} {plural(count, 'line')}"


def environment_words(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What of two answers to ``environment`` is different. What one of them does not have is not compared."""
    found = []
    what = {"threads": "another number of threads", "processor": "another processor", "system": "another system"}
    for name, text in what.items():
        if name in saved and name in now and saved[name] != now[name]:
            found.append(f"{text} ({saved[name]} then, {now[name]} now)")
    then, today = saved.get("versions"), now.get("versions")
    if isinstance(then, dict) and isinstance(today, dict):
        for name in sorted({*then, *today}):
            if then.get(name) != today.get(name):
                title = _NAMES.get(name, name)
                found.append(f"another {title} ({then.get(name) or 'none'} then, {today.get(name) or 'none'} now)")
    return found


def file_words(saved: dict[str, Any]) -> list[str]:
    """Which of the files that the script had loaded have changed on the disk since; ``saved`` as in ``environment``."""
    found = []
    files = saved.get("files")
    for path, digest in files.items() if isinstance(files, dict) else ():
        try:
            with open(path, "rb") as file:
                same = hashlib.sha256(file.read()).hexdigest() == digest
        except (OSError, ValueError):
            found.append(f"{os.path.basename(path)}, which the script had loaded, cannot be read any more")
            continue
        if not same:
            found.append(f"{os.path.basename(path)}, which the script loads, has changed since")
    return found


def divergence_words(divergence: dict[str, Any]) -> str:
    """Where a replay did something else than its tape says: fields of the engine's Divergence."""
    place = f" ({os.path.basename(str(divergence['file']))}, line {divergence['line']})" if divergence.get("file") else ""
    return f"{divergence.get('what')} was {divergence.get('got')} and had been {divergence.get('expected')}{place}"


def listed(words: list[str]) -> str:
    """A list as one writes it: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
