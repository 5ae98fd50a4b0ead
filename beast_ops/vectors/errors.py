# SPDX-License-Identifier: Apache-2.0
"""Refusals, worded and numbered as a Qdrant server words and numbers them."""

from beast_ops.errors import ServiceError


class RefusedError(ServiceError):
    """A request this process will not serve, with the HTTP status that says why."""

    def __init__(self, status: int, message: str) -> None:
        """Refuse with the HTTP *status* and the sentence the client shows."""
        super().__init__(message)
        self.status = status


def malformed(message: str) -> RefusedError:
    """Return the refusal of a body that does not have the form of the call."""
    return RefusedError(400, f"Format error in JSON body: {message}")


def invalid(message: str) -> RefusedError:
    """Return the refusal of a well-formed value outside its range."""
    return RefusedError(422, f"Validation error in JSON body: [{message}]")


def wrong(message: str) -> RefusedError:
    """Return the refusal of a request that does not fit the collection."""
    return RefusedError(400, f"Wrong input: {message}")


def unsupported(what: str) -> RefusedError:
    """Return the refusal of something a Qdrant server does and this process does not."""
    return RefusedError(400, f"Wrong input: {what} is not supported by the embedded vector engine")


def missing(what: str) -> RefusedError:
    """Return the refusal of a request about something that is not there."""
    return RefusedError(404, f"Not found: {what}")


def conflict(message: str) -> RefusedError:
    """Return the refusal of a request that something existing stands against."""
    return RefusedError(409, f"Wrong input: {message}")


def forbidden(message: str) -> RefusedError:
    """Return the refusal of a request the key does not allow."""
    return RefusedError(403, f"Forbidden: {message}")


def too_large(limit: int) -> RefusedError:
    """Return the refusal of a body of more than *limit* bytes."""
    return RefusedError(
        413, f"Payload error: JSON payload is larger than allowed (limit: {limit} bytes)."
    )


def broken(message: str) -> RefusedError:
    """Return the answer to a failure that is ours and not the client's."""
    return RefusedError(500, f"Service internal error: {message}")
