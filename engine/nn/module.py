"""Module: parameters, buffers and submodules under one roof, with a forward.

The traversals, the call with its hooks, the state dictionary and conversions are in members.py, call.py, state.py
and conversion.py; here is what a module *is*: how attributes become members, and how it is printed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.nn.call import Call
from engine.nn.conversion import Conversion
from engine.nn.members import Members
from engine.nn.parameter import Buffer, Parameter
from engine.nn.state import State
from engine.tensor import Tensor


class Module(Members, Call, State, Conversion):
    """Base of every network and layer.

    Subclasses call ``super().__init__()`` first, assign parameters and submodules to attributes, and define
    ``forward``. Calling the module runs ``forward`` with the hooks around it.
    """

    training: bool

    def __init__(self) -> None:
        set_plainly = super().__setattr__
        set_plainly("training", True)
        set_plainly("_parameters", {})
        set_plainly("_buffers", {})
        set_plainly("_non_persistent_buffers_set", set())
        set_plainly("_backward_pre_hooks", OrderedDict())
        set_plainly("_backward_hooks", OrderedDict())
        set_plainly("_forward_hooks", OrderedDict())
        set_plainly("_forward_pre_hooks", OrderedDict())
        # Ids of the hooks that were registered with an option; ids are never used twice.
        set_plainly("_with_kwargs", set())
        set_plainly("_always_called", set())
        set_plainly("_modules", {})

    def forward(self, *input: Any) -> Any:
        """What the module computes; every subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ---- members by assignment ----

    def __setattr__(self, name: str, value: Any) -> None:
        members = self.__dict__
        parameters = members.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            _check_none(value, f"as parameter '{name}' (torch.nn.Parameter or None expected)")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if members.get("_modules") is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_parameters", "_buffers")
            members["_modules"][name] = value
        elif parameters is not None and name in members["_modules"]:
            _check_none(value, f"as child module '{name}' (torch.nn.Module or None expected)")
            members["_modules"][name] = value
        elif isinstance(value, Buffer):
            if parameters is None:
                raise AttributeError("cannot assign buffer before Module.__init__() call")
            self.register_buffer(name, value, value.persistent)
        elif parameters is not None and name in members["_buffers"]:
            if not isinstance(value, Tensor):
                _check_none(value, f"as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            members["_buffers"][name] = value
        else:
            super().__setattr__(name, value)

    def _forget(self, name: str, *kinds: str) -> None:
        members = self.__dict__
        members.pop(name, None)
        for kind in kinds:
            members[kind].pop(name, None)
        if "_buffers" in kinds:
            members["_non_persistent_buffers_set"].discard(name)

    def __getattr__(self, name: str) -> Any:
        # Called only for what is not an ordinary attribute.
        members = self.__dict__
        if "_parameters" in members:
            if name in (found := members["_parameters"]):
                return found[name]
            if name in (found := members["_modules"]):
                return found[name]
            if name in (found := members["_buffers"]):
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__[kind]:
                del self.__dict__[kind][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``; None reserves the name."""
        self._check_name("parameter", name, "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                    "(torch.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in the "
                    "forward() method."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but not trained; ``persistent`` says whether ``state_dict`` contains it."""
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under ``name``; None reserves the name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_name(self, what: str, name: str, kind: str) -> None:
        if kind not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."' + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in self.__dict__[kind] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # ---- for the whole tree ----

    def apply(self, fn: Callable[[Module], None]) -> Module:
        """Call ``fn`` with every submodule, children before parents, and with the module itself."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Switch the module and everything below it to training (dropout on, batch statistics) or evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Module:
        """The same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Set ``requires_grad`` of every parameter."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of every parameter, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter._grad is None:
                continue
            if set_to_none:
                parameter._grad = None
            else:
                parameter._grad._write(np.zeros(()), self)

    # ---- printing ----

    def _get_name(self) -> str:
        return type(self).__name__

    def summary(self, input_data: Any, dtype: Any = None) -> Any:
        """A table of the layers: output shapes, parameters, multiply-adds, memory (see :func:`engine.summary.summary`).

        Args:
            input_data: the shape of an input with its batch dimension, or an input itself, or several of either.
            dtype: of inputs that are given by shape, float32 unless stated.
        """
        from engine.summary import summary

        return summary(self, input_data, dtype)

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {indent(repr(child), 2)}" for name, child in self._modules.items()]
        if not child_lines and len(extra_lines) < 2:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(extra_lines + child_lines) + "\n)"


def indent(text: str, spaces: int) -> str:
    """``text`` with every line but the first indented."""
    return text.replace("\n", "\n" + " " * spaces)


def type_name(value: Any) -> str:
    """The type as PyTorch's messages name it: ``torch.FloatTensor``, ``int``, ``package.Class``."""
    if isinstance(value, Parameter):
        return "torch.nn.Parameter"
    if isinstance(value, Tensor):
        names = {"float32": "Float", "float64": "Double", "int64": "Long", "uint8": "Byte", "bool": "Bool"}
        return f"torch.{names[value.dtype.name]}Tensor"
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _check_none(value: Any, expected: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{type_name(value)}' {expected}")
