"""Names of classes: from the dataset behind a loader, or from the script's variables."""

import pytest

from engine.debug.views.class_names import class_names


class Dataset:
    classes = ["cat", "dog"]


class Holder:
    def __init__(self, dataset):
        self.dataset = dataset


class Lazy:
    @property
    def classes(self):
        raise AssertionError("no code of the user's may run")


@pytest.mark.parametrize("loader", [Holder(Dataset()), Holder(Holder(Dataset()))])
def test_the_dataset_gives_them(loader):
    assert class_names(loader, {"classes": ["a", "b"]}, 2) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("variables", "count", "names"),
    [
        ({"class_names": ("a", "b", "c")}, 3, ["a", "b", "c"]), ({"classes": {0: "a", 1: "b"}}, 2, ["a", "b"]),
        ({"test_set": Dataset()}, 2, ["cat", "dog"]), ({"classes": ["a"]}, 2, None), ({"classes": [1, 2]}, 2, None),
        ({"lazy": Lazy()}, 2, None), ({}, 2, None), ({"classes": ["a", "b", "c"]}, None, ["a", "b", "c"]),
        ({"classes": "ab"}, None, None),
    ],
)  # fmt: skip
def test_the_script_gives_them(variables, count, names):
    assert class_names(None, variables, count) == names
    assert class_names(Holder(Lazy()), variables, count) == names
