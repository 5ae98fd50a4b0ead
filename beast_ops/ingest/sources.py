# SPDX-License-Identifier: Apache-2.0
"""Names of sources: `file://host/path` after RFC 8089, whatever bytes the path consists of."""

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

SCHEME = "file://"


def uri(host: str, path: str) -> str:
    """Return the name of the file or folder at the absolute *path* on *host*."""
    return f"{SCHEME}{host.lower()}{quote_from_bytes(os.fsencode(path))}"


def path_of(source: str) -> str:
    """Return the path a source names, as the file system has it."""
    rest = source.removeprefix(SCHEME)
    return os.fsdecode(unquote_to_bytes(rest[rest.index("/") :]))


def shown(source: str) -> str:
    """Return the path a source names, as text that can be stored and printed."""
    return os.fsencode(path_of(source)).decode(errors="replace")
