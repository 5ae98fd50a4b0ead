# SPDX-License-Identifier: Apache-2.0
"""Read messages: who wrote to whom, when, what it says, and the names of what is attached."""

import email.errors
import email.utils
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean, decode

from . import about
from .formats import Parser
from .html import page, text_of
from .model import About, Document, Section
from .outline import Path as Outline

HEADER_CHARACTERS = 2000
SHOWN = ("From", "To", "Cc")
# A message has one of these, RFC 5322, 3.6; else it is any text.
MARKS = ("From", "Date", "Subject", "Message-ID", "Received")
TEXTS = {"text", "multipart"}  # the latter where it does not say what parts it
NO_MESSAGE = "not a message: it has no headers"


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as text."""

    subject: str | None
    about: About
    section: Section


def read(path: Path, parser: Parser) -> Document:
    """Return the message at *path*.

    Raises:
        DocumentError: If it is none.
        OSError: If it cannot be read.
    """
    mail = mail_of(path.read_bytes())
    return Document(parser.type, mail.subject, (mail.section,), mail.about)


def mail_of(data: bytes) -> Mail:
    """Return the message that *data* is.

    Raises:
        DocumentError: If it is none.
        RecursionError: If it holds messages in messages without end.
    """
    # The old policy: the new one parses each header into a tree, and fails on what people send.
    message: Message = BytesParser().parsebytes(data)
    if not any(name in message for name in MARKS):
        raise DocumentError(NO_MESSAGE)
    subject = about.line(_header(message, "Subject"))
    said = _About(message)
    attached: list[str] = []
    text = "\n\n".join(filter(None, (said.head(), *_texts(message, attached))))
    if attached:
        text += f"\n\nAttachments: {', '.join(attached)}"
    section = Section(Outline().enter(1, subject or ""), clean(text))
    return Mail(subject, said.about, section)


class _About:
    """What the headers of *message* say."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self.about = About(
            author=about.line(_header(message, "From")),
            created=about.written(_date(message)),
            language=about.language(_header(message, "Content-Language")),
        )

    def head(self) -> str:
        """Return the headers that matter, the subject as the first line."""
        named = {name: about.line(_header(self._message, name)) for name in SHOWN}
        named["Date"] = self.about.created
        lines = (f"{name}: {value}" for name, value in named.items() if value)
        return "\n".join(filter(None, (about.line(_header(self._message, "Subject")), *lines)))


def _header(message: Message, name: str) -> str:
    """Return what the header *name* says, decoded as far as it can be."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _words(str(raw)[:HEADER_CHARACTERS])


def _words(raw: str) -> str:
    """Return the value *raw* of a header, decoded as far as it can be."""
    try:
        raw = decode(raw.encode("ascii", "surrogateescape"))  # bytes that should not be there
        return str(make_header(decode_header(raw)))
    except (DocumentError, email.errors.MessageError, LookupError, ValueError):
        return raw


def _date(message: Message) -> datetime | None:
    try:
        return email.utils.parsedate_to_datetime(_header(message, "Date"))
    except (TypeError, ValueError, OverflowError):
        return None


def _texts(message: Message, attached: list[str]) -> Iterator[str]:
    """Yield the texts of *message* in order, and put what is attached to *attached*."""
    waiting: list[Message] = [message]
    while waiting:
        part = waiting.pop()
        if isinstance(payload := part.get_payload(), list):
            inner = [each for each in payload if isinstance(each, Message)]
            if part.get_content_type() == "multipart/alternative":
                waiting.extend(_best(inner))
                continue
            if part.get_content_type() == "message/rfc822":
                yield from ("Forwarded message:", *(_About(each).head() for each in inner))
            waiting.extend(reversed(inner))
        elif part.get_content_maintype() in TEXTS and not _is_attachment(part):
            yield _text(part)
        elif name := _filename(part):
            attached.append(name)


def _best(versions: list[Message]) -> list[Message]:
    """Return the one of *versions* of the same text that is read best: plain, if it says it."""
    plain = (each for each in versions if each.get_content_type() == "text/plain")
    said = next((each for each in plain if _text(each)), None)
    return [said] if said is not None else versions[-1:]  # RFC 2046, 5.1.4: the last is the best


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _filename(part: Message) -> str | None:
    try:
        return about.line(_words(part.get_filename() or ""))
    except (LookupError, TypeError, ValueError):
        return None  # as the library fails when parameters contradict each other


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return ""
    try:
        if part.get_content_subtype() == "html":
            sections = page(_declared(part, data) or text_of(data))[2]
            return "\n\n".join(section.text for section in sections)
        return (_declared(part, data) or clean(decode(data))).strip()
    except DocumentError:
        return ""  # what is no text, or nothing, says nothing


def _declared(part: Message, data: bytes) -> str | None:
    """Return *data* in the encoding that the part declares, if that is true."""
    try:
        return clean(data.decode(part.get_content_charset("")))
    except (LookupError, TypeError, ValueError):
        return None
