# SPDX-License-Identifier: Apache-2.0
"""Ask the model server what is known of models; whoever it does not know, the table may."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from beast_ops import http
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.llm.calls import SERVICE
from beast_ops.models.names import full

from .facts import Facts, read
from .known import known

SECONDS = 5.0


def gather(url: str | None, names: Iterable[str]) -> dict[str, Facts | None]:
    """Return what is known of the models *names*.

    Args:
        url: Where the model server is, if there is one.
        names: The models; one of which nothing is known is `None`.
    """
    wanted = list(dict.fromkeys(full(name) for name in names))
    told: dict[str, Facts] = {}
    if url is not None:
        with suppress(UnavailableError, ServiceError):  # what it would say stays unknown
            told = _ask(url, wanted)
    return {name: told.get(name) or known(name) for name in wanted}


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
                found[name] = replace(read(name, sizes[name], info, SERVICE), here=True)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise ServiceError("does not answer like a model server", subject=url) from wrong
    return found
