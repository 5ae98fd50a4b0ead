# SPDX-License-Identifier: Apache-2.0
"""Users and their tokens."""

import base64
import hashlib
import hmac
import json
import os
import time
import uuid
from typing import Any

from . import config

_ROUNDS = 20_000


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)


def add(email: str, name: str, password: str, role: str) -> dict[str, str]:
    """Make a user and return it."""
    salt, number = os.urandom(16), str(uuid.uuid4())
    row = [number, email.lower(), name, role, salt, _hash(password, salt)]
    with config.database() as line:
        line.execute("insert into user values (?, ?, ?, ?, ?, ?)", row)
    return {"id": number, "email": email.lower(), "name": name, "role": role}


def count() -> int:
    """Return how many users there are."""
    with config.database() as line:
        return int(line.execute("select count(*) from user").fetchone()[0])


def first() -> None:
    """Make the administrator that the environment names, if there is no user."""
    email, password = (os.environ.get(f"WEBUI_ADMIN_{part}") for part in ("EMAIL", "PASSWORD"))
    if email and password and not count():
        add(email, os.environ.get("WEBUI_ADMIN_NAME") or "Admin", password, "admin")
        if config.true("ENABLE_PERSISTENT_CONFIG", "true"):
            config.keep("ENABLE_SIGNUP", "false")


def check(email: str, password: str) -> dict[str, str] | None:
    """Return the user with this password, if there is one."""
    with config.database() as line:
        words = "select id, email, name, role, salt, hash from user where email = ?"
        row = line.execute(words, [email.lower()]).fetchone()
    if not row or not hmac.compare_digest(row[5], _hash(password, row[4])):
        return None
    return dict(zip(("id", "email", "name", "role"), row[:4], strict=True))


def change(number: str, password: str) -> None:
    """Give a user another password."""
    salt = os.urandom(16)
    with config.database() as line:
        words = "update user set salt = ?, hash = ? where id = ?"
        line.execute(words, [salt, _hash(password, salt), number])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user: dict[str, str]) -> str:
    """Return a signed token for *user*."""
    head = _text(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _text(json.dumps({"id": user["id"], "iat": int(time.time())}).encode())
    signed = hmac.new(config.secret(), f"{head}.{body}".encode(), "sha256").digest()
    return f"{head}.{body}.{_text(signed)}"


def of(headers: Any) -> dict[str, str] | None:
    """Return whose token a request bears, if it is a good one."""
    offered = headers.get("authorization", "").partition("Bearer ")[2]
    if not offered and "token=" in headers.get("cookie", ""):
        offered = headers["cookie"].partition("token=")[2].split(";")[0]
    parts = offered.split(".")
    if len(parts) != 3:
        return None
    signed = hmac.new(config.secret(), f"{parts[0]}.{parts[1]}".encode(), "sha256").digest()
    if not hmac.compare_digest(_text(signed), parts[2]):
        return None
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    number = json.loads(base64.urlsafe_b64decode(padded))["id"]
    with config.database() as line:
        words = "select id, email, name, role from user where id = ?"
        row = line.execute(words, [number]).fetchone()
    return dict(zip(("id", "email", "name", "role"), row, strict=True)) if row else None
