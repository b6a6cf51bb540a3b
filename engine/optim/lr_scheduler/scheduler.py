"""Base of the schedulers that set a learning rate once an epoch (or once a step).

Learning rates follow PyTorch float for float: a scheduler with a recursion multiplies the group's present
learning rate (so that schedulers can be chained), and the closed form is used where a jump to an epoch is asked for.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor, wrap

EPOCH_IS_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler. If epoch is different from None, the closed form "
    "is used instead of the new chainable form, where available."
)
_STEP_ORDER = (
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in the opposite order: "
    "`optimizer.step()` before `lr_scheduler.step()`. Failure to do this will result in PyTorch skipping the "
    "first value of the learning rate schedule."
)


def checked_optimizer(optimizer: Any) -> Optimizer:
    """``optimizer``, if it is one; else PyTorch's TypeError."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def group_values(optimizer: Optimizer, key: str) -> list[Any]:
    """A hyper-parameter of every group; tensors are copied, so that the list stays what it is."""
    return [_own(group[key]) for group in optimizer.param_groups]


def _own(value: Any) -> Any:
    return wrap(value._array.copy()) if isinstance(value, Tensor) else value


def set_lr(group: dict[str, Any], lr: Any) -> None:
    """Make ``lr`` the group's learning rate; a learning rate that is a tensor keeps its identity."""
    if isinstance(group["lr"], Tensor):
        group["lr"]._array.fill(float(lr))
        group["lr"]._bump()
    else:
        group["lr"] = lr


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """``value`` for every group: a list or tuple has one for each, anything else serves all.

    Raises:
        ValueError: when a list has another length than ``optimizer.param_groups``.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {groups}."
        )
    return list(value)


class LRScheduler:
    """Sets the learning rate of every group, at once (epoch 0) and at each :meth:`step`.

    A scheduler of the user's own overrides :meth:`get_lr`, which reads ``self.last_epoch``, ``self.base_lrs`` and
    ``self.optimizer.param_groups``.

    Args:
        optimizer: whose groups it drives; each group remembers its first learning rate as ``"initial_lr"``.
        last_epoch: the epoch to resume after; -1 to start.

    Raises:
        TypeError: when optimizer is no Optimizer.
        KeyError: when resuming and a group has no ``"initial_lr"``.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked_optimizer(optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's state first, or start with last_epoch=-1"
                )
        self.base_lrs = group_values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if not optimizer._scheduled:
            optimizer._scheduled, optimizer._opt_called = True, False
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the learning rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Any]:
        """The learning rates of epoch ``last_epoch``, one for each group; called by :meth:`step`."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr()")

    def get_last_lr(self) -> list[Any]:
        """The learning rates that were set last, one for each group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or to ``epoch``, deprecated) and set its learning rates."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(_STEP_ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_IS_DEPRECATED, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed_form = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set_lrs(self.get_lr if closed_form is None else closed_form)

    def _set_lrs(self, compute: Callable[[], list[Any]]) -> None:
        self._get_lr_called_within_step = True
        try:
            lrs = compute()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_lr(group, lr)
        self._last_lr = group_values(self.optimizer, "lr")

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def _present(self) -> list[Any]:
        return group_values(self.optimizer, "lr")

    def _scaled(self, factor: float) -> list[Any]:
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; load the optimizer's own state too."""
        self.__dict__.update(state_dict)


def callables_state(functions: list[Callable]) -> list[dict[str, Any] | None]:
    """What is saved of functions: the attributes of callable objects; nothing of plain functions."""
    return [None if isinstance(f, types.FunctionType) else f.__dict__.copy() for f in functions]
