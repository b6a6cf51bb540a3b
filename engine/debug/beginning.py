"""Where a run can be changed before its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.debug.run import Run
    from engine.debug.session import Session

#: Events before the first step that are looked at.
_MOST = 10_000


def beginnings(session: Session, run: Run) -> list[tuple[int, ...]]:
    """Where the lines begin with which the first op runs, and with which the first pass that has a loss does.

    Not at these ops: their lines have looked up their functions already, and go on with them whatever an edit makes of the
    names. At the first of them data may still be prepared, and there is no optimizer yet.
    """
    place = run.client.request("locate", step=0, what="loss")["position"] or [1, 0, 0]
    examiner = session.examiner(run, {"at": place})
    try:
        ask = examiner.client.request
        events = ask("events", **{"from": 0, "kinds": ["line", "forward"], "count": _MOST})["events"]
        nodes = ask("graph")["nodes"]
    finally:
        session.discard(examiner)
    ops = [event["seq"] for event in events if event["kind"] == "forward"]
    passed = [node["event"] for node in nodes if node["kind"] == "op" and node.get("main", True) and node["event"] in ops]
    lines = {event["seq"]: tuple(event["position"]) for event in events if event["kind"] == "line"}
    found = [max((seq for seq in lines if seq < first), default=None) for first in (*ops[:1], *sorted(passed)[:1])]
    return list(dict.fromkeys(lines[seq] for seq in found if seq is not None)) or [tuple(place)]
