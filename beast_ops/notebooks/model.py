# SPDX-License-Identifier: Apache-2.0
"""What a notebook is, and what a source in it; and how a source is called in the collection."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from beast_ops.ingest.sources import uri

COLLECTION = "notebooks"  # the sources of all notebooks are in one
HOST = "notebook"  # what stands where a source of a machine has its name
SOURCES_MOST = 1000  # in one notebook: a filter of a search names them, if it must

Kind = Literal["file", "text", "url"]


class Stage(StrEnum):
    """Where a source stands, as it is kept.

    `ARRIVING` until its content is durable; `PENDING` while its job is not known to have ended;
    `GONE` once it was deleted, until a job that takes its passages away has its number
    (`LEAVING`) and has done so.
    """

    ARRIVING = "arriving"
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    GONE = "gone"
    LEAVING = "leaving"


THERE = (Stage.ARRIVING, Stage.PENDING, Stage.READY, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook: how many sources it has, times in seconds since the epoch."""

    id: str
    name: str
    description: str
    sources: int
    created: float
    changed: float


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a notebook.

    Attributes:
        id: Its own name.
        notebook: Whose it is.
        kind: What it came as.
        name: The name of its file, its title, or what its page is called.
        url: Its address, if it is a page.
        stage: Where it stands.
        job: The job that reads it, or takes its passages away.
        reason: Why it failed, or what one should know although it did not.
        passages: How many it came to.
        size: Its size in bytes.
        created: When it was added, in seconds since the epoch.
        changed: When its stage changed last, likewise.
    """

    id: str
    notebook: str
    kind: Kind
    name: str
    url: str
    stage: Stage
    job: str
    reason: str
    passages: int
    size: int
    created: float
    changed: float

    @property
    def uri(self) -> str:
        """How it is called in the collection."""
        return uri(HOST, f"/{self.notebook}/{self.id}/{self.name}")

    @property
    def folder(self) -> str:
        """What its name in the collection begins with, and no other's."""
        return f"{folder_of(self.notebook)}/{self.id}"


def folder_of(notebook: str) -> str:
    """Return what the names of all sources of the *notebook* begin with in the collection."""
    return uri(HOST, f"/{notebook}")


def owner_of(source: str) -> tuple[str, str] | None:
    """Return of which notebook, and which source of it, the passages of *source* are.

    Args:
        source: Its name in the collection.
    """
    parts = source.removeprefix(f"{folder_of('')}").split("/")
    if not source.startswith(folder_of("")) or len(parts) < len(("notebook", "id", "name")):
        return None
    return parts[0], parts[1]


def notebooks_file(data: Path) -> Path:
    """Return where the database of the notebooks lies in the data generation *data*."""
    return data / "api" / "notebooks.sqlite"


def folders_of(notebooks: Iterable[str]) -> tuple[str, ...]:
    """Return `folder_of` each of *notebooks*, each once."""
    return tuple(dict.fromkeys(map(folder_of, notebooks)))
