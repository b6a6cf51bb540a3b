"""Where the shipped data lie, in a checkout and after installation."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

from engine.errors import DataError

ENVIRONMENT_VARIABLE = "NABLASCOPE_DATA"


class DataNotFoundError(DataError, RuntimeError, FileNotFoundError):
    """Files of a data set are not there. torchvision raises RuntimeError or FileNotFoundError."""

    __str__ = Exception.__str__


def samples_data_folder() -> Path:
    """Return the folder of the shipped data (`fashion-mnist/`, `digits/`, `README.md`).

    Searched in this order: the environment variable NABLASCOPE_DATA; `samples/data` next to the
    package `engine`, as in a checkout; `share/nablascope/data` under `sys.prefix` and under the
    user's base folder, where an installation puts it.

    Raises:
        DataNotFoundError: none of these is a folder; the message names all of them. If
            NABLASCOPE_DATA is set and is not a folder, nothing else is tried.
    """
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser()
        if not folder.is_dir():
            raise DataNotFoundError(
                f"{ENVIRONMENT_VARIABLE} is set to {chosen!r}, which is not a folder; set it to "
                "the folder that holds fashion-mnist/ and digits/, or unset it"
            )
        return folder
    places = _standard_places()
    for place in places:
        if place.is_dir():
            return place
    listing = "; ".join(str(place) for place in places)
    raise DataNotFoundError(
        f"the shipped data were not found; searched: {ENVIRONMENT_VARIABLE} (not set); {listing}. "
        f"Install the package again, or set {ENVIRONMENT_VARIABLE} to the folder that holds "
        "fashion-mnist/ and digits/"
    )


def user_data_folder(name: str) -> Path:
    """Return the folder in which a user may put a whole data set, e.g. `fashion-mnist`."""
    import platformdirs

    return Path(platformdirs.user_data_dir("nablascope")) / name


def _standard_places() -> list[Path]:
    tail = Path("share") / "nablascope" / "data"
    places = [Path(__file__).resolve().parents[3] / "samples" / "data", Path(sys.prefix) / tail]
    if site.ENABLE_USER_SITE:
        places.append(Path(site.getuserbase()) / tail)
    return places
