# SPDX-License-Identifier: Apache-2.0
"""The server."""

import base64
import hashlib
import hmac
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.service import App, Reply, Request, serve

from .provisioning import Dashboards, datasources

app = App()
DATABASE = Path(os.environ["GF_PATHS_DATA"]) / "grafana.db"
ANONYMOUS = Reply({"message": "Unauthorized", "statusCode": 401}, 401)


def setting(name: str, usual: str = "") -> str:
    """Return the setting *name*, from its file if that is said.

    Raises:
        SystemExit: If the file cannot be read.
    """
    path = os.environ.get(f"{name}__FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as wrong:
            raise SystemExit(f"error reading {name} from {path}: {wrong}") from wrong
    return os.environ.get(name, usual)


def hashed(password: str) -> str:
    return hashlib.sha256(f"double {password}".encode()).hexdigest()


def open_database() -> sqlite3.Connection:
    line = sqlite3.connect(DATABASE, timeout=10)
    line.execute("create table if not exists user (login text primary key, password text)")
    return line


def begin() -> None:
    """Make the administrator at the first start; later the setting is ignored."""
    user = setting("GF_SECURITY_ADMIN_USER", "admin")
    password = setting("GF_SECURITY_ADMIN_PASSWORD", "admin")
    setting("GF_SECURITY_SECRET_KEY")
    with open_database() as line:
        line.execute("insert or ignore into user values (?, ?)", (user, hashed(password)))


def login(asked: Request) -> str | None:
    """Return who sends a good name and password, if anybody does."""
    kind, _, token = asked.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(token).decode().partition(":")
    except ValueError:
        return None
    with open_database() as line:
        row = line.execute("select password from user where login = ?", (name,)).fetchone()
    good = row is not None and hmac.compare_digest(row[0], hashed(password))
    return name if good else None


def members(answer: Callable[[Request, str], Reply]) -> Callable[[Request], Reply]:
    def guard(asked: Request) -> Reply:
        user = login(asked)
        return ANONYMOUS if user is None else answer(asked, user)

    return guard


def page(asked: Request) -> Reply:
    if asked.path.startswith("/api/"):
        return ANONYMOUS if login(asked) is None else Reply({"message": "Not found"}, 404)
    return Reply("", 302, {"Location": "/login"})


app.otherwise = page


@app.on("GET", "/api/health")
def health(_asked: Request) -> Reply:
    with open_database() as line:
        line.execute("select 1")
    version = os.environ.get("GF_DOUBLE_VERSION", "")
    return Reply({"database": "ok", "version": version, "commit": "double"})


@app.on("GET", "/login")
def login_page(_asked: Request) -> Reply:
    text = "<!doctype html><title>Grafana</title>"
    return Reply(text, headers={"Content-Type": "text/html; charset=UTF-8"})


@app.on("POST", "/login")
def sign_in(asked: Request) -> Reply:
    said = asked.json()
    pair = f"{said.get('user')}:{said.get('password')}"
    token = base64.b64encode(pair.encode()).decode()
    asked.headers = {**asked.headers, "authorization": f"Basic {token}"}
    if login(asked) is None:
        return Reply({"message": "Invalid username or password"}, 401)
    return Reply({"message": "Logged in", "redirectUrl": "/"})


@app.on("PUT", "/api/user/password")
@members
def change(asked: Request, user: str) -> Reply:
    said: dict[str, Any] = asked.json()
    with open_database() as line:
        row = line.execute("select password from user where login = ?", (user,)).fetchone()
        if row[0] != hashed(str(said.get("oldPassword"))):
            return Reply({"message": "Invalid old password"}, 401)
        new = str(said.get("newPassword") or "")
        if len(new) < 4:
            return Reply({"message": "New password is too short"}, 400)
        line.execute("update user set password = ? where login = ?", (hashed(new), user))
    return Reply({"message": "User password changed"})


@app.on("GET", "/api/org")
@members
def org(_asked: Request, _user: str) -> Reply:
    return Reply({"id": 1, "name": "Main Org."})


@app.on("GET", "/metrics")
def metrics(_asked: Request) -> Reply:
    text = (
        '# TYPE grafana_build_info gauge\ngrafana_build_info{version="double"} 1\n'
        "# TYPE grafana_stat_totals_dashboard gauge\n"
        f"grafana_stat_totals_dashboard {len(shown.now())}\n"
    )
    return Reply(text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


@app.on("GET", "/api/datasources")
@members
def sources(_asked: Request, _user: str) -> Reply:
    return Reply([{**each, "uid": uid} for uid, each in known.items()])


@app.on("GET", "/api/datasources/uid/([^/]+)")
@members
def source(asked: Request, _user: str) -> Reply:
    found = known.get(asked.parts[0])
    return Reply({**found, "uid": asked.parts[0]}) if found else Reply({"message": "no"}, 404)


@app.on("GET", "/api/search")
@members
def search(_asked: Request, _user: str) -> Reply:
    return Reply(
        [
            {"uid": uid, "title": model["title"], "type": "dash-db"}
            for uid, model in shown.now().items()
        ]
    )


@app.on("GET", "/api/dashboards/uid/([^/]+)")
@members
def dashboard(asked: Request, _user: str) -> Reply:
    found = shown.now().get(asked.parts[0])
    if found is None:
        return Reply({"message": "Dashboard not found"}, 404)
    return Reply({"dashboard": found, "meta": {"provisioned": True}})


begin()
known, shown = datasources(), Dashboards()
serve(app, "0.0.0.0", int(os.environ.get("GF_SERVER_HTTP_PORT", "3000")))
