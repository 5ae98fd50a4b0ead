# SPDX-License-Identifier: Apache-2.0
"""HTTP as the API speaks it to peers who want it slow or endless, refused in another shape."""

from beast_ops.api.protocol import CarefulProtocol

from .refusal import body_of


class GatewayProtocol(CarefulProtocol):
    """One connection."""

    def told(self, status: int, message: str, number: str) -> bytes:  # noqa: ARG002 - as the other has it
        """Return what is answered to a head that is refused."""
        return body_of(message)
