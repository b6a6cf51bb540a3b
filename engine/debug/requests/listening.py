"""Statistics and diagnoses: switching them on and off, and what they have found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.debug.requests.registry import handles

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


@handles("statistics")
def _statistics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.statistics.observer import Statistics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.statistics is None:
        debuggee.statistics = Statistics(
            tier=arguments.get("tier", "scalars"), every=arguments.get("every", 1), names=debugger.names.name_of
        )
        debugger.listen(debuggee.statistics, debuggee.listener_failed)
    elif arguments.get("enabled") is False and debuggee.statistics is not None:
        debugger.unlisten(debuggee.statistics)
        debuggee.statistics = None
    statistics = debuggee.statistics
    if statistics is None:
        return {"enabled": False}
    body: dict[str, Any] = {"enabled": True, "latest": statistics.latest()}
    if arguments.get("names"):
        field = arguments.get("field", "norm")
        series = {}
        for name in arguments["names"]:
            steps, values = statistics.series(name, field, arguments.get("from", 0), arguments.get("to"))
            series[name] = {"steps": steps, "values": values}
        body["series"] = series
    return body


@handles("diagnostics")
def _diagnostics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.diagnostics import Diagnostics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.diagnostics is None:
        debuggee.diagnostics = Diagnostics(report=lambda finding: debuggee.send("diagnostic", finding.to_json()))
        debugger.listen(debuggee.diagnostics, debuggee.listener_failed)
    elif arguments.get("enabled") is False and debuggee.diagnostics is not None:
        debugger.unlisten(debuggee.diagnostics)
        debuggee.diagnostics = None
    if debuggee.diagnostics is None:
        return {"enabled": False, "findings": []}
    return {"enabled": True, "findings": [finding.to_json() for finding in debuggee.diagnostics.findings]}
