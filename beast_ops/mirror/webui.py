# SPDX-License-Identifier: Apache-2.0
"""A knowledge base of Open WebUI, through its API (0.11).

Files that others put there are left alone: ours carry a mark in their metadata.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import ServiceError, UnavailableError

from .plan import Kept

SERVICE = "Open WebUI"
SECONDS = 120.0
PROCESS_SECONDS = 300.0
LOOK_SECONDS = 0.2
MARK = "ai_beast"
PAGES_MOST = 10_000


class Knowledge:
    """One knowledge base, by its name; made when it is first needed."""

    def __init__(self, client: http.Client, name: str, clock: Clock = SYSTEM) -> None:
        """Ask through *client*, which carries address and login."""
        self._client, self._name, self._clock = client, name, clock
        self._known = ""

    def files(self) -> list[Kept]:
        """Return the files of ours in it.

        Raises:
            UnavailableError: If Open WebUI does not answer.
            ServiceError: If it refuses, or answers with something else.
        """
        return [kept for each in self._pages(f"{self._path()}/files") if (kept := _kept(each))]

    def put(self, source: str, version: str, name: str, text: str) -> None:
        """Add the document *source* in *version* as a file called *name* with *text*.

        Raises:
            UnavailableError: If Open WebUI does not answer, or is not done with it in time.
            ServiceError: If it refuses it.
        """
        mark = {MARK: {"source": source, "version": version}}
        sent = {
            "files": {"file": (name, text.encode(errors="replace"), "text/markdown")},
            "data": {"metadata": json.dumps(mark)},
        }
        file = str(self._call("POST", "/api/v1/files/", **sent)["id"])
        try:
            self._wait(file)
            self._call("POST", f"{self._path()}/file/add", json={"file_id": file})
        except BaseException:
            self._forget(file)
            raise

    def remove(self, file: str) -> None:
        """Remove *file* from it, and from Open WebUI; raises as `files`."""
        self._call("POST", f"{self._path()}/file/remove", json={"file_id": file})

    def _path(self) -> str:
        if not self._known:
            self._known = self._find() or self._make()
        return f"/api/v1/knowledge/{self._known}"

    def _find(self) -> str:
        """Return the id of the knowledge base; nothing if there is none of its name."""
        named = (each for each in self._pages("/api/v1/knowledge/") if each["name"] == self._name)
        return next((str(each["id"]) for each in named), "")

    def _make(self) -> str:
        said = {"name": self._name, "description": "Documents of AI Beast, kept in step by it."}
        return str(self._call("POST", "/api/v1/knowledge/create", json=said)["id"])

    def _wait(self, file: str) -> None:
        """Return once Open WebUI has read *file*."""
        until = self._clock.monotonic() + PROCESS_SECONDS
        while self._clock.monotonic() < until:
            found = self._call("GET", f"/api/v1/files/{file}/process/status")
            status = found.get("status")
            if status == "completed":
                return
            if status == "failed":
                raise ServiceError(f"{SERVICE} cannot read it: {str(found.get('error'))[:300]}")
            self._clock.sleep(LOOK_SECONDS)
        raise UnavailableError(f"{SERVICE} is not done with a file after {PROCESS_SECONDS:g} s")

    def _forget(self, file: str) -> None:
        """Delete *file*, which is in no knowledge base: nobody would find it any more."""
        try:
            self._call("DELETE", f"/api/v1/files/{file}")
        except (ServiceError, UnavailableError):
            return  # what went wrong first is what is told

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the items of all pages."""
        seen = 0
        for page in range(1, PAGES_MOST):
            found = self._call("GET", path, params={"page": page})
            items = found["items"]
            yield from items
            seen += len(items)
            if not items or seen >= int(found["total"]):
                return

    def _call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Return what is answered, which is always an object.

        Raises:
            UnavailableError: If nobody answers.
            ServiceError: If it is a refusal, or the page that Open WebUI has for unknown paths.
        """
        with http.speaking_to(SERVICE):
            answer = self._client.request(method, path, **sent)
        said = _read(answer.json)
        if answer.is_success and isinstance(said, dict):
            return said
        reason = said.get("detail") if isinstance(said, dict) else "no JSON; is it Open WebUI?"
        raise ServiceError(
            f"{SERVICE} answered {answer.status_code}: {str(reason)[:300]}", subject=path
        )


def _read(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except ValueError:
        return None


def _kept(item: dict[str, Any]) -> Kept | None:
    """Return the file that *item* tells of, if it is ours."""
    mark = ((item.get("meta") or {}).get("data") or {}).get(MARK)
    if not isinstance(mark, dict):
        return None
    return Kept(str(item["id"]), str(mark.get("source")), str(mark.get("version")))
