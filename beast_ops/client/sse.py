# SPDX-License-Identifier: Apache-2.0
"""Server-sent events as they are read, line by line; pure.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from dataclasses import dataclass
from typing import Any

from beast_ops.errors import UnavailableError

from .refusals import told

LAST = "[DONE]"  # how an OpenAI stream says that it is whole
MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a stream.

    Attributes:
        name: What it is called; `message` if it says nothing.
        data: What it says, out of its JSON.
        id: By what the stream can be gone on with after it; empty if it cannot.
    """

    name: str
    data: Any
    id: str = ""


class Reader:
    """Puts events together out of lines."""

    def __init__(self) -> None:
        """Begin at the beginning of a stream."""
        self._name, self._id = "", ""
        self._data: list[str] = []

    def line(self, line: str) -> Message | None:
        """Take the next *line*; return the event that it ends, if it does.

        Raises:
            UnavailableError: If the event says that the stream broke off.
        """
        if not line:
            return self._ended()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id":
            self._id = value
        return None

    def _ended(self) -> Message | None:
        name, data = self._name or MESSAGE, "\n".join(self._data)
        said = bool(self._data)
        self._name, self._data = "", []
        if not said or data == LAST:
            return None
        found = Message(name, json.loads(data), self._id)
        if name in {MESSAGE, "failed"} and isinstance(found.data, dict) and "error" in found.data:
            message, hint = told(found.data["error"])
            raise UnavailableError(message, hint=hint)
        return found
