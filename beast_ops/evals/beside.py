# SPDX-License-Identifier: Apache-2.0
"""Ask the same golden questions of two vector stores: one live, one beside.

A drill proves so that what was restored is found as well as what runs.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beast_ops.cards import Service, Services
from beast_ops.errors import BeastError, CommandError, MissingError, ServiceError, UsageError
from beast_ops.health.report import KEY_FILES
from beast_ops.runner import LocalRunner, Runner

from .gate import GATE
from .questions import collections, file_of, load
from .run import Figures

SECONDS = 600.0  # a thousand questions, each with a vector from a slow model server
Check = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Side:
    """A release that one can ask: its services, and the folder of its secrets."""

    services: Services
    secrets: Path

    def find(self, deep: str) -> Service | None:
        """Return the service that is checked by *deep* and can be reached, if there is one."""
        found = (each for each in self.services if each.health.deep == deep and each.address)
        return next(found, None)

    def models(self) -> "Models":
        """Return what makes vectors of questions in this release."""
        server = self.find("models")
        return Models(server.address if server is not None else None, self._folder())

    def _folder(self) -> str:
        """Return where models lie that our processes run themselves; empty if nowhere."""
        configs = Path(self.services.root) / "config"
        for each in self.services:
            if each.ours and each.config is not None:
                with suppress(OSError, ValueError, AttributeError):
                    told = json.loads((configs / each.config / "settings.json").read_bytes())
                    if folder := told.get("models_folder"):
                        return str(folder)
        return ""


@dataclass(frozen=True, slots=True)
class Models:
    """What makes vectors of questions: a server, models in a folder, or neither."""

    url: str | None
    folder: str


def key_of(service: Service, secrets: Path) -> Path | None:
    """Return the file below *secrets* with the key that reads from *service*, if it wants one."""
    name = next((each for each in KEY_FILES if each in service.secrets), None)
    return secrets / service.name / name if name else None


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks in the environment of the stack, whose interpreter is *python*."""

    python: Path
    runner: Runner

    def ask(self, folder: Path, name: str, side: Side, models: Models) -> Figures:
        """Return how the store of *side* answers the questions in *folder* about *name*.

        Raises:
            MissingError: If there is no such store, or no such collection in it.
            ServiceError: If it does not answer, or not as it should.
            CommandError: If asking did not work at all.
        """
        store = side.find("vectors")
        if store is None:
            raise MissingError("there is no vector store")
        key = key_of(store, side.secrets)
        order = {
            "collection": name,
            "questions": file_of(folder, name).read_text(encoding="utf-8"),
            "url": store.address,
            "key_file": str(key) if key else None,
            "models_url": models.url,
            **({"models_folder": models.folder} if models.folder else {}),  # older ones know none
        }
        words = [str(self.python), "-I", "-m", "beast_ops.evals", json.dumps(order)]
        return _figures(self.runner.run(words, seconds=SECONDS))


def _figures(said: str) -> Figures:
    try:
        told = json.loads(said)
        if "missing" in told:
            raise MissingError(str(told["missing"]).rstrip("."))
        if "failed" in told:
            raise ServiceError(str(told["failed"]).rstrip("."))
        return Figures.model_validate(told["figures"], strict=False)
    except (ValueError, KeyError, TypeError, ValidationError) as strange:
        raise CommandError("asking golden questions printed something else") from strange


def compare(
    folder: Path, beside: Side, live: Side, python: Path, runner: Runner | None = None
) -> list[Check]:
    """Ask the questions in *folder* on both sides; return a check for each collection.

    Args:
        folder: Where the golden questions are.
        beside: What is to be proven.
        live: What it is measured by, and whose models both use.
        python: The interpreter of the stack's environment.
        runner: Runs it.
    """
    asker = Asker(python, runner or LocalRunner())
    return [
        {"name": f"golden questions: {name}", "status": status, "message": message}
        for name in collections(folder)
        for status, message in [_judged(folder, name, beside, live, asker)]
    ]


def _judged(folder: Path, name: str, beside: Side, live: Side, asker: Asker) -> tuple[str, str]:
    models = live.models()
    try:
        load(file_of(folder, name))
        now = asker.ask(folder, name, beside, models)
    except MissingError:
        return "healthy", "the backup holds no such collection"
    except (UsageError, CommandError) as wrong:
        return "degraded", wrong.paragraph()  # says nothing of the backup
    except BeastError as failed:
        return "unhealthy", failed.paragraph()
    said = f"recall@5 {now.recall_5:.3f} of {now.questions}"
    try:
        before = asker.ask(folder, name, live, models)
    except BeastError as failed:
        return "healthy", f"{said}; nothing live to compare with: {failed.paragraph()}"
    fallen = before.recall_5 - now.recall_5 > GATE
    return "unhealthy" if fallen else "healthy", f"{said}, live {before.recall_5:.3f}"
