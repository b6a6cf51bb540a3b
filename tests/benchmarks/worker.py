"""One peer in a process of its own: reads requests as JSON lines, answers with JSON lines.

``{"row": i, "seconds": s}`` runs steps of row i for about s seconds and answers the time of each, in seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from tests.benchmarks.peers import STEPS
from tests.benchmarks.rows import ROWS


def main(peer: str) -> None:
    """Serve requests until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    steps = {}
    for line in sys.stdin:
        request = json.loads(line)
        number = request["row"]
        if number not in steps:
            steps[number] = STEPS[peer](ROWS[number])
            for _ in range(3):
                steps[number]()
        step, times = steps[number], []
        end = time.perf_counter() + request["seconds"]
        while not times or (time.perf_counter() < end and len(times) < 3000):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"times": times, "peak_mib": peak / 1024}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
