# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the model server, and by whom; what does not stand here is refused.

Paths are compared as they came, byte for byte: nothing is decoded, so nothing can be hidden.
"""

import re
from dataclasses import dataclass
from typing import Literal

from beast_ops.access.model import Scope

HOUR_SECONDS = 3600.0
Body = Literal["none", "json", "blob"]
Shown = Literal["all", "models"]


@dataclass(frozen=True, slots=True)
class Permit:
    """One thing that may be asked.

    Attributes:
        scope: The least scope.
        body: What comes along: nothing, JSON, or a file that is handed on as it comes.
        counted: Whether it makes a model work, and counts among the answers a token may have.
        shown: What of the answer is shown: all, or the models that the token may use.
        seconds: How long the whole of it may take.
    """

    scope: Scope
    body: Body = "none"
    counted: bool = False
    shown: Shown = "all"
    seconds: float = 30.0

    @property
    def noted(self) -> bool:
        """Whether it changes something, and is noted as a change."""
        return self.scope is Scope.ADMIN


_LOOK = Permit(Scope.READ)
_LIST = Permit(Scope.READ, shown="models")
_SHOW = Permit(Scope.READ, body="json")
_WORK = Permit(Scope.WRITE, body="json", counted=True, seconds=HOUR_SECONDS)
_QUICK = Permit(Scope.ADMIN, body="json", seconds=300.0)
_LONG = Permit(Scope.ADMIN, body="json", seconds=6 * HOUR_SECONDS)  # as long as our own pulls
_FILE = Permit(Scope.ADMIN, body="blob", seconds=6 * HOUR_SECONDS)

# As Ollama 0.32 has them (server/routes.go).
PERMITS: dict[tuple[str, bytes], Permit] = {
    **{(method, b"/"): _LOOK for method in ("GET", "HEAD")},
    **{(method, b"/api/version"): _LOOK for method in ("GET", "HEAD")},
    **{(method, b"/api/tags"): _LIST for method in ("GET", "HEAD")},
    ("GET", b"/api/ps"): _LIST,
    ("POST", b"/api/show"): _SHOW,
    ("POST", b"/api/generate"): _WORK,
    ("POST", b"/api/chat"): _WORK,
    ("POST", b"/api/embed"): _WORK,
    ("POST", b"/api/embeddings"): _WORK,
    ("POST", b"/api/pull"): _LONG,
    ("POST", b"/api/push"): _LONG,
    ("POST", b"/api/create"): _LONG,
    ("POST", b"/api/copy"): _QUICK,
    ("DELETE", b"/api/delete"): _QUICK,
}
_BLOB = re.compile(rb"/api/blobs/sha256:[0-9a-f]{64}")


_NAMES = {path: path.decode() for _, path in PERMITS}


def label(path: bytes) -> str:
    """Return what *path* is called in figures: strangers cannot make new names."""
    return "/api/blobs" if _BLOB.fullmatch(path) else _NAMES.get(path, "other")


def find(method: str, path: bytes) -> Permit | None:
    """Return what *method* on *path* takes, `None` if nobody may ask for it."""
    if _BLOB.fullmatch(path):
        return {"HEAD": Permit(Scope.ADMIN), "POST": _FILE}.get(method)
    return PERMITS.get((method, path))
