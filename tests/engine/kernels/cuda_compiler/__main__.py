"""Compile the engine's CUDA kernels for a GPU that is not there: ``python -m tests.engine.kernels.cuda_compiler``.

Prints kernels that do not compile, and a table of what the tuned ones take. With ``--test``: fewer types, and what
:mod:`tests.engine.kernels.test_cuda_compiler` looks at, as JSON. Exits with 1 if a kernel does not compile.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from tests.engine.kernels.cuda_compiler import compiling, programs, stand_in
from tests.engine.kernels.cuda_compiler.stand_in import LAUNCHES, Launch


def main(arguments: list[str]) -> int:
    test = "--test" in arguments
    reason = compiling.missing_compiler()
    if reason is not None:
        print(json.dumps({"missing": reason}) if test else reason)
        return 0
    stand_in.install()
    programs.run(everything=not test)
    rows = [compiled(launch, threads, not test) for launch, threads in LAUNCHES.items() if not test or tuned(launch)]
    failed = [row for row in rows if "error" in row]
    if test:
        print(json.dumps({"kernels": rows, "assembled": any("registers" in row for row in rows)}))
    else:
        print("\n".join(table(rows)))
        print(f"\n{len(rows)} kernels, {len(failed)} of them do not compile")
        for row in failed:
            print(f"\n{row['name']} {row['types']}: {row['error']}")
    return 1 if failed else 0


def tuned(launch: Launch) -> bool:
    """Whether the test compiles it: the kernels of float32; of the tuned ones also those that are given no floats."""
    kinds = [kind for kind in launch.types if hasattr(kind, "dtype")]
    names = {str(kind.dtype) for kind in kinds}
    if launch.name.startswith("cuda."):
        return "float32" in names or "float64" not in names
    return "float32" in names and "float64" not in names


def compiled(launch: Launch, threads: int, assemble: bool) -> dict[str, Any]:
    """What became of a kernel. Those that the tests do not look at are not assembled."""
    row: dict[str, Any] = {"name": launch.name, "types": short(launch), "threads": threads}
    looked_at = launch.name.startswith("cuda.") and (assemble or "float32" in row["types"])
    try:
        text = compiling.ptx(launch)
        taken = compiling.resources(text, launch) if looked_at and compiling.assembler() is not None else None
    except Exception as error:
        return row | {"error": f"{type(error).__name__}: {error}"}
    row["float64"] = compiling.float64_arithmetic(text)
    row["local"] = ".local" in text
    row["ahead"], row["wide"] = compiling.loads_ahead(text), compiling.wide_loads(text)
    return row if taken is None else row | taken._asdict()


def short(launch: Launch) -> str:
    """Its types in few letters: ``array(float32, 2d, C)`` is ``float32[2C]``."""
    return ", ".join([re.sub(r"array\((\w+), (\d)d, (\w)\)", r"\1[\2\3]", str(kind)) for kind in launch.types])


def table(rows: list[dict[str, Any]]) -> list[str]:
    """The tuned kernels as Markdown."""
    lines = ["| kernel | floats | threads | registers | spilled | stack | shared | blocks per SM | occupancy | float64 |",
             "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for row in sorted(rows, key=lambda row: row["name"]):
        if "registers" in row:
            taken = compiling.Resources(*[row[field] for field in compiling.Resources._fields])
            kinds = " ".join(sorted(set(re.findall(r"(\w+)\[", row["types"]))))
            threads = row["threads"]
            numbers = (threads, taken.registers, taken.spilled, taken.stack, taken.shared, taken.blocks(threads))
            cells = [row["name"].removeprefix("cuda."), kinds, *numbers, f"{taken.occupancy(threads):.0%}"]
            lines.append(f"| {' | '.join(map(str, [*cells, row['float64']]))} |")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
