# SPDX-License-Identifier: Apache-2.0
"""The documents of a collection as the vector store holds them: whole texts, and versions.

They are put together from their passages, so that nothing has to be read again, wherever a
document came from: a file of another host, a page of the web, an archive.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from beast_ops import http
from beast_ops.errors import MissingError

STORE = "the vector store"
PAGE = 512
OVERLAP_MOST = 2000
FORM = "1"  # of the texts; another one makes all documents new


class Documents:
    """The documents of one collection, asked of the store."""

    def __init__(self, client: http.Client, collection: str) -> None:
        """Ask through *client*, which carries the store's address and key."""
        self._client, self._collection = client, collection

    def versions(self) -> dict[str, str]:
        """Return the version of each document, by source.

        The id of a passage is made of its source, its place and its text, so that the ids of
        all passages of a document are its version, and no text has to be moved.

        Raises:
            MissingError: If there is no such collection.
            UnavailableError: If the store does not answer.
        """
        found: dict[str, list[str]] = {}
        for point in self._scroll({}, ["source"]):
            found.setdefault(str(point["payload"]["source"]), []).append(str(point["id"]))
        return {source: _version(ids) for source, ids in found.items()}

    def text(self, source: str) -> str:
        """Return the whole text of the document *source*; raises as `versions`."""
        condition = {"must": [{"key": "source", "match": {"value": source}}]}
        points = self._scroll({"filter": condition}, ["text", "heading", "position"])
        payloads = [point["payload"] for point in points]
        payloads.sort(key=lambda payload: int(payload.get("position") or 0))
        return whole(source, payloads)

    def _scroll(self, more: Mapping[str, Any], payload: Sequence[str]) -> Iterator[dict[str, Any]]:
        offset: Any = None
        path = f"/collections/{self._collection}/points/scroll"
        while True:
            body = {"limit": PAGE, "with_payload": list(payload), "offset": offset, **more}
            with http.speaking_to(STORE):
                answer = self._client.post(path, json=body)
                if answer.status_code == 404:  # noqa: PLR2004 - Not Found
                    raise MissingError("there is no such collection", subject=self._collection)
                answer.raise_for_status()
            page = answer.json()["result"]
            yield from page["points"]
            offset = page.get("next_page_offset")
            if offset is None:
                return


def _version(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([FORM, *sorted(ids)]).encode()).hexdigest()


def whole(source: str, payloads: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the document *source* from the *payloads* of its passages, in order.

    It begins with its source: Open WebUI refuses a second document that says the same.
    """
    parts = [f"Source: {source}\n"]
    before, heading = "", list[str]()
    for payload in payloads:
        text, under = str(payload["text"]), list(map(str, payload.get("heading") or ()))
        if under != heading:
            heading, before = under, ""
            parts.append(f"\n## {' > '.join(under)}\n" if under else "\n")
        shared = _shared(before, text)
        parts.append(text[shared:] if shared else f"\n{text}")
        before = text
    return "".join(parts) + "\n"


def _shared(before: str, text: str) -> int:
    """Return how many characters *text* begins with that *before* ended with."""
    most = min(len(before), len(text), OVERLAP_MOST)
    return next((size for size in range(most, 0, -1) if before.endswith(text[:size])), 0)
