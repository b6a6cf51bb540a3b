"""Going back, forward and on again ends where an undisturbed run is, bit by bit."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.debug.session import Session
from tests.debug.processes import wait_until_gone

SAMPLES = Path(__file__).parents[2] / "samples"

#: Sequences for each sample. All of the acceptance, 200 on three samples, takes some ten minutes:
#: NABLASCOPE_SEQUENCES=67 python -m pytest tests/debug/test_time_travel.py
SEQUENCES = int(os.environ.get("NABLASCOPE_SEQUENCES", "2"))

RUNS = {
    "xor.py": (["epochs=150", "folder="], 120),
    "digits_mlp.py": (["epochs=6", "folder="], 90),
    "fashion_cnn.py": (["epochs=1", "folder="], 40),
}


@pytest.fixture(scope="module", params=RUNS)
def truth(request):
    """(script, parameters, {step: (tick of its end, digest)}) of a run that nobody looked at."""
    parameters, last = RUNS[request.param]
    script = str(SAMPLES / request.param)
    command = [sys.executable, "-m", "tests.debug.undisturbed", script, str(last), *parameters]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SAMPLES.parent, check=True)
    return script, parameters, {int(step): tuple(state) for step, state in json.loads(done.stdout).items()}


def test_random_journeys(truth):
    script, parameters, steps = truth
    generator = random.Random(script)
    last = max(steps)
    with Session.launch(script, parameters=parameters, capture_output=True) as session:
        session.start()

        def check(stop, step):
            assert stop.live
            assert stop["position"] == [steps[step][0], 0, 0]
            assert session.request("digest")["digest"] == steps[step][1], f"another state after step {step}"

        here = generator.randint(last // 2, last - 10)
        check(session.step("runTo", step=here), here)
        for _ in range(SEQUENCES):
            far, near = generator.randint(3, here - 1), max(3, here - generator.randint(1, 4))
            back = min(last - 9, far if generator.random() < 0.5 else near)
            check(session.travel([steps[back][0], 0, 0], live=True), back)
            forward = min(last - 4, back + generator.randint(1, 30))
            check(session.step("runTo", step=forward), forward)
            # Within the history only the cursor moves; going on from there must still come out where it should.
            for _ in range(generator.randint(1, 12)):
                session.step("stepBack", granularity=generator.choice(["op", "line", "batch"]))
            here = forward + generator.randint(1, 3)
            check(session.step("runTo", step=here), here)


def test_a_script_that_is_not_deterministic_is_noticed(tmp_path):
    path = tmp_path / "clock.py"
    path.write_text(
        "import time\nimport engine as torch\nfrom engine import nn\n"
        "model = nn.Linear(2, 1)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for step in range(50):\n"
        "    x = torch.full((3, 2), time.time() % 1)\n"
        "    optimizer.zero_grad()\n    model(x).square().mean().backward()\n    optimizer.step()\n"
    )
    heard = []

    def listen(run, message):
        heard.append(message["body"].get("output", ""))

    session = Session.launch(str(path), capture_output=True, on_event=listen)
    with session:
        session.start()
        session.step("runTo", step=40)
        stop = session.travel([20, 0, 0], live=True)
        assert stop["position"][0] >= 20
        assert any("not deterministic" in text for text in heard), heard


def test_a_fork_that_goes_back_before_its_edit_meets_it_again():
    with Session.launch(str(SAMPLES / "xor.py"), parameters=["epochs=60", "folder="], capture_output=True) as session:
        session.start()
        session.step("runTo", step=20)
        plain = session.current
        session.fork([{"kind": "exec", "code": "optimizer.param_groups[0]['lr'] = 0.05"}], "slower")
        session.step("runTo", step=40)
        changed = session.request("digest")["digest"]
        there = session.current.stop.position
        stop = session.travel([50, 0, 0], live=True)
        assert stop["step"] < 20
        assert session.travel(there)["step"] == 40
        assert session.request("digest")["digest"] == changed
        session.switch(plain)
        session.step("runTo", step=40)
        assert session.request("digest")["digest"] != changed


def test_a_process_that_is_kept_ready_replays_as_well_and_does_not_stay():
    session = Session.launch(str(SAMPLES / "xor.py"), parameters=["epochs=60", "folder="], capture_output=True, spare=True)
    with session:
        session.start()
        session.step("runTo", step=30)
        there, digest = session.current.stop.position, session.request("digest")["digest"]
        pids = [session.current.client.pid]
        for _ in range(2):
            assert session.travel([50, 0, 0], live=True)["step"] < 20
            assert session.travel(there)["step"] == 30
            assert session.request("digest")["digest"] == digest
            pids.append(session.current.client.pid)
        assert len(set(pids)) == 3
        spare = session._processes._spare.take()[0].pid
    for pid in (*pids, spare):
        assert wait_until_gone(pid)
