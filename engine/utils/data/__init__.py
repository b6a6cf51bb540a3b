"""Data sets, samplers and loaders with the names of `torch.utils.data`, and readers of files.

Importing this package imports neither Pillow nor scikit-learn nor a kernel: names are resolved on
first use (PEP 562). `datasets` and `transforms` follow torchvision's modules of those names.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, playground, transforms
    from .collate import default_collate, default_convert
    from .dataloader import DataLoader, get_worker_info
    from .dataset import (
        ChainDataset,
        ConcatDataset,
        Dataset,
        IterableDataset,
        StackDataset,
        Subset,
        TensorDataset,
        random_split,
    )
    from .idx import read_idx
    from .image_folder import ImageFolder
    from .locate import samples_data_folder
    from .npz import read_npz
    from .sampler import (
        BatchSampler,
        RandomSampler,
        Sampler,
        SequentialSampler,
        SubsetRandomSampler,
        WeightedRandomSampler,
    )
    from .sklearn_sets import load_sklearn
    from .table import Table, read_csv

_HOMES = {
    "collate": ("default_collate", "default_convert"),
    "dataloader": ("DataLoader", "get_worker_info"),
    "dataset": (
        "ChainDataset",
        "ConcatDataset",
        "Dataset",
        "IterableDataset",
        "StackDataset",
        "Subset",
        "TensorDataset",
        "random_split",
    ),
    "idx": ("read_idx",),
    "image_folder": ("ImageFolder",),
    "locate": ("samples_data_folder",),
    "npz": ("read_npz",),
    "sampler": (
        "BatchSampler",
        "RandomSampler",
        "Sampler",
        "SequentialSampler",
        "SubsetRandomSampler",
        "WeightedRandomSampler",
    ),
    "sklearn_sets": ("load_sklearn",),
    "table": ("Table", "read_csv"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_MODULES = (
    *("collate", "dataloader", "dataset", "datasets", "idx", "image_folder", "locate", "npz"),
    *("playground", "sampler", "sklearn_sets", "table", "transforms"),
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "ImageFolder",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "Table",
    "TensorDataset",
    "WeightedRandomSampler",
    "datasets",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "load_sklearn",
    "playground",
    "random_split",
    "read_csv",
    "read_idx",
    "read_npz",
    "samples_data_folder",
    "transforms",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name.startswith("__"):
        raise AttributeError(name)
    from engine.errors import MissingError

    raise MissingError(f"engine.utils.data has no {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
