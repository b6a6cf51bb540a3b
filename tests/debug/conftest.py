"""The debugger's tests start processes that are to answer within seconds."""

import pytest

from tests.debug.fake_client import FakeClient


@pytest.fixture(autouse=True, scope="session")
def _kernels_are_there(warm_kernels):
    """See ``warm_kernels``."""


@pytest.fixture
def made(monkeypatch):
    """The clients that a session of :class:`FakeClient` makes, in their order."""
    monkeypatch.setattr(FakeClient, "made", [])
    monkeypatch.setattr(FakeClient, "crash_at", None)
    monkeypatch.setattr(FakeClient, "refuse_skipping", False)
    return FakeClient.made
