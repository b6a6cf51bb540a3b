"""The benchmark of the GPU runs; in the simulator its times mean nothing."""

from engine.device import gate
from tests.benchmarks import gpu
from tests.benchmarks.rows import Row, mlp


def test_every_part_is_measured_and_shown():
    sizes = gpu.Sizes(
        rows=(Row("2-1", mlp(2, 1), (2, 2), 1, "sgd"), Row("2-3", mlp(2, 3), (1, 2), 3, "adam")),
        products=(2,), convolutions=((1, 1, 1, 2),), elements=4, batches=1,
    )  # fmt: skip
    answers = list(gpu.measured("engine", 0.0, sizes))
    assert [a["part"] for a in answers] == ["step"] * 2 + ["matrix product"] + ["conv2d"] * 2 + ["memory"] * 5
    assert all(a["seconds"] > 0 for a in answers)
    assert len(gpu.table({"engine": answers})) == 2 + len(answers)
    compared = gpu.table({"engine": answers, "torch": [{**a, "seconds": a["seconds"] / 2} for a in answers]})
    assert compared[2].endswith("| 0.50 |") and compared[7].endswith("| 0.50 of a copy |")


def test_the_simulator_is_not_measured(monkeypatch):
    monkeypatch.setattr(gate, "simulated", lambda: True)
    reason = gpu.missing()
    assert reason is not None and "simulator" in reason
