"""A script under a Recorder or a Replayer, without the debugger around it: what the tests of replays run.

``python -m tests.debug.replay_worker '{"script": ..., "folder": ..., "stop": {"step": 7}, ...}'`` prints one line of JSON.
Keys: parameters (["name=value"]), mode ("record", "replay"), folder, stop ({"step" or "tick": n}: where to stop; the
end otherwise), more (ticks to go on behind it), skip, interval, into.
"""

import contextlib
import io
import json
import sys
import time

BEGAN = time.perf_counter()


class Stopped(BaseException):
    """Far enough."""


def main(wanted):
    from engine import trace
    from engine.debug.hollow import ContentsSkipped
    from engine.debug.tape_folder import Recording
    from engine.script import program

    folder = Recording(wanted["folder"], {"script": wanted["script"]})
    tick = stop_tick(wanted, folder)
    recorder, result = make(wanted, folder, tick)
    stops = [tick] if tick is not None else []
    if stops and wanted.get("more"):
        stops.append(tick + wanted["more"])

    def stop():
        before = trace.set_observer(None)
        result.setdefault("digests", []).append([recorder.tick, recorder.digest()])
        result.setdefault("seconds", []).append(round(time.perf_counter() - BEGAN, 3))
        stops.pop(0)
        if not stops:
            raise Stopped
        trace.set_observer(before)
        recorder.stop_at = stops[0]

    recorder.on_stop_at = stop
    if "step" in wanted.get("stop", {}) and wanted["mode"] == "record":
        recorder.stop_at = 0
        recorder.on_stop_at = lambda: stop() if recorder.steps >= wanted["stop"]["step"] else None
        stops.append(0)
    elif stops:
        recorder.stop_at = stops[0]
    code, arguments = program.prepare(wanted["script"], (), wanted.get("parameters", ()))
    output = io.StringIO()
    with program.main_module(wanted["script"], arguments) as names, contextlib.redirect_stdout(output):
        began = time.perf_counter()
        result["imported"] = round(began - BEGAN, 3)
        trace.set_observer(recorder)
        try:
            exec(code, names)
            result["ended"] = True
        except Stopped:
            result["ended"] = False
        except ContentsSkipped as error:
            result["skipped"] = str(error)
        finally:
            trace.set_observer(None)
        result["ran"] = round(time.perf_counter() - began, 3)
        recorder.flush()
        result.update(tick=recorder.tick, steps=recorder.steps, epochs=recorder.epochs, batches=recorder.batches)
        result["digest"] = recorder.digest()
    result["output"] = output.getvalue()
    return result


def make(wanted, folder, tick):
    from engine.debug.events import Position
    from engine.debug.replay import Replayer
    from engine.debug.tape import Recorder
    from engine.debug.tape_folder import Recording

    result = {}
    interval = wanted.get("interval", 1.0)
    if wanted["mode"] == "record":
        return Recorder(folder, interval=interval), result
    into = Recording(wanted["into"]) if wanted.get("into") else None
    replayer = Replayer(folder, Position(tick or 1 << 40), wanted.get("skip", True), interval=interval, into=into)

    def on_full():
        result["full_at"] = replayer.tick

    def on_divergence(divergence):
        result["divergence"] = [divergence.tick, str(divergence)]

    replayer.on_full, replayer.on_divergence = on_full, on_divergence
    replayer.prepare()
    result.update(skipped_to=replayer.skipped_to, full_from=replayer.full_from)
    return replayer, result


def stop_tick(wanted, folder):
    stop = wanted.get("stop") or {}
    if "tick" in stop:
        return stop["tick"]
    if "step" in stop and wanted["mode"] == "replay":
        return int(folder.load().step_ticks()[stop["step"] - 1])
    return None


if __name__ == "__main__":
    outcome = main(json.loads(sys.argv[1]))
    print(json.dumps(outcome))
