"""``python -m tests.debug.undisturbed SCRIPT LAST [NAME=VALUE ...]``: the digest after each step of a run, as JSON.

The run is only counted, not debugged: {step: [tick of its end, digest]}.
"""

import contextlib
import gc
import io
import json
import os
import sys


class Done(BaseException):
    """Far enough."""


def main(script, last, parameters):
    from engine import nn, optim, trace  # noqa: F401 (loaded before the freeze)
    from engine.debug.replay.recorder import Recorder
    from engine.script.program import main_module, prepare

    class Watch(Recorder):
        def end_step(self, optimizer):
            super().end_step(optimizer)
            before = trace.set_observer(None)
            found[self.steps] = [self.tick, self.digest()]
            trace.set_observer(before)
            if self.steps == last:
                raise Done

    found = {}
    code, arguments = prepare(script, (), parameters)
    # As a Recorder that records does: each digest looks for tensors among everything that exists, most of it Numba's.
    gc.freeze()
    with main_module(script, arguments) as names, contextlib.redirect_stdout(io.StringIO()):
        trace.set_observer(Watch(None))
        with contextlib.suppress(Done):
            exec(code, names)
        trace.set_observer(None)
    return found


if __name__ == "__main__":
    os.environ.setdefault("NABLASCOPE_QUIET", "1")
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])))
