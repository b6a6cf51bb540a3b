"""Replays: they get where the recorded run was, to the bit; what cannot be skipped is told; what differs is found."""

import functools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.debug.replay import checkpoints
from engine.debug.replay.recorder import Recorder
from engine.debug.replay.recording import Recording

ROOT = Path(__file__).parents[2]

#: Checkpoints as often as can be, so that short runs have some.
DENSE = {"interval": 0.0, "amortised": 0.0}


@functools.cache
def worker(mode):
    """A process that records, and one that replays: their hash seeds and addresses differ, as those of two runs do."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.debug.replay_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, "NABLASCOPE_QUIET": "1"},
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _workers_end():
    yield
    for mode in ("record", "replay"):
        worker(mode).communicate()
    worker.cache_clear()


def work(script, folder, mode="replay", **wanted):
    """What came of a run in a fresh fork."""
    wanted = {"script": str(script), "folder": str(folder), "mode": mode, **DENSE, **wanted}
    process = worker(mode)
    process.stdin.write(json.dumps(wanted) + "\n")
    process.stdin.flush()
    outcome = json.loads(process.stdout.readline())
    assert "failed" not in outcome, outcome["failed"]
    return outcome


@pytest.fixture
def written(tmp_path):
    """A function that writes a script and returns its path."""

    def write(text):
        path = tmp_path / "script.py"
        path.write_text("import engine as torch\nfrom engine import nn\n" + text)
        return path

    return write


NET = """
torch.manual_seed(1)
net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
loss_fn = nn.CrossEntropyLoss()
x, y = torch.randn(8, 6), torch.randint(0, 3, (8,))
def step():
    optimizer.zero_grad()
    loss = loss_fn(net(x), y)
    loss.backward()
    optimizer.step()
    return loss
"""


def there_and_back(script, folder, every, parameters=(), count=2, prints=True):
    """Record a run; replay it to random places and on from there: all digests must be those of the recorded run.

    Returns how many of the replays skipped steps.
    """
    recorded = work(script, folder, "record", parameters=parameters, every=every)
    assert recorded["ended"]
    digests, steps = recorded["digests"], Recording(folder).load().step_ticks()
    late = [tick for tick in map(int, digests) if tick > steps[5]]
    draw = random.Random(every)
    skipped = 0
    for _ in range(count):
        journey = sorted([draw.choice(late), int(draw.choice(list(digests)))])
        result = work(script, folder, parameters=parameters, stops=journey, until_last_stop=False)
        assert "divergence" not in result and result["ended"], result
        assert result["digests"] == {str(tick): digests[str(tick)] for tick in journey}
        assert (result["tick"], result["digest"]) == (recorded["tick"], recorded["digest"])
        assert result["output"] == recorded["output"] or not prints
        assert result["full_at"] == result["full_from"]
        skipped += result["skipped_to"] > 0
    return skipped


SAMPLES = {
    "xor": ["folder=", "epochs=60"],
    "two_points": ["folder=", "epochs=40"],
    "digits_mlp": ["folder=", "epochs=3"],
    "fashion_mlp": ["epochs=2"],
    "fashion_cnn": ["folder=", "epochs=1", "batch_size=256"],
}


@pytest.mark.parametrize("name", ["xor", "two_points", "digits_mlp"])
def test_samples_replay_to_the_bit(name, tmp_path):
    assert there_and_back(ROOT / f"samples/{name}.py", tmp_path / "recording", 37, SAMPLES[name]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fashion_mlp", "fashion_cnn"])
def test_large_samples_replay_to_the_bit(name, tmp_path):
    parameters, timed = SAMPLES[name], name == "fashion_mlp"  # it prints seconds
    if timed:
        parameters = [*parameters, f"folder={tmp_path / 'models'}"]
    script = ROOT / f"samples/{name}.py"
    assert there_and_back(script, tmp_path / "recording", 101, parameters, prints=not timed) > 0


def test_norms_dropout_schedulers_and_clipping_replay(written, tmp_path):
    script = written("""
from engine.utils.data import DataLoader, TensorDataset
torch.manual_seed(3)
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(64, 5),
                    nn.BatchNorm1d(5))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 7, gamma=0.5)
data = TensorDataset(torch.randn(60, 1, 6, 6), torch.randint(0, 5, (60,)))
train, test = DataLoader(data, batch_size=10, shuffle=True), DataLoader(data, batch_size=30)
for epoch in range(3):
    net.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x + 0.1 * torch.randn(x.shape)), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        nn.init.ones_(torch.empty(3)).add_(loss.detach())
    net.eval()
    right = 0
    with torch.no_grad():
        for x, y in test:
            right += (net(x).argmax(1) == y).sum().item()
    print(epoch, loss.item(), right, scheduler.get_last_lr())
""")
    assert there_and_back(script, tmp_path / "recording", 23) > 0


def test_tensors_that_live_across_steps_replay(written, tmp_path):
    script = written(NET + """
import copy
losses, total, mean, best = [], torch.zeros(1), torch.zeros(3), None
view = net[0].weight.detach()
average = [p.detach().clone() for p in net.parameters()]
for i in range(25):
    loss = step()
    losses.append(loss.detach())
    total += losses[-1]
    logits = net(x)
    mean = 0.9 * mean + 0.1 * logits.detach().mean(0)
    flat = logits.detach().flatten()
    with torch.no_grad():
        for a, p in zip(average, net.parameters()):
            a.mul_(0.9).add_(p, alpha=0.1)
    if i % 10 == 3:
        best = copy.deepcopy(net.state_dict())
    if i > 20:
        print(total.item(), mean.tolist(), flat[3].item(), view.sum().item(), sum(a.sum() for a in average))
print(torch.stack(losses).numpy())
net.load_state_dict(best)
print(net(x).sum())
""")
    assert there_and_back(script, tmp_path / "recording", 19, count=3) > 0


def test_random_numbers_of_every_kind_replay(written, tmp_path):
    script = written("import random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(2)\n" + NET + """
generator = torch.Generator().manual_seed(4)
for i in range(20):
    x = torch.randn(8, 6) + random.random() + float(np.random.rand()) + torch.rand(6, generator=generator)
    order = torch.randperm(8)
    x, y = x[order], y[order]
    print(step().item())
""")
    assert there_and_back(script, tmp_path / "recording", 17) > 0


def test_a_gradient_from_two_ways_and_accumulation_replay(written, tmp_path):
    script = written(NET + """
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)
    def forward(self, x):
        return x + torch.relu(self.linear(x))
net = nn.Sequential(Residual(), Residual(), nn.Linear(6, 3))
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
net[0].linear.weight.register_hook(lambda g: g * 2)
seen = []
net[1].register_full_backward_hook(lambda module, gi, go: seen.append(go[0].shape))
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2
    @staticmethod
    def backward(ctx, g):
        return g * 2 + 0 * ctx.saved_tensors[0]
for i in range(16):
    loss = loss_fn(Double.apply(net(x)), y) / 2
    loss.backward()
    if i % 2:
        optimizer.step()
        optimizer.zero_grad(set_to_none=i % 4 == 1)
print(loss.item(), len(seen))
""")
    assert there_and_back(script, tmp_path / "recording", 29, count=2) > 0


def test_optimizers_of_the_users_own_and_two_at_once_replay(written, tmp_path):
    script = written(NET + """
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(p)
                state["velocity"].mul_(0.5).add_(p.grad)
                p.data.add_(state["velocity"], alpha=-group["lr"])
own = Own(net[:1].parameters(), 0.01)
other = torch.optim.RMSprop(net[2:].parameters(), lr=0.01, momentum=0.5)
for i in range(16):
    loss = loss_fn(net(x), y)
    own.zero_grad()
    other.zero_grad()
    loss.backward()
    own.step()
    if i > 3:
        other.step()
print(loss.item())
""")
    assert there_and_back(script, tmp_path / "recording", 31) > 0


def test_attention_with_its_transposed_views_replays(written, tmp_path):
    script = written("""
torch.manual_seed(0)
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.norm = nn.Linear(8, 24), nn.LayerNorm(8)
    def forward(self, x):
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        q, k, v = (t.reshape(3, 5, 2, 4).transpose(1, 2) for t in (q, k, v))
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return x + y.transpose(1, 2).contiguous().view(3, 5, 8)
net = nn.Sequential(nn.Embedding(7, 8), Attention(), Attention(), nn.Linear(8, 7))
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
words = torch.randint(0, 7, (3, 6))
for i in range(14):
    logits = net(words[:, :-1])
    loss = nn.functional.cross_entropy(logits.reshape(-1, 7), words[:, 1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    last = logits[0].detach().transpose(0, 1)
print(loss.item(), last.sum().item())
""")
    assert there_and_back(script, tmp_path / "recording", 41) > 0


@pytest.mark.parametrize("line", [
    "held.append(net[0].weight.detach().numpy())",  # shows every later update
    "mine += net[0].weight.detach()[0, 0].numpy()",  # on the tape, so this one can be skipped
    "shared.add_(loss.detach())",  # memory of a NumPy array of the script's
    "print(np.asarray(net[0].weight.detach()).sum() if i < 18 else 0)",
])  # fmt: skip
def test_what_numpy_sees_is_right_with_skipping_or_without(line, written, tmp_path):
    script = written("import numpy as np\n" + NET + f"""
held, mine, array = [], np.zeros(()), np.zeros(1, np.float32)
shared = torch.from_numpy(array)
for i in range(20):
    loss = step()
    {line}
print(repr(mine), array, [w.sum() for w in held])
""")
    folder = tmp_path / "recording"
    recorded = work(script, folder, "record")
    result = work(script, folder)
    if "skipped" in result:
        assert "mine" not in line
        result = work(script, folder, skip=False)
    assert result["digest"] == recorded["digest"]
    assert result["output"] == recorded["output"]


def test_contents_that_were_skipped_are_not_made_up(written, tmp_path):
    # A copy that NumPy made on the way cannot be known: the replay must refuse, and do it without skipping.
    script = written("import numpy as np\n" + NET + """
net[0].weight.name = "w"
copies = []
for i in range(20):
    step()
    copies.append(torch.tensor(net[0].weight.detach()))
print(copies[7].sum())
""")
    folder = tmp_path / "recording"
    recorded = work(script, folder, "record")
    assert "skipped" in work(script, folder)
    result = work(script, folder, skip=False)
    assert result["output"] == recorded["output"]
    assert result["skipped_to"] == 0


@pytest.mark.parametrize("source", ["time.time() % 1", "random.random()", "int.from_bytes(os.urandom(2)) / 1e4"])
def test_a_script_that_is_not_deterministic_is_found_out(source, written, tmp_path):
    script = written("import os, random, time\n" + NET + f"""
for i in range(6):
    x = x + {source}
    step()
""")
    folder = tmp_path / "recording"
    recorded = work(script, folder, "record")
    result = work(script, folder, skip=False)
    tick, text = result["divergence"]
    assert result["ended"] and result["tick"] == recorded["tick"]
    assert tick <= Recording(folder).load().step_ticks()[0]
    assert "not deterministic" in text and "script.py, line" in text and "the loss was" in text


def test_another_order_of_ops_is_found_out(written, tmp_path):
    script = written(NET + """
import pathlib
flag = pathlib.Path(__file__).with_name("flag")
for i in range(6):
    step()
    if i == 4 and flag.exists():
        torch.relu(x)
flag.touch()
step()
""")
    folder = tmp_path / "recording"
    work(script, folder, "record")
    result = work(script, folder, skip=False)
    tick, text = result["divergence"]
    assert "Relu" in text or "ReLU" in text
    assert tick > Recording(folder).load().step_ticks()[4]
    # From there on it is a run of its own, and its tape is that of what happened now.
    again = work(script, folder, skip=False)
    assert "divergence" not in again and again["digest"] == result["digest"]


def test_a_replay_of_a_run_that_was_stopped_goes_on_recording(written, tmp_path):
    script = written(NET + "for i in range(40):\n    print(step().item())\n")
    whole = work(script, tmp_path / "whole", "record")
    folder = tmp_path / "recording"
    steps = Recording(tmp_path / "whole").load().step_ticks()
    cut = work(script, folder, "record", stops=[int(steps[20])])
    assert not cut["ended"]
    result = work(script, folder, stops=[int(steps[15])], until_last_stop=False)
    assert result["ended"] and result["digest"] == whole["digest"]
    tapes = [Recording(f).load() for f in (folder, tmp_path / "whole")]
    assert tapes[0].codes == tapes[1].codes
    assert tapes[0].losses == tapes[1].losses
    assert tapes[0].reads == tapes[1].reads


def test_a_fork_leaves_the_recording_as_it_is(written, tmp_path):
    script = written(NET + "for i in range(20):\n    print(step().item())\n")
    folder, fork = tmp_path / "recording", tmp_path / "fork"
    recorded = work(script, folder, "record")
    before = sorted((p.name, p.stat().st_size) for p in folder.rglob("*") if p.is_file())
    result = work(script, folder, into=str(fork), stops=[recorded["tick"] - 3], until_last_stop=False)
    assert result["skipped_to"] > 0
    assert sorted((p.name, p.stat().st_size) for p in folder.rglob("*") if p.is_file()) == before
    assert Recording(fork).load().codes == Recording(folder).load().codes
    assert work(script, fork)["digest"] == recorded["digest"]


def test_the_tape_counts_what_happened(written, tmp_path):
    script = written(NET + """
from engine.utils.data import DataLoader, TensorDataset
loader, other = (DataLoader(TensorDataset(x, y), batch_size=4) for _ in range(2))
for epoch in range(2):
    for x, y in loader:
        step()
    for x, y in other:
        net(x)
print(loss_fn(net(x), y).item())
""")
    recorded = work(script, tmp_path / "recording", "record")
    tape = Recording(tmp_path / "recording").load()
    assert (recorded["steps"], recorded["epochs"], recorded["batches"]) == (4, 2, 1)
    assert recorded["tick"] == tape.ticks == len(tape.codes)
    assert list(tape.loss_steps) == [0, 1, 2, 3]
    assert np.isfinite(tape.losses).all() and len(tape.reads) == 1


@pytest.mark.parametrize("draw", [lambda: engine.rand(1), engine.random.cuda_generator.take])
def test_the_random_streams_of_all_devices_count(draw):
    def digests():
        return checkpoints.random_digest(), Recorder(None).digest()

    engine.manual_seed(0)
    before = digests()
    draw()
    after = digests()
    assert all(a != b for a, b in zip(after, before, strict=True))
    engine.manual_seed(0)
    assert digests() == before
