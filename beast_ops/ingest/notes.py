# SPDX-License-Identifier: Apache-2.0
"""Small notes a client keeps for itself from run to run, in the user's cache; all may be lost."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from beast_ops.files import write_atomically

NOTES_MOST = 2000
NOTE_BYTES = 8 << 20


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the notes of this user are kept."""
    cache = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME', '/nonexistent')}/.cache"
    return Path(cache) / "ai-beast" / "sources"


class Notes:
    """Notes by key: the newest are kept, and one that cannot be kept is forgotten."""

    def __init__(self, folder: Path, most: int = NOTES_MOST) -> None:
        """Keep at most *most* notes in *folder*."""
        self._folder, self._most = folder, most

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the note for *key*, or `None` if there is none that makes sense."""
        try:
            path = self._path(key)
            if path.stat().st_size > NOTE_BYTES:
                return None
            note = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return note["note"] if isinstance(note, dict) and note.get("key") == key else None

    def put(self, key: str, note: Mapping[str, Any]) -> None:
        """Keep *note* for *key*."""
        text = json.dumps({"key": key, "note": note}).encode()
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path(key), text)
            self._forget_old()

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(os.fsencode(key)).hexdigest()}.json"

    def _forget_old(self) -> None:
        paths = list(self._folder.glob("*.json"))
        if len(paths) > self._most:
            paths.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in paths[: len(paths) - self._most]:
                path.unlink(missing_ok=True)
