# SPDX-License-Identifier: Apache-2.0
"""The registry as a JSON document, to be carried elsewhere."""

import json

from pydantic import ValidationError

from beast_ops.errors import UsageError
from beast_ops.settings import Strict

from .entry import Entry
from .registry import Registry, as_json

VERSION = 1
MOST_BYTES = 1 << 30


class Document(Strict):
    """What is written: models with all that is known of them, not where they lie."""

    version: int
    models: tuple[Entry, ...]


def export(registry: Registry, *, everything: bool = False) -> bytes:
    """Return the models of *registry* as JSON.

    Args:
        registry: Where they are.
        everything: Also those of the catalogue and of scans, not only what was registered.
    """
    entries = registry.all() if everything else registry.all(("own",))
    document = {"version": VERSION, "models": [as_json(entry) for entry in entries]}
    return json.dumps(document, indent=2).encode() + b"\n"


def bring_in(registry: Registry, content: bytes, subject: str) -> int:
    """Register the models of the JSON document *content*, all or none; return how many.

    Raises:
        UsageError: If it is no such document.
    """
    if len(content) > MOST_BYTES:
        raise _refused(f"more than {MOST_BYTES} bytes", subject)
    try:
        document = Document.model_validate_json(content)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _refused(f"{place}: {first['msg']}", subject) from wrong
    if document.version != VERSION:
        raise _refused(f"version {document.version}, readable is {VERSION}", subject)
    return registry.register(document.models)


def _refused(why: str, subject: str) -> UsageError:
    return UsageError(
        f"this is no list of models: {why}",
        subject=subject,
        hint="Make one with: ./beast models.export",
    )
