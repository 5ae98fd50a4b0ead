# SPDX-License-Identifier: Apache-2.0
"""Choose a certificate by the name a client asks for."""

import contextlib
import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from .config import TLS_VERSIONS, Dynamic


class Keyring:
    """The certificates of one moment."""

    def __init__(self, dynamic: Dynamic) -> None:
        self.contexts: list[tuple[tuple[str, ...], ssl.SSLContext]] = []
        self.default: ssl.SSLContext | None = None
        self.ends: dict[tuple[str, str], float] = {}
        least = (dynamic.options.get("default") or {}).get("minVersion", "VersionTLS12")
        for certificate in dynamic.certificates:
            names, context = self._load(certificate, least)
            if context is not None:
                self.contexts.append((names, context))
        if dynamic.default is not None:
            self.default = self._load(dynamic.default, least)[1]

    def choose(self, name: str | None) -> ssl.SSLContext | None:
        """Return what is shown to who asks for *name*."""
        wanted = (name or "").lower()
        above = f"*.{wanted.partition('.')[2]}"
        for names, context in self.contexts:
            if wanted in names:
                return context
        for names, context in self.contexts:
            if above in names:
                return context
        return self.default

    def _load(
        self, certificate: tuple[str, str, str, str], least: str
    ) -> tuple[tuple[str, ...], ssl.SSLContext | None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = TLS_VERSIONS.get(least, ssl.TLSVersion.TLSv1_2)
        context.set_alpn_protocols(["http/1.1"])
        with _files(certificate[2], certificate[3]) as (shown, key):
            try:
                context.load_cert_chain(shown, key)
                told = ssl._ssl._test_decode_cert(shown)  # type: ignore[attr-defined] # the only way without a package
            except (ssl.SSLError, OSError) as wrong:
                print(f"ERR Unable to load X509 key pair: {type(wrong).__name__}", flush=True)
                return (), None
        names = tuple(value.lower() for kind, value in told.get("subjectAltName", ()))
        ends = datetime.strptime(told["notAfter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
        self.ends[told["serialNumber"], ",".join(names)] = ends.timestamp()
        return names, context


@contextlib.contextmanager
def _files(*contents: str):  # type: ignore[no-untyped-def] # an iterator of paths
    paths = []
    for content in contents:
        handle, path = tempfile.mkstemp()
        paths.append(path)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
    try:
        yield paths
    finally:
        for path in paths:
            Path(path).unlink()


def server_context(choose) -> ssl.SSLContext:  # type: ignore[no-untyped-def] # a method of the door
    """Return a context that asks *choose* for another one when a client says a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def by_name(socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        found = choose(name)
        if found is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        socket.context = found
        return None

    context.sni_callback = by_name
    return context
