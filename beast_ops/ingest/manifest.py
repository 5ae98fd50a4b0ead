# SPDX-License-Identifier: Apache-2.0
"""What a client says it has: the body of `POST /ingest`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from beast_ops.knowledge import COLLECTION
from beast_ops.settings import Strict

DOCUMENTS_MOST = 200_000
INTEGER_MOST = 2**63 - 1  # what SQLite can keep

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
CollectionName = Annotated[str, Field(pattern=NAME_PATTERN)]
Source = Annotated[str, Field(pattern=r"^file://[^/]*/", max_length=16_384)]


class DocumentEntry(Strict):
    """One document: its name (`sources.uri`), its size in bytes, when it was last written."""

    source: Source
    size: Annotated[int, Field(ge=0, le=INTEGER_MOST)]
    mtime_ns: Annotated[int, Field(ge=-INTEGER_MOST, le=INTEGER_MOST)]


class Manifest(Strict):
    """The documents of a client.

    Attributes:
        collection: Where they go.
        documents: What there is.
        folders: Folders that were listed completely: what is known below them and not among
            the documents is gone.
        kept: Documents that could not be looked at, so nobody knows whether they are gone.
        prune_empty: Whether all that is known below a folder is gone even if the folder is
            empty; else it is kept, for an empty folder may be where a disk is not mounted.
    """

    collection: CollectionName = COLLECTION
    documents: Annotated[tuple[DocumentEntry, ...], Field(max_length=DOCUMENTS_MOST)]
    folders: tuple[Source, ...] = ()
    kept: Annotated[tuple[Source, ...], Field(max_length=DOCUMENTS_MOST)] = ()
    prune_empty: bool = False

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.source for each in self.documents}) < len(self.documents):
            raise ValueError("a document is named twice")  # the chunks of one would be forgotten
        return self
