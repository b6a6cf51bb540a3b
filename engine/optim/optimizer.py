"""What all optimisers share: parameter groups, state by parameter, steps that a debugger can watch.

A class of the user's own derives from :class:`Optimizer` as in PyTorch: it overrides ``step``. Those of this
package derive from :class:`engine.optim.kernel_optimizer.KernelOptimizer`.
"""

from __future__ import annotations

import functools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np

from engine import dtypes, trace
from engine.definitions.contract import Definition
from engine.kernels.placing import fill_many
from engine.tensor import RemovableHandle, Tensor, wrap


def step_counter(steps: float = 0.0) -> Tensor:
    """The state ``step``: a tensor without dimensions, of the default float dtype, as PyTorch keeps it."""
    return wrap(np.array(steps, dtypes.get_default_dtype().numpy))


def _watched(step: Callable) -> Callable:
    """``step`` with the hooks and the observer around it; once only where a step calls its parent's."""

    @functools.wraps(step)
    def watched_step(*args: Any, **kwargs: Any) -> Any:
        self = args[0]
        if self._stepping:
            return step(*args, **kwargs)
        observer = trace.on_pass
        if observer is not None:
            observer.begin_step(self)
        if self._step_pre_hooks:
            args, kwargs = self._run_pre_hooks(args, kwargs)
        self._stepping = self._opt_called = True
        try:
            result = step(*args, **kwargs)
        finally:
            self._stepping = False
        if self._step_post_hooks:
            for hook in list(self._step_post_hooks.values()):
                hook(self, args, kwargs)
        if trace.on_pass is not None:
            trace.on_pass.end_step(self)
        return result

    return watched_step


class Optimizer:
    """Base of the optimisers.

    Args:
        params: an iterable of tensors, of ``(name, tensor)`` pairs, or of dicts with ``"params"`` and
            hyper-parameters of that group.
        defaults: hyper-parameters of groups that do not give their own.

    Raises:
        TypeError: when params is a tensor, a group is no dict, or a parameter is no tensor.
        ValueError: for no parameters, a tensor that is no leaf, or one that is in two groups.
    """

    _stepping = False
    #: Whether step() was called since a scheduler was attached; the schedulers look at it.
    _opt_called = False
    #: Whether a scheduler was ever attached.
    _scheduled = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _watched(cls.step)

    def __init__(self, params: Iterable, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._forget()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        if trace.on_pass is not None:
            trace.on_pass.made_optimizer(self)

    def _forget(self) -> None:
        self._step_pre_hooks: dict[int, Callable] = {}
        self._step_post_hooks: dict[int, Callable] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # ---- parameters ----

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimise further parameters; hyper-parameters that the group does not give are the defaults.

        Raises:
            TypeError, ValueError: as the constructor.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        tensors, names = _parameters_of(param_group["params"])
        param_group["params"] = tensors
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        new = {id(p) for p in tensors}
        if len(new) != len(tensors):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                stacklevel=3,
            )
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in param_group):
                found = "with names" if "param_names" in param_group else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. "
                    f"cannot add param group {found} to the optimizer"
                )
            if any(id(p) in new for p in group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with ``set_to_none=False`` overwrite them with zeros."""
        observer = trace.on_update
        zeroed: list[Any] = []
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    if observer is None and p._grad.is_cuda and p._grad._array.flags.carray:
                        zeroed.append(p._grad._array)
                        p._grad._bump()
                        continue
                    if observer is None or not observer.before_update("gradient", p, self):
                        p._grad._array.fill(0)
                        p._grad._bump()
                    if observer is not None:
                        observer.after_update("gradient", p, self)
        if zeroed:
            fill_many(zeroed, 0)

    # ---- the step ----

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the loss again, with gradients, and returns it.

        Returns:
            What the closure returned, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step()")

    def definitions_for(self, parameter: Tensor) -> dict[str, Definition]:
        """How an update of ``parameter`` is explained; nothing where the optimizer is the user's own.

        See :meth:`engine.optim.kernel_optimizer.KernelOptimizer.definitions_for`.
        """
        return {}

    # ---- hooks ----

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return new ``(args, kwargs)``."""
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return RemovableHandle(self._step_post_hooks, hook)

    def _run_pre_hooks(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        for hook in list(self._step_pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is None:
                continue
            if not (isinstance(result, tuple) and len(result) == 2):
                raise RuntimeError(f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {result}.")
            args, kwargs = result
        return args, kwargs

    # ---- saving and loading ----

    def state_dict(self) -> dict[str, Any]:
        """The state and the groups, with the parameters' numbers in place of the parameters.

        The tensors are the optimizer's own, not copies, as in PyTorch.
        """
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(p)] if isinstance(p, Tensor) else p: values for p, values in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` of an optimizer of the same structure returned; tensors are copied.

        Raises:
            ValueError: when groups, their sizes or the shapes of state tensors do not fit.
        """
        groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        parameters: dict[int, Tensor] = {}
        for group, own in zip(groups, self.param_groups, strict=True):
            if len(group["params"]) != len(own["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            parameters.update(zip(group["params"], own["params"], strict=True))
            group["params"] = own["params"]
            if "param_names" in own:
                group.setdefault("param_names", own["param_names"])
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            p = parameters.get(key)
            state[key if p is None else p] = (
                deepcopy(values)
                if p is None
                else {name: _loaded(name, value, key, p) for name, value in values.items()}
            )
        self.state, self.param_groups = state, groups


def _parameters_of(params: Any) -> tuple[list[Tensor], list[str]]:
    """The tensors of a group, checked, and their names, if they have names."""
    if isinstance(params, Tensor):
        params = [params]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    params = list(params)
    names = [p[0] for p in params if isinstance(p, tuple)]
    if names and len(names) != len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    tensors = [p[1] for p in params] if names else params
    for p in tensors:
        if not isinstance(p, Tensor):
            raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
        if not (p.is_leaf or p.retains_grad):
            raise ValueError("can't optimize a non-leaf Tensor")
    return tensors, names


def _loaded(name: str, value: Any, key: Any, p: Tensor) -> Any:
    """A value of loaded state as the parameter's own; the step counter keeps its dtype."""
    if name == "step":
        return deepcopy(value) if isinstance(value, Tensor) else step_counter(value)
    if not isinstance(value, Tensor):
        return deepcopy(value)
    if value._array.shape != p._array.shape:
        raise ValueError(
            f"loaded state dict has {name} of shape {value._array.shape} for parameter {key}, "
            f"which has shape {p._array.shape}; they must be equal"
        )
    return wrap(value._array.astype(p._array.dtype, order="C"))
