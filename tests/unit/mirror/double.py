# SPDX-License-Identifier: Apache-2.0
"""A double of Open WebUI's knowledge bases that misbehaves on demand.

As the real one (0.11): lists come in pages with a total; a file is read in the background and has
a status; a second file that says the same is refused; unknown paths answer 200 with a page.
"""

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from beast_ops.testing import Canned, fake_service

PAGE = 2
SPA = Canned(b"<!doctype html><html></html>")


@dataclass
class Webui:
    """What it holds, and how it behaves.

    `refuse` has a path answer with a status (`times` times); `unreadable` are texts that it
    cannot read; `slow` is how often a file is still pending when asked.
    """

    bases: dict = field(default_factory=dict)  # id: (name, [file ids])
    files: dict = field(default_factory=dict)  # id: {name, text, meta}
    refuse: dict = field(default_factory=dict)
    unreadable: tuple = ()
    slow: int = 0
    asked: list = field(default_factory=list)
    numbers: int = 0
    url: str = ""

    def number(self):
        self.numbers += 1
        return f"n{self.numbers}"

    def answer(self, asked):  # noqa: C901, PLR0911 - each route has its answer
        path, query = urlsplit(asked.path).path, parse_qs(urlsplit(asked.path).query)
        self.asked.append((asked.method, path))
        for pattern, (status, times) in list(self.refuse.items()):
            if times and re.search(pattern, f"{asked.method} {path}"):
                self.refuse[pattern] = (status, times - 1)
                return Canned({"detail": "refused"}, status)
        page = int(query.get("page", ["1"])[0])
        parts = path.strip("/").split("/")[2:]
        match asked.method, parts:
            case "POST", ["auths", "signin"]:
                right = json.loads(asked.body) == {"email": "a@b.c", "password": "right"}
                return Canned(
                    {"token": "a-token"} if right else {"detail": "wrong"}, 200 if right else 400
                )
            case "GET", ["knowledge"]:
                rows = [{"id": key, "name": name} for key, (name, _) in self.bases.items()]
                return paged(rows, page)
            case "POST", ["knowledge", "create"]:
                key = self.number()
                self.bases[key] = (json.loads(asked.body)["name"], [])
                return Canned({"id": key})
            case "GET", ["knowledge", key, "files"]:
                rows = [{"id": each, **self.files[each]} for each in self.bases[key][1]]
                return paged(rows, page)
            case "POST", ["files"]:
                return self.upload(asked.body.decode())
            case "GET", ["files", key, "process", "status"]:
                return self.status(key)
            case "DELETE", ["files", key]:
                del self.files[key]
                return Canned({"message": "gone"})
            case "POST", ["knowledge", key, "file", what]:
                return self.change(key, what, json.loads(asked.body)["file_id"])
        return SPA

    def upload(self, body):
        key = self.number()
        name = re.search(r'filename="([^"]*)"', body)[1]
        metadata = re.search(r'name="metadata"\r\n\r\n(.*?)\r\n--', body, re.DOTALL)[1]
        text = re.search(r"filename=.*?\r\n\r\n(.*?)\r\n--", body, re.DOTALL)[1]
        meta = {"name": name, "data": json.loads(metadata)}
        self.files[key] = {"filename": name, "text": text, "meta": meta, "left": self.slow}
        return Canned({"id": key, "status": True})

    def status(self, key):
        if any(each in self.files[key]["text"] for each in self.unreadable):
            return Canned({"status": "failed", "error": "no text in it"})
        self.files[key]["left"] -= 1
        return Canned({"status": "pending" if self.files[key]["left"] >= 0 else "completed"})

    def change(self, base, what, file):
        held = self.bases[base][1]
        if what == "remove":
            held.remove(file)
            del self.files[file]
        elif any(self.files[each]["text"] == self.files[file]["text"] for each in held):
            return Canned({"detail": "400: Duplicate content detected."}, 400)
        else:
            held.append(file)
        return Canned({"id": base})

    def texts(self, name):
        """Return the texts in the knowledge base *name*, by the names of the files."""
        [held] = [files for known, files in self.bases.values() if known == name]
        return {self.files[each]["filename"]: self.files[each]["text"] for each in held}


def paged(rows, page):
    return Canned({"items": rows[(page - 1) * PAGE : page * PAGE], "total": len(rows)})


class _Any(dict):
    def __init__(self, answer):
        self.answer = answer

    def get(self, _path, _default=None):
        return self.answer


@contextmanager
def webui():
    """Serve it."""
    double = Webui()
    with fake_service(_Any(double.answer)) as service:
        double.url = service.address
        yield double
