"""``torch.backends.mkldnn``: there is no oneDNN backend."""

enabled = False


def is_available() -> bool:
    """False."""
    return False
