"""What users call ops: ``Conv2d`` and ``CrossEntropyLoss``, where the tape says ``Convolution`` and ``CrossEntropy``."""

from __future__ import annotations

import difflib
import fnmatch
import re
from functools import lru_cache

from engine.debug.events import Event
from engine.function import Function

#: Class of a Function -> what the modules and functions of PyTorch that run it are called.
_ALSO = {
    "Convolution": ("Conv1d", "Conv2d"),
    "ConvTranspose": ("ConvTranspose1d", "ConvTranspose2d"),
    "BatchNorm": ("BatchNorm1d", "BatchNorm2d"),
    "CrossEntropy": ("CrossEntropyLoss",),
    "SoftCrossEntropy": ("CrossEntropyLoss",),
    "BinaryCrossEntropy": ("BCELoss",),
    "BinaryCrossEntropyWithLogits": ("BCEWithLogitsLoss",),
    "KlDiv": ("KLDivLoss",),
    "FeatureDropout": ("Dropout1d", "Dropout2d"),
    "Hardtanh": ("ReLU6",),
    "Elu": ("SELU", "CELU"),
    "Mm": ("matmul",),
    "Bmm": ("matmul",),
    "Mv": ("matmul",),
    "Dot": ("matmul",),
    "Reshape": ("Flatten",),
}


@lru_cache(maxsize=1024)
def names_of(kind: type[Function]) -> frozenset[str]:
    """Every name of the op, in small letters: the tape's, the class's, and those of its modules."""
    return frozenset(name.lower() for name in (kind.name, kind.__name__, *_ALSO.get(kind.__name__, ())))


class OpPattern:
    """A pattern such as ``"Conv*"``, matched without regard to case against all names of an op."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._match = re.compile(fnmatch.translate(text.lower())).match

    def fits(self, event: Event) -> bool:
        """Whether the op of ``event`` is meant, or its optimizer; accumulation into ``.grad`` is AccumulateGrad."""
        if event.kind == "gradient":
            return bool(self._match("accumulategrad"))
        if self._match(event.name.lower()):
            return True
        return event.function is not None and self.fits_kind(type(event.function))

    def fits_kind(self, kind: type[Function]) -> bool:
        """Whether the Functions of this class are meant."""
        return any(map(self._match, names_of(kind)))

    def advice(self) -> str:
        """A sentence for the case that the engine has no such op; ``""`` where it has, or the pattern is an optimizer's."""
        # Where the script has not begun, nothing may have loaded the ops yet.
        from engine import ops as _ops  # noqa: F401
        from engine import optim

        kinds = _all_kinds(Function)
        optimizers = [name for name in dir(optim) if name[:1].isupper()]
        if any(map(self.fits_kind, kinds)) or any(self._match(n.lower()) for n in ("AccumulateGrad", *optimizers)):
            return ""
        known = {name for kind in kinds for name in (kind.name, *_ALSO.get(kind.__name__, ()))} | set(optimizers)
        by_small = {name.lower(): name for name in known}
        close = difflib.get_close_matches(self.text.lower(), by_small, n=1)
        hint = f"; did you mean {by_small[close[0]]}?" if close else ""
        return f"no op is called {self.text!r} so far{hint}"


def _all_kinds(kind: type[Function]) -> list[type[Function]]:
    found = []
    for sub in kind.__subclasses__():
        if not sub.__name__.startswith("_"):
            found.append(sub)
        found += _all_kinds(sub)
    return found
