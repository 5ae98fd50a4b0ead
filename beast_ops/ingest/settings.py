# SPDX-License-Identifier: Apache-2.0
"""What the release says to the worker."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from beast_ops import http
from beast_ops.errors import SettingsError
from beast_ops.keys import read_secret
from beast_ops.settings import Strict, load
from beast_ops.tasks.settings import TaskSettings

Count = Annotated[int, Field(ge=1, le=1024)]  # more is no faster, and held in memory thrice


class WorkerSettings(Strict):
    """How documents are read, cut and embedded; sizes as their names say."""

    chunk_characters: Annotated[int, Field(ge=100, le=20_000)] = 1200
    chunk_overlap: Annotated[int, Field(ge=0)] = 200
    batch: Count = 128
    embed_at_once: Annotated[int, Field(ge=1, le=8)] = 4  # no more are ahead: writer.AHEAD
    parsers: Annotated[int, Field(ge=1, le=64)] = 2
    parse_seconds: Annotated[int, Field(ge=1)] = 60
    parse_megabytes: Annotated[int, Field(ge=128)] = 1024
    embedder: Literal["auto", "none", "ollama", "hash", "fastembed", "sentence-transformers"] = (
        "auto"
    )
    embed_model: str = "nomic-embed-text"
    embed_cache_megabytes: Annotated[int, Field(ge=0, le=1_000_000)] = 1024
    models_folder: str = ""
    language: str = "english"
    tasks: TaskSettings = TaskSettings()

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> Self:
        if self.chunk_overlap > self.chunk_characters // 2:
            raise ValueError("chunk_overlap must be at most half of chunk_characters")
        return self


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the worker finds its data and the services it uses."""

    data: Path
    settings: WorkerSettings
    vectors_url: str
    vectors_key: str
    models_url: str | None

    @property
    def jobs(self) -> Path:
        """The job table."""
        return jobs_file(self.data)

    @property
    def embeddings(self) -> Path:
        """Vectors that were made before; no part of a backup, and may be deleted."""
        return self.data / "knowledge" / "embeddings.sqlite"

    @property
    def state(self) -> Path:
        """What is known of every document."""
        return state_file(self.data)


def installation_of(data: Path) -> Path:
    """Return the root of the installation whose data generation in force is *data*.

    Generations are named; a container sees the one in force as the folder `data` itself.
    """
    return data.parent if data.name == "data" else data.parent.parent


def jobs_file(data: Path) -> Path:
    """Return where the job table lies in the data generation *data*."""
    return data / "jobs" / "jobs.sqlite"


def state_file(data: Path) -> Path:
    """Return where the state of the documents lies in the data generation *data*."""
    return data / "knowledge" / "state.sqlite"


def surroundings(environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what the release put into the environment of the worker.

    Raises:
        SettingsError: If a variable is missing, or a setting is wrong.
        BeastError: If the key of the vector store cannot be read.
    """
    try:
        return Surroundings(
            data=Path(environ["BEAST_DATA"]),
            settings=load(WorkerSettings, Path(environ["BEAST_CONFIG"]) / "settings.json"),
            vectors_url=environ["BEAST_VECTORS_URL"],
            vectors_key=read_secret(Path(environ["BEAST_VECTORS_KEY_FILE"])),
            models_url=http.wanted(environ, "MODELS"),
        )
    except KeyError as missing:
        raise SettingsError(
            "not in the environment; the release puts it there",
            subject=str(missing.args[0]),
            hint="Run: ./beast deploy",
        ) from missing
