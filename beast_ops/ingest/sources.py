# SPDX-License-Identifier: Apache-2.0
"""Names of sources: `file://host/path` after RFC 8089, whatever bytes the path consists of.

What is in an archive is `file://host/path/of.zip!/member`, what came through a pipe is
`pipe://host/name`, and a page of the web is its own name.
"""

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

FILE, PIPE = "file", "pipe"
ARCHIVES = (
    *(".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"),
)
MARK = "!"  # after the name of an archive that is gone into: reports.zip!/may/sales.md
_WEB = ("http://", "https://")
_QUOTED_MARK = "%21"
_LOCAL = (f"{FILE}://", f"{PIPE}://")


def uri(host: str, path: str, scheme: str = FILE) -> str:
    """Return the name of the file or folder at the absolute *path* on *host*.

    Args:
        host: The host's name.
        path: An absolute path.
        scheme: `FILE`, or `PIPE` for what lies at no path but was given this name.
    """
    return f"{scheme}://{host.lower()}{quote_from_bytes(os.fsencode(path))}"


def is_page(path: str) -> bool:
    """Return whether *path* is the address of a page, not of a file."""
    return path.lower().startswith(_WEB)


def named(host: str, path: str) -> str:
    """Return the name of what is called *path* on *host*: a page has one name everywhere."""
    return path if is_page(path) else uri(host, path)


def path_of(source: str) -> str:
    """Return the path a source names, as the file system has it; a page names itself."""
    if not source.startswith(_LOCAL):
        return source
    rest = source.partition("://")[2]
    return os.fsdecode(unquote_to_bytes(rest[rest.index("/") :]))


def shown(source: str) -> str:
    """Return what a source names, as text that can be stored and printed."""
    path = os.fsencode(path_of(source)).decode(errors="replace")
    return f"{PIPE}:{path[1:]}" if source.startswith(f"{PIPE}://") else path


def is_archive(path: str) -> bool:
    """Return whether the file at *path* is an archive, by its name."""
    return path.lower().endswith(ARCHIVES)


def archive_of(source: str) -> str | None:
    """Return the source that is the archive in which *source* is, or `None` if it is in none."""
    if _QUOTED_MARK not in source:
        return None
    parts = source.split("/")
    for count, part in enumerate(parts, start=1):
        if part.endswith(_QUOTED_MARK) and is_archive(part.removesuffix(_QUOTED_MARK)):
            return "/".join(parts[:count]).removesuffix(_QUOTED_MARK)
    return None
