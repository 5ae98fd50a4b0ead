# SPDX-License-Identifier: Apache-2.0
"""What a client says it has: the body of `POST /ingest`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from beast_ops.errors import UsageError
from beast_ops.jobs.model import Priority
from beast_ops.knowledge import COLLECTION
from beast_ops.settings import Strict

from .ignore import Selection
from .sources import shown

FEW = 20  # documents that somebody waits for, more likely than not
DOCUMENTS_MOST = 200_000
PATTERNS_MOST = 100
INTEGER_MOST = 2**63 - 1  # what SQLite can keep

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
CollectionName = Annotated[str, Field(pattern=NAME_PATTERN)]
Pattern = Annotated[str, Field(min_length=1, max_length=1000)]
Source = Annotated[str, Field(pattern=r"^(file|pipe)://[^/]*/|^https?://[^/]+/", max_length=16_384)]


class DocumentEntry(Strict):
    """One document.

    Attributes:
        source: Its name (`sources.uri`).
        size: Its size in bytes.
        mtime_ns: When it was last written, or a number that stands for its content.
        suffix: The suffix of files that are read as it is, if its name does not tell.
    """

    source: Source
    size: Annotated[int, Field(ge=0, le=INTEGER_MOST)]
    mtime_ns: Annotated[int, Field(ge=-INTEGER_MOST, le=INTEGER_MOST)]
    suffix: Annotated[str, Field(pattern=r"^(\.[a-z0-9]{1,10})?$")] = ""

    @property
    def name(self) -> str:
        """What it is called, with the suffix that says how it is read."""
        name = shown(self.source)
        return (
            f"{name}index{self.suffix}" if self.suffix and name[-1] == "/" else name + self.suffix
        )


class Manifest(Strict):
    """The documents of a client.

    Attributes:
        collection: Where they go.
        documents: What there is.
        folders: Folders that were listed completely: what is known below them and not among
            the documents is gone.
        kept: Documents that could not be looked at, so nobody knows whether they are gone.
        gone: Documents, and folders with all below, that somebody saw go.
        include: Patterns as in `.gitignore`, relative to the folders: if there are any, the
            folders were listed for what matches one of them, and only that can be gone.
        exclude: Likewise, for what they were not listed for.
        archives: Whether archives in the folders were looked into, so that what is known of
            others is gone.
        prune_empty: Whether all that is known below a folder is gone even if the folder is
            empty; else it is kept, for an empty folder may be where a disk is not mounted.
        priority: How urgent it is; if nobody says, a few documents are, and many are not.
    """

    collection: CollectionName = COLLECTION
    documents: Annotated[tuple[DocumentEntry, ...], Field(max_length=DOCUMENTS_MOST)]
    folders: tuple[Source, ...] = ()
    kept: Annotated[tuple[Source, ...], Field(max_length=DOCUMENTS_MOST)] = ()
    gone: Annotated[tuple[Source, ...], Field(max_length=DOCUMENTS_MOST)] = ()
    include: Annotated[tuple[Pattern, ...], Field(max_length=PATTERNS_MOST)] = ()
    exclude: Annotated[tuple[Pattern, ...], Field(max_length=PATTERNS_MOST)] = ()
    archives: bool = False
    prune_empty: bool = False
    priority: Priority | None = None

    @property
    def urgency(self) -> Priority:
        """How urgent it is, whether somebody says or not."""
        few = Priority.HIGH if len(self.documents) <= FEW else Priority.NORMAL
        return self.priority or few

    @model_validator(mode="after")
    def _patterns_are_patterns(self) -> Self:
        try:
            Selection(self.include, self.exclude).judged()
        except UsageError as wrong:
            raise ValueError(f"{wrong}: {wrong.subject}") from wrong
        return self

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({each.source for each in self.documents}) < len(self.documents):
            raise ValueError("a document is named twice")  # the chunks of one would be forgotten
        return self
