"""Statistics, diagnoses and live views: switching them on and off, and what they have found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.debug.protocol import ArgumentsError, check_request
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


@handles("statistics")
def _statistics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.statistics.observer import Statistics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.statistics is None:
        debuggee.statistics = Statistics(
            tier=arguments.get("tier", "scalars"), every=arguments.get("every", 1), names=debugger.names.name_of,
            histograms_every=arguments.get("histogramsEvery", 1),
            # Steps are those of the run, whenever it is asked for.
            steps=lambda: debugger.recorder.steps,
        )  # fmt: skip
        debugger.listen(debuggee.statistics, debuggee.listener_failed)
    elif arguments.get("enabled") and ("tier" in arguments or "every" in arguments):
        tier, every = arguments.get("tier", debuggee.statistics.tier), arguments.get("every", debuggee.statistics.every)
        if (tier, every) != (debuggee.statistics.tier, debuggee.statistics.every):
            debuggee.statistics.set(tier, every)
        debuggee.statistics.histograms_every = max(1, arguments.get("histogramsEvery", 1))
    elif arguments.get("enabled") is False and debuggee.statistics is not None:
        debugger.unlisten(debuggee.statistics)
        debuggee.statistics = None
    statistics = debuggee.statistics
    if statistics is None:
        return {"enabled": False}
    body: dict[str, Any] = {"enabled": True, "tier": statistics.tier, "latest": statistics.latest()}
    if arguments.get("histograms"):
        found = statistics.histograms(arguments["histograms"], arguments.get("from", 0), arguments.get("to"))
        body["histograms"] = {"name": arguments["histograms"], **found}
    if arguments.get("names"):
        field = arguments.get("field", "norm")
        series = {}
        for name in arguments["names"]:
            steps, values = statistics.series(name, field, arguments.get("from", 0), arguments.get("to"))
            series[name] = {"steps": steps, "values": values}
        body["series"] = series
    return body


@handles("live")
def _live(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    from engine.debug.live.views import Subscription, View

    for given in arguments["views"]:
        if given["id"] == "$array":
            raise RequestFailedError("badArguments", "live: no view can be called '$array', which stands for an array")
        try:
            check_request(given)
        except ArgumentsError as error:
            raise RequestFailedError("badArguments", f"live: view {given['id']!r}: {error}") from None
    views = [View(v["id"], v["command"], v["arguments"], max(1, v.get("every", 1))) for v in arguments["views"]]
    debuggee.watch_live(Subscription(arguments["subscription"], views, arguments.get("enabled", True)))


@handles("diagnostics")
def _diagnostics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.diagnostics import Diagnostics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.diagnostics is None:
        debuggee.diagnostics = Diagnostics(
            report=lambda finding: debuggee.send("diagnostic", finding.to_json()),
            steps=lambda: debugger.recorder.steps,
        )
        debugger.listen(debuggee.diagnostics, debuggee.listener_failed)
    elif arguments.get("enabled") is False and debuggee.diagnostics is not None:
        debugger.unlisten(debuggee.diagnostics)
        debuggee.diagnostics = None
    if debuggee.diagnostics is None:
        return {"enabled": False, "findings": []}
    return {"enabled": True, "findings": [finding.to_json() for finding in debuggee.diagnostics.findings]}


@handles("locateFinding")
def _locate_finding(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.diagnostics.event import event_of, tensor_of

    event = event_of(debuggee.debugger.history, arguments["finding"])
    if event is None:
        return {"event": None, "tensor": None}
    return {"event": event.seq, "tensor": tensor_of(event, arguments["finding"])}
