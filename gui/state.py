"""What the window shows, as plain values: no Qt, no truth of its own, only the newest of what the engine has said.

Panels read it and subscribe to it; they change what is the user's (the selection, the level, the breakpoints) and leave
the rest to :mod:`gui.following`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

LEVELS = ("run", "epoch", "batch", "line", "module", "op", "element")

#: Parts of op names by which a loss is known.
_LOSSES = ("Loss", "Entropy", "KlDiv")

#: Arrays of an event that its stop is about, in this order; the first that it has is selected.
_MAIN = {"forward": ("y",), "backward": ("dw", "dx", "dy"), "update": ("w_new", "w")}

#: Arrays that go through a network, forwards and back.
_ACTIVATIONS = frozenset({"x", "y", "dx", "dy"})

#: The fields whose changes somebody wants to hear of, and what gives whom to call, or None once that is gone.
_Subscriber = tuple[frozenset[str], Callable[[], Callable[[], object] | None]]


@dataclass(frozen=True)
class Selection:
    """The one thing that is selected in the whole window.

    Attributes:
        event, name: an array of a recorded event (its seq, and "y", "dw", "w_new" ...).
        expression: instead of these, something that the script can evaluate ("conv1.weight", "conv1.weight.grad").
        index: an element of it; None is the whole tensor.
        sample: which sample of the batch is looked at.
        module: path of the module that it belongs to.
        label: what it is called on the screen.
        kept: name of the array and index of the element that was selected last, while no array of a stop has one there; it
            is taken up where one has.
    """

    event: int | None = None
    name: str | None = None
    expression: str | None = None
    index: tuple[int, ...] | None = None
    sample: int = 0
    module: str | None = None
    label: str = ""
    kept: tuple[str, tuple[int, ...]] | None = None

    def __bool__(self) -> bool:
        return self.reference is not None

    @property
    def reference(self) -> dict[str, Any] | None:
        """The reference of the protocol that names the tensor; None where nothing is selected."""
        if self.event is not None and self.name is not None:
            return {"event": self.event, "name": self.name}
        # With the frame it is the script's variable first, and not an array of the op with the same name.
        return {"expression": self.expression, "frameId": 0} if self.expression else None


@dataclass
class State:
    """See the attributes; :meth:`update` changes them, :meth:`subscribe` hears of changes.

    Attributes:
        stop: body of the protocol's event ``stopped``; None before the first stop.
        running: whether the script runs (for longer than a blink).
        progress: body of the newest event ``progress``.
        live: by panel, the views that it wants of a script that runs freely (see :meth:`gui.panels.panel.Panel.live_views`).
        snapshot: body of the newest event ``snapshot``: what these views show.
        selection: see :class:`Selection`.
        contributors: of the number that was explained last, from the answer to ``explain``.
        pointed: the element under the mouse: a reference of the protocol, index, label of its parameter; or None.
        scrubbing: whether the timeline is dragged along: places pass more quickly than anybody reads.
        level: what "over" means, one of :data:`LEVELS`.
        runs: name, number, state, current, parent (its number), forkedAt, parameters of each.
        graph: the answer to ``graph`` for the newest stop. graph_due: whether ``graph`` is still that of a stop before, and
            the one of this stop, in the past, is asked for.
        program: path of the script. script: its text that the current run has, which its file may not have any more; None
            where that is not known yet.
        breakpoints: by path, each as the protocol's SourceBreakpoint, with verified and message where known.
        watchpoints: the protocol's Watchpoints.
        watches: expressions that are evaluated at every stop.
        findings: of the diagnoses. kept_findings: those of them that were found before the process began that is there now.
        curves: by number of the run, ``{"steps", "losses"}`` as NumPy arrays.
        measures: by number of the run, what else is measured of it: see :func:`gui.curve_data.joined`.
        statistics: the answer to ``statistics``.
        launched: arguments of the launch: program, parameters, as_torch, arguments, and cwd where it is another folder.
        restoring: whether all this comes out of a session's file, whose runs are not brought back yet.
    """

    stop: dict[str, Any] | None = None
    running: bool = False
    progress: dict[str, Any] = field(default_factory=dict)
    live: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    snapshot: dict[str, Any] | None = None
    selection: Selection = field(default_factory=Selection)
    contributors: list[dict[str, Any]] = field(default_factory=list)
    pointed: dict[str, Any] | None = None
    scrubbing: bool = False
    level: str = "op"
    runs: list[dict[str, Any]] = field(default_factory=list)
    graph: dict[str, Any] | None = None
    graph_due: bool = False
    program: str | None = None
    script: str | None = None
    breakpoints: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    watchpoints: list[dict[str, Any]] = field(default_factory=list)
    watches: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    kept_findings: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[int, dict[str, Any]] = field(default_factory=dict)
    measures: dict[int, dict[str, Any]] = field(default_factory=dict)
    statistics: dict[str, Any] = field(default_factory=dict)
    launched: dict[str, Any] = field(default_factory=dict)
    restoring: bool = False

    def __post_init__(self) -> None:
        self._names = frozenset(f.name for f in fields(self))
        self._subscribers: list[_Subscriber] = []
        #: Those that are called after changes of these fields, as long as nobody comes or goes.
        self._concerned: dict[frozenset[str], list[_Subscriber]] = {}

    @property
    def run_names(self) -> dict[int, str]:
        """The names of the runs, by their numbers."""
        return {run["number"]: run["name"] for run in self.runs}

    @property
    def current_run(self) -> dict[str, Any]:
        """The one of ``runs`` that is current; empty where there is none."""
        return next((run for run in self.runs if run.get("current")), {})

    def update(self, **changes: Any) -> None:
        """Set fields and call, once each, the subscribers of those that have another value now."""
        for name in changes:
            if name not in self._names:
                raise AttributeError(f"the state has no field {name!r}")
        changed = frozenset(name for name, value in changes.items() if not same(getattr(self, name), value))
        for name in changed:
            setattr(self, name, changes[name])
        if not changed:
            return
        failure: Exception | None = None
        # A script that runs changes the same fields many times a second.
        if (concerned := self._concerned.get(changed)) is None:
            concerned = [subscriber for subscriber in self._subscribers if subscriber[0] & changed]
            self._concerned[changed] = concerned
        for _, get in concerned:
            if (callback := get()) is not None:
                try:
                    callback()
                except Exception as error:  # one panel that fails does not keep the others from the news
                    failure = failure or error
        if failure is not None:
            raise failure

    def subscribe(
        self, names: str | Iterable[str], callback: Callable[[], object], first: bool = False
    ) -> Callable[[], None]:
        """Have ``callback()`` called after changes of any of these fields; what is returned ends that.

        ``first``: before all others that are there; for who asks the engine then, which answers while they show theirs.
        A method is held weakly: it is forgotten with its object.
        """
        wanted = frozenset((names,) if isinstance(names, str) else names)
        if unknown := wanted - self._names:
            raise AttributeError(f"the state has no field {', '.join(sorted(unknown))}")
        get = weakref.WeakMethod(callback) if hasattr(callback, "__self__") else lambda: callback
        entry = (wanted, get)
        self._subscribers = [old for old in self._subscribers if old[1]() is not None]
        self._subscribers.insert(0 if first else len(self._subscribers), entry)
        self._concerned = {}

        def unsubscribe() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)
                self._concerned = {}

        return unsubscribe

    def select(self, **fields_: Any) -> None:
        """Select something else: ``select(event=3, name="y")``; fields left out are those of an empty selection."""
        self.update(selection=Selection(**fields_))

    def reselect(self, **changes: Any) -> None:
        """Change parts of the selection and keep the rest: ``reselect(index=(0, 3))``."""
        self.update(selection=replace(self.selection, **changes))


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal for sure; arrays are equal only when they are the same object."""
    if a is b:
        return True
    try:
        return bool(a == b)
    except ValueError:  # arrays inside
        return False


def is_loss(op: str) -> bool:
    """Whether an op's name is that of a loss."""
    return any(part in op for part in _LOSSES)


def follow(selection: Selection, stop: Mapping[str, Any]) -> Selection:
    """The selection at a new stop.

    An expression stays; so does a tensor of a module's parameter. An array of the event where the script stood becomes
    the array of the same name of the new one where that is not another phase's, or what that one is mainly about; sample
    and element stay where they fit. Of what several arrays are about, as in backward, the one with the element is chosen:
    who follows dx[0, 3] backwards goes from dx to dx. An element that the new array does not have is kept for the next one
    that does. The only element of an array, as a loss is one, is selected without asking.
    """
    if selection.expression:
        return selection
    shapes = {tensor["name"]: tensor for tensor in stop.get("tensors") or ()}
    if not shapes or stop.get("seq") is None:
        return selection if not _of_another_run(selection, stop) else _without_event(selection)
    if stop.get("tensor") in shapes:  # a watchpoint names the element that it saw
        name, index = str(stop["tensor"]), stop.get("index")
        # Without a loader nothing says what a sample is; of what goes through a network it is nearly always the first index.
        row = index[0] if name in _ACTIVATIONS and isinstance(index, (list, tuple)) and index else None
        sample = stop.get("sample") if stop.get("sample") is not None else row
        if isinstance(sample, int):
            selection = replace(selection, sample=sample)
        return _of_stop(selection, stop, shapes[name], tuple(index) if isinstance(index, (list, tuple)) else None)
    main = _MAIN.get(str(stop.get("direction")), ())
    wanted = (*main, *shapes)
    others = {names[0] for names in _MAIN.values()}.difference(main)
    kept = (str(selection.name), selection.index) if selection.name and selection.index else selection.kept
    if kept is not None and kept[0] in main and kept[0] in shapes and _fits(kept[1], shapes[kept[0]]["shape"]):
        wanted = (kept[0], *wanted)
    if selection.name in shapes and selection.name not in others and selection.module == stop.get("module"):
        wanted = (str(selection.name), *wanted)
    tensor = shapes[next(name for name in wanted if name in shapes)]
    index = kept[1] if kept is not None and kept[0] == tensor["name"] else None
    found = _of_stop(selection, stop, tensor, index)
    return found if index is not None and found.index == index else replace(found, kept=kept)


def _fits(index: tuple[int, ...], shape: list[int]) -> bool:
    return len(index) == len(shape) and all(0 <= i < n for i, n in zip(index, shape))


def _of_another_run(selection: Selection, stop: Mapping[str, Any]) -> bool:
    """Whether the selected event cannot be one of the run that stands here: it has a number that is still to come."""
    return bool(stop.get("live")) and selection.event is not None and selection.event > (stop.get("seq") or 0)


def _without_event(selection: Selection) -> Selection:
    """What is left of a selection whose event is not there: the parameter, if the event was its update."""
    if selection.name in ("w", "w_new") and selection.label:
        return Selection(
            expression=selection.label, index=selection.index, sample=selection.sample, module=selection.module,
            label=selection.label,
        )  # fmt: skip
    return Selection(sample=selection.sample, module=selection.module)


def _of_stop(selection: Selection, stop: Mapping[str, Any], tensor: dict[str, Any], index: Any) -> Selection:
    shape = tensor["shape"]
    fits = index is not None and _fits(index, shape)
    # Of a single number, such as the loss, it is clear which one is meant.
    otherwise = (0,) * len(shape) if all(n == 1 for n in shape) else None
    label = tensor.get("label") or f"{stop.get('module') or stop.get('op') or stop.get('name')} {tensor['name']}"
    return Selection(
        event=stop["seq"], name=tensor["name"], index=index if fits else otherwise, sample=selection.sample,
        module=stop.get("module"), label=label,
    )  # fmt: skip
