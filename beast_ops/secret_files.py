# SPDX-License-Identifier: Apache-2.0
"""Files of secrets in the form a service reads: a text whose placeholders are secrets.

`{name}` stands for a secret that the same reader is handed; `{name|bcrypt}` for its hash.
"""

import base64
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from .errors import CardError

# What is hashed are 256 random bits, which no search finds however fast the hash is; whoever
# checks a password does so at every request.
BCRYPT_ROUNDS = 5
SALT_BYTES = 16
PLACEHOLDER = re.compile(r"\{(?P<name>[a-z][a-z0-9_]*)(?:\|(?P<form>bcrypt))?\}")


@dataclass(frozen=True, slots=True)
class FilledFile:
    """One file of *reader*, made of *text* by filling in its secrets."""

    reader: str
    file: str
    text: str


def names(text: str) -> set[str]:
    """Return the names of the secrets that *text* has places for."""
    return {found["name"] for found in PLACEHOLDER.finditer(text)}


def without(text: str, missing: Collection[str]) -> str:
    """Return *text* with nothing in the places of the secrets that are *missing*."""
    return PLACEHOLDER.sub(lambda found: "" if found["name"] in missing else found.group(), text)


def fill(text: str, secrets: Mapping[str, str], salt: Callable[[str], str]) -> str:
    """Return *text* with secrets in its places.

    Args:
        text: What has places such as `{password}` or `{password|bcrypt}`.
        secrets: The secrets of the reader, by name.
        salt: Returns the same base64url text, of 16 bytes or more, each time for a name: hashes
            must be the same each time, too, or nothing would ever be done.

    Raises:
        CardError: If it has a place for what the reader has not.
    """

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in secrets:
            raise CardError("a file of secrets asks for what the reader has not", subject=name)
        if found["form"] is None:
            return secrets[name]
        return _bcrypt(secrets[name], salt(f"{name}_salt"))

    return PLACEHOLDER.sub(put, text)


def _bcrypt(secret: str, salt: str) -> str:
    import bcrypt

    raw = base64.urlsafe_b64decode(f"{salt}==")[:SALT_BYTES]
    # bcrypt has an alphabet of its own for base64, and 22 characters for 16 bytes.
    usual = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    own = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    text = base64.b64encode(raw).decode().rstrip("=").translate(str.maketrans(usual, own))
    return bcrypt.hashpw(secret.encode(), f"$2b${BCRYPT_ROUNDS:02d}${text}".encode()).decode()
