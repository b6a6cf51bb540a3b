"""The CUDA kernel of every op's definition, in Numba's simulator: a process of its own, because that is chosen at import."""

import os
import subprocess
import sys

import numpy as np

#: Cases of one definition that are run: its first ones have different shapes or settings.
CASES_EACH = 2


def run_all() -> None:
    """Hold the CUDA kernel of every op's definition against the Python function; print how many there were."""
    from engine.device.cuda_array import from_host
    from engine.kernels import derive
    from tests.engine.programs import PROGRAMS
    from tests.engine.recording import record, record_optimizers
    from tests.oracle import of_ops

    cases = [case for program in PROGRAMS for case in record(program).cases] + list(record_optimizers())
    run: dict[str, int] = {}
    for definition, operands, actual, label in cases:
        if actual.size and run.get(definition.name, 0) < CASES_EACH:
            run[definition.name] = run.get(definition.name, 0) + 1
            case = type(cases[0])(definition, operands, np.full(actual.shape, 77, actual.dtype), f"CUDA: {label}")
            there = [from_host(operand) if isinstance(operand, np.ndarray) else operand for operand in operands]
            result = from_host(case.actual)
            derive.cuda(definition)(result, *there)
            case.actual[...] = result.host()
            case.check(case.expected())
    assert run.keys() == of_ops(), of_ops() - run.keys()
    print(f"{len(run)} definitions, {sum(run.values())} cases")


def test_every_definition_runs_in_the_simulator():
    process = subprocess.run(
        [sys.executable, "-m", __name__],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, check=False,
    )
    assert process.returncode == 0, process.stderr
    assert "definitions" in process.stdout


if __name__ == "__main__":
    run_all()
