"""An expression with its numbers, as text: what the formula's line becomes when every name is replaced by its value."""

from __future__ import annotations

import math
from typing import Any

from engine.debug.explain.traced import Traced, value_of

#: Terms shown at the head of a long sum or product, on the outside and within.
_HEAD = (4, 2)
#: Numbers shown in all, and how deep brackets go, before a part stands as its value.
_NUMBERS, _DEPTH = 48, 10
#: A part that was written before is written again up to so many characters; a longer one stands as its value.
_AGAIN = 32
#: Significant digits tried in turn, until computing with the numbers as they are written gives the result.
_DIGITS = (5, 6, 7, 8, 12)
#: By how much of the result the line may be wrong, and by how much of what an update changes.
_CLOSE, _STEP = 2e-4, 0.05

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_NAMES = {"log": "ln", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}
_CONSTANTS = {
    math.sqrt(0.5): "√(1/2)", 1.0 / math.sqrt(2.0 * math.pi): "(1/√(2·π))", math.sqrt(2.0 / math.pi): "√(2/π)",
    2.0 / math.sqrt(math.pi): "(2/√π)", math.log(2.0): "ln(2)", math.log(10.0): "ln(10)",
}  # fmt: skip
_SUPERSCRIPTS = {2: "²", 3: "³"}


def number(value: Any, digits: int = 5) -> str:
    """``value`` in at most ``digits`` significant digits; whole numbers as they are, 0 without a sign."""
    if isinstance(value, bool) or value is None or isinstance(value, (tuple, list, str)):
        return str(value)
    if isinstance(value, float) or not hasattr(value, "__index__"):
        return f"{float(value) or 0.0:.{digits}g}"
    return str(int(value))


def with_numbers(node: Traced, single: bool, update: bool) -> str:
    """``node`` with its numbers, an equals sign and its value, in as many digits as it takes to be true.

    Args:
        single: the numbers are float32, which have no more than eight digits.
        update: of a parameter: as many digits that the step is seen in the result.
    """
    text = ""
    for digits in _DIGITS[: -1 if single else None]:
        writer = Numbers(digits)
        text = writer.write(node)
        shown = digits if update and digits > 5 else 5
        value = number(node.value, shown)
        if text == value and text.startswith("-"):
            text = f"-({text[1:]})"  # of one number the other sign: -1 = -1 would say nothing
        text = f"{text} = {value}"
        if abs(writer.error) <= _CLOSE * abs(node.value) and not (update and _hides_step(node, digits)):
            break
    return text


def _hides_step(node: Traced, digits: int) -> bool:
    """Whether what is subtracted from the old value is less than the result's digits show."""
    if node.op not in ("+", "-") or not node.value or not math.isfinite(node.value):
        return False
    step = abs(value_of(node.right))
    return step > 0.0 and 10.0 ** (math.floor(math.log10(abs(node.value))) + 1 - digits) > _STEP * step


class Numbers:
    """Writes the expression of a traced number: sums and products flat, long ones cut, parts within by their values.

    Attributes:
        error: what is wrong with the result when it is computed of the numbers as they are written.
    """

    def __init__(self, digits: int = 5) -> None:
        self.error = 0.0
        self._digits, self._left = digits, _NUMBERS
        self._written: dict[int, str] = {}
        self._rounded: set[int] = set()

    def write(self, node: Any, level: int = _SUM, depth: int = 0) -> str:
        """``node`` as text; in brackets where it binds less than ``level``. What is long and stood there before stands as
        its value."""
        node = simplest(node)
        if type(node) is not Traced or node.op in ("read", "given") or depth > _DEPTH or self._left <= 0:
            return self._value(node, level)
        if len(self._written.get(id(node), "")) > _AGAIN:
            return self._value(node, level)
        text, own = self._operation(node, depth)
        self._written[id(node)] = text
        return text if own >= level else f"({text})"

    def _value(self, node: Any, level: int) -> str:
        self._left -= 1
        value = value_of(node)
        if type(node) is not Traced and value in _CONSTANTS:
            return _CONSTANTS[value]
        text = self._text(node, value)
        if type(node) is Traced and node.derivative and id(node) not in self._rounded and math.isfinite(value):
            self._rounded.add(id(node))
            self.error += node.derivative * (float(text) - value)
        return f"({text})" if text.startswith("-") and level > _SUM else text

    def _text(self, node: Any, value: Any) -> str:
        # What a setting or the formula says is a number with an end, as a rule.
        whole = f"{value:.12g}" if type(value) is float and getattr(node, "op", "given") == "given" else ""
        return whole if 0 < len(whole) <= 8 else number(value, self._digits)

    def _operation(self, node: Traced, depth: int) -> tuple[str, int]:
        op, inner = node.op, depth + 1
        if op in ("+", "-"):
            return self._sum(node, depth)
        if op == "*":
            return self._product(node, depth)
        if op == "/":
            negative = type(node.left) is Traced and node.left.op in ("*", "neg")
            left = self.write(node.left, _SUM if negative else _PRODUCT, inner)
            own = _SUM if left.startswith("-") else _PRODUCT
            return f"{left}/{self.write(node.right, _POWER, inner)}", own
        if op == "%":
            return f"{self.write(node.left, _POWER, inner)} mod {self.write(node.right, _POWER, inner)}", _SUM
        if op == "**":
            return f"{self.write(node.left, _ATOM, inner)}^{self.write(node.right, _ATOM, inner)}", _POWER
        if op == "neg":
            return f"-{self.write(node.left, _PRODUCT, inner)}", _SUM
        return self._function(node, inner)

    def _function(self, node: Traced, inner: int) -> tuple[str, int]:
        op = node.op
        if op == "abs":
            return f"|{self.write(node.left, _SUM, inner)}|", _ATOM
        if op == "sqrt":
            return f"√{self.write(node.left, _ATOM, inner)}", _POWER
        if op == "log1p":
            return f"ln(1 + {self.write(node.left, _PRODUCT, inner)})", _ATOM
        if op == "expm1":
            return f"exp({self.write(node.left, _SUM, inner)}) - 1", _SUM
        arguments = [self.write(node.left, _SUM, inner)]
        if node.right is not None:
            arguments.append(self.write(node.right, _SUM, inner))
        return f"{_NAMES.get(op, op)}({', '.join(arguments)})", _ATOM

    # ---- sums ----

    def _sum(self, node: Traced, depth: int) -> tuple[str, int]:
        terms = _terms(node)
        head, cut = self._shown(terms, depth)
        places = list(range(len(head)))
        if cut and not depth:
            # What zeros add says nothing: behind a ReLU they would be all that is seen.
            places = [i for i, (_, term) in enumerate(terms[:-1]) if value_of(term) != 0][: len(head)] or places
        text, before = "", -1
        for i in places:
            if i > before + 1:
                text += " + …" if text else "…"
            text = self._joined(text, *terms[i], depth)
            before = i
        if cut:
            more = f" ({len(terms) - len(head) - 1} more)" if depth else ""
            text += f" + …{more}" if before < len(terms) - 2 else ""
            text = self._joined(text, *terms[-1], depth)
            text += "" if depth else f" ({len(terms)} terms)"
        return text, _SUM if len(terms) > 1 or text.startswith("-") else _PRODUCT

    def _joined(self, text: str, sign: str, term: Any, depth: int) -> str:
        """``text`` and one more term; ``+ -`` is written as ``-``."""
        term = simplest(term)
        inner = type(term) is Traced and term.op in ("+", "-")
        shown = self.write(term, _PRODUCT if sign == "-" or inner else _SUM, depth + 1)
        if not text:
            return f"-{shown}" if sign == "-" else shown
        return f"{text} - {shown[1:]}" if sign == "+" and shown.startswith("-") else f"{text} {sign} {shown}"

    # ---- products ----

    def _product(self, node: Traced, depth: int) -> tuple[str, int]:
        sign, factors = _factors(node)
        powers: list[tuple[Any, int]] = []
        for factor in factors:
            same = next((i for i, (other, _) in enumerate(powers) if _same(other, factor)), None)
            if same is None:
                powers.append((factor, 1))
            else:
                powers[same] = (factor, powers[same][1] + 1)
        head, cut = self._shown(powers, depth)
        level = _POWER if len(powers) > 1 or sign < 0 else _PRODUCT
        text = "·".join([self._power(factor, times, level, depth) for factor, times in head])
        if cut:
            text += f"·…·{self._power(*powers[-1], level, depth)}"
            text += f" ({len(powers)} factors)" if depth == 0 else ""
        return (f"-{text}", _SUM) if sign < 0 else (text, _PRODUCT)

    def _power(self, factor: Any, times: int, level: int, depth: int) -> str:
        if times == 1:
            return self.write(factor, level, depth + 1)
        return self.write(factor, _ATOM, depth + 1) + _SUPERSCRIPTS.get(times, f"^{times}")

    @staticmethod
    def _shown(parts: list, depth: int) -> tuple[list, bool]:
        """The parts to show first, and whether some are left out before the last."""
        head = _HEAD[min(depth, 1)]
        return (parts, False) if len(parts) <= head + 2 else (parts[:head], True)


def simplest(node: Any) -> Any:
    """``node`` without the zeros that sums begin with, two signs that cancel, and what settings make 0 or 1."""
    while type(node) is Traced:
        simpler = _simpler(node)
        if simpler is node:
            break
        node = simpler
    return node


def _simpler(node: Traced) -> Any:
    left, right = node.left, node.right
    if node.op == "+" and type(left) is not Traced and left == 0:
        return right
    if node.op in ("+", "-") and type(right) is Traced and _fixed(right) == 0:
        return left
    if node.op == "*" and (_fixed(left) == 1 or _fixed(right) == 1):
        return right if _fixed(left) == 1 else left
    if node.op == "/" and _fixed(right) == 1:
        return left
    if node.op == "neg" and type(left) is Traced and left.op == "neg":
        return left.left
    return node


def _terms(node: Traced) -> list[tuple[str, Any]]:
    """Signs and terms of a sum, without the zero that it began with and what settings leave out."""
    terms: list[tuple[str, Any]] = []
    rest: Any = node
    while type(rest) is Traced and rest.op in ("+", "-"):
        if not (type(rest.right) is Traced and _fixed(rest.right) == 0):
            terms.append((rest.op, rest.right))
        rest = rest.left
    if type(rest) is Traced or value_of(rest) != 0:
        terms.append(("+", rest))
    terms.reverse()
    return terms


def _factors(node: Traced) -> tuple[int, list]:
    """The sign and the factors of a product, without those that are 1 by the settings."""
    sign, factors, waiting = 1, [], [node]
    while waiting:
        part: Any = simplest(waiting.pop())
        if type(part) is Traced and part.op == "*":
            waiting += [part.right, part.left]
        elif type(part) is Traced and part.op == "neg":
            sign = -sign
            waiting.append(part.left)
        else:
            factors.append(part)
    return sign, factors


def _same(a: Any, b: Any) -> bool:
    """Whether two numbers are the same one, or the same operation on the same ones."""
    if a is b:
        return type(a) is Traced
    if type(a) is not Traced or type(b) is not Traced or a.op != b.op or a.op in ("read", "given"):
        return False
    pairs = ((a.left, b.left), (a.right, b.right))
    return all(x is y or (type(x) is not Traced and type(y) is not Traced and x == y) for x, y in pairs)


def _fixed(node: Any, depth: int = 0) -> Any:
    """The value of what hangs on settings alone, with whatever is multiplied by 0; None for all else."""
    if type(node) is not Traced or node.op == "given":
        return value_of(node)
    if node.op == "read" or depth > _DEPTH:
        return None
    left, right = _fixed(node.left, depth + 1), _fixed(node.right, depth + 1)
    if node.op == "*" and (left == 0 or right == 0) and math.isfinite(node.value):
        return 0.0
    if node.op == "neg" or node.right is None:
        return None if left is None else node.value
    return None if left is None or right is None else node.value


def operation(node: Traced) -> str:
    """The last step of ``node`` with the values it was given: ``ln(0) = -inf``."""
    operands = [number(value_of(o)) for o in (node.left, node.right) if o is not None]
    if len(operands) == 2 and node.op in _SIGNS:
        text = f" {_SIGNS[node.op]} ".join(f"({o})" if o.startswith("-") else o for o in operands)
    elif node.op == "neg":
        text = f"-({operands[0]})"
    else:
        text = f"{_NAMES.get(node.op, node.op)}({', '.join(operands)})"
    return f"{text} = {number(node.value)}"


_SIGNS = {"+": "+", "-": "-", "*": "·", "/": "/", "**": "^", "%": "mod"}
