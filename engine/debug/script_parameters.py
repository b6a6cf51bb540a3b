"""Parameters of a script that are changed in the middle of a run: what was made out of them takes part in the change.

A script says ``learning_rate = 0.01`` once and hands it to its optimizer. To assign another number to the name later would
change nothing. So a hyper-parameter of an optimizer follows the script's parameter that it has its value from: one of the
same name (``weight_decay``; ``lr`` is also called learning_rate) and of the same value.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import FrameType
from typing import Any

from engine.debug.server import RequestFailedError
from engine.optim import Optimizer
from engine.optim.lr_scheduler import LRScheduler
from engine.optim.lr_scheduler.scheduler import group_values, set_lr
from engine.script.parameters import ParameterError, parse_settings

#: What scripts call a learning rate.
_RATES = frozenset(("lr", "learning_rate", "max_lr"))

#: Rates of a group between which a scheduler moves its learning rate; the first that there is says what it was given.
_SCHEDULED = ("max_lr", "initial_lr", "min_lr")


def assign_parameters(settings: Sequence[str], frame: FrameType | None) -> None:
    """Assign to the script's global variables, and to the optimizers' hyper-parameters that have their value from them.

    A learning rate that a scheduler has moved is scaled, new rate = present rate · new value / old value, and so are the
    rates between which it is moved: it goes on as if the schedule had been drawn up with the new value.

    Args:
        settings: ``NAME=VALUE`` texts, as the script can be started with.
        frame: where the script stands.

    Raises:
        RequestFailedError: the script has no such variable yet, or the value is of another kind.
    """
    for setting in settings:
        name = setting.partition("=")[0].strip()
        names = _globals_with(name, frame)
        if names is None:
            text = f"{name}: the script has not come to its parameters yet; restart it with other ones instead"
            raise RequestFailedError("failed", text)
        old = names[name]
        try:
            names[name] = new = parse_settings([setting], {name: old})[name]
        except ParameterError as error:
            raise RequestFailedError("failed", str(error)) from None
        if _is_number(old) and _is_number(new):
            for optimizer in _alive(Optimizer):
                _follow(optimizer, name, old, new)


def _globals_with(name: str, frame: FrameType | None) -> dict[str, Any] | None:
    """The global variables of the innermost frame in which there is one of that name."""
    while frame is not None and name not in frame.f_globals:
        frame = frame.f_back
    return None if frame is None else frame.f_globals


def _alive(kind: type) -> list[Any]:
    """All objects of a kind: a script may keep its optimizer in a function, in an object, in a list."""
    # Not isinstance: it asks objects for their __class__, which may run code of theirs.
    return [one for one in gc.get_objects() if issubclass(type(one), kind)]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _follow(optimizer: Optimizer, name: str, old: float, new: float) -> None:
    groups = optimizer.param_groups
    if name not in _RATES:
        for group in groups:
            if name in group and _is_number(group[name]) and group[name] == old:
                group[name] = new
        return
    moved = [group for group in groups if _given_rate(optimizer, group) == old]
    for group in moved:
        for key in _SCHEDULED:
            if key in group:
                group[key] = _scaled(float(group[key]), old, new)
        set_lr(group, _scaled(float(group["lr"]), old, new))
    if len(groups) == len(moved) == 1:
        optimizer.defaults["lr"] = new
    for scheduler in _alive(LRScheduler):
        if moved and scheduler.optimizer is optimizer:
            if hasattr(scheduler, "base_lrs"):
                scheduler.base_lrs = group_values(optimizer, "initial_lr")
            scheduler._last_lr = group_values(optimizer, "lr")


def _given_rate(optimizer: Optimizer, group: dict[str, Any]) -> float:
    """The learning rate that a group was made with, or its schedule."""
    for key in _SCHEDULED:
        if key in group:
            return float(group[key])
    # Of several groups some may have been given rates of their own, which the defaults do not know.
    return float(optimizer.defaults.get("lr", group["lr"]) if len(optimizer.param_groups) == 1 else group["lr"])


def _scaled(rate: float, old: float, new: float) -> float:
    """``rate`` where ``old`` has become ``new``: exactly that where it was exactly ``old``."""
    return new if rate == old else rate * (new / old) if old else rate
