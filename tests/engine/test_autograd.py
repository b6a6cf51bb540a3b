"""autograd: user Functions, gradcheck, anomaly mode."""

import warnings

import numpy as np
import pytest

import engine
from engine import autograd, trace
from engine.errors import GradientError, InPlaceError, MissingError
from tests.engine.nn.pairs import assert_same, both, plain


def scaled_product(torch):
    class ScaledProduct(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, k):
            ctx.save_for_backward(x, y)
            ctx.k = k
            return x * y * k, x + y

        @staticmethod
        def backward(ctx, dz, ds):
            x, y = ctx.saved_tensors
            seen.append((ctx.needs_input_grad, plain(dz), plain(ds)))
            return dz * y * ctx.k + ds, dz * x * ctx.k + ds, None

    seen = []
    return ScaledProduct, seen


@pytest.mark.parametrize("needs", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("used", [(0,), (1,), (0, 1)])
def test_gradients_of_a_user_function(needs, used):
    def code(torch):
        function, seen = scaled_product(torch)
        x = torch.tensor([1.0, 2.0], requires_grad=needs[0])
        y = torch.tensor([3.0, 5.0], requires_grad=needs[1])
        outputs = function.apply(x, y, 2.0)
        sum(outputs[i].sum() * (i + 1) for i in used).backward()
        return plain(outputs), plain(x.grad), plain(y.grad), seen

    assert_same(code)


def test_without_gradients_nothing_is_recorded():
    function, _ = scaled_product(engine)
    assert function.apply(engine.ones(1), engine.ones(1), 1)[0].grad_fn is None
    with engine.no_grad():
        assert not function.apply(engine.ones(1, requires_grad=True), engine.ones(1), 1)[0].requires_grad


def test_the_tape_knows_it_by_the_name_of_the_script():
    function, _ = scaled_product(engine)
    node = function.apply(engine.ones(1, requires_grad=True), engine.ones(1), 1)[0].grad_fn
    assert node.name == "ScaledProduct" and type(node).__module__ == __name__
    assert isinstance(node, engine.function.Function)


def test_setup_context_and_outputs_without_gradient():
    def code(torch):
        class Sorted(torch.autograd.Function):
            @staticmethod
            def forward(x, scale):
                return x * scale, x > 0, x + 0

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.scale = inputs[1]
                ctx.mark_non_differentiable(output[2])
                ctx.set_materialize_grads(False)
                ctx.save_for_backward(output[0], None)

            @staticmethod
            def backward(ctx, dy, dpositive, dcopy):
                y, nothing = ctx.saved_tensors
                return dy * ctx.scale + y, nothing if dpositive is dcopy is None else 1

        x = torch.tensor([1.0, -2.0], requires_grad=True)
        y, positive, copy = Sorted.apply(x, 3.0)
        y.sum().backward()
        return plain(x.grad), y.requires_grad, positive.requires_grad, copy.requires_grad, plain(positive)

    assert_same(code)


RETURNS = {
    "too few": lambda t, g: g,
    "a pair": lambda t, g: (g, None),
    "trailing None": lambda t, g: (g, None, None),
    "too many": lambda t, g: (g, None, g),
    "nothing": lambda t, g: (None, None),
    "wrong shape": lambda t, g: (t.ones(3), None),
    "to be summed": lambda t, g: (t.ones(4, 2), None),
    "other dtype": lambda t, g: (t.ones(2, dtype=t.float64), None),
}


def identity(torch, result):
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, number):
            return x + 0

        @staticmethod
        def backward(ctx, dy):
            return result(torch, dy)

    return Same


@pytest.mark.parametrize("result", RETURNS)
def test_what_backward_returns(result):
    def code(torch):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        identity(torch, RETURNS[result]).apply(x, 1).sum().backward()
        return plain(x.grad), None if x.grad is None else str(x.grad.dtype)

    assert_same(code)


@pytest.mark.parametrize(
    ("result", "message"),
    [(lambda t, g: (g, g), "position 2, but the corresponding forward input was not a Variable"),
     (lambda t, g: (3, None), r"expected Variable or None \(got int\)")],
)
def test_gradients_that_are_refused(result, message):
    x = engine.ones(2, requires_grad=True)
    with pytest.raises(GradientError, match=message):
        identity(engine, result).apply(x, 1).sum().backward()


def test_misuse_is_named():
    class Empty(autograd.Function):
        pass

    class Saves(autograd.Function):
        @staticmethod
        def forward(ctx, x, method, value):
            getattr(ctx, method)(value)
            return x + 0

    x = engine.ones(1, requires_grad=True)
    with pytest.raises(NotImplementedError, match="must implement the forward"):
        Empty.apply(x)
    with pytest.raises(NotImplementedError, match="must implement the backward"):
        Saves.apply(x, "save_for_backward", x).backward()
    with pytest.raises(TypeError, match="can only save variables, but argument 0 is of type int"):
        Saves.apply(x, "save_for_backward", 3)
    with pytest.raises(InPlaceError, match="in place"):
        Saves.apply(x, "mark_dirty", x)
    with pytest.raises(RuntimeError, match="not instantiated"):
        Empty()
    with pytest.raises(TypeError, match="every output must be a tensor"):
        identity_of_number().apply(x)


def identity_of_number():
    class Number(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 3

    return Number


@pytest.mark.parametrize("which", [0, 1])
def test_changing_a_saved_tensor_is_an_error(which):
    class Exp(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.saved_tensors[1]

    x = engine.ones(2, requires_grad=True)
    y = Exp.apply(x)
    y.sum().backward(retain_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), np.e, rtol=1e-6)
    (x if which == 0 else y)._bump()
    with pytest.raises(GradientError, match="modified by an inplace operation"):
        y.sum().backward()


def test_backward_twice_needs_the_graph():
    function, _ = scaled_product(engine)
    x = engine.ones(2, requires_grad=True)
    y = function.apply(x, x, 1.0)[0].sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 4.0]
    with pytest.raises(GradientError, match="second time"):
        y.backward()


def test_an_output_that_is_an_input_shares_its_version():
    class Through(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, dy):
            return dy

    x = engine.ones(2, requires_grad=True)
    y = Through.apply(x)
    assert y is not x and np.shares_memory(y._array, x._array)
    x._bump()
    assert y._version is x._version


def test_gradcheck_accepts_what_is_right():
    def f(x, y, n):
        return (x * y).exp() * n, x.sum()

    x = engine.rand(2, 3, dtype=engine.float64, requires_grad=True)
    y = engine.rand(3, dtype=engine.float64, requires_grad=True)
    before = x.tolist()
    assert autograd.gradcheck(f, (x, y, 3))
    assert x.tolist() == before and x.grad is None
    assert autograd.gradcheck(lambda t: t.transpose(0, 1) * 2, x.detach().t().requires_grad_())


def test_gradcheck_refuses_what_is_wrong():
    def code(torch):
        wrong = identity(torch, lambda t, g: (g * 3, None))
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        assert not torch.autograd.gradcheck(wrong.apply, (x, 1), raise_exception=False)
        return torch.autograd.gradcheck(wrong.apply, (x, 1))

    theirs, ours = both(code)
    assert ours[0] == theirs[0] == "RuntimeError"
    assert "Jacobian mismatch for output 0 with respect to input 0" in ours[1] and "[3. 0.]" in ours[1]
    assert_same(lambda t: t.autograd.gradcheck(lambda x: x * 2, t.ones(2)))


def test_gradcheck_says_what_else_is_wrong():
    x = engine.ones(2, dtype=engine.float64, requires_grad=True)
    with pytest.raises(autograd.GradcheckError, match="expected to be zero"):
        autograd.gradcheck(lambda t: t.detach() * 2, x)
    noisy = identity(engine, lambda t, g: (g * t.rand(2, dtype=t.float64), None))
    with pytest.raises(autograd.GradcheckError, match="not reentrant"):
        autograd.gradcheck(noisy.apply, (x, 1))
    with pytest.warns(UserWarning, match="not a double precision"):
        autograd.gradcheck(lambda t: t * 2, engine.ones(1, requires_grad=True), atol=0.1)
    with pytest.raises(MissingError, match="gradient of a gradient"):
        autograd.gradgradcheck(lambda t: t, x)


def test_variable_is_a_tensor():
    x = engine.ones(2)
    v = autograd.Variable(x, requires_grad=True)
    assert v.requires_grad and not x.requires_grad and np.shares_memory(v._array, x._array)
    assert isinstance(x, autograd.Variable) and not isinstance(3, autograd.Variable)


def nan_gradient():
    return identity(engine, lambda t, g: (g * float("nan"), None))


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_anomaly_mode_names_op_and_line():
    x = engine.ones(2, requires_grad=True)
    with autograd.detect_anomaly():
        assert autograd.is_anomaly_enabled() and engine.is_anomaly_check_nan_enabled()
        y = nan_gradient().apply(x, 1).sum()  # the line
        with pytest.raises(GradientError, match=r"Function 'SameBackward0' returned nan values.*# the line"):
            y.backward()
    assert not autograd.is_anomaly_enabled() and trace.observer is None
    nan_gradient().apply(x, 1).sum().backward()


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_anomaly_mode_warns_where_nan_begins():
    with autograd.detect_anomaly():
        with pytest.warns(UserWarning, match=r"called at .*begins here"):
            nan = (engine.ones(1) * 0).log() * 0  # begins here
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nan + 1


def test_anomaly_mode_leaves_another_observer_its_calls():
    class Counter(trace.Observer):
        forwards = modules = 0

        def after_forward(self, function, inputs, outputs):
            self.forwards += 1

        def enter_module(self, module, inputs):
            self.modules += 1

    counter = Counter()
    trace.set_observer(counter)
    try:
        autograd.set_detect_anomaly(True, check_nan=False)
        engine.nn.ReLU()(engine.ones(1) * 0)
        assert autograd.is_anomaly_enabled() and not autograd.is_anomaly_check_nan_enabled()
        autograd.set_detect_anomaly(False)
        assert trace.observer is counter and counter.forwards == 2 and counter.modules == 1
    finally:
        trace.set_observer(None)
