# SPDX-License-Identifier: Apache-2.0
"""What is said over HTTP about notebooks and their sources."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from beast_ops.notebooks.fetch import NAME_CHARACTERS, named
from beast_ops.notebooks.model import Kind, Notebook, Source

from .body import Body

URL_CHARACTERS = 2000
TEXT_CHARACTERS = 1_000_000

State = Literal["pending", "running", "ready", "failed"]


def plain(text: str) -> str:
    """Return *text* as a name; nothing in it may steer a screen or hide.

    Raises:
        ValueError: If it is none.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("this is not valid text") from None
    bare = text.strip()
    if not bare or any(not each.isprintable() for each in bare):
        raise ValueError("a name is made of characters that can be seen")
    return bare


def _valid(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("this is not valid text") from None
    return text


def _as_file(text: str) -> str:
    if not named(text) or named(text) != text.strip():
        raise ValueError("this is no name of a file")
    return text.strip()


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
Description = Annotated[str, Field(max_length=500), AfterValidator(_valid)]
FileName = Annotated[str, Field(min_length=1, max_length=NAME_CHARACTERS), AfterValidator(_as_file)]


class NotebookBody(Body):
    """A new notebook."""

    name: Name = Field(examples=["Owls"], description="No two notebooks have the same")
    description: Description = Field(default="", examples=["What is known of owls"])


class NotebookChange(Body):
    """What is to change of a notebook; what is left out stays."""

    name: Name | None = Field(default=None, examples=["Owls and others"])
    description: Description | None = None


class NotebookModel(BaseModel):
    """A notebook, and how many sources it has."""

    id: str
    name: str
    description: str
    sources: int
    created: datetime
    changed: datetime


class NotebooksModel(BaseModel):
    """A part of the notebooks, the newest change first; `total` counts all that fit."""

    notebooks: list[NotebookModel]
    total: int


class TextBody(Body):
    """A text to read."""

    text: Annotated[
        str, Field(min_length=1, max_length=TEXT_CHARACTERS), AfterValidator(_valid)
    ] = Field(examples=["# Owls\n\nOwls fly by night."])
    name: FileName = Field(examples=["Field notes"])


class UrlBody(Body):
    """A page to fetch and read; only public addresses are reached from here."""

    url: Annotated[str, Field(min_length=1, max_length=URL_CHARACTERS), AfterValidator(_valid)] = (
        Field(examples=["https://example.org/owls.html"])
    )


class SourceModel(BaseModel):
    """A source: `reason` says why it failed, or what one should know although it did not."""

    id: str
    notebook: str
    kind: Kind
    name: str
    state: State
    passages: int
    size: int = Field(description="In bytes; 0 until it is known")
    uri: str = Field(description="How search names it")
    url: str | None = None
    reason: str | None = None
    job: str | None = Field(default=None, description="The ingestion that reads it")
    created: datetime
    changed: datetime


class SourcesModel(BaseModel):
    """A part of the sources of a notebook, the newest first; `total` counts all."""

    sources: list[SourceModel]
    total: int


def notebook_model(notebook: Notebook) -> NotebookModel:
    """Return *notebook* as it is shown."""
    return NotebookModel(
        id=notebook.id,
        name=notebook.name,
        description=notebook.description,
        sources=notebook.sources,
        created=moment(notebook.created),
        changed=moment(notebook.changed),
    )


def notebooks_model(found: Sequence[Notebook], total: int) -> NotebooksModel:
    """Return notebooks as they are shown."""
    return NotebooksModel(notebooks=[notebook_model(each) for each in found], total=total)


def source_model(source: Source, state: str) -> SourceModel:
    """Return *source*, which is in *state*, as it is shown."""
    return SourceModel(
        id=source.id,
        notebook=source.notebook,
        kind=source.kind,
        name=source.name,
        state=state,  # type: ignore[arg-type] # pydantic judges it
        passages=source.passages,
        size=source.size,
        uri=source.uri,
        url=source.url or None,
        reason=source.reason or None,
        job=source.job if state in {"pending", "running"} else None,
        created=moment(source.created),
        changed=moment(source.changed),
    )


def moment(seconds: float) -> datetime:
    """Return a time in seconds since the epoch as it is shown."""
    return datetime.fromtimestamp(seconds, UTC)
