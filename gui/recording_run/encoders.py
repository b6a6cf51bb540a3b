"""Moving pictures, written one picture at a time: GIF by Pillow, MP4 (H.264) by PyAV where it is installed."""

from __future__ import annotations

import importlib.util
import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

#: What is said where PyAV is not installed.
NO_MP4 = "MP4 needs the package av (FFmpeg for Python): pip install 'nablascope[video]'. GIF needs nothing more."

#: Of H.264: 0 is without loss, 23 the default; letters and hairlines stay crisp at this one.
_QUALITY = "18"

#: Colours of a GIF that are kept for marks, of those whose channels differ by so much.
_MARKS, _BRIGHT = 24, 60


class MissingEncoder(RuntimeError):
    """There is no encoder for a format here; the message says what to install."""


class Encoder(Protocol):
    """Takes pictures (height, width, 3) of uint8, all of one size, and writes a file."""

    def add(self, picture: np.ndarray) -> None:
        """One more picture."""
        ...

    def finish(self) -> None:
        """Write what is left and close the file."""
        ...

    def abandon(self) -> None:
        """Close the file as it is."""
        ...


def available(kind: str) -> bool:
    """Whether "gif" or "mp4" can be written here."""
    return kind == "gif" or importlib.util.find_spec("av") is not None


def open_encoder(kind: str, path: str | os.PathLike[str], rate: int) -> Encoder:
    """An encoder that writes ``path`` ("gif" or "mp4") at ``rate`` pictures a second.

    Raises:
        MissingEncoder: PyAV is not installed.
        OSError: the file cannot be written; so may everything that is done with the encoder.
    """
    if not available(kind):
        raise MissingEncoder(NO_MP4)
    return GifEncoder(path, rate) if kind == "gif" else Mp4Encoder(path, rate)


class GifEncoder:
    """Writes GIF89a. Of every picture only the rectangle that has changed is written, with 256 colours of its own.

    Pillow's own ``save_all`` holds all pictures in memory until the end; here only the newest two are.
    """

    def __init__(self, path: str | os.PathLike[str], rate: int) -> None:
        self._file = open(path, "wb")  # noqa: SIM115
        self._delay = max(2, round(100 / rate))  # of hundredths of a second; viewers slow down what is faster
        self._last: Any = None
        self._waiting: tuple[Any, tuple[int, int, int, int], int] | None = None

    def add(self, picture: np.ndarray) -> None:
        from PIL import Image, ImageChops

        image = Image.fromarray(picture)
        if self._last is None:
            self._file.write(b"GIF89a" + struct.pack("<HHBBB", image.width, image.height, 0x70, 0, 0))
            self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # for ever
            box = (0, 0, image.width, image.height)
        else:
            box = ImageChops.difference(image, self._last).getbbox()
        if box is None and self._waiting is not None:
            part, place, delay = self._waiting
            self._waiting = part, place, delay + self._delay
            return
        assert box is not None
        self._write_waiting()
        self._waiting = image.crop(box), box, self._delay
        self._last = image

    def _write_waiting(self) -> None:
        if self._waiting is None:
            return
        part, (left, top, _, _), delay = self._waiting
        self._file.write(b"\x21\xf9\x04\x04" + struct.pack("<H", min(delay, 0xFFFF)) + b"\x00\x00")
        self._file.write(_image_block(part, left, top))
        self._waiting = None

    def finish(self) -> None:
        self._write_waiting()
        self._file.write(b"\x3b")
        self._file.close()

    def abandon(self) -> None:
        self._waiting = None
        _close(self._file)


def _image_block(image: Any, left: int, top: int) -> bytes:
    """A picture as the image block of a GIF, with its colours: cut out of the file that Pillow makes of it alone."""

    colors = _indexed(image)
    buffer = io.BytesIO()
    colors.save(buffer, "GIF", interlace=0)
    data = buffer.getvalue()
    flags, at = data[10], 13
    table = 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0
    palette, at = data[at : at + table], at + table
    while data[at] == 0x21:  # extensions
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    width, height, own = struct.unpack_from("<HHB", data, at + 5)
    if not own & 0x80:
        own = 0x80 | flags & 7
        pixels = at + 10
    else:
        table = 3 * 2 ** ((own & 7) + 1)
        palette, pixels = data[at + 10 : at + 10 + table], at + 10 + table
    return b"\x2c" + struct.pack("<HHHHB", left, top, width, height, own & 0x87) + palette + data[pixels:-1]


def _indexed(image: Any) -> Any:
    """A picture in 256 colours: of the median cut, which is exact where there are many pixels, but gives the colours of
    marks and legends to their neighbours; those of them that would be wrong by most, all their pixels together, have
    places of their own. (The most frequent ones would be the many shades of a large map, which have near neighbours.)
    """
    import numpy as np
    from PIL import Image

    cut = image.quantize(256 - _MARKS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    pixels, indices = np.asarray(image).astype(np.int32), np.array(cut)
    palette = (cut.getpalette() or [])[: 3 * (256 - _MARKS)]
    palette += [0] * (3 * (256 - _MARKS) - len(palette))
    whole, bright = pixels @ (1 << 16, 1 << 8, 1), pixels.max(axis=2) - pixels.min(axis=2) >= _BRIGHT
    if not bright.any():
        return cut
    colors, first, counts = np.unique(whole[bright], return_index=True, return_counts=True)
    wrong = np.abs(pixels[bright][first] - np.reshape(palette, (-1, 3))[indices[bright][first]]).sum(axis=1) * counts
    for number, i in enumerate(np.argsort(-wrong, kind="stable")[:_MARKS]):
        indices[whole == colors[i]] = 256 - _MARKS + number
        palette += pixels[bright][first[i]].tolist()
    exact = Image.fromarray(indices)
    exact.putpalette(palette)
    return exact


class Mp4Encoder:
    """Writes H.264 in MP4, as every browser and every presentation plays it. Of odd sizes the last row is left out."""

    def __init__(self, path: str | os.PathLike[str], rate: int) -> None:
        self._file = _Target(path)
        self._rate = rate
        self._container: Any = None
        self._stream: Any = None

    def add(self, picture: np.ndarray) -> None:
        import av  # pyright: ignore[reportMissingImports]  # the extra ``video``

        height, width = picture.shape[0] & ~1, picture.shape[1] & ~1
        with self._file.causes():
            if self._container is None:
                self._container = av.open(self._file, "w", format="mp4")
                self._stream = self._container.add_stream("libx264", rate=Fraction(self._rate))
                self._stream.width, self._stream.height = width, height
                self._stream.pix_fmt = "yuv420p"
                self._stream.options = {"crf": _QUALITY, "preset": "veryfast"}
                self._stream.codec_context.thread_count = 1  # the engine process has work for the others
            frame = av.VideoFrame.from_ndarray(picture[:height, :width].copy(), format="rgb24")
            for packet in self._stream.encode(frame):
                self._container.mux(packet)

    def finish(self) -> None:
        with self._file.causes():
            if self._container is not None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
                self._container.close()
            self._file.close()

    def abandon(self) -> None:
        container, self._container, self._stream = self._container, None, None
        self._file.deaf = True
        if container is not None:
            with suppress(Exception):  # it still remembers what went wrong before, and says it once more
                container.close()
        self._file.close()


class _Target:
    """The file that FFmpeg writes to through Python: it knows the cause of a failure, which FFmpeg forgets.

    Attributes:
        deaf: whether what is written is dropped, because nobody wants it any more.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._cause: OSError | None = None
        self.deaf = False

    def write(self, data: Any) -> int:
        if self.deaf:
            return len(data)
        left = memoryview(bytes(data))
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            self._cause = error
            raise
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()

    @contextmanager
    def causes(self) -> Iterator[None]:
        """Raise what went wrong with the file instead of what FFmpeg says of it."""
        try:
            yield
        except Exception:
            if self._cause is not None:
                raise self._cause from None
            raise


def _close(file: io.BufferedWriter) -> None:
    """Close a file whose contents do not matter any more."""
    try:
        file.close()
    except OSError:
        file.raw.close()
