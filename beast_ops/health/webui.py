# SPDX-License-Identifier: Apache-2.0
"""Whether Open WebUI works: its process, its database, and the administrator's login.

It answers unknown paths with 200 and its page, so only what it says counts. It lets nobody try
to log in more than 15 times in three minutes, so a login is kept, and a failure is believed for
a while: a gate that waits for another service asks four times a second.
"""

import time
from dataclasses import dataclass

from beast_ops import http
from beast_ops.errors import ServiceError

from .model import Finding, Status
from .sight import Sight

EMAIL, PASSWORD = "admin_email", "admin_password"  # files of its folder of secrets
SIGN_IN = "/api/v1/auths/signin"
BELIEVED_SECONDS = 20.0
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class _Login:
    """What the last login at an address came to."""

    email: str
    password: int  # a fingerprint that only this process knows
    token: str
    failure: str
    at: float


_logins: dict[str, _Login] = {}


async def webui(sight: Sight) -> Finding:
    """Return whether it says that it is well, and lets the administrator in if it must."""
    await _well(sight, "/health")
    await _well(sight, "/health/db", page="some versions have no such path")
    details = {"address": sight.address}
    if not sight.thorough:
        return Finding(Status.HEALTHY, "answers, and so does its database", details)
    email, password = sight.secret(EMAIL), sight.secret(PASSWORD)
    if email is None or password is None:
        return Finding(Status.DEGRADED, "the administrator's login cannot be read", details)
    models = await _models(sight, email, password)
    return Finding(
        Status.HEALTHY,
        f"lets the administrator in, models: {models}",
        {**details, "models": models},
    )


async def _well(sight: Sight, path: str, *, page: str = "") -> None:
    """Ask *path* whether all is well; *page* is why a page instead of that is no fault.

    Raises:
        ServiceError: If it says no, or something else.
    """
    with http.speaking_to(sight.service.name):
        answer = await sight.client.get(f"{sight.address}{path}")
        answer.raise_for_status()
    if page and answer.headers.get("content-type", "").startswith("text/html"):
        return
    try:
        well = answer.json()["status"] is True
    except (ValueError, KeyError, TypeError):
        well = False
    if not well:
        raise ServiceError(f"{path} does not say that it is well", subject=sight.service.name)


async def _models(sight: Sight, email: str, password: str) -> int:
    """Return how many models the administrator sees, logging in if need be."""
    kept = _logins.get(str(sight.address))
    if kept is not None and (kept.email, kept.password) == (email, hash(password)):
        if kept.failure and time.monotonic() - kept.at < BELIEVED_SECONDS:
            raise ServiceError(kept.failure)
        if kept.token:
            count = await _count(sight, kept.token)
            if count is not None:
                return count
    token = await _sign_in(sight, email, password)
    count = await _count(sight, token)
    if count is None:
        raise ServiceError("gave a token that it refuses", subject=sight.service.name)
    return count


async def _sign_in(sight: Sight, email: str, password: str) -> str:
    """Return the token of a new login, and keep what it came to."""
    token, failure = "", ""
    try:
        body = {"email": email, "password": password}
        token = str((await sight.json(SIGN_IN, method="POST", body=body))["token"])
    except (ServiceError, KeyError, TypeError) as refused:
        said = str(refused) if isinstance(refused, ServiceError) else "gave no token"
        failure = f"the administrator cannot log in: {said}"
    login = _Login(email, hash(password), token, failure, time.monotonic())
    _logins[str(sight.address)] = login
    if failure:
        raise ServiceError(failure, subject=sight.service.name)
    return token


async def _count(sight: Sight, token: str) -> int | None:
    """Return how many models a token shows, or `None` if the token is not good any more."""
    headers = {"authorization": f"Bearer {token}"}
    with http.speaking_to(sight.service.name):
        answer = await sight.client.get(f"{sight.address}/api/models", headers=headers)
        if answer.status_code == UNAUTHORIZED:
            return None
        answer.raise_for_status()
    try:
        return len(answer.json()["data"])
    except (ValueError, KeyError, TypeError):
        raise ServiceError("lists no models", subject=sight.service.name) from None
