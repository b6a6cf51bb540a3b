"""Settings that hold for every test."""

import os

os.environ.setdefault("NABLASCOPE_QUIET", "1")

from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("default")
