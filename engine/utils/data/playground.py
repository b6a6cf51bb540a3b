"""Small two-dimensional sets of points, the classic ones of TensorFlow Playground and two moons.

Every function returns `(x, y)`: `x` float32 of shape (n, 2), coordinates within about [-6, 6];
`y` int64 class numbers 0 and 1 of shape (n,) for classification (`circle`, `xor`, `gauss`,
`spiral`, `moons`), or float32 targets of shape (n, 1), without noise within [-1.2, 1.2], for
regression (`plane`, `multi_gauss`). Where the Playground uses the labels -1 and +1, the classes
here are 0 and 1.

`noise` is the Playground's slider: 0 to 0.5. As there, for `circle`, `xor`, `plane` and
`multi_gauss` the noise decides the label and leaves the point where it is; for `gauss`, `spiral`
and `moons` it moves the point.

The numbers come from NumPy's `RandomState(seed)`, whose stream NumPy keeps frozen (NEP 19): one
seed is one set of points, on every machine. The points are shuffled once.

Source of the formulas: `src/dataset.ts` of github.com/tensorflow/playground.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.errors import DataError

Points = tuple[np.ndarray, np.ndarray]
MAX_NOISE = 1.0


def circle(n: int = 500, noise: float = 0.0, seed: int = 0) -> Points:
    """Class 1 is a disc of radius 2.5, class 0 the ring between radius 3.5 and 5 around it.

    With noise a point shifted by U(-5, 5) * noise in x and y is labelled by its distance < 2.5.
    """
    random = _generator(n, noise, seed)
    inner = n - n // 2
    radius = np.concatenate([random.uniform(0, 2.5, inner), random.uniform(3.5, 5, n // 2)])
    angle = random.uniform(0, 2 * np.pi, n)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    seen = x + random.uniform(-5, 5, (n, 2)) * noise
    return _shuffled(random, x, np.hypot(seen[:, 0], seen[:, 1]) < 2.5)


def xor(n: int = 500, noise: float = 0.0, seed: int = 0) -> Points:
    """Class 1 where both coordinates have the same sign, class 0 elsewhere.

    Points are U(-5, 5), moved 0.3 away from both axes. With noise the label is that of the point
    shifted by U(-5, 5) * noise.
    """
    random = _generator(n, noise, seed)
    x = random.uniform(-5, 5, (n, 2))
    x += np.where(x > 0, 0.3, -0.3)
    seen = x + random.uniform(-5, 5, (n, 2)) * noise
    return _shuffled(random, x, seen[:, 0] * seen[:, 1] >= 0)


def gauss(n: int = 500, noise: float = 0.0, seed: int = 0) -> Points:
    """Two normal clouds: class 1 around (2, 2), class 0 around (-2, -2).

    The variance of each coordinate is 0.5 + 7 * noise: 0.5 without noise, 4 at noise 0.5.
    """
    random = _generator(n, noise, seed)
    first = n - n // 2
    centre = np.where(np.arange(n) < first, 2.0, -2.0)
    x = centre[:, None] + random.normal(0, np.sqrt(0.5 + 7 * noise), (n, 2))
    return _shuffled(random, x, centre > 0)


def spiral(n: int = 500, noise: float = 0.0, seed: int = 0) -> Points:
    """Two arms of 1.75 turns, class 0 being class 1 turned by half a turn.

    Point i of m on an arm: r = 5 i/m, t = 1.75 * 2 pi i/m (+ pi for class 0),
    (r sin t, r cos t) + U(-1, 1) * noise.
    """
    random = _generator(n, noise, seed)
    first = n - n // 2
    share = np.concatenate([np.arange(first) / first, np.arange(n // 2) / (n // 2)])
    label = np.arange(n) < first
    angle = 1.75 * 2 * np.pi * share + np.where(label, 0.0, np.pi)
    x = 5 * share[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return _shuffled(random, x + random.uniform(-1, 1, (n, 2)) * noise, label)


def moons(n: int = 500, noise: float = 0.0, seed: int = 0) -> Points:
    """Two interleaving half circles of radius 3: class 0 the upper one, class 1 the lower one.

    t runs evenly over [0, pi]; class 0 is 3 (cos t - 0.5, sin t - 0.25), class 1 is
    3 (0.5 - cos t, 0.25 - sin t); each coordinate gets normal noise of standard deviation
    3 * noise. (The half circles of scikit-learn's `make_moons`, centred, times 3.)
    """
    random = _generator(n, noise, seed)
    lower = n - n // 2
    label = np.arange(n) < lower
    angle = np.concatenate([np.linspace(0, np.pi, lower), np.linspace(0, np.pi, n // 2)])
    upper = np.stack([np.cos(angle) - 0.5, np.sin(angle) - 0.25], axis=1)
    x = 3 * np.where(label[:, None], -upper, upper)
    return _shuffled(random, x + random.normal(0, 3, (n, 2)) * noise, label)


def plane(n: int = 1200, noise: float = 0.0, seed: int = 0) -> Points:
    """Regression: the target is (x1 + x2) / 10 on U(-6, 6) points.

    With noise the target is that of the point shifted by U(-6, 6) * noise.
    """
    random = _generator(n, noise, seed)
    x = random.uniform(-6, 6, (n, 2))
    seen = x + random.uniform(-6, 6, (n, 2)) * noise
    return _shuffled(random, x, seen.sum(axis=1) / 10, regression=True)


def multi_gauss(n: int = 1200, noise: float = 0.0, seed: int = 0) -> Points:
    """Regression: six cones of radius 2 and height +1 or -1; the largest in size decides.

    Centres (x1, x2): +1 at (-4, 2.5), (4, 2.5), (0, -2.5); -1 at (0, 2.5), (-4, -2.5),
    (4, -2.5). A cone's value is its sign times max(0, 1 - distance / 2). With noise the target is
    that of the point shifted by U(-6, 6) * noise.
    """
    random = _generator(n, noise, seed)
    x = random.uniform(-6, 6, (n, 2))
    seen = x + random.uniform(-6, 6, (n, 2)) * noise
    centres = np.array([(-4, 2.5), (0, 2.5), (4, 2.5), (-4, -2.5), (0, -2.5), (4, -2.5)])
    signs = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    distance = np.sqrt(((seen[:, None, :] - centres) ** 2).sum(axis=2))
    height = np.clip(1 - distance / 2, 0, None)
    strongest = height.argmax(axis=1)
    target = signs[strongest] * height[np.arange(n), strongest]
    return _shuffled(random, x, target, regression=True)


class PlaygroundSet(NamedTuple):
    """A set of points: the function that makes it, and what is learned from it."""

    make: Callable[..., Points]
    task: str
    classes: tuple[str, ...]


_TWO = ("0", "1")
SETS: dict[str, PlaygroundSet] = {
    "circle": PlaygroundSet(circle, "classification", ("ring", "disc")),
    "xor": PlaygroundSet(xor, "classification", ("signs differ", "signs agree")),
    "gauss": PlaygroundSet(gauss, "classification", ("lower left", "upper right")),
    "spiral": PlaygroundSet(spiral, "classification", _TWO),
    "moons": PlaygroundSet(moons, "classification", ("upper", "lower")),
    "plane": PlaygroundSet(plane, "regression", ()),
    "multi-gauss": PlaygroundSet(multi_gauss, "regression", ()),
}
"""All sets by their name on the screen."""


def make(name: str, n: int | None = None, noise: float = 0.0, seed: int = 0) -> Points:
    """Make the set of that name; `n` None takes the Playground's number (500, regression 1200).

    Raises:
        DataError: there is no such set, n < 2, or noise is outside [0, 1].
    """
    if name not in SETS:
        raise DataError(f"playground: there is no set {name!r}; there are: {', '.join(SETS)}")
    if n is None:
        return SETS[name].make(noise=noise, seed=seed)
    return SETS[name].make(n, noise=noise, seed=seed)


def _generator(n: int, noise: float, seed: int) -> np.random.RandomState:
    if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 2:
        raise DataError(f"playground: n must be an integer of at least 2, not {n!r}")
    if not 0 <= noise <= MAX_NOISE:
        raise DataError(f"playground: noise must be between 0 and {MAX_NOISE}, not {noise!r}")
    return np.random.RandomState(seed)


def _shuffled(random: np.random.RandomState, x: np.ndarray, y: np.ndarray, regression: bool = False) -> Points:
    order = random.permutation(len(x))
    points = x[order].astype(np.float32)
    if regression:
        return points, y[order].astype(np.float32)[:, None]
    return points, y[order].astype(np.int64)
