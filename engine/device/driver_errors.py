"""What an error of the GPU's driver means to the user: lost, refused, too old. numba.cuda's classes are told by their names,
because numba.cuda is not imported where there is no GPU, and numba-cuda has classes of its own."""

from __future__ import annotations

from typing import Any

from engine.errors import DeviceError

#: Errors of the driver that say that it has not done what was asked, by a part of their names; after all others the
#: process cannot use the GPU again.
_REFUSED = (
    "INVALID_VALUE", "OUT_OF_MEMORY", "OUT_OF_RESOURCES", "INVALID_PTX", "INVALID_IMAGE", "NO_BINARY", "NOT_SUPPORTED",
)  # fmt: skip


def raise_if_lost(error: Exception) -> None:
    """Raise what an error of the driver means to the user; return for any other error.

    Raises:
        DeviceError: the GPU is gone, or a kernel has failed on it (CUDA lets a process use neither again); or the driver
            has refused something, and the GPU can still be used; or it is too old for the compiler.
    """
    said = " ".join(str(error).split())
    if "UNSUPPORTED_PTX_VERSION" in said:
        raise DeviceError(
            f"cuda: the driver is older than the compiler that was installed with numba-cuda ({said}). Install a newer "
            "driver (nvidia-smi shows which CUDA the present one knows), or the package numba-cuda for that CUDA"
        ) from error
    names = {kind.__name__ for kind in type(error).__mro__}
    if not names & {"CudaAPIError", "CudaDriverError"}:
        return
    if any(name in said for name in _REFUSED):
        raise DeviceError(
            f"cuda: the driver refused what was asked of it ({said}). What lies on the GPU is still there; nvidia-smi shows "
            "which processes use its memory"
        ) from error
    raise DeviceError(
        f"cuda: the GPU does not answer any more ({said}). What lay on it is lost, and this "
        "process cannot use it again: start the script anew. If it happens again, look at the GPU with nvidia-smi"
    ) from error


def told(call: Any, *arguments: Any, **options: Any) -> Any:
    """``call(*arguments, **options)``; a driver's error in words, see :func:`raise_if_lost`."""
    try:
        return call(*arguments, **options)
    except Exception as error:
        raise_if_lost(error)
        raise
