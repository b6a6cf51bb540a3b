"""Commands that look at numbers: tensors, explanations, statistics, curves, diagnoses."""

from __future__ import annotations

import math
from typing import Any

from engine.cli.terminal.registry import CommandError, command
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.stop_text import finding_text, launch_text, main_tensor
from engine.cli.terminal.targets import Target, parse_target
from engine.cli.terminal.text import exact, grid, histogram, number, shape_text, sparkline

#: Rows and columns that 'tensor' shows at most; larger parts are made smaller by means of blocks.
_ROWS, _COLUMNS = 28, 14

#: Matrices of a tensor of more dimensions that are shown at most.
_MATRICES = 4

#: Contributors that 'explain' lists.
_CONTRIBUTORS = 12


def _target(shell: Shell, text: str) -> Target:
    """What ``text`` means; without one the array that the stop has just computed."""
    if text:
        return parse_target(text, shell.tensor_names())
    entry = main_tensor(shell.require_stop())
    if entry is None:
        raise CommandError("which tensor? Nothing was computed at this stop")
    return Target(entry["name"])


def _numbers(found: dict[str, Any]) -> str:
    names = ("min", "max", "mean", "std", "norm")
    text = "  ".join(f"{name} {number(float(found[name]))}" for name in names if found.get(name) is not None)
    zeros = found.get("zeros")
    text += f"  zeros {zeros}" if zeros else ""
    return text + "".join(f"  {found[name]} {name}" for name in ("nans", "infs") if found.get(name))


@command("tensor t", "[NAME] [SLICE]", group="numbers", complete="tensor")
def tensor(shell: Shell, text: str) -> None:
    """The numbers of a tensor in a grid, with shape and range: 'tensor y', 'tensor conv1.weight[0]', 'tensor x[0, :, 2:5]'.

    NAME is an array of the current op, a parameter or buffer, its gradient (conv1.weight.grad), or an expression.
    """
    target = _target(shell, text)
    part = target.slice if target.index is None else ", ".join(map(str, target.index))
    reference = shell.reference(target.name)
    found = shell.session.request("tensor", reference=reference, slice=part, maxShape=[_ROWS, _COLUMNS])
    total = shell.session.request("histogram", reference=reference, bins=1)["description"]
    shell.say(f"{target.name} {shape_text(found['shape'])} {found['dtype']}  {_numbers(total)}")
    if part is not None:
        shell.say(f"[{part}] {shape_text(found['selected'])}")
    values = found["data"].tolist()
    lead = found.get("shown") or []
    if len(lead) > 0 and lead[-1:] and math.prod(lead) > _MATRICES:
        shell.say(f"the first {_MATRICES} of {math.prod(lead)} matrices; cut out others with a slice")
        values = _first_matrices(values, len(lead), [_MATRICES])
    if found.get("block", [1, 1]) != [1, 1]:
        shell.say(f"each number is the mean of a block of {' × '.join(map(str, found['block']))}")
    shell.say_all(grid(values))


def _first_matrices(values: Any, depth: int, left: list[int]) -> Any:
    """Nested lists cut after so many matrices."""
    if depth == 0:
        left[0] -= 1
        return values
    kept = []
    for part in values:
        if left[0] <= 0:
            break
        kept.append(_first_matrices(part, depth - 1, left))
    return kept


@command("hist", "[NAME] [BINS]", group="numbers", complete="tensor")
def hist(shell: Shell, text: str) -> None:
    """A histogram of a tensor's elements."""
    name, _, last = text.rpartition(" ")
    bins = int(last) if last.isdecimal() and name else 16
    target = _target(shell, name if last.isdecimal() and name else text)
    found = shell.session.request("histogram", reference=shell.reference(target.name), bins=bins)
    if "description" in found:
        shell.say(f"{target.name} {shape_text(found['description']['shape'])}  {_numbers(found['description'])}")
    shell.say_all(histogram(found["counts"].tolist(), found["edges"].tolist()))


@command("explain", "TENSOR[INDEX]", group="numbers", complete="tensor")
def explain(shell: Shell, text: str) -> None:
    """Why an element has its value: 'explain y[0, 3]', 'explain conv1.weight.grad[0, 0, 1, 1]', 'explain fc.weight[3, 5]'.

    Formula, formula with its numbers, what went into it (the largest shares first), and whether the kernel agrees.
    """
    target = _target(shell, text)
    if target.index is None:
        raise CommandError(f"explain {text}: write the element as TENSOR[INDEX], such as y[0, 3]")
    found = shell.session.request("explain", reference=shell.reference(target.name), index=target.index)
    shell.say(found.get("here") or found.get("plain") or "")
    if found.get("numbers"):
        shell.say(found["numbers"])
    if found.get("edited") and not found.get("agrees"):
        shell.say(f"= {exact(found['result'])}; set to {exact(found['actual'])} by an edit after the op")
    elif found.get("editedInputs") and not found.get("agrees"):
        names = ", ".join(found["editedInputs"])
        shell.say(f"= {exact(found['result'])}; kernel {exact(found['actual'])}, before an edit changed {names}")
    else:
        verdict = "the kernel agrees" if found.get("agrees") else "THE KERNEL DIFFERS"
        shell.say(f"= {exact(found['result'])}; kernel {exact(found['actual'])}: {verdict}")
    if found.get("now") is not None:
        shell.say(f"changed since then: {exact(found['now'])} now")
    if found.get("note"):
        shell.say(str(found["note"]))
    if found.get("cause"):
        shell.say(str(found["cause"]))
    if found.get("launch"):
        shell.say(launch_text(found["launch"]))
    entries = sorted(found.get("contributors", ()), key=_weight)
    for entry in entries[:_CONTRIBUTORS]:
        shell.say("  " + _contributor(entry))
    total = found.get("total", len(entries))
    if total > _CONTRIBUTORS:
        shell.say(f"  ... and {total - _CONTRIBUTORS} more")


def _weight(entry: dict[str, Any]) -> tuple[bool, float]:
    share = entry.get("share")
    return bool(entry.get("decides")), -abs(share) if share is not None and math.isfinite(share) else -math.inf


def _contributor(entry: dict[str, Any]) -> str:
    label = f" ({entry['label']})" if entry.get("label") else ""
    text = f"{entry['tensor']}{entry['index']}{label} = {exact(entry['value'])}"
    if entry.get("decides"):
        return f"{text}, decides"
    return text if entry.get("share") is None else f"{text}, share {number(float(entry['share']))}"


@command("stats", "[NAME | on | off]", group="numbers", complete="tensor")
def stats(shell: Shell, text: str) -> None:
    """Statistics of a tensor; without NAME those of every parameter, activation and gradient of the newest step.

    'stats on' has them computed from now on, 'stats off' no longer.
    """
    if text in ("on", "off"):
        shell.session.listen_to("statistics", enabled=text == "on")
        shell.say(f"statistics are {text}")
        return
    if text:
        found = shell.session.request("histogram", reference=shell.reference(_target(shell, text).name), bins=1)
        shell.say(f"{text} {shape_text(found['description']['shape'])}  {_numbers(found['description'])}")
        return
    body = shell.session.request("statistics")
    if not body.get("enabled"):
        shell.session.listen_to("statistics", enabled=True)
        shell.say("statistics are on from now: step on, then ask again; 'stats NAME' shows one tensor at once")
        return
    latest = body.get("latest") or {}
    entries = latest.items() if isinstance(latest, dict) else [(entry.get("name"), entry) for entry in latest]
    rows = [(str(name), entry) for name, entry in entries if isinstance(entry, dict)]
    wide = max((len(name) for name, _ in rows), default=0)
    shell.say_all([f"{name:<{wide}}  {_numbers(entry)}" for name, entry in rows] or ["nothing was computed yet"])


@command("curve", "[N]", group="numbers")
def curve(shell: Shell, text: str) -> None:
    """The loss over all steps (over the last N) as a line of bars."""
    body = shell.session.request("curves")
    points = list(zip(body["steps"].tolist(), body["losses"].tolist()))
    points = points[-int(text) :] if text.isdecimal() and int(text) else points
    if not points:
        shell.say("no backward pass yet")
        return
    finite = [loss for _, loss in points if math.isfinite(loss)]
    shell.say(sparkline([loss for _, loss in points]))
    spread = f"min {number(min(finite))}  max {number(max(finite))}  " if finite else ""
    shell.say(f"loss of steps {points[0][0]} to {points[-1][0]}: {spread}last {number(points[-1][1])}")


@command("diagnostics", "[on | off]", group="numbers")
def diagnostics(shell: Shell, text: str) -> None:
    """What the diagnoses have found; 'diagnostics on' has them look from now on, 'off' no longer."""
    if text in ("on", "off"):
        shell.session.listen_to("diagnostics", enabled=text == "on")
        shell.say(f"diagnoses are {text}")
        return
    body = shell.session.request("diagnostics")
    if not body.get("enabled"):
        shell.say("diagnoses are off; 'diagnostics on' has them look from now on")
        return
    found = body.get("findings") or []
    shell.say_all([finding_text(entry) for entry in found] or ["nothing was found"])


@command("digest", "", group="numbers")
def digest(shell: Shell, text: str) -> None:
    """A digest of all parameters, optimizer states and random streams: equal where two runs are equal, bit by bit."""
    shell.say(shell.session.request("digest")["digest"])


@command("graph", "", group="numbers")
def graph(shell: Shell, text: str) -> None:
    """The ops of the newest pass, in the order of running: where each gets its inputs from, and what it makes."""
    body = shell.session.request("graph")
    nodes = {node["id"]: node for node in body.get("nodes", ())}
    numbers = {id: i for i, id in enumerate(nodes)}
    for id, node in nodes.items():
        where = f' "{node["module"]}"' if node.get("module") else ""
        inputs = [f"{edge['input']} from {numbers[edge['from']]}" for edge in body.get("edges", ()) if edge["to"] == id]
        inputs += [f"{entry['name']} = {entry.get('label')}" for entry in node.get("parameters", ())]
        outputs = ", ".join(f"{entry['name']} {shape_text(entry['shape'])}" for entry in node.get("outputs", ()))
        aside = "" if node.get("main", True) else "  (the loss does not depend on it)"
        taken = f" ({', '.join(inputs)})" if inputs else ""
        shell.say(f"{numbers[id]:>3}  {node.get('op') or node['kind']}{where}{taken} → {outputs}{aside}")
    if not nodes:
        shell.say("no op of this step is in the history")
