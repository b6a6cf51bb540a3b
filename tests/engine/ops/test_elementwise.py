"""Arithmetic, maths and selection: against their definitions, and against PyTorch (values, gradients, dtypes)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.errors import DeviceError, DtypeError, GradientError, ShapeError
from engine.ops import arithmetic, division, elementwise, in_place_forms, maths, powers, selection, trigonometry
from engine.tensor import wrap
from tests.engine.ops.movement_parity import both_refuse, randoms, same
from tests.oracle import check_function

torch = pytest.importorskip("torch")

#: Signed zeros, halves, infinities, NaN, and numbers whose exponentials overflow.
SPECIAL = np.array([0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, np.nan, np.inf, -np.inf, 100, -100, 3e38], np.float32)

UNARY = [
    arithmetic.Neg, arithmetic.Abs, arithmetic.Sign, division.Reciprocal, maths.Exp, maths.Exp2, maths.Expm1, maths.Log,
    maths.Log2, maths.Log10, maths.Log1p, maths.Sqrt, maths.Rsqrt, maths.Erf, maths.Floor, maths.Ceil, maths.Trunc,
    maths.Round, maths.Frac, trigonometry.Sin, trigonometry.Cos, trigonometry.Tan, trigonometry.Sinh, trigonometry.Cosh,
    trigonometry.Asin, trigonometry.Acos, trigonometry.Atan, elementwise.Clone, in_place_forms.Zero,
]
BINARY = [
    arithmetic.Add, arithmetic.Sub, arithmetic.Rsub, arithmetic.Mul, division.Div, division.DivFloor, division.DivTrunc,
    division.Remainder, division.Fmod, powers.Pow, trigonometry.Atan2, selection.Maximum, selection.Minimum,
    in_place_forms.Copy,
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", UNARY, ids=lambda kind: kind.__name__)
def test_unary_matches_definition(kind, dtype):
    make = (lambda: kind(0)) if kind is in_place_forms.Zero else kind
    x = np.linspace(0.04, 0.96, 12, dtype=dtype).reshape(3, 4)
    check_function(make(), x)
    check_function(make(), x[::2, ::-1])
    check_function(make(), np.array(0.3, dtype))
    if kind not in (maths.Log, maths.Log2, maths.Log10, maths.Sqrt, maths.Rsqrt, maths.Log1p):
        check_function(make(), x - dtype(0.47))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", BINARY, ids=lambda kind: kind.__name__)
def test_binary_matches_definition(kind, dtype):
    a, b = np.abs(randoms(3, 4, dtype=dtype)) + dtype(0.1), np.abs(randoms(4, 3, dtype=dtype)) + dtype(0.1)
    check_function(kind(), a, b.T)
    check_function(kind(), a[0], b[:, 0])


def test_ternary_and_parameters_match_definition():
    a, b, w = randoms(3, 4), randoms(3, 4, seed=1), randoms(3, 4, seed=2)
    check_function(selection.Lerp(), a, b, w)
    check_function(selection.Where(), a > 0, a, b)
    check_function(selection.Clamp(-0.5, 0.5), a)
    check_function(selection.Clamp(-np.inf, 0.5), a)
    check_function(in_place_forms.Fill(2.5), a)
    check_function(elementwise.Cast(np.dtype(np.float64)), a)


@pytest.mark.parametrize(
    "name",
    "neg abs sign reciprocal square exp exp2 expm1 log log2 log10 log1p sqrt rsqrt erf sin cos tan sinh cosh asin acos "
    "atan floor ceil trunc round".split(),
)
def test_unary_as_in_pytorch(name):
    def call(lib, x):
        return getattr(lib, name)(x)

    for x in (SPECIAL, randoms(3, 4), randoms(4, 3).T, randoms(), randoms(0, 3), randoms(5, dtype=np.float64)):
        same(call, x, layout=False, rtol=2e-6)
    same(call, np.arange(1, 5), layout=False, rtol=2e-6)


BINARY_NAMES = "add sub mul div pow remainder fmod floor_divide maximum minimum atan2".split()


@pytest.mark.parametrize("name", BINARY_NAMES)
def test_binary_special_values(name):
    # At ties, zeros and infinities too the gradients are PyTorch's; where its scalar and vector code disagree
    # about infinities, only finite values are compared.
    x = SPECIAL[np.absolute(SPECIAL) <= 100] if name in ("remainder", "fmod", "atan2") else SPECIAL
    n = len(x)
    same(lambda lib, a, b: getattr(lib, name)(a, b), x[:, None].repeat(n, 1), x[None].repeat(n, 0),
         layout=False, rtol=1e-5, grad=name != "floor_divide")


ARRAYS = [
    np.float32, np.float64, np.int64, np.uint8, np.bool_,
]


@given(
    name=st.sampled_from(["add", "mul", "div", "eq", "lt", "where", "maximum"]),
    a_type=st.sampled_from(ARRAYS), b_type=st.sampled_from(ARRAYS),
    a_shape=st.sampled_from([(), (3,), (2, 3), (2, 1)]), b_shape=st.sampled_from([(), (3,), (1, 3), (2, 3)]),
)
def test_dtypes_and_shapes_mix_as_in_pytorch(name, a_type, b_type, a_shape, b_shape):
    a = np.array(np.arange(np.prod(a_shape, dtype=int)).reshape(a_shape) % 3 + 1).astype(a_type)
    b = np.array(np.arange(np.prod(b_shape, dtype=int)).reshape(b_shape) % 4 + 1).astype(b_type)
    if name == "where":
        same(lambda lib, x, y: lib.where(x > y, x, y), a, b, layout=False)
    else:
        same(lambda lib, x, y: getattr(lib, name)(x, y), a, b, layout=False)


def test_empty():
    same(lambda lib, x, y: (x + y, x * 2, lib.maximum(x, y), x.exp()), randoms(0, 3), randoms(1, 3), layout=False)


NUMBERS = [2, 2.5, True, -3, 300]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("dtype", ARRAYS)
def test_numbers_take_part_with_their_category_only(dtype, number):
    x = np.array([1, 0, 1]).astype(dtype)
    same(lambda _lib, x: (x + number, x * number, number + x, x / number), x, layout=False)
    if number is not True and dtype is not np.bool_:
        same(lambda _lib, x: (number - x, x - number), x, layout=False)
        same(lambda _lib, x: (x % number, number * x), x, layout=False)


@given(
    values=st.lists(st.integers(-2**62, 2**62), min_size=1, max_size=4),
    others=st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=4),
)
def test_integers_divide_and_overflow_as_in_pytorch(values, others):
    n = min(len(values), len(others))
    a, b = np.array(values[:n]), np.array(others[:n])
    same(lambda lib, x, y: (x // y, x % y, lib.fmod(x, y), lib.div(x, y, rounding_mode="trunc"), x * y, x + y),
         a, b, grad=False, layout=False)


def test_operators_and_their_reflections():
    x = np.abs(randoms(2, 3)) + 0.5
    same(lambda _lib, x: (x + 1, 1 + x, x - 2, 2 - x, x * 3, 3 * x, x / 2, 2 / x), x, layout=False)
    same(lambda _lib, x: (x**2, 2**x, x**0.5, x**-1, x**3, x**1.7, -x, abs(x), x % 2), x, layout=False)
    same(lambda _lib, x: (x // 2, 5 // x, 5 % x), x, layout=False, grad=False)


@pytest.mark.parametrize("mode", ["floor", "trunc"])
def test_rounded_division(mode):
    def call(lib, a, b):
        return lib.div(a, b, rounding_mode=mode)

    same(call, SPECIAL[:, None].repeat(14, 1), SPECIAL[None].repeat(14, 0), layout=False)
    same(call, -np.arange(7), np.array([2, -2, 3, -3, 5, 1, 4]), layout=False)


def test_remaining_arguments():
    a, b, c = randoms(3, 4), randoms(3, 4, seed=1), np.abs(randoms(3, 4, seed=2)) + 0.1
    same(lambda lib, a, b: (lib.add(a, b, alpha=2.5), lib.sub(a, b, alpha=2)), a, b, layout=False)
    same(lambda lib, a, b, c: (lib.addcmul(a, b, c, value=0.5), lib.addcdiv(a, b, c, value=-2)), a, b, c, layout=False)
    same(lambda lib, a, b, c: (lib.lerp(a, b, 0.3), lib.lerp(a, b, 0.8), lib.lerp(a, b, c)), a, b, c, layout=False)
    same(lambda lib, a: (lib.round(a * 100, decimals=2), lib.round(a * 100, decimals=-1)), a, layout=False)


@pytest.mark.parametrize("bounds", [{"min": -0.5}, {"max": 0.2}, {"min": -0.3, "max": 0.3}, {"min": 1, "max": -1}])
def test_clamp(bounds):
    for x in (randoms(20), SPECIAL, np.arange(-3, 3)):
        same(lambda lib, x: lib.clamp(x, **bounds), x, layout=False)


def test_clamp_with_tensors():
    same(lambda lib, x, a, b: lib.clamp(x, a, b), randoms(3, 4), randoms(4) - 0.5, randoms(3, 1) + 0.5, layout=False)


@given(source=st.sampled_from(ARRAYS), target=st.sampled_from(["float", "double", "long", "byte", "bool"]))
def test_casts(source, target):
    x = np.array([-1.7, 0.0, 0.4, 2.5, 300.2]).astype(source)
    same(lambda lib, x: getattr(x, target)(), x, layout=False, grad=target in ("float", "double"))


def test_to():
    x = engine.ones(2, requires_grad=True)
    assert x.to(engine.float32) is x and x.to("cpu") is x and x.to(x) is x
    assert x.to(engine.float32, copy=True) is not x
    assert x.to("cpu", engine.float64).dtype is engine.float64
    assert x.to(engine.zeros(1, dtype=engine.int64)).dtype is engine.int64
    assert x.type() == "torch.FloatTensor" and x.type("torch.LongTensor").dtype is engine.int64
    with pytest.raises(TypeError, match="to"):
        x.to([])
    with pytest.raises(DeviceError, match="cuda"):
        x.to(3)


def test_clone_has_its_own_memory():
    x = engine.ones(3)
    y = x.clone()
    y += 1
    assert x.tolist() == [1, 1, 1]


GRAD_FN = [
    lambda x: x + 1, lambda x: 1 - x, lambda x: x - x, lambda x: 2 * x, lambda x: x / 2, lambda x: 2 / x,
    lambda x: x**2, lambda x: 2**x, lambda x: x**x, lambda x: -x, lambda x: x.double(), lambda x: x.clone(),
    lambda x: x.log1p(),
    lambda x: x.clamp(0), lambda x: x % 2, lambda x: x % x, lambda x: x.sqrt(), lambda x: x.exp(), lambda x: x.abs(),
    lambda x: x.sum(), lambda x: x.sum(0), lambda x: x.mean(), lambda x: x.mean(0), lambda x: x.max(),
    lambda x: x.max(0)[0], lambda x: x.var(), lambda x: x.norm(), lambda x: x @ x, lambda x: x.prod(),
    lambda x: x.median(),
    lambda x: x.cumsum(0),
]


@pytest.mark.parametrize("call", GRAD_FN)
def test_grad_fn_has_pytorchs_name(call):
    mine = call(engine.tensor([1.0, 2.0], requires_grad=True))
    theirs = call(torch.tensor([1.0, 2.0], requires_grad=True))
    assert repr(mine.grad_fn) == f"<{type(theirs.grad_fn).__name__}>"


def test_no_warnings_and_the_scripts_settings_stay():
    before = np.geterr()
    x = engine.tensor(SPECIAL)
    for result in (x / 0, x.log(), x * 3e38, x.exp(), x.long()):
        assert result.shape == x.shape
    assert np.geterr() == before


def test_refusals():
    with pytest.raises(ShapeError, match=r"add: shapes \(2, 3\) and \(2, 4\) do not broadcast; dimension -1 has"):
        engine.ones(2, 3) + engine.ones(2, 4)
    with pytest.raises(TypeError, match="argument 'other' must be Tensor or Number, not str"):
        engine.ones(2) + "a"
    with pytest.raises(GradientError, match="floor_divide"):
        (engine.ones(2, requires_grad=True) // 2).sum().backward()
    with pytest.raises(ValueError, match="rounding_mode"):
        engine.div(engine.ones(2), 2, rounding_mode="up")
    with pytest.raises(DtypeError, match="lerp"):
        engine.lerp(engine.ones(2), engine.ones(2).double(), 0.5)
    with pytest.raises(ValueError, match="At least one"):
        engine.ones(2).clamp()
    both_refuse(lambda lib, x: x - x, np.array([True]), match="bool")
    both_refuse(lambda lib, x: -x, np.array([True]), match="bool")
    both_refuse(lambda lib, x: x // 0, np.array([1, 2]), match="ZeroDivision")
    both_refuse(lambda lib, x: x**-1, np.array([1, 2]), match="negative integer powers")
    both_refuse(lambda lib, x: lib.maximum(x, 2), np.array([1.0]), match="must be Tensor")


def test_an_operand_without_gradient_is_not_expanded():
    y = wrap(randoms(2, 3)).requires_grad_() * wrap(randoms(3))
    assert y._function.edges[1] is None and type(y._function) is arithmetic.Mul
