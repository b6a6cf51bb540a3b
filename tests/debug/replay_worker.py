"""A script under a Recorder or a Replayer, without the debugger around it: what the tests of replays run.

``python -m tests.debug.replay_worker`` reads lines of JSON like ``{"script": ..., "mode": "record", "folder": ...}``,
carries out each in a fork of itself, so that none has to load the engine, and prints one line of JSON for it.
Keys: parameters (["name=value"]), mode ("record", "replay"), folder, stops (ticks at which a digest is taken; the last
ends the run), every (stop also whenever so many ticks have passed), skip, interval, amortised, into.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time
import traceback

BEGAN = time.perf_counter()


class Stopped(BaseException):
    """Far enough."""


def main(wanted):
    from engine import trace
    from engine.debug.replay.hollow import ContentsSkipped
    from engine.debug.replay.recorder import NEVER
    from engine.script import program

    stops, every = sorted(wanted.get("stops", ())), wanted.get("every")
    result = {"digests": {}, "seconds": []}
    recorder = make(wanted, stops, result)
    recorder.amortised = wanted.get("amortised", recorder.amortised)

    def stop():
        before = trace.set_observer(None)
        result["digests"][recorder.tick] = recorder.digest()
        while stops and stops[0] <= recorder.tick:
            del stops[0]
        result["seconds"].append(round(time.perf_counter() - BEGAN, 3))
        trace.set_observer(before)
        recorder.stop_at = recorder.tick + every if every else stops[0] if stops else NEVER
        if not stops and not every and wanted.get("until_last_stop", True):
            raise Stopped

    recorder.on_stop_at, recorder.stop_at = stop, every or (stops[0] if stops else NEVER)
    code, arguments = program.prepare(wanted["script"], (), wanted.get("parameters", ()))
    output = io.StringIO()
    with program.main_module(wanted["script"], arguments) as names, contextlib.redirect_stdout(output):
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
        recorder.flush()
        result.update(tick=recorder.tick, steps=recorder.steps, epochs=recorder.epochs, batches=recorder.batches)
        if "skipped" not in result:
            result["digest"] = recorder.digest()
    result["output"] = output.getvalue()
    return result


def make(wanted, stops, result):
    from engine.debug.events import Position
    from engine.debug.replay.recorder import Recorder
    from engine.debug.replay.recording import Recording
    from engine.debug.replay.replayer import Replayer

    folder = Recording(wanted["folder"], {"script": wanted["script"]})
    interval = wanted.get("interval", 0.5)
    if wanted["mode"] == "record":
        return Recorder(folder, interval)
    into = Recording(wanted["into"]) if wanted.get("into") else None
    target = Position(stops[0] if stops else 1 << 40)
    replayer = Replayer(folder, target, wanted.get("skip", True), into=into, interval=interval)

    def on_full():
        result["full_at"] = replayer.tick

    def on_divergence(divergence):
        result["divergence"] = [divergence.tick, str(divergence)]

    replayer.on_full, replayer.on_divergence = on_full, on_divergence
    replayer.prepare()
    result.update(skipped_to=replayer.skipped_to, full_from=replayer.full_from)
    return replayer


def serve():
    """Answer every line of the standard input. No kernel runs before a fork: threads would not come along."""
    for module in ("engine.nn", "engine.optim", "engine.script.program", "engine.debug.replay.replayer"):
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            answer(json.loads(line))
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"failed": f"ended with status {status}"}), flush=True)


def answer(wanted):
    """Print what comes of ``wanted``, or where it failed; end the process."""
    try:
        outcome = main(wanted)
    except BaseException:
        outcome = {"failed": traceback.format_exc()}
    print(json.dumps(outcome), flush=True)
    os._exit(0)


if __name__ == "__main__":
    os.environ.setdefault("NABLASCOPE_QUIET", "1")
    serve()
