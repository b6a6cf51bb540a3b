"""The scripts that are shipped: where they lie, and what their first cell says of them."""

from __future__ import annotations

import os
import site
import sys
from dataclasses import dataclass
from pathlib import Path

#: In the order in which a newcomer meets them; others follow by name.
ORDER = ("two_points", "fashion_cnn", "xor", "linear_regression", "overfitting", "digits_mlp", "fashion_mlp")


@dataclass(frozen=True)
class Sample:
    """A script: its path, its title, one sentence."""

    path: Path
    title: str
    sentence: str

    @property
    def name(self) -> str:
        return self.path.stem


def samples_folder() -> Path | None:
    """The folder of the samples: next to this package as in a checkout, or where an installation puts it."""
    bases = [sys.prefix]
    if site.ENABLE_USER_SITE and site.USER_BASE:
        bases.append(site.USER_BASE)
    places = [Path(__file__).resolve().parents[1] / "samples", *(Path(base) / "share/nablascope/samples" for base in bases)]
    return next((place for place in places if any(place.glob("*.py"))), None)


def find_samples() -> list[Sample]:
    """The samples that there are."""
    folder = samples_folder()
    found = [read_sample(path) for path in folder.glob("*.py")] if folder else []
    rank = {name: i for i, name in enumerate(ORDER)}
    return sorted(found, key=lambda sample: (rank.get(sample.name, len(rank)), sample.name))


def read_sample(path: Path) -> Sample:
    """A sample by the heading and the first sentence of its first cell."""
    title, words = path.stem, []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    for line in lines[1:]:
        if not line.startswith("#") or line.startswith("# %%"):
            break
        text = line[1:].strip()
        if text.startswith("# "):
            title = text[2:]
        elif text:
            words.append(text)
        elif words:
            break
    sentence = " ".join(words).replace("`", "").split(". ")[0].rstrip(".:")
    return Sample(path, title, sentence + "." if sentence else "")


def short_path(path: str) -> str:
    """A path as one reads it: with ~ for the home folder."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path
