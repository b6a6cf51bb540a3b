"""What the checks share: where the run is, which modules, loaders and optimizers it has, what was reported."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.debug.diagnostics.evaluations import Evaluations
from engine.debug.diagnostics.finding import Finding
from engine.debug.diagnostics.passes import Pass, Site
from engine.tensor import Tensor


class LoaderState:
    """What is known of a DataLoader."""

    def __init__(self) -> None:
        self.place: tuple[str, int] = ("", 0)
        self.trained = False
        self.passes = 0


class Run:
    """State of a run under diagnosis.

    Attributes:
        step: optimizer steps ended. epoch: passes begun over DataLoaders that were trained on.
        module: the innermost module at work; stack: the modules around it.
        this: the latest training pass, or None.
        loader: the DataLoader that handed out the latest batch; samples: the batch's indices in its dataset.
        optimizers: those that have stepped. optimized: by their ids the parameters that they have.
        began: the step at which the training at work began; a script may train several models one after another.
    """

    def __init__(self, emit: Callable[[Finding], Any] | None) -> None:
        self.emit = emit
        self.step = self.epoch = 0
        self.stack: list[Any] = []
        self.module: Any = None
        self.roots: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.sites: dict[tuple[str, int], Site] = {}
        self.this: Pass | None = None
        self.loader: Any = None
        self.samples: Any = None
        self.loaders: weakref.WeakKeyDictionary[Any, LoaderState] = weakref.WeakKeyDictionary()
        self.evaluations = Evaluations()
        self.optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self.began = 0
        self.optimized: dict[int, Tensor] = {}
        self.findings: list[Finding] = []
        self.reported: dict[tuple, Finding] = {}
        self.explanations: dict[str, tuple[str, ...]] = {}
        self.explaining: set[str] = set()

    # ---- names ----

    def module_name(self, module: Any) -> str:
        """The dotted path of ``module`` in the root module that was called; its class where it is in none."""
        if module is None:
            return ""
        for root in list(self.roots.values()):
            for name, member in root.named_modules():
                if member is module:
                    return name or ("" if module._modules else type(module).__name__)
        return type(module).__name__

    def parameter_name(self, parameter: Tensor) -> str:
        """The dotted name of a parameter in its root module; its shape where it is in none."""
        for root in list(self.roots.values()):
            for name, member in root.named_parameters():
                if member is parameter:
                    return name
        return f"tensor of shape {parameter._array.shape}"

    def root_of(self, parameter: Tensor) -> Any:
        """The root module that has ``parameter``, or None."""
        for root in list(self.roots.values()):
            if any(member is parameter for member in root.parameters()):
                return root
        return None

    def sample(self, row: int) -> int | None:
        """The index in the dataset of row ``row`` of the latest batch."""
        samples = self.samples
        if not isinstance(samples, (list, tuple, np.ndarray)) or row >= len(samples):
            return None
        return int(samples[row]) if isinstance(samples[row], (int, np.integer)) else None

    @property
    def single_loss(self) -> bool:
        """Whether the run has one loss only: curves of games of two networks need not fall."""
        return sum(site.count > 0 for site in self.sites.values()) == 1 and len(self.optimizers) <= 1

    def begins(self, optimizer: Any) -> bool:
        """A new ``optimizer`` steps: whether it is another training, and not one of several optimizers taking turns."""
        another = self.step - self.began > len(self.optimizers) + 3
        if another:
            self.began = self.step
            for known in (self.sites, self.evaluations, self.optimizers, self.optimized, self.explaining):
                known.clear()
        self.optimizers.add(optimizer)
        self.optimized.update((id(p), p) for group in optimizer.param_groups for p in group["params"])
        return another

    # ---- reporting ----

    def report(self, finding: Finding) -> None:
        """Take a finding: nothing happens if it is known and no worse, or explained by another one."""
        if not self.explaining.isdisjoint(self.explanations.get(finding.id, ())):
            return
        self.explaining.add(finding.id)
        before = self.reported.get(finding.key)
        if before is not None and not finding.badness >= 2 * before.badness:
            return
        self.reported[finding.key] = finding
        self.findings.append(finding)
        if self.emit is not None:
            self.emit(finding)
