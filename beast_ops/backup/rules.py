# SPDX-License-Identifier: Apache-2.0
"""Which backup may be restored into what runs; pure.

A vector store reads snapshots of its own minor version alone; all others migrate forward by
themselves, and never back.
https://qdrant.tech/documentation/concepts/snapshots/ (restore)
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from beast_ops.errors import ConflictError

from .make import FORMAT

MINOR = 2


def judge_format(header: Mapping[str, Any]) -> None:
    """Refuse an archive that a newer version wrote.

    Raises:
        ConflictError: If it is one.
    """
    if header.get("format") != FORMAT:
        raise ConflictError(
            f"this backup has format {header.get('format')}, this version reads {FORMAT}",
            subject=str(header.get("name")),
            hint="Restore it with the version that wrote it: it is named in the header.",
        )


def judge_versions(
    header: Mapping[str, Any], runs: Mapping[str, str], snapshots: Iterable[str]
) -> None:
    """Refuse to restore what the images that run could not read.

    Args:
        header: What the archive says of itself.
        runs: The image of each service that would read it, by name.
        snapshots: Names of those that read snapshots.

    Raises:
        ConflictError: If one could not.
    """
    for service, image in header["versions"].items():
        now = runs.get(service)
        if now is None:
            continue
        was, is_now = number(image), number(now)
        if service in set(snapshots):
            if was[:MINOR] != is_now[:MINOR]:
                raise _refused(header, service, image, now, "reads only its own minor version")
        elif is_now < was:
            raise _refused(header, service, image, now, "does not read what a newer one wrote")


def number(image: str) -> tuple[int, ...]:
    """Return the version in the tag of *image*, such as (1, 19, 0); empty if it has none."""
    tag = image.partition("@")[0].rpartition(":")[2]
    found = re.match(r"v?(\d+(?:\.\d+)*)", tag)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _refused(
    header: Mapping[str, Any], service: str, was: str, now: str, why: str
) -> ConflictError:
    return ConflictError(
        f"the backup has data of {was}, and {now} runs, which {why}",
        subject=service,
        hint="Restore it into a folder of its own, with the versions it was made with "
        f"(./beast restore {header['name']} --to FOLDER), and upgrade that one.",
    )
