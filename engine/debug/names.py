"""What the user calls the modules and parameters: their paths, learnt when a module is first called."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from engine.debug.lines import user_frame, user_frames
from engine.nn.module import Module
from engine.tensor import Tensor

#: What runs wherever a module is called.
_CALL = Module.__call__.__code__


class Names:
    """Paths of modules (``"features.0"``) and names of their parameters and buffers (``"features.0.weight"``).

    The first module that has parameters gives names without a prefix; those of further modules begin with the
    variable that holds the module, or with its class. A module without a parent is called by its class. One that no call
    but only a variable has shown, at a stop, gives way to the module that it turns out to be a part of: so the names are
    those of a run that has not stopped there.
    """

    def __init__(self) -> None:
        self._modules: weakref.WeakKeyDictionary[Module, str] = weakref.WeakKeyDictionary()
        # By id, with a weak reference as proof: tensors compare elementwise, so they are no keys.
        self._tensors: dict[int, tuple[weakref.ref, str]] = {}
        # Trained tensors that no variable has held, by id: the lines at which one was looked for.
        self._unheld: dict[int, tuple[weakref.ref, set[tuple[CodeType, int]]]] = {}
        self._prefixes: set[str] = set()
        # Roots that have not been called, and what their names begin with.
        self._held: weakref.WeakKeyDictionary[Module, str] = weakref.WeakKeyDictionary()
        self.roots: list[weakref.ref] = []

    def models(self) -> list[Module]:
        """The roots that are still alive: modules with parameters that no other known one holds."""
        return [root for reference in self.roots if (root := reference()) is not None]

    def learn(self, root: Module, namespace: dict[str, Any], called: bool = True) -> None:
        """Take in ``root`` and all below it, if it is new; ``namespace`` is where a variable may hold it. What was called
        before keeps its name.
        """
        if called:
            self._held.pop(root, None)
        if root in self._modules:
            return
        inside = list(root.modules())
        for module in inside:
            self._give_up(module)
        named = {id(tensor) for module in inside if module in self._modules for tensor in _tensors_of(module).values()}
        parameters, prefix = _tensors_of(root), ""
        if parameters:
            prefix = self._prefix(root, namespace)
            self.roots.append(weakref.ref(root))
            if not called:
                self._held[root] = prefix
        for path, module in root.named_modules():
            if module not in self._modules:
                self._modules[module] = prefix + path if path else (prefix.rstrip(".") or type(root).__name__)
        for name, tensor in parameters.items():
            if id(tensor) not in named:
                self._tensors[id(tensor)] = (weakref.ref(tensor), prefix + name)

    def _give_up(self, root: Module) -> None:
        """Forget the names of a root that has not been called, and those below it."""
        prefix = self._held.pop(root, None)
        if prefix is None:
            return
        self._prefixes.discard(prefix.removesuffix("."))
        self.roots = [reference for reference in self.roots if reference() is not root]
        for module in root.modules():
            self._modules.pop(module, None)
        for tensor in _tensors_of(root).values():
            self._tensors.pop(id(tensor), None)

    def learn_called(self, module: Module, frame: FrameType | None) -> None:
        """Take in the module that the script called and within whose call ``module`` is called now, at ``frame``: watching
        may have begun in its midst, and what is inner is no model of its own.
        """
        if module in self._modules:
            return
        root, caller = module, frame
        for call in calls(frame):
            root, caller = call.f_locals["self"], call.f_back
        user = user_frame(caller)
        self.learn(root, {**user.f_globals, **user.f_locals} if user is not None else {})

    def learn_all(self, frame: FrameType | None) -> None:
        """Take in the modules that the variables of ``frame`` and of the frames around it hold."""
        while frame is not None:
            for names in (frame.f_locals, frame.f_globals):
                held = [value for value in names.values() if isinstance(value, Module) and value not in self._modules]
                inner = {id(m) for module in held for m in module.modules() if m is not module}
                for module in held:
                    if id(module) not in inner and next(module.parameters(), None) is not None:
                        self.learn(module, names, called=False)
            frame = frame.f_back

    def name_of(self, tensor: Tensor) -> str:
        """:meth:`tensor`, after a look at who might hold it where it is not known yet."""
        name = self.tensor(tensor)
        if not name:
            self.learn_all(sys._getframe(1))
            name = self.tensor(tensor) or self.trained(tensor, sys._getframe(1))
        return name

    def trained(self, tensor: Tensor, frame: FrameType | None) -> str:
        """Call a tensor that is trained but belongs to no module by the variable of the user's that holds it where ``frame``
        is at work; ``""`` for any other tensor, and where no variable does: only a list holds it, say. At the same line it
        is not looked for again.
        """
        if not tensor.requires_grad or not tensor.is_leaf:
            return ""
        innermost = user_frame(frame)
        if innermost is None or self._was_looked_for(tensor, innermost):
            return ""
        for own in user_frames(innermost):
            for names in (own.f_locals, own.f_globals):
                for name, value in names.items():
                    if value is tensor:
                        self._tensors[id(tensor)] = (weakref.ref(tensor), name)
                        return name
        return ""

    def _was_looked_for(self, tensor: Tensor, frame: FrameType) -> bool:
        """Whether ``tensor`` has been looked for at the line of ``frame``; from now on it has."""
        key = id(tensor)
        if key not in self._unheld:
            self._unheld[key] = weakref.ref(tensor, lambda _: self._unheld.pop(key, None)), set()
        lines = self._unheld[key][1]
        line = frame.f_code, frame.f_lineno
        known = line in lines
        lines.add(line)
        return known

    def _prefix(self, root: Module, namespace: dict[str, Any]) -> str:
        if not self._prefixes:
            self._prefixes.add("")
            return ""
        held = next((name for name, value in namespace.items() if value is root), type(root).__name__)
        prefix, number = held, 1
        while prefix in self._prefixes:
            number += 1
            prefix = f"{held}#{number}"
        self._prefixes.add(prefix)
        return f"{prefix}."

    def module(self, module: Module) -> str:
        """The path of a module; the class of one that is not known."""
        return self._modules.get(module) or type(module).__name__

    def tensor(self, tensor: Tensor) -> str:
        """The name of a parameter or buffer; ``""`` for any other tensor."""
        known = self._tensors.get(id(tensor))
        return known[1] if known is not None and known[0]() is tensor else ""

    def tensor_named(self, name: str) -> Tensor | None:
        """The parameter or buffer of that name; None where none that is alive has it."""
        for reference, known in reversed(self._tensors.values()):
            if known == name and (tensor := reference()) is not None:
                return tensor
        return None

    def all_modules(self) -> dict[str, Module]:
        """Every known module that is alive, by path."""
        return {path: module for module, path in self._modules.items()}


def calls(frame: FrameType | None) -> Iterator[FrameType]:
    """The calls of modules within which ``frame`` is at work, the innermost first; ``self`` in each is the module."""
    while frame is not None:
        if frame.f_code is _CALL:
            yield frame
        frame = frame.f_back


def _tensors_of(root: Module) -> dict[str, Tensor]:
    return {**dict(root.named_parameters()), **dict(root.named_buffers())}
