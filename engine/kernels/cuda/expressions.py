"""What each of NumPy's ufuncs computes of one element (``a``) or of two (``a``, ``b``), as Python that Numba compiles.

The operands have been converted to the ufunc's loop dtype. An expression for floats and one for integers where the
two differ; helpers are functions of :mod:`engine.kernels.cuda.scalars`, and ``kind`` is the operands' type: a number with
a point would make a float32 a float64.
"""

from __future__ import annotations

#: name of the ufunc -> expression, or (for floats, for integers and bools).
EXPRESSIONS: dict[str, str | tuple[str, str]] = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "divide": "a / b",
    "floor_divide": ("floor_divide(a, b, kind(0.5), kind(1))", "floor_divide_integers(a, b)"),
    "remainder": ("remainder(a, b)", "remainder_integers(a, b)"),
    "fmod": ("fmod(a, b)", "fmod_integers(a, b)"),
    "power": ("math.pow(a, b)", "power_integers(a, b)"),
    "float_power": "math.pow(a, b)",
    "negative": "-a",
    "positive": "a",
    "absolute": "abs(a)",
    "fabs": "abs(a)",
    "sign": ("sign(a, kind(0), kind(1))", "sign_integers(a)"),
    "reciprocal": "1 / a",
    "square": "a * a",
    "sqrt": "math.sqrt(a)",
    "exp": "math.exp(a)",
    "exp2": "math.pow(kind(2), a)",
    "expm1": "math.expm1(a)",
    "log": "math.log(a)",
    "log2": "math.log2(a)",
    "log10": "math.log10(a)",
    "log1p": "math.log1p(a)",
    "sin": "math.sin(a)",
    "cos": "math.cos(a)",
    "tan": "math.tan(a)",
    "arcsin": "math.asin(a)",
    "arccos": "math.acos(a)",
    "arctan": "math.atan(a)",
    "arctan2": "math.atan2(a, b)",
    "sinh": "math.sinh(a)",
    "cosh": "math.cosh(a)",
    "tanh": "math.tanh(a)",
    "arcsinh": "math.asinh(a)",
    "arccosh": "math.acosh(a)",
    "arctanh": "math.atanh(a)",
    "hypot": "math.hypot(a, b)",
    "copysign": "math.copysign(a, b)",
    "maximum": "maximum(a, b)",
    "minimum": "minimum(a, b)",
    "fmax": "fmax(a, b)",
    "fmin": "fmin(a, b)",
    "floor": ("math.floor(a)", "a"),
    "ceil": ("math.ceil(a)", "a"),
    "trunc": ("trunc(a)", "a"),
    "rint": ("rint(a, kind(0.5), kind(1), kind(2))", "a"),
    "isnan": ("a != a", "False"),
    "isinf": ("isinf(a)", "False"),
    "isfinite": ("a - a == 0", "True"),
    "signbit": ("math.copysign(kind(1), a) < 0", "a < 0"),
    "equal": "a == b",
    "not_equal": "a != b",
    "less": "a < b",
    "less_equal": "a <= b",
    "greater": "a > b",
    "greater_equal": "a >= b",
    "logical_and": "(a != 0) and (b != 0)",
    "logical_or": "(a != 0) or (b != 0)",
    "logical_xor": "(a != 0) != (b != 0)",
    "logical_not": "not (a != 0)",
    "bitwise_and": "a & b",
    "bitwise_or": "a | b",
    "bitwise_xor": "a ^ b",
    "invert": "~a",
    "left_shift": "a << b",
    "right_shift": "a >> b",
}

#: What replaces these where the operands are bools: NumPy's sum of bools is "or", its product "and".
BOOLS: dict[str, str] = {
    "add": "a or b",
    "multiply": "a and b",
    "maximum": "a or b",
    "minimum": "a and b",
    "fmax": "a or b",
    "fmin": "a and b",
    "bitwise_and": "a and b",
    "bitwise_or": "a or b",
    "bitwise_xor": "a != b",
    "invert": "not a",
    "absolute": "a",
    "isfinite": "True",
}


def expression(name: str, kind: str) -> str | None:
    """The expression of the ufunc ``name`` on operands of dtype kind ``kind`` (``"f"``, ``"i"``, ``"u"``, ``"b"``)."""
    found = EXPRESSIONS.get(name)
    if kind == "b" and name in BOOLS:
        return BOOLS[name]
    if isinstance(found, tuple):
        return found[0] if kind == "f" else found[1]
    return found
