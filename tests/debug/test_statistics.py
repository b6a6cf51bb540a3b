"""Statistics: the kernels against NumPy, and what the observer records of training steps."""

import json
import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array

import engine as torch
from engine import nn, trace
from engine.debug.session import Session
from engine.debug.statistics.observer import Statistics, Summary, summarize
from engine.kernels.cpu import statistics as kernels

SIZES = (0, 1, 5, 31, 32, 33, kernels.BLOCK - 1, kernels.BLOCK, kernels.BLOCK + 1, 20_000)


def truth(array):
    wide = np.asarray(array, np.float64).ravel()
    finite = wide[np.isfinite(wide)]
    ends = (finite.min(), finite.max(), finite.mean(), finite.std()) if finite.size else (math.nan,) * 4
    return Summary(
        wide.size, *ends, np.linalg.norm(finite), int((finite == 0).sum()), int(np.isnan(wide).sum()),
        int(np.isinf(wide).sum()),
    )


def assert_same(found, array, rtol=1e-5):
    expected = truth(array)
    assert found.count == expected.count
    assert found[6:] == expected[6:]
    np.testing.assert_equal(found[1:3], expected[1:3])
    np.testing.assert_allclose(found.norm, expected.norm, rtol=rtol)
    largest = max(abs(expected.min), abs(expected.max)) if expected.count else 0.0
    np.testing.assert_allclose(found.mean, expected.mean, rtol=rtol, atol=1e-6 * largest)
    np.testing.assert_allclose(found.std, expected.std, rtol=10 * rtol, atol=2e-7 * largest)


def launch(form, arrays, table=None, before=None):
    dtype = arrays[0].dtype
    if table is None:
        table = np.zeros((kernels.ARRAYS, len(kernels.TABLE)), np.int64)
        table[:, 0] = -1
    none = np.empty((0,), dtype)
    results = np.empty((1, kernels.ARRAYS, len(kernels.FIELDS)))
    given_arrays = [a.ravel() for a in arrays] + [none] * (kernels.ARRAYS - len(arrays))
    form(results, 0, 0, none if before is None else before, table, *given_arrays)
    return results[0]


# ---- one array ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
def test_summary_is_numpys(size, dtype):
    values = np.random.default_rng(size).standard_normal(size).astype(dtype)
    values[::7] = 0
    assert_same(summarize(values), values)


@given(any_array(np.float32, st.integers(0, 80), elements=st.floats(width=32)))
def test_summary_of_any_floats(values):
    assert_same(summarize(values), values)


@given(any_array(np.float64, st.tuples(st.integers(0, 9), st.integers(0, 9)), elements=st.floats(-1e100, 1e100)))
def test_summary_of_transposed_float64(values):
    assert_same(summarize(values.T), values)


@pytest.mark.parametrize("mean", [1.0, 100.0, -1000.0, 1e4])
def test_a_mean_far_from_zero_costs_no_digits_of_the_deviation(mean):
    values = (np.random.default_rng(0).standard_normal(50_000) + mean).astype(np.float32)
    np.testing.assert_allclose(summarize(values).std, values.astype(np.float64).std(), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e-10, 1e10, 1e25, 1e37])
def test_squares_outside_of_float32(scale):
    values = np.random.default_rng(1).uniform(-1, 1, 5000).astype(np.float32) * np.float32(scale)
    found, expected = summarize(values), truth(values)
    np.testing.assert_allclose((found.std, found.norm), (expected.std, expected.norm), rtol=1e-5)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 31, 4000, 9999])
def test_what_is_not_finite_is_counted_apart(value, place):
    values = np.random.default_rng(2).standard_normal(10_000).astype(np.float32)
    values[place] = value
    assert_same(summarize(values), values)


def test_zero_dimensions_and_other_dtypes():
    assert summarize(np.array(3.0, np.float32))[:6] == (1, 3.0, 3.0, 3.0, 0.0, 3.0)
    assert_same(summarize(np.arange(-5, 100)), np.arange(-5, 100))
    assert_same(summarize(np.array([True, False])), np.array([True, False]))
    assert_same(summarize(np.broadcast_to(np.float32(2), (3, 4))), np.full((3, 4), 2.0))


# ---- many arrays in one launch ----


def test_the_number_of_threads_changes_no_bit():
    generator = np.random.default_rng(3)
    values = [(generator.standard_normal(n) * 3 + 1).astype(np.float32) for n in (*SIZES, 150_000)]
    values[-1][777] = math.nan
    serial = launch(kernels.summarize.serial, values)
    before = numba.get_num_threads()
    try:
        for threads in range(1, numba.config.NUMBA_NUM_THREADS + 1):
            numba.set_num_threads(threads)
            np.testing.assert_array_equal(launch(kernels.summarize.parallel, values), serial)
    finally:
        numba.set_num_threads(before)
    for row, array in zip(serial, values, strict=False):
        assert_same(Summary(*row[:9]), array)


def test_update_ratio_is_that_of_the_definition():
    generator = np.random.default_rng(4)
    old = [generator.standard_normal(n).astype(np.float32) for n in (5000, 10)]
    new = [w + np.float32(1e-3) * generator.standard_normal(w.size).astype(np.float32) for w in old]
    table = np.zeros((kernels.ARRAYS, len(kernels.TABLE)), np.int64)
    table[:, 0] = -1
    table[:2, 0] = 0, 5000
    rows = launch(kernels.summarize.serial, new, table, np.concatenate(old))
    expected = [np.linalg.norm(w.astype(float) - v) / np.linalg.norm(w.astype(float)) for w, v in zip(new, old, strict=True)]
    np.testing.assert_allclose(rows[:2, 9], expected, rtol=1e-5)


@given(any_array(np.float32, st.integers(0, 60), elements=st.floats(width=32)))
def test_histogram_counts_by_sign_and_power_of_two(values):
    counts = np.empty((2 * kernels.OCTAVES + 1,), np.int64)
    kernels.histogram(counts, values)
    finite = values[np.isfinite(values)].astype(np.float64)
    edges = kernels.edges()
    beyond = np.clip(finite, np.nextafter(edges[0], 0), np.nextafter(edges[-1], 0))
    # Magnitudes, since a bin holds the edge that is nearer to zero.
    positive = np.histogram(beyond[beyond >= -edges[kernels.OCTAVES + 1]], edges[kernels.OCTAVES :])[0]
    assert counts.sum() == finite.size
    expected = positive[1:]
    np.testing.assert_array_equal(counts[kernels.OCTAVES + 1 :], expected)
    mirrored = np.empty_like(counts)
    kernels.histogram(mirrored, -values)
    np.testing.assert_array_equal(mirrored[::-1], counts)


@given(any_array(np.float32, st.integers(0, 60), elements=st.floats(-2, 2, width=32)))
def test_linear_histogram_is_numpys(values):
    edges = np.linspace(-1.0, 1.0, 8)
    counts = np.empty((7,), np.int64)
    kernels.linear_histogram(counts, values, edges)
    np.testing.assert_array_equal(counts, np.histogram(values.astype(np.float64), edges)[0])


@pytest.mark.parametrize("bins", [1, 64, 256, 257])
@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.1, 0.7), (1e6, 1e6 + 2.0), (-3e-31, 4e-31), (-3e38, 3e38)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_histogram_of_elements_at_its_edges(bins, low, high, dtype):
    edges = np.linspace(float(np.float32(low)), float(np.float32(high)), bins + 1)
    rounded = edges.astype(dtype)
    around = [rounded, np.nextafter(rounded, dtype(-np.inf)), np.nextafter(rounded, dtype(np.inf))]
    between = np.random.default_rng(0).uniform(low, high, 5000).astype(dtype)
    values = np.concatenate([*around, between, np.array([np.nan, np.inf, -np.inf], dtype)])
    counts = np.empty((bins,), np.int64)
    kernels.linear_histogram(counts, values, edges)
    inside = values[(values >= edges[0]) & (values <= edges[-1])].astype(np.float64)
    bin_of = np.minimum(np.searchsorted(edges, inside, "right") - 1, bins - 1)
    np.testing.assert_array_equal(counts, np.bincount(bin_of, minlength=bins))


# ---- training steps ----


class Net(nn.Module):
    def __init__(self, activation=nn.ReLU):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.activation = activation()
        self.fc = nn.Linear(4 * 16, 3)

    def forward(self, x):
        return self.fc(self.activation(self.conv1(x)).flatten(1))


@pytest.fixture
def observe():
    """Attach an observer until the test ends."""
    before = trace.set_observer(None)
    yield trace.set_observer
    trace.set_observer(before)


def train(model, steps=1, optimizer=None, batch=5, between=lambda: None):
    torch.manual_seed(0)
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        x, y = torch.randn(batch, 1, 6, 6), torch.randint(0, 3, (batch,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        between()


def fields(found, *names):
    return tuple(found[name] for name in names)


def test_every_tensor_of_a_step_has_its_numbers(observe):
    torch.manual_seed(1)
    model = Net()
    statistics = Statistics(names=model)
    observe(statistics)
    train(model, steps=3)
    latest = statistics.latest()
    for name, parameter in model.named_parameters():
        for key, array in ((name, parameter.detach().numpy()), (name + ".grad", parameter.grad.numpy())):
            assert latest[key]["step"] == 2
            expected = truth(array)
            np.testing.assert_allclose(
                fields(latest[key], *Summary._fields), expected, rtol=1e-4, atol=1e-6 * max(expected.norm, 1e-30)
            )
    activations = {"conv1": 5 * 64, "relu#1": 5 * 64, "fc": 15, "cross_entropy#1": 1}
    for name, count in activations.items():
        assert latest[name]["count"] == latest[name + ".grad"]["count"] == count
    assert len(latest) == 2 * (len(activations) + 4)
    assert json.loads(json.dumps(latest)) == latest


def test_activations_and_their_gradients_are_those_of_hooks(observe):
    torch.manual_seed(2)
    model = Net(nn.Tanh)
    statistics = Statistics(names=model)
    kept = {}

    def hook(module, inputs, output):
        kept["y"] = output
        output.register_hook(lambda gradient: kept.__setitem__("dy", gradient))

    model.activation.register_forward_hook(hook)
    observe(statistics)
    train(model)
    latest = statistics.latest()
    assert_same(Summary(*fields(latest["tanh#1"], *Summary._fields)), kept["y"].detach().numpy())
    assert_same(Summary(*fields(latest["tanh#1.grad"], *Summary._fields)), kept["dy"].numpy())


def test_update_ratio_on_its_schedule(observe):
    torch.manual_seed(3)
    model = Net()
    statistics = Statistics(names=model, ratio_every=2)
    observe(statistics)
    versions = [model.fc.weight.detach().numpy().copy()]
    train(model, steps=4, between=lambda: versions.append(model.fc.weight.detach().numpy().copy()))
    steps, ratios = statistics.series("fc.weight", "update_ratio")
    expected = [
        np.linalg.norm(b.astype(float) - a) / np.linalg.norm(b.astype(float)) if i % 2 == 0 else math.nan
        for i, (a, b) in enumerate(zip(versions, versions[1:], strict=False))
    ]
    assert steps == [0, 1, 2, 3]
    np.testing.assert_allclose(ratios, expected, rtol=1e-4)
    assert "update_ratio" not in statistics.latest()["fc.weight"]


@pytest.mark.parametrize("every, steps", [(1, [0, 1, 2, 3, 4]), (3, [0, 3]), (lambda step: step in (1, 4), [1, 4])])
def test_schedules(observe, every, steps):
    model = Net()
    statistics = Statistics(every=every, names=model)
    observe(statistics)
    train(model, steps=5)
    assert statistics.series("conv1", "mean")[0] == steps
    assert statistics.series("conv1", "mean", 1, 3)[0] == [s for s in steps if 1 <= s <= 3]


def test_off_records_nothing_and_can_be_turned_on(observe):
    model = Net()
    statistics = Statistics("off", names=model)
    observe(statistics)
    train(model, steps=2)
    assert statistics.latest() == {}
    statistics.set("scalars")
    train(model, steps=1)
    assert statistics.series("fc", "count") == ([2], [15.0])


def test_evaluation_passes_stay_apart(observe):
    model = Net()
    statistics = Statistics(names=model)
    observe(statistics)

    def evaluate():
        with torch.no_grad():
            model(torch.full((2, 1, 6, 6), 1e6))

    evaluate()
    train(model, steps=2, between=evaluate)
    assert statistics.history.names().count("conv1") == 1
    assert not any("#2" in name for name in statistics.history.names())
    assert max(statistics.series("conv1", "max")[1]) < 1e3
    assert set(statistics.series("conv1", "count")[1]) == {5.0 * 64}


def test_what_reads_a_parameter_alone_takes_no_name_of_a_layer(observe):
    model = Net()
    statistics = Statistics(names=model)
    observe(statistics)
    train(model, steps=2, between=lambda: (model.conv1.weight[0, 0, 0, 0].item(), (model.fc.bias.exp()).sum().item()))
    names = statistics.history.names()
    assert {"conv1", "fc"} <= set(names) and not any(name.startswith(("conv1#", "fc#")) for name in names)
    assert statistics.series("conv1", "count") == ([0, 1], [5.0 * 64] * 2)
    assert statistics.series("fc", "count") == ([0, 1], [15.0] * 2)


def test_dead_units_of_convolution_and_linear(observe):
    torch.manual_seed(4)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10), nn.ReLU(), nn.Linear(10, 3))
    with torch.no_grad():
        model[0].bias[1] = -1e4
        model[3].bias[:] = torch.tensor([-1e4] * 7 + [1e4] * 3)
    statistics = Statistics(names=model)
    observe(statistics)
    train(model)
    latest = statistics.latest()
    assert latest["relu#1"]["dead"] == 1 / 4
    assert latest["relu#2"]["dead"] == 7 / 10
    assert "dead" not in latest["0"]


@pytest.mark.parametrize("kind, limits", [("Sigmoid", (0.01, 0.99)), ("Tanh", (-0.99, 0.99))])
def test_saturated_elements(observe, kind, limits):
    torch.manual_seed(5)
    model = Net(getattr(nn, kind))
    with torch.no_grad():
        model.conv1.weight *= 20
    statistics = Statistics(names=model)
    outputs = []
    model.activation.register_forward_hook(lambda module, inputs, output: outputs.append(output.detach().numpy()))
    observe(statistics)
    train(model)
    expected = float(np.mean((outputs[0] <= limits[0]) | (outputs[0] >= limits[1])))
    assert 0 < expected < 1
    assert statistics.latest()[f"{kind.lower()}#1"]["saturated"] == pytest.approx(expected)


def test_activations_changed_in_place_keep_their_own_numbers(observe):
    torch.manual_seed(6)
    model = Net(lambda: nn.ReLU(inplace=True))
    statistics = Statistics(names=model)
    observe(statistics)
    train(model, steps=3)
    steps, lowest = statistics.series("conv1", "min")
    assert steps == [0, 1, 2] and max(lowest) < 0
    assert min(statistics.series("relu#1", "min")[1]) == 0


def test_names_are_stable_over_batch_sizes_and_two_optimizers(observe):
    models = Net(), Net()
    statistics = Statistics(names=lambda t: next((n for n, p in both if p is t), ""))
    both = [(f"{side}.{n}", p) for side, m in zip("ab", models, strict=True) for n, p in m.named_parameters()]
    observe(statistics)
    optimizers = [torch.optim.Adam(m.parameters()) for m in models]
    for batch in (5, 2, 5):
        for model, optimizer in zip(models, optimizers, strict=True):
            train(model, 1, optimizer, batch)
    assert statistics.series("a.conv1", "count") == ([0, 2, 4], [5.0 * 64, 2.0 * 64, 5.0 * 64])
    assert statistics.series("b.fc.weight", "count")[0] == [1, 3, 5]
    assert len(statistics._layouts) == 2


def test_default_names(observe):
    statistics = Statistics()
    observe(statistics)
    train(Net())
    latest = statistics.latest()
    assert {"parameter 0 (4, 1, 3, 3)", "parameter 3 (3,).grad"} <= set(latest)
    assert [name for name, values in latest.items() if values["parameter"]] == [n for n in latest if n[-1] == ")"]


def test_frozen_and_float64_parameters(observe):
    model = Net().double()
    model.conv1.weight.requires_grad_(False)
    statistics = Statistics(names=model)
    observe(statistics)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for frozen in (True, True, False):
        model.conv1.weight.requires_grad_(not frozen)
        optimizer.zero_grad()
        model(torch.randn(2, 1, 6, 6, dtype=torch.float64)).square().mean().backward()
        optimizer.step()
    assert statistics.series("fc.weight", "count")[0] == [0, 1, 2]
    assert statistics.series("conv1.weight", "count")[0] == [2]


def test_histograms_have_every_element(observe):
    model = Net()
    statistics = Statistics("histograms", names=model)
    observe(statistics)
    train(model, steps=2)
    found = statistics.histogram("conv1.weight")
    assert found["step"] == 1 and sum(found["counts"]) == 36 and len(found["edges"]) == len(found["counts"]) + 1
    assert statistics.histogram("fc.grad", 0)["step"] == 0
    with pytest.raises(KeyError, match="no histogram"):
        statistics.histogram("fc", 7)


def test_histograms_over_the_steps_are_those_of_numpy(observe):
    model = Net()
    statistics = Statistics("histograms", names=model, histograms_every=2)
    observe(statistics)
    kept = []
    for step in range(5):
        train(model, steps=1)
        if step % 2 == 0:
            kept.append(model.fc.weight.detach().numpy().copy())
    found = statistics.histograms("fc.weight")
    assert found["steps"].tolist() == [0, 2, 4]
    for counts, values in zip(found["counts"], kept, strict=True):
        assert counts.tolist() == np.histogram(values, found["edges"])[0].tolist()
    assert statistics.histograms("fc.weight", 1, 3)["steps"].tolist() == [2]
    assert len(statistics.histograms("nothing")["steps"]) == 0
    assert statistics.history.histograms("fc.weight", most=2)["steps"].tolist() == [0, 4]
    assert statistics.series("fc.weight", "norm")[0] == [0, 1, 2, 3, 4]


def test_memory_is_bounded_over_10000_steps(observe):
    weight = nn.Parameter(torch.ones(3))
    statistics = Statistics(limit=1000, names=lambda t: "w")
    observe(statistics)
    optimizer = torch.optim.SGD([weight], lr=1e-6)
    for _ in range(10_000):
        optimizer.zero_grad()
        (weight * 2).sum().backward()
        optimizer.step()
    steps = statistics.series("w", "norm")[0]
    assert steps[-1] == 9999 and 1000 <= len(steps) <= 1000 + 128
    assert statistics.history.nbytes < 2_000_000
    assert len(statistics._layouts) == 1


def test_a_byte_limit_drops_the_oldest(observe):
    model = Net()
    statistics = Statistics(names=model, limit_bytes=300_000)
    observe(statistics)
    train(model, steps=400)
    assert statistics.history.nbytes <= 300_000
    assert statistics.series("fc", "mean")[0][-1] == 399


def test_bad_settings_and_names_are_refused(observe):
    for bad in (0, -1, 1.5):
        with pytest.raises(ValueError, match="every"):
            Statistics(every=bad)
    with pytest.raises(ValueError, match="tier"):
        Statistics("all")
    statistics = Statistics()
    with pytest.raises(KeyError, match="not a field"):
        statistics.series("x", "median")
    with pytest.raises(KeyError, match="no tensor"):
        statistics.series("x", "mean")


def test_a_large_array_is_summed_up_by_several_threads_with_the_same_bits(monkeypatch):
    from engine.debug.statistics import observer

    array = np.random.default_rng(4).normal(size=(1 << 20) + 77).astype(np.float32)
    array[[3, 500_000]] = np.nan, -np.inf
    used, parallel = [], kernels.summarize.parallel
    monkeypatch.setattr(kernels.summarize, "parallel", lambda *given: used.append(1) or parallel(*given))
    monkeypatch.setattr("engine.kernels.jit.numba.get_num_threads", lambda: 2)
    several = summarize(array)
    assert used
    monkeypatch.setattr(observer, "_LARGE", array.size + 1)
    assert summarize(array) == several and len(used) == 1


STEPPED = """
import engine as torch
from engine import nn

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(22):
    optimizer.zero_grad()
    loss = model(torch.ones(4, 2)).pow(2).mean()
    loss.backward()
    optimizer.step()
"""


def test_a_fork_has_the_steps_and_the_tensors_of_the_run(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(STEPPED)
    with Session.launch(path) as session:
        session.start(120)
        session.listen_to("statistics", enabled=True)
        session.step("runTo", step=2)
        names = set(session.request("statistics")["latest"])
        session.step("next", granularity="op")  # in the midst of a step
        for step in (7, 14):
            # On its way the replay hears of some ops, and of many steps nothing.
            session.fork([{"kind": "exec", "code": f"optimizer.param_groups[0]['lr'] = {step / 100}"}])
            session.step("runTo", step=step)
        session.step("runTo", step=16)
        body = session.request("statistics", names=["0.weight"], field="norm")
        assert set(body["latest"]) == names
        assert body["series"]["0.weight"]["steps"][-2:] == [14, 15]
        assert {values["step"] for values in body["latest"].values()} == {15}
