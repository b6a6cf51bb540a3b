"""Knowing one's own files again: a hash with a key that this user has on this machine. No Qt.

As with notebooks in Jupyter: whoever has the key could run code as this user anyway, so a file signed with it needs no
question; every other file was made elsewhere, or changed since.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path

from gui.ordinary_files import read_ordinary

_BYTES = 32


class Signer:
    """Signs with the key in ``folder``; it is made with the first signature."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session-key"

    def sign(self, data: bytes) -> str:
        """The signature of ``data``; "" where no key can be kept: the file will be taken for somebody else's."""
        key = self._key() or self._make()
        return hmac.new(key, data, hashlib.sha256).hexdigest() if key else ""

    def knows(self, data: bytes, signature: str) -> bool:
        """Whether ``signature`` is what :meth:`sign` gives for ``data``."""
        key = self._key()
        if not key or not signature.isascii():
            return False
        return hmac.compare_digest(hmac.new(key, data, hashlib.sha256).hexdigest(), signature)

    def _key(self) -> bytes:
        try:
            key = read_ordinary(self._path)
        except OSError:
            return b""
        return key if len(key) == _BYTES else b""

    def _make(self) -> bytes:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_BYTES))
        except OSError as error:
            # Read-only, or another window has just made one, which is as good.
            logging.getLogger(__name__).info("no key was written to %s: %s", self._path, error)
        return self._key()
