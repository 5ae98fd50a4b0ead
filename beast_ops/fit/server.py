# SPDX-License-Identifier: Apache-2.0
"""Ask what is known of models: their files, the model server, the registry, the catalogue."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from beast_ops import http
from beast_ops.errors import ServiceError, UnavailableError, UsageError
from beast_ops.llm.calls import SERVICE
from beast_ops.models.names import full

from .facts import Facts, read
from .known import facts_in, known

SECONDS = 5.0
SUFFIX = ".gguf"
Know = Callable[[str], Facts | None]


def gather(url: str | None, names: Iterable[str], know: Know = known) -> dict[str, Facts | None]:
    """Return what is known of the models *names*.

    Args:
        url: Where the model server is, if there is one.
        names: The models, or paths of GGUF files; one of which nothing is known is `None`.
        know: Tells what is known of a model that the server does not have.

    Raises:
        ModelError: If a file is no GGUF file, or a damaged one.
        UsageError: If there is no such file.
    """
    asked = list(dict.fromkeys(names))
    files = [name for name in asked if name.lower().endswith(SUFFIX)]
    found: dict[str, Facts | None] = {name: _file(Path(name)) for name in files}
    return found | _named(url, [full(name) for name in asked if name not in files], know)


def _file(path: Path) -> Facts:
    try:
        return facts_in(path.expanduser())
    except OSError as failed:
        raise UsageError(f"cannot be read: {failed.strerror}", subject=str(path)) from failed


def _named(url: str | None, wanted: list[str], know: Know) -> dict[str, Facts | None]:
    told: dict[str, Facts] = {}
    if url is not None:
        with suppress(UnavailableError, ServiceError):  # what it would say stays unknown
            told = _ask(url, wanted)
    return {name: told.get(name) or know(name) for name in wanted}


def _ask(url: str, wanted: list[str]) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    with http.client(url, seconds=SECONDS) as client, http.speaking_to(SERVICE):
        tags = client.get("/api/tags")
        tags.raise_for_status()
        try:
            sizes = {full(str(each["name"])): int(each["size"]) for each in tags.json()["models"]}
            for name in wanted:
                if name not in sizes:
                    continue
                shown = client.post("/api/show", json={"model": name})
                shown.raise_for_status()
                info = dict(shown.json().get("model_info") or {})
                found[name] = read(name, sizes[name], info, SERVICE, here=True)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise ServiceError("does not answer like a model server", subject=url) from wrong
    return found
