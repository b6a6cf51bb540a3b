"""Whether processes are there, and waiting for what is to come."""

import os
import time

#: Seconds that a test waits at most: a slow machine, or one that stands still for a while, is no failure.
PATIENCE = 200.0


def alive(pid):
    """Whether a process of that number exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:  # gone between the opening and the reading
        return False
    except FileNotFoundError:
        return not os.path.isdir("/proc/self")


def wait_for(condition, seconds=PATIENCE):
    """Whether ``condition()`` has become true within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (found := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def wait_until_gone(pid):
    """Whether the process ends in time."""
    return wait_for(lambda: not alive(pid))
