"""A stop in one line, and the line of source that belongs to it."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from engine.cli.terminal.text import number, shape_text
from engine.debug.protocol import ProtocolError
from engine.debug.session import ConnectionLost, RequestError, Stop
from engine.plural import plural

if TYPE_CHECKING:
    from engine.cli.terminal.shell import Shell

#: Reasons that go without saying.
_PLAIN = ("step", "goto", "entry", "replay")


def headline(shell: Shell) -> str:
    """``step 2 · epoch 1 batch 2 · forward Conv2d "conv1" → y (64, 16, 28, 28) min -1.2 max 2.3 · fashion_cnn.py:52``"""
    stop, style = shell.stop, shell.style
    if stop.reason in ("lost", "exited"):
        return _gone(shell)
    if stop.reason == "end":
        code = stop.get("exitCode")
        text = "the script has ended" if code is None else f"the script has ended with exit code {code}"
        return style(f"{text}; 'back' looks into its past, 'restart' begins anew", "bold")
    parts = [_reason(shell)] if stop.reason not in _PLAIN else []
    if stop.reason in ("exception", "pause"):
        parts = [style(stop.reason, "red")]
    if not stop.live:
        parts.append(style("past", "cyan"))
    if stop.get("step") is not None:
        parts.append(f"step {stop['step']}")
    if (stop.get("batch") or 0) >= 0 and stop.get("epoch"):
        parts.append(f"epoch {stop['epoch']} batch {stop['batch']}")
    parts.append(style(_what(stop), "bold") + _result(shell))
    if stop.get("file") and stop.get("line"):
        parts.append(style(f"{os.path.basename(stop['file'])}:{stop['line']}", "blue"))
    return " · ".join(part for part in parts if part)


def hint(shell: Shell) -> str:
    """What is to be known where nothing of the script can be seen; "" mostly."""
    if not shell.stop.get("bypassed"):
        return ""
    what = "has computed nothing with this engine: it uses" if shell.stop.reason == "end" else "imports"
    text = f"the script {what} PyTorch itself, of which nothing can be seen; --as-torch before FILE runs it on this engine"
    return shell.style(text, "yellow")


def source_line(shell: Shell) -> str:
    """``     52  x = self.conv1(x)``; while an element is computed the line of its definition, with the variables."""
    stop = shell.stop
    if stop.reason in ("lost", "exited", "end"):
        return ""
    element = stop.get("element")
    if element:
        return _element_line(shell, element)
    text = shell.sources.line(stop.get("file"), stop.get("line"))
    return f"{stop['line']:>7}  {text.rstrip()}" if text else ""


def _element_line(shell: Shell, element: dict[str, Any]) -> str:
    line = element.get("line")
    text = shell.sources.line(element.get("file"), line)
    place = f"{element.get('index', 0) + 1} of {element.get('count', '?')}"
    shown = [f"{name} = {_short(value)}" for name, value in (element.get("locals") or {}).items() if _is_plain(value)]
    if element.get("ends"):
        shown.append(f"returns {_short(element.get('returned'))}")
    note = "  ".join((f"[{place}]", *shown))
    shown_line = f"{line!s:>7}  {text.rstrip()}    {shell.style(note, 'dim')}"
    if element.get("launch") and not element.get("index"):
        return f"{shown_line}\n{' ' * 9}{launch_text(element['launch'])}"
    return shown_line


def launch_text(launch: dict[str, Any]) -> str:
    """The thread that computes an element: ``"thread (1, 0) of block (0, 0, 0); ..."``."""
    threads = launch["threadIdx"][:2]
    sizes = " x ".join(str(n) for n in launch["blockDim"][:2])
    grid = " x ".join(str(n) for n in launch["gridDim"])
    block = ", ".join(str(n) for n in launch["blockIdx"])
    many = plural(math.prod(launch["blockDim"][:2]), "thread")
    return (
        f"{launch['kernel']} kernel: thread ({threads[0]}, {threads[1]}) of block ({block}); "
        f"block of {sizes} {many}, grid {grid}"
    )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _short(value: Any) -> str:
    text = number(value)
    return text if len(text) <= 24 else f"{text[:21]}..."


def _gone(shell: Shell) -> str:
    stop = shell.stop
    what = shell.session.current.name
    text = f"{what}: {stop.get('description') or 'its process is gone'}"
    if stop.reason == "lost" and shell.session.program is None:
        text = f"{what} is lost: {stop.get('description', '')}"  # it was attached to: nothing here can begin it anew
    elif stop.reason == "lost":
        text = f"{what} is lost: {stop.get('description', '')}\n'restart' begins anew, 'back' looks at what was recorded"
    return shell.style(text, "red" if stop.reason == "lost" else "bold")


def _reason(shell: Shell) -> str:
    stop = shell.stop
    numbers = shell.points.numbers(stop.get("hitBreakpointIds") or ())
    text = " ".join([stop.reason, *map(str, numbers)])
    if stop.get("tensor"):
        index = stop.get("index")
        text += f": {stop['tensor']}" + (str(index) if index is not None else "")
        text += f" sample {stop['sample']}" if stop.get("sample") is not None else ""
    if numbers and stop.get("description") and stop.get("tensor"):
        text += f" ({stop['description']})"
    return shell.style(text, "yellow")


def _what(stop: Stop) -> str:
    """What has happened there, in a few words."""
    where = f' "{stop["module"]}"' if stop.get("module") else ""
    if stop.get("element") is not None:
        index = stop.get("index")
        return f"element {stop.get('tensor')}{index if index is not None else ''} of {stop.get('op')}{where}"
    if stop.get("direction") in ("forward", "backward"):
        return f"{stop['direction']} {stop.get('op') or stop.get('name', '')}{where}"
    if stop.get("kind") == "line":
        return f"in {stop.get('function') or stop.get('name')}"
    if stop.get("hitBreakpointIds"):
        labels = [entry.get("label") for entry in stop.get("tensors", ()) if entry.get("label")]
        return " ".join(filter(None, (str(stop.get("kind", "")), str(stop.get("name", "")), *labels[:1])))
    return str(stop.get("description") or stop.get("kind") or "")


def main_tensor(stop: Stop) -> dict[str, Any] | None:
    """Of the arrays at the stop the one that has just been computed."""
    tensors = stop.get("tensors") or []
    names = [entry["name"] for entry in tensors]
    wanted: tuple[str, ...] = ()
    if stop.get("kind") == "backward":
        # The gradients that the op sends on stand behind those that arrived.
        wanted = ("dx", "dw", *[name for name in reversed(names) if name.startswith("d") and name[1:] in names])
    elif stop.get("kind") == "update":
        wanted = ("w_new",)
    elif stop.get("kind") in ("forward", "gradient", "exit", "enter", "batch", "begin_backward"):
        wanted = ("y", *names[:1]) if stop["kind"] == "batch" else ("y", "output0", *names[-1:])
    return next((entry for name in wanted for entry in tensors if entry["name"] == name), None)


def _result(shell: Shell) -> str:
    stop = shell.stop
    entry = None if stop.get("element") else main_tensor(stop)
    if entry is None or stop.get("seq") is None:
        return ""
    text = f" → {entry['name']} {shape_text(entry['shape'])}"
    reference = {"event": stop["seq"], "name": entry["name"]}
    try:
        found = shell.session.request("histogram", reference=reference, bins=1)["description"]
    except (RequestError, ConnectionLost, ProtocolError, KeyError):
        return text
    if found["count"] == 1:
        return f"{text} = {number(found['min'] if not found['nans'] else math.nan)}"
    missing = [f"{found[name]} {name}" for name in ("nans", "infs") if found[name]]
    return " ".join([text, f"min {number(found['min'])} max {number(found['max'])}", *missing]) if found["count"] else text


def finding_text(entry: dict[str, Any]) -> str:
    """A finding in two or three lines: what, where, why, and what might help."""
    place = entry.get("place") or {}
    where = f"{os.path.basename(place['file'])}:{place.get('line')}: " if place.get("file") else ""
    text = f"{where}{entry.get('severity', 'note')}: {entry.get('title', '')}. {entry.get('sentence') or ''}"
    return "\n    ".join(filter(None, (text.strip(), entry.get("cause"), entry.get("suggestion"))))
