# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `cache`: one short function each."""

from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb("./beast cache.stats", there=True, help={"json": _JSON})
def stats(_context: Any, *, json: bool = False) -> None:
    """Show what is remembered of models: answers, similar ones, and vectors."""
    from beast_ops.door.caches import stats as show

    show(_place(), json=json)


@verb(
    "./beast cache.clear answers",
    there=True,
    optional=("kind",),
    help={"kind": "answers, similar or embeddings; all when left out", "json": _JSON},
)
def clear(_context: Any, kind: str = "", *, json: bool = False) -> None:
    """Forget what is remembered of models; it is made again when it is wanted."""
    from beast_ops.door.caches import clear as forget

    forget(_place(), kind, json=json)
