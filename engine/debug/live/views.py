"""What a client wants to see of a step while the script runs, and the answers, out of a picture of the step."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from engine.debug.events import Event, Position
from engine.debug.lines import user_frame
from engine.debug.live.picture import AT_ONCE, COPIED, COPIED_THEN, Cut, Picture, Plan, copied
from engine.debug.live.recorded import Recorded
from engine.debug.live.structure import Place
from engine.debug.names import Names
from engine.debug.views import arrays, samples
from engine.debug.views.class_names import class_names
from engine.debug.views.slices import selection

#: An answer, as of the request of a view's ``command``.
Body = dict[str, Any]


class Later(NamedTuple):
    """Makes the answer to ``tensor`` for a part that was copied of an array of ``shape``, on any thread, at any time."""

    part: np.ndarray
    shape: tuple[int, ...]
    arguments: dict[str, Any]

    def __call__(self) -> Body | None:
        """The body; None where that cannot be."""
        with suppress(ValueError):
            return _shown(self.part, self.shape, self.arguments)
        return None


Made = Body | Later


class View(NamedTuple):
    """One question: ``command`` and ``arguments`` as of the request of that name, asked of every ``every``-th picture."""

    id: str
    command: str
    arguments: dict[str, Any]
    every: int = 1

    @property
    def reference(self) -> dict[str, Any]:
        return self.arguments.get("reference") or {}


#: Plans that are remembered.
_MOST_PLANS = 64


class Subscription:
    """What a client wants, and how far it has been answered. With its first picture all views are answered.

    Args:
        number: is the client's, and comes back with each picture.
    """

    def __init__(self, number: int, views: Sequence[View] = (), enabled: bool = True) -> None:
        self.number, self.views, self.enabled = number, tuple(views), enabled
        self._count = 0
        #: Whether a view shows the batch.
        self.shows_batch = any(view.command == "samples" for view in self.views)
        #: After so many pictures the same views are asked again; and what they want, by the number in that cycle, where
        #: their events are at these places.
        self._cycle = math.lcm(*[view.every for view in self.views])
        self._plans: dict[int, Plan] = {}
        self._planned_for: Mapping[int, Place] | None = None

    def _asked(self) -> list[View]:
        """The views that are asked of the next picture."""
        return [view for view in self.views if self._count % view.every == 0]

    def wanted(self, places: Mapping[int, Place]) -> Plan:
        """What the views that are asked of the next picture are of, where ``places``, which does not change, knows their
        events.
        """
        if self._planned_for is not places or len(self._plans) > _MOST_PLANS:
            self._planned_for = places
            self._plans.clear()
        at = self._count % self._cycle
        plan = self._plans.get(at)
        if plan is None:
            # Where nothing of the step is wanted it is looked at once in a cycle: another structure has to be noticed.
            plan = self._plans[at] = self._plan(places, at == 0)
        return plan

    def _plan(self, places: Mapping[int, Place], looks: bool) -> Plan:
        whole: set[Place] = set()
        cuts: dict[str, list[Cut]] = {}
        for view in self._asked():
            place = places.get(view.reference.get("event", -1))
            if place is None:
                continue
            arguments = view.arguments
            if place[0] == "forward" and view.command == "tensor" and not arguments.get("describe", True):
                cuts.setdefault(place[1], []).append(Cut(view.id, arguments["reference"]["name"], arguments.get("slice")))
            else:
                whole.add(place)
        return Plan(frozenset(whole), cuts, self.shows_batch, looks or bool(whole or cuts or self.shows_batch))

    def answered(
        self, picture: Picture | Recorded, places: Mapping[int, Place], names: Names, classes: ClassNames, step: int
    ) -> dict[str, Answer]:
        """What is sent with the next picture, which is of ``step``."""
        found = answers(self._asked(), picture, places, names, classes)
        self._count += 1
        return {id: Answer(step, made) for id, made in found.items()}


class Answer(NamedTuple):
    """A body, or what makes it, and the step that it is of."""

    step: int
    made: Made


class ClassNames:
    """What classes are called: looked for once for each loader and number of classes, not for each picture."""

    def __init__(self) -> None:
        self._of: tuple[Any, int] | None = None
        self._names: list[str] | None = None

    def of(self, loader: Any, count: int) -> list[str] | None:
        """The names of ``count`` classes, by the dataset or the script's variables; None where nothing gives them."""
        if self._of is None or self._of[0] is not loader or self._of[1] != count:
            frame = user_frame(sys._getframe(1))
            variables = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
            self._of, self._names = (loader, count), class_names(loader, variables, count)
        return self._names


def answers(
    views: Sequence[View],
    picture: Picture | Recorded,
    places: Mapping[int, Place],
    names: Names,
    classes: ClassNames,
) -> dict[str, Made]:
    """By the views' ids, their bodies, or what makes them later. What is not there is left out.
    """
    found: dict[str, Made] = {}
    for view in views:
        if view.command == "samples":
            found[view.id] = _samples(picture, view.arguments, classes)
            continue
        if view.id in picture.parts:
            found[view.id] = Later(*picture.parts[view.id], view.arguments)
            continue
        array = _array(view.reference, picture, places, names)
        if array is not None:
            with suppress(ValueError, IndexError):  # a slice that does not fit this step's array
                found[view.id] = _ANSWERS[view.command](array, view.arguments)
    return found


def _array(
    reference: dict[str, Any], picture: Picture | Recorded, places: Mapping[int, Place], names: Names
) -> np.ndarray | None:
    if "event" in reference:
        place = places.get(reference["event"])
        return None if place is None else picture.array(place, reference["name"])
    expression = str(reference.get("expression", "")).strip()
    tensor = names.tensor_named(expression.removesuffix(".grad"))
    if tensor is not None and expression.endswith(".grad"):
        tensor = tensor._grad
    return None if tensor is None else tensor._array


def _tensor(array: np.ndarray, arguments: dict[str, Any]) -> Made:
    chosen = selection(array, arguments.get("slice"))
    if arguments.get("describe", True):
        return {**_shown(chosen, array.shape, arguments), "description": arrays.describe(array)}
    # To hand a part to another thread is quicker only where it takes long to make small.
    part = copied(chosen, COPIED_THEN) if not COPIED < chosen.nbytes <= AT_ONCE else None
    return _shown(chosen, array.shape, arguments) if part is None else Later(part, array.shape, arguments)


def _shown(chosen: np.ndarray, shape: tuple[int, ...], arguments: dict[str, Any]) -> Body:
    """The body of ``tensor`` for a part that was chosen of an array of ``shape``."""
    rows, columns = (arguments.get("maxShape") or (256, 256))[:2]
    return arrays.view_of(chosen, shape, (rows, columns), arguments.get("transform"))


def _histogram(array: np.ndarray, arguments: dict[str, Any]) -> dict[str, Any]:
    return arrays.histogram(array, arguments.get("bins", 64), arguments.get("range"))


_ANSWERS = {"tensor": _tensor, "histogram": _histogram}


def _samples(picture: Picture | Recorded, arguments: dict[str, Any], classes: ClassNames) -> dict[str, Any]:
    given, loss = picture.handed_out, picture.loss
    event = None
    if loss is not None:
        event = Event(-1, Position(0), "forward", loss.function.name, function=loss.function, arrays=loss.arrays)
    body = samples.batch_view(given.parts if given else [], event, given.samples if given else None)
    page = samples.page(body, arguments.get("start", 0), arguments.get("count"))
    confusion, part = body["confusion"], None
    if given is not None:
        part = {"loader": given.name, "epoch": given.epoch, "batch": given.index}
    names = None if confusion is None else classes.of(given.loader if given is not None else None, len(confusion))
    return {**page, "names": names, "pass": part}
