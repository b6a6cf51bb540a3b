"""Start-up of one peer in this process: import, first step, and peak memory, as one JSON line."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from tests.benchmarks.peers import MODULES, STEPS
from tests.benchmarks.rows import ROWS


def main(peer: str, number: int) -> None:
    """Import the peer, run the first step of row ``number`` and nine more."""
    start = time.perf_counter()
    importlib.import_module(MODULES[peer])
    imported = time.perf_counter()
    step = STEPS[peer](ROWS[number])
    float(step())
    first = time.perf_counter()
    for _ in range(9):
        step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"import_s": imported - start, "first_step_s": first - imported, "peak_mib": peak}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
