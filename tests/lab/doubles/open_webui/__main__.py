# SPDX-License-Identifier: Apache-2.0
"""The server."""

import argparse
import http.client
import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from common.service import App, Reply, Request, serve

from . import config, users

app = App()
_PAGE = "<!doctype html><html><head><title>Open WebUI</title></head><body>loading</body></html>"
_WRONG = (
    "The email or password provided is incorrect. Please check for typos and try logging in again."
)


def page(asked: Request) -> Reply:
    """Answer what nothing else answers."""
    if asked.method in {"GET", "HEAD"}:
        return Reply(_PAGE, headers={"Content-Type": "text/html; charset=utf-8"})
    return Reply({"detail": "Method Not Allowed"}, 405)


app.otherwise = page


def members(answer: Any) -> Any:
    """Let only those in who bear a good token."""

    def guard(asked: Request) -> Reply:
        user = users.of(asked.headers)
        if user is None:
            return Reply({"detail": "Not authenticated"}, 401)
        return answer(asked, user)

    return guard


@app.on("GET", "/health")
def health(_asked: Request) -> Reply:
    return Reply({"status": True})


@app.on("GET", "/health/db|/ready")
def health_db(_asked: Request) -> Reply:
    with config.database() as line:
        line.execute("select 1")
    return Reply({"status": True})


@app.on("GET", "/api/version")
def version(_asked: Request) -> Reply:
    return Reply({"version": os.environ.get("WEBUI_BUILD_VERSION", "").lstrip("v")})


@app.on("GET", "/api/config")
def about(_asked: Request) -> Reply:
    features = {"auth": True, "enable_signup": config.settings()["ENABLE_SIGNUP"] == "true"}
    return Reply({"status": True, "name": "Open WebUI", "features": features})


def session(user: dict[str, str]) -> Reply:
    """Answer with a new token."""
    token = users.token(user)
    secure = "; Secure" if config.true("WEBUI_SESSION_COOKIE_SECURE") else ""
    cookie = f"token={token}; HttpOnly; Path=/; SameSite=lax{secure}"
    body = {"token": token, "token_type": "Bearer", **user, "profile_image_url": "/user.png"}
    return Reply(body, headers={"Set-Cookie": cookie})


@app.on("POST", "/api/v1/auths/signin")
def signin(asked: Request) -> Reply:
    body = asked.json()
    user = users.check(str(body.get("email", "")), str(body.get("password", "")))
    return session(user) if user else Reply({"detail": _WRONG}, 400)


@app.on("POST", "/api/v1/auths/signup")
def signup(asked: Request) -> Reply:
    kept, none = config.settings(), not users.count()
    if kept["ENABLE_SIGNUP"] != "true" and not none:
        return Reply({"detail": "You do not have permission to access this resource."}, 403)
    body = asked.json()
    role = "admin" if none else kept["DEFAULT_USER_ROLE"]
    if none:
        config.keep("ENABLE_SIGNUP", "false")
    return session(users.add(body["email"], body["name"], body["password"], role))


@app.on("GET", "/api/v1/auths/")
@members
def me(_asked: Request, user: dict[str, str]) -> Reply:
    return Reply({**user, "token_type": "Bearer"})


@app.on("POST", "/api/v1/auths/update/password")
@members
def password(asked: Request, user: dict[str, str]) -> Reply:
    body = asked.json()
    if users.check(user["email"], body["password"]) is None:
        return Reply({"detail": _WRONG}, 400)
    users.change(user["id"], body["new_password"])
    return Reply(b"true", headers={"Content-Type": "application/json"})


@app.on("GET", "/api/models")
@members
def models(_asked: Request, _user: dict[str, str]) -> Reply:
    try:
        status, data = ask("GET", "/api/tags")
        found = json.loads(data)["models"] if status == 200 else []
    except OSError:  # the real one shows an empty list, too
        found = []
    rows = [{"id": m["model"], "name": m["name"], "owned_by": "ollama"} for m in found]
    return Reply({"data": [*rows, *({**m, "owned_by": "openai"} for m, _at in others())]})


def others() -> Iterator[tuple[dict[str, Any], tuple[str, str]]]:
    """Yield the models of OpenAI's API, each with the address and the key that it is at."""
    kept = config.settings()
    if kept["ENABLE_OPENAI_API"].lower() != "true":
        return
    places = [each.strip() for each in kept["OPENAI_API_BASE_URLS"].split(";")]
    keys = [each.strip() for each in kept["OPENAI_API_KEYS"].split(";")]
    for at in zip(places, [*keys, *[""] * len(places)], strict=False):
        try:
            status, data = ask("GET", "/models", at=at)
        except OSError:
            continue
        if status == 200:
            yield from ((each, at) for each in json.loads(data)["data"])


@app.on("POST", "/api/chat/completions")
@members
def chat(asked: Request, _user: dict[str, str]) -> Reply:
    wanted = asked.json().get("model")
    at = next((at for each, at in others() if each["id"] == wanted), None)
    path = "/chat/completions" if at else "/v1/chat/completions"
    try:
        status, data = ask("POST", path, asked.body, at=at)
    except OSError:
        return Reply({"detail": "Open WebUI: Server Connection Error"}, 500)
    return Reply(data, status, {"Content-Type": "application/json"})


def ask(
    method: str, path: str, body: bytes | None = None, at: tuple[str, str] | None = None
) -> tuple[int, bytes]:
    """Ask the model server, or the one *at* an address with a key."""
    kept = config.settings()
    shown = json.loads(kept["OLLAMA_API_CONFIGS"]).get("0", {}).get("key", "")
    url, key = at or (kept["OLLAMA_BASE_URL"], shown)
    address = urlsplit(url)
    line = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=60)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    headers |= {"Content-Type": "application/json"} if body else {}
    line.request(method, address.path.rstrip("/") + path, body, headers)
    answer = line.getresponse()
    return answer.status, answer.read()


def main() -> None:
    """Start as the real one does, or refuse."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    given = parser.parse_args()
    config.refuse()
    config.settings()
    users.first()
    print("Application startup complete.", flush=True)
    serve(app, given.host, given.port)


if __name__ == "__main__":
    main()
