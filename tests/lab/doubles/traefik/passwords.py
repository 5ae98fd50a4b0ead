# SPDX-License-Identifier: Apache-2.0
"""Compare passwords with what a users file holds, as htpasswd writes it."""

import base64
import ctypes
import hashlib
import hmac
import threading
from functools import lru_cache

from .schema import ConfigError

_LOCK = threading.Lock()  # crypt keeps its answer in one place


def read_users(file: str | None, more: list[str] | None) -> dict[str, str]:
    """Return the secret of each user of a users file and a list.

    Raises:
        ConfigError: If the file cannot be read or a line is none of `name:secret`.
    """
    lines: list[str] = []
    if file:
        try:
            with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - as short as it gets
                lines = opened.read().split("\n")
        except OSError as wrong:
            raise ConfigError(f"open {file}: {wrong.strerror}") from wrong
    users = {}
    for line in [*(each.strip() for each in lines), *(more or [])]:
        if not line or line.startswith("#"):
            continue
        parts = line.split(":")
        if len(parts) != 2:
            raise ConfigError(f"error parsing BasicUser: {parts[0]}")
        users[parts[0]] = parts[1]
    return users


def matches(password: str, secret: str) -> bool:
    """Return whether *password* is the one *secret* was made of: bcrypt or SHA1."""
    if secret.startswith("{SHA}"):
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
        return hmac.compare_digest(secret[5:], base64.b64encode(digest).decode())
    if secret.startswith(("$2a$", "$2b$", "$2y$")):
        made = crypt(password, secret)
        return made is not None and hmac.compare_digest(made, secret)
    return False


def crypt(password: str, setting: str) -> str | None:
    """Return what the C library makes of *password* with *setting*, if it knows how."""
    with _LOCK:
        made = _library().crypt(password.encode(), setting.encode())
        return None if made is None or made.startswith(b"*") else str(made.decode())


@lru_cache
def _library() -> ctypes.CDLL:
    found = ctypes.CDLL("libcrypt.so.1")
    found.crypt.restype = ctypes.c_char_p
    found.crypt.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    return found
