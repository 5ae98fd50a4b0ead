# SPDX-License-Identifier: Apache-2.0
"""HTTP as uvicorn speaks it, to peers who want it slow or endless.

uvicorn with httptools waits for ever for the rest of a head, and takes one of any size. Here a
head has so many bytes and so many seconds; bodies are limited by the guard.
"""

import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problems import CODES, HINTS, LOG, new_id

HEAD_BYTES = 32 << 10
HEAD_SECONDS = 10.0


class CarefulProtocol(HttpToolsProtocol):
    """One connection."""

    _waiting = True  # for the rest of a head
    _since = 0.0
    _got = 0

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self.loop.call_later(HEAD_SECONDS, self._look)

    def data_received(self, data: bytes) -> None:
        """Take *data*, unless the head has become too large."""
        self._got += len(data)
        super().data_received(data)
        if self._waiting and self._got > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, "the head of the request is too large")

    def on_message_begin(self) -> None:
        """Begin a request: the clock runs."""
        super().on_message_begin()
        self._waiting = True
        self._since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Let the application answer, unless the head was too large."""
        self._waiting = False
        if self._got > HEAD_BYTES:  # else it cannot have been
            length = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if length > HEAD_BYTES:
                self.scope["method"] = "GET"
                self._refuse(431, "the head of the request is too large")
                return
        self._got = 0
        super().on_headers_complete()

    def told(self, status: int, message: str, number: str) -> bytes:
        """Return what is answered to a head that is refused with *status* as *number*."""
        fault = {"code": CODES[status], "message": message, "hint": HINTS[status], "id": number}
        return json.dumps({"error": fault}).encode()

    def _look(self) -> None:
        """Close the connection if its head does not come; else look again later."""
        if self.transport is None or self.transport.is_closing():
            return
        late = self._since + HEAD_SECONDS - self.loop.time()
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._waiting and not answering and late <= 0:
            self._refuse(408, "the head of the request does not come")
            return
        self.loop.call_later(max(late, 1.0) if self._waiting else HEAD_SECONDS, self._look)

    def _refuse(self, status: int, message: str) -> None:
        number = new_id()
        LOG.info("%s: %d to %s", number, status, (self.client or ("nobody",))[0])
        body = self.told(status, message, number)
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(
            STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
        )
        self.transport.close()
