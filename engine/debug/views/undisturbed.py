"""Passes through a network beside the run, which notices nothing of them."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from engine.debug.evaluation import quiet
from engine.nn.module import Module
from engine.trainer.evaluation import evaluation_mode


@contextmanager
def undisturbed(model: Module) -> Iterator[None]:
    """Evaluation mode, no recording, no observer, nothing printed.

    The user's forward hooks are set aside: they may keep what they see. Hooks before forward stay, as they may belong
    to what the model computes. Afterwards modes, hooks and random streams are as before.
    """
    modules = list(model.modules())
    hooks = [module._forward_hooks for module in modules]
    with quiet(), evaluation_mode(model), redirect_stdout(io.StringIO()):
        for module in modules:
            if module._forward_hooks:
                module.__dict__["_forward_hooks"] = OrderedDict()
        try:
            yield
        finally:
            for module, own in zip(modules, hooks):
                module.__dict__["_forward_hooks"] = own
