# SPDX-License-Identifier: Apache-2.0
"""What goes over the pipes between the pool and its processes: a length, then JSON.

JSON and not pickle: what comes back was made from a stranger's file, perhaps by a process that
the file took over, and must not be able to run anything here.
"""

import os
import select
import struct
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from beast_ops.errors import DocumentError

from .parse.model import TEXT_BYTES, TOO_LARGE, About, Document, Section

HEADER = struct.Struct("!Q")
BLOCK_BYTES = 1 << 20
REPLY_BYTES = TEXT_BYTES


class LateError(Exception):
    """Nothing came in time."""


class EndedError(Exception):
    """The other end is closed."""


def pack(message: Mapping[str, Any]) -> bytes:
    """Return *message* as a frame.

    Raises:
        DocumentError: If it is larger than the other end takes.
    """
    import orjson

    body = orjson.dumps(message)
    if len(body) > REPLY_BYTES:
        raise DocumentError(TOO_LARGE)
    return HEADER.pack(len(body)) + body


def send(handle: int, frame: bytes) -> None:
    """Write *frame*, all of it.

    Raises:
        EndedError: If nobody reads it.
    """
    rest = memoryview(frame)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except BrokenPipeError as gone:
        raise EndedError from gone


def receive(handle: int, deadline: float | None = None) -> dict[str, Any]:
    """Return the next message.

    Args:
        handle: A pipe.
        deadline: When to give up, as `time.monotonic` counts; `None` is never.

    Raises:
        EndedError: If the other end is closed, or what comes makes no sense.
        LateError: If it is not there in time.
    """
    import orjson

    (length,) = HEADER.unpack(_exactly(handle, HEADER.size, deadline))
    if length > REPLY_BYTES:
        raise EndedError
    try:
        message = orjson.loads(_exactly(handle, length, deadline))
    except orjson.JSONDecodeError as broken:
        raise EndedError from broken
    if not isinstance(message, dict):
        raise EndedError
    return message


def _exactly(handle: int, length: int, deadline: float | None) -> bytearray:
    data = bytearray()
    while len(data) < length:
        if deadline is not None:
            _wait(handle, deadline)
        block = os.read(handle, min(BLOCK_BYTES, length - len(data)))
        if not block:
            raise EndedError
        data += block
    return data


def _wait(handle: int, deadline: float) -> None:
    poll = select.poll()  # select() refuses handles above 1023
    poll.register(handle, select.POLLIN)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise LateError


def as_message(document: Document) -> dict[str, Any]:
    """Return *document* as plain values.

    Raises:
        DocumentError: If it is larger than the other end takes.
    """
    if sum(len(each.text) for each in document.sections) > REPLY_BYTES:
        raise DocumentError(TOO_LARGE)  # before a copy is made, for which memory may not last
    sections = [(each.heading, each.text, each.page) for each in document.sections]
    return {
        "type": document.type,
        "title": document.title,
        "sections": sections,
        "about": asdict(document.about),
        "note": document.note,
    }


def as_document(message: Mapping[str, Any]) -> Document:
    """Return the document in *message*.

    Raises:
        EndedError: If there is none.
    """
    try:
        sections = tuple(
            Section(tuple(map(str, heading)), str(text), None if page is None else int(page))
            for heading, text, page in message["sections"]
        )
        about = About(**{name: _text(value) for name, value in message["about"].items()})
        title, note = _text(message["title"]), _text(message["note"])
        return Document(str(message["type"]), title, sections, about, note)
    except (AttributeError, KeyError, TypeError, ValueError) as nonsense:
        raise EndedError from nonsense


def _text(value: object) -> str | None:
    return None if value is None else str(value)
