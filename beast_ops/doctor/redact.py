# SPDX-License-Identifier: Apache-2.0
"""Take every secret of an installation out of what others shall see, in whatever form it is."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

from beast_ops import keys
from beast_ops.cards import read_services
from beast_ops.errors import BeastError, CardError
from beast_ops.place import Place
from beast_ops.release.observe import Record, read_record

GONE = b"***"
SHORTEST = 8  # bytes; what is shorter is no secret of ours, and would blot out words
CUT = (0, 2, 3)  # characters of base64 that depend on what stands before, by its length modulo 3
GENERIC = re.compile(
    rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"
    # Its begin may be lost; no key has more lines.
    rb"|(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{16,}(?:\s|\\n)+){1,200}"
    rb"-----END [A-Z0-9 ]*PRIVATE KEY-----"
    rb"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}"
    rb"|(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)",
    re.DOTALL,
)
NAMED = re.compile(
    rb"((?:password|passwd|secret|token|api[_-]?key)\"?\s*[:=]\s*\"?)"
    rb"(?!null\b|true\b|false\b|\d+\b)[^\s\"&',;{}\[\]]+",
    re.IGNORECASE,
)


class Redactor:
    """Replaces secrets by three asterisks."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        """Learn *secrets* in all their forms."""
        known = {form for secret in secrets if len(secret) >= SHORTEST for form in forms(secret)}
        small = {form.lower() for form in known if len(form) >= SHORTEST}
        self._known = sorted(small, key=len, reverse=True)

    def clean(self, content: bytes) -> bytes:
        """Return *content* without any secret, nor what looks like one."""
        small = content.lower()
        there = [re.escape(form) for form in self._known if form in small]
        if there:  # looking for each is quick, one expression for all of them is not
            content = re.sub(b"|".join(there), GONE, content, flags=re.IGNORECASE)
        return NAMED.sub(rb"\1" + GONE, GENERIC.sub(GONE, content))

    def text(self, text: str) -> str:
        """Return *text* likewise."""
        return self.clean(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


def redactor(place: Place) -> Redactor:
    """Return what takes the secrets of *place* out.

    Raises:
        BeastError: If one cannot be read, so that nobody could leave it out.
    """
    try:
        return Redactor(secrets(place))
    except OSError as failed:
        raise BeastError(
            f"cannot read a secret, and so not leave it out: {failed.strerror}",
            subject=str(failed.filename),
            hint="Run it as the user the installation belongs to.",
        ) from failed


def secrets(place: Place) -> Iterator[bytes]:
    """Yield everything that is secret at *place*, in the versions of today and before."""
    releases = (read_record(place, path.name) for path in place.releases.glob("*"))
    records = [each for each in releases if each]
    ours = {text for each in records for *_, text in each.filled}
    plain = {word for text in ours for word in pieces(text.encode())}
    for path in sorted(place.secrets.rglob("*")):
        if path.is_file() and path.name not in {"versions", "ca.crt"}:
            content = path.read_bytes()
            yield content.strip()
            yield from (word for word in pieces(content) if word not in plain)
    master = place.secrets / keys.MASTER
    if master.exists():
        content = master.read_bytes()
        yield content
        yield from _derived(place, content, records)


def pieces(content: bytes) -> Iterator[bytes]:
    """Yield the words of a file of secrets, whole and cut at what joins name and secret."""
    for word in content.split():
        if not word.startswith(b"-----"):
            yield word
            yield from re.split(rb"[:=\"',]", word)


def _derived(place: Place, master: bytes, records: Iterable[Record]) -> Iterator[bytes]:
    names = {f"{owner}/{name}" for each in records for *_, owner, name in each.handovers}
    try:
        found = read_services(place.services)
        names |= {f"{each.name}/{name}" for each in found for name in each.secrets}
    except (CardError, OSError):
        pass  # what handed them over is known from the records
    rotated = _rotated(place.secrets)
    for name in sorted(names | rotated.keys()):
        owner, _, own = name.partition("/")
        for version in range(1, rotated.get(name, 1) + 1):
            yield keys.derive(master, owner, own, version).encode()


def _rotated(folder: Path) -> dict[str, int]:
    """Return the versions of what was rotated, as far as a damaged file tells."""
    try:
        lines = (folder / "versions").read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    found: dict[str, int] = {}
    for line in lines:
        if told := keys.ROTATED.fullmatch(line):
            name = told["name"].decode()
            found[name] = max(int(told["version"]), found.get(name, 1))
    return found


def forms(secret: bytes) -> Iterator[bytes]:
    """Yield *secret* as programs write it: raw, base64, in URLs, in hex, in JSON, as Python."""
    yield secret
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # Inside of something longer, as after the name in a header of HTTP.
            whole = encode(bytes(before) + secret).rstrip(b"=")
            end = len(whole) - bool((before + len(secret)) % 3)
            yield whole[CUT[before] : end]
            yield quote_from_bytes(whole[CUT[before] : end], safe="").encode()
    for plain in ("", "/", "/:"):
        yield quote_from_bytes(secret, safe=plain).encode()
    for hexed in (secret.hex(), secret.hex(":")):
        yield hexed.encode()
    yield repr(secret)[2:-1].encode()
    text = secret.decode("utf-8", "replace")
    yield quote(text, safe="").replace("%20", "+").encode()
    yield json.dumps(text)[1:-1].encode()
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield text.encode()
