"""The same code run with PyTorch and with the engine."""

import numpy as np
import pytest

import engine


def both(code, *, seed=0):
    """(what ``code(torch)`` gives, what ``code(engine)`` gives), each after seeding; exceptions as (base, text)."""
    torch = pytest.importorskip("torch")
    found = []
    for framework in (torch, engine):
        framework.manual_seed(seed)
        try:
            found.append(plain(code(framework)))
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, AssertionError, IndexError,
                NotImplementedError) as error:
            found.append((kinds(error), str(error).replace("torch.nn.modules.", "engine.nn.")))
    return tuple(found)


def kinds(error):
    """Which of the built-in exceptions that scripts catch this is."""
    order = (KeyError, IndexError, AttributeError, NotImplementedError, AssertionError, TypeError, RuntimeError,
             ValueError)
    return next(kind.__name__ for kind in order if isinstance(error, kind))


def plain(value):
    """Tensors as nested lists, so that the results of both can be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "detach") and hasattr(value, "tolist"):
        return value.detach().tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value)) if type(value) in (tuple, list) else list(map(plain, value))
    return value


def assert_same(code, **options):
    """``code`` gives the same with both."""
    theirs, ours = both(code, **options)
    assert ours == theirs, f"engine: {ours}\nPyTorch: {theirs}"


def assert_close(code, rtol=1e-5, atol=1e-6, **options):
    """``code``'s nested lists of numbers are nearly the same with both."""
    theirs, ours = both(code, **options)
    assert not (isinstance(theirs, tuple) and theirs and isinstance(theirs[0], str)), theirs
    for a, b in zip(flat(ours), flat(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def flat(value):
    """The leaves of nested lists, as arrays."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple, dict)) for v in value):
        return [leaf for v in value for leaf in flat(v)]
    return [np.asarray(value, dtype=np.float64)]
