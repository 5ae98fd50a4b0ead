# SPDX-License-Identifier: Apache-2.0
"""Logins that services keep themselves: try one, and change its password in the service."""

import base64
from collections.abc import Callable, Mapping

from beast_ops import http
from beast_ops.cards import Service
from beast_ops.errors import ServiceError
from beast_ops.keys import read_secret
from beast_ops.place import Place

SECONDS = 20.0
WRONG = frozenset({400, 401, 403})
ADMIN, USER = "admin", "admin_user"  # how Grafana calls its first user, and a file that says so
EMAIL = "admin_email"  # a file of Open WebUI's folder of secrets


def basic(place: Place, service: Service, password: str) -> str:
    """Return the header that logs the administrator of *service* in with *password*."""
    path = place.secrets / service.name / USER
    name = read_secret(path) if path.exists() else ADMIN
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def signs_in(place: Place, service: Service, password: str) -> str | None:
    """Return the token of a login with *password*, or `None` if it is refused.

    Raises:
        UnavailableError: If the service does not answer.
        ServiceError: If it answers with something else.
    """
    email = read_secret(place.secrets / service.name / EMAIL)
    with http.client(str(service.address), seconds=SECONDS) as client:
        with http.speaking_to(service.name):
            answer = client.post(
                "/api/v1/auths/signin", json={"email": email, "password": password}
            )
        if answer.status_code in WRONG:
            return None
        try:
            return str(answer.json()["token"])
        except (ValueError, KeyError, TypeError):
            said = f"answered {answer.status_code} and no token"
            raise ServiceError(said, subject=service.name) from None


def change(place: Place, service: Service, old: str, new: str) -> None:
    """Have *service* take *new* instead of *old*; nothing to do if it does already.

    Raises:
        UnavailableError: If it does not answer.
        ServiceError: If it takes neither, or refuses the new one, or knows no way.
    """
    way = CHANGES.get(service.health.deep or "")
    if way is None:
        raise ServiceError("knows no way to change this by its API", subject=service.name)
    way(place, service, old, new)


def _webui(place: Place, service: Service, old: str, new: str) -> None:
    token = signs_in(place, service, old)
    if token is None:
        if signs_in(place, service, new) is None:
            raise _stranger(service)
        return
    with (
        http.client(str(service.address), seconds=SECONDS) as client,
        http.speaking_to(service.name),
    ):
        answer = client.post(
            "/api/v1/auths/update/password",
            json={"password": old, "new_password": new},
            headers={"authorization": f"Bearer {token}"},
        )
        _demand(service, answer)


def _dashboards(place: Place, service: Service, old: str, new: str) -> None:
    body = {"oldPassword": old, "newPassword": new, "confirmNew": new}
    with (
        http.client(str(service.address), seconds=SECONDS) as client,
        http.speaking_to(service.name),
    ):
        path, header = "/api/user/password", "authorization"
        answer = client.put(path, json=body, headers={header: basic(place, service, old)})
        if answer.status_code not in WRONG:
            _demand(service, answer)
            return
        now = {header: basic(place, service, new)}
        if client.get("/api/org", headers=now).status_code in WRONG:
            raise _stranger(service)


def _demand(service: Service, answer: http.Response) -> None:
    """Refuse an *answer* that is none of success; its words might repeat what was sent."""
    if not answer.is_success:
        raise ServiceError(f"answered {answer.status_code} to a new password", subject=service.name)


def _stranger(service: Service) -> ServiceError:
    return ServiceError(
        "takes neither the present password nor the next one: somebody changed it there",
        subject=service.name,
        hint="Change it back in the application to what ./beast secrets.show says.",
    )


CHANGES: Mapping[str, Callable[[Place, Service, str, str], None]] = {
    "dashboards": _dashboards,
    "webui": _webui,
}
