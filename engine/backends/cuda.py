"""``torch.backends.cuda``: there is no CUDA backend."""


def is_built() -> bool:
    """False."""
    return False
