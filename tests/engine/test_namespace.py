"""``import engine as torch``: lazy, complete, and clear about what is missing."""

import itertools
import math
import subprocess
import sys

import pytest

import engine
from engine.errors import DeviceError, EngineError, MissingError


def run(code):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_import_is_light_and_names_work_afterwards():
    code = (
        "import sys, engine\n"
        "print([m for m in ('numba', 'numpy', 'scipy', 'matplotlib', 'sklearn', 'PIL') if m in sys.modules])\n"
        "print((engine.tensor([1.]) + 1).tolist())\n"
    )
    assert run(code) == "[]\n[2.0]"


def test_legacy_tensor_has_methods_without_anything_imported_before():
    assert run("import engine; print((engine.Tensor([1, 2]) + 1).tolist())") == "[2.0, 3.0]"


STATEMENTS = (
    "import engine.tensor",
    "import engine.device",
    "import engine.nn",
    "from engine import tensor",
    "engine.zeros(1)",
)


@pytest.mark.parametrize("order", list(itertools.permutations(STATEMENTS, 2)))
def test_tensor_and_device_survive_every_import_order(order):
    code = "import engine\n" + "\n".join(order) + (
        "\nfrom engine import tensor, device"
        "\nfrom engine.tensor import Tensor"
        "\nimport engine.tensor"
        "\nassert isinstance(tensor([1]), Tensor) and engine.tensor is tensor and engine.Tensor is Tensor"
        "\nassert str(device('cpu')) == 'cpu' and isinstance(engine.device('cpu'), device)"
        "\nimport sys; assert sys.modules['engine.tensor'].Tensor is Tensor"
    )
    run(code) if order == (STATEMENTS[0], STATEMENTS[1]) else exec_fresh(code)


def exec_fresh(code):
    """Run ``code`` with the package's own bindings forgotten, which a new process would cost a second for."""
    for name in ("tensor", "device"):
        vars(engine).pop(name, None)
    exec(compile(code, "<order>", "exec"), {})


def test_missing_names_say_so():
    for module, name in ((engine, "sparse_coo_tensor"), (engine.nn, "Transformer"), (engine.nn.functional, "ctc_loss"),
                         (engine.autograd, "profiler"), (engine.cuda, "nvtx"), (engine.backends, "opt_einsum"),
                         (engine.nn.utils, "parametrize"), (engine.accelerator, "set_stream")):
        assert not hasattr(module, name)
        with pytest.raises(MissingError, match=rf"no '{name}'.* lacks torch.*\.{name}"):
            getattr(module, name)
    for name in ("jit", "fx", "distributed", "float16", "complex64", "int32"):
        assert not hasattr(engine, name)
    assert not hasattr(engine, "__wrapped__")


def test_every_name_of_the_listing_resolves_and_torch_has_it():
    torch = pytest.importorskip("torch")
    names = dir(engine)
    assert {"tensor", "Tensor", "nn", "relu", "manual_seed", "float32", "no_grad"} <= set(names)
    for name in names:
        assert hasattr(engine, name), name
    ours = {"__version__", "default_generator", *vars(engine)}
    assert [name for name in names if name not in ours and not hasattr(torch, name)] == []


def test_dtypes_and_constants():
    assert engine.float is engine.float32 and engine.double is engine.float64 and engine.long is engine.int64
    assert repr(engine.bool) == "torch.bool" and engine.is_grad_enabled()
    assert math.isnan(engine.nan) and engine.inf == math.inf and engine.pi == math.pi and engine.newaxis is None


@pytest.mark.parametrize("name", ["float32", "float64", "uint8", "int64"])
def test_limits_equal_torchs(name):
    torch = pytest.importorskip("torch")
    kind = "finfo" if name.startswith("float") else "iinfo"
    ours, theirs = (getattr(m, kind)(getattr(m, name)) for m in (engine, torch))
    assert repr(ours) == repr(theirs)
    for attribute in ("bits", "min", "max", "dtype", *(("eps", "tiny", "resolution") if kind == "finfo" else ())):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    with pytest.raises(TypeError, match="requires"):
        getattr(engine, "iinfo" if kind == "finfo" else "finfo")(getattr(engine, name))


def test_random_state_is_a_tensor_and_restores_the_stream():
    engine.manual_seed(5)
    state = engine.get_rng_state()
    assert state.dtype is engine.uint8
    first = engine.rand(3).tolist()
    engine.set_rng_state(state)
    assert engine.rand(3).tolist() == first and engine.initial_seed() == 5


def test_there_is_no_gpu():
    assert engine.device("cuda" if engine.cuda.is_available() else "cpu").type == "cpu"
    assert engine.cuda.device_count() == 0 and not engine.backends.mps.is_available()
    assert not engine.accelerator.is_available() and engine.accelerator.current_accelerator() is None
    engine.cuda.manual_seed_all(0)
    engine.cuda.empty_cache()
    engine.backends.cudnn.deterministic = True
    engine.backends.cudnn.benchmark = False
    assert engine.backends.cudnn.deterministic
    with pytest.raises(DeviceError, match="no NVIDIA driver|no usable GPU"):
        engine.cuda.synchronize()
    with pytest.raises(EngineError):
        engine.zeros(2, device="cuda")


def test_settings():
    threads = engine.get_num_threads()
    engine.set_num_threads(1)
    assert engine.get_num_threads() == 1
    engine.set_num_threads(threads)
    with pytest.raises(RuntimeError, match="positive"):
        engine.set_num_threads(0)
    engine.use_deterministic_algorithms(True)
    assert engine.are_deterministic_algorithms_enabled()
    engine.use_deterministic_algorithms(False)
    assert engine.get_float32_matmul_precision() == "highest"
    engine.set_float32_matmul_precision("high")
    assert engine.get_float32_matmul_precision() == "high"
    engine.set_float32_matmul_precision("highest")
    with pytest.raises(RuntimeError, match="'medium'"):
        engine.set_float32_matmul_precision("low")
    engine.set_default_device("cpu")
    assert engine.get_default_device() == engine.device("cpu")
    with pytest.raises(DeviceError):
        engine.set_default_device("cuda")
    with pytest.raises(DeviceError, match="nablascope doctor"), engine.device("cuda"):
        pass
    with engine.device("cpu") as device:
        assert engine.zeros(1).device == device == engine.get_default_device()


def test_inspection():
    x = engine.zeros(2, 3)
    assert engine.is_tensor(x) and not engine.is_tensor(3) and engine.numel(x) == 6
    assert engine.is_floating_point(x) and not engine.is_complex(x)
    assert [engine.typename(v) for v in (x, x.long(), 3)] == ["torch.FloatTensor", "torch.LongTensor", "int"]


def test_compile_returns_what_it_is_given():
    model = engine.nn.Linear(2, 2)
    assert engine.compile(model, mode="reduce-overhead") is model

    @engine.compile(fullgraph=True)
    def double(x):
        return 2 * x

    assert double(4) == 8
