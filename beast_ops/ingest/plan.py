# SPDX-License-Identifier: Apache-2.0
"""Compare what a client has with what is known: what to read, what to leave, what to forget.

Pure: values in, values out.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .manifest import DocumentEntry, Manifest
from .state import Known


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """What one ingestion comes to.

    Attributes:
        read: Documents to read, with their place in the manifest.
        unchanged: Documents that look like the files that were read before.
        gone: Sources whose chunks leave.
    """

    read: tuple[tuple[int, DocumentEntry], ...]
    unchanged: tuple[Known, ...]
    gone: tuple[str, ...]


def is_empty(manifest: Manifest, folder: str) -> bool:
    """Return whether *manifest* has no document below *folder*."""
    low = f"{folder.rstrip('/')}/"
    return not any(entry.source.startswith(low) for entry in manifest.documents)


def compare(
    manifest: Manifest,
    known: Mapping[str, Known],
    below: Iterable[str],
    sent: Collection[int] = (),
) -> IngestPlan:
    """Return what is to be done for *manifest*.

    Args:
        manifest: What the client has.
        known: What is known of its documents.
        below: Everything known below its folders.
        sent: Places of documents whose content was sent, or is known not to come.
    """
    read: list[tuple[int, DocumentEntry]] = []
    unchanged: list[Known] = []
    for place, entry in enumerate(manifest.documents):
        before = known.get(entry.source)
        if before is not None and before.same_file(entry) and place not in sent:
            unchanged.append(before)
        else:
            read.append((place, entry))
    there = {entry.source for entry in manifest.documents}
    gone = tuple(source for source in dict.fromkeys(below) if source not in there)
    return IngestPlan(tuple(read), tuple(unchanged), gone)
