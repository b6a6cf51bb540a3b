"""What classes are called: by the dataset, or by the script."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

#: Names under which scripts keep the names of classes.
_VARIABLES = ("classes", "class_names", "target_names", "label_names", "CLASSES", "CLASS_NAMES")


def class_names(loader: Any, variables: Mapping[str, Any], count: int | None) -> list[str] | None:
    """The names of ``count`` classes (None: of however many), in their order; None where nothing gives them.

    A dataset gives them as its attribute ``classes``, also behind a Subset; then a variable of the script with a usual
    name, or one that holds such a dataset. Only what is simply there is looked at: no code of the user's runs.
    """
    dataset = _attribute(loader, "dataset")
    for _ in range(8):
        if dataset is None:
            break
        if (found := _names(_attribute(dataset, "classes"), count)) is not None:
            return found
        dataset = _attribute(dataset, "dataset")
    named = [variables[name] for name in _VARIABLES if name in variables]
    held = (_attribute(value, "classes") for value in variables.values() if not isinstance(value, type))
    return next((found for value in (*named, *held) if (found := _names(value, count)) is not None), None)


def _attribute(holder: Any, name: str) -> Any:
    try:
        value = inspect.getattr_static(holder, name)
    except AttributeError:
        return None
    return None if hasattr(type(value), "__get__") else value


def _names(value: Any, count: int | None) -> list[str] | None:
    """``value`` as names: a list of texts, or a mapping from 0, 1 ... to texts."""
    if type(value) not in (list, tuple, dict):
        return None
    count = len(value) if count is None else count
    if type(value) is dict:
        value = [value.get(i) for i in range(count)]
    if len(value) != count or not all(type(name) is str for name in value):
        return None
    return list(value)
