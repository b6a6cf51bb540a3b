"""All checks, in the order in which they are asked: causes before what follows from them."""

from __future__ import annotations

from engine.debug.diagnostics.accumulation import Accumulation
from engine.debug.diagnostics.activations import Activations
from engine.debug.diagnostics.broadcasting import Broadcasting
from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.curves import Curves
from engine.debug.diagnostics.gradients import Gradients
from engine.debug.diagnostics.initialisation import Initialisation
from engine.debug.diagnostics.inputs import Inputs
from engine.debug.diagnostics.labels import Labels
from engine.debug.diagnostics.learning_rate import LearningRate
from engine.debug.diagnostics.loss_choice import LossChoice
from engine.debug.diagnostics.modes import Modes
from engine.debug.diagnostics.nonfinite import NonFinite
from engine.debug.diagnostics.parameters import Parameters
from engine.debug.diagnostics.structure import Structure

CHECKS: tuple[type[Check], ...] = (
    Labels,
    LossChoice,
    Broadcasting,
    Inputs,
    Initialisation,
    Structure,
    Modes,
    Accumulation,
    LearningRate,
    NonFinite,
    Activations,
    Gradients,
    Parameters,
    Curves,
)


def finding_ids() -> tuple[str, ...]:
    """The kinds of findings that there are."""
    return tuple(name for check in CHECKS for name in check.finds)
