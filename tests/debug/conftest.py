"""The debugger's tests start processes that are to answer within seconds."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _kernels_are_there(warm_kernels):
    """See ``warm_kernels``."""
