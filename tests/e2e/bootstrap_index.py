# SPDX-License-Identifier: Apache-2.0
"""A package index over loopback, behind a password, with the few packages a set-up needs."""

import base64
import hashlib
import shutil
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, PASSWORD = "me", "hunter2%2F"  # a slash, as it stands in an address
AUTHORIZATION = "Basic " + base64.b64encode(b"me:hunter2/").decode()


def find_uv() -> Path | None:
    """Return a uv that pip installed, with its metadata beside it."""
    names = [Path(sys.prefix, "bin", "uv"), shutil.which("uv")]
    for program in (Path(name) for name in names if name):
        if program.exists() and list(
            program.parents[1].glob("lib/python3.*/site-packages/uv-*.dist-info")
        ):
            return program
    return None


def pack_uv(folder: Path, program: Path) -> Path:
    """Put the installed uv back into a wheel."""
    info = next(program.parents[1].glob("lib/python3.*/site-packages/uv-*.dist-info"))
    version = info.name.removeprefix("uv-").removesuffix(".dist-info")
    wheel = (info / "WHEEL").read_text()
    tag = next(line.split(": ")[1] for line in wheel.splitlines() if line.startswith("Tag:"))
    target = folder / f"uv-{version}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as archive:
        script = zipfile.ZipInfo(f"uv-{version}.data/scripts/uv")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, program.read_bytes())
        for name in ("METADATA", "WHEEL"):
            archive.writestr(f"{info.name}/{name}", (info / name).read_text())
        archive.writestr(f"{info.name}/RECORD", f"{script.filename},,\n{info.name}/RECORD,,\n")
    return target


def pack_tiny(folder: Path, name: str) -> Path:
    """Make a wheel of one module."""
    target, info = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(f"{name}.py", f"NAME = {name!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/RECORD,,\n")
    return target


def locked(wheel: Path) -> str:
    """Return the line of a lock file for *wheel*."""
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{digest(wheel)}\n"


def digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


class Index:
    """Serves the wheels of a folder by PEP 503 to whoever knows the password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                index.answer(self)

            def log_message(self, *_words):
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The address with its credentials, as it would stand in pip's configuration."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.server.server_port}/simple"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request: a page of links, or a wheel."""
        if request.headers.get("Authorization") != AUTHORIZATION:
            body, code = b"no", 401
        elif request.path.endswith(".whl"):
            body, code = (self.folder / Path(request.path).name).read_bytes(), 200
        else:
            name = request.path.rstrip("/").rpartition("/")[2]
            links = [
                f'<a href="/{w.name}#sha256={digest(w)}">{w.name}</a>'
                for w in self.folder.glob(f"{name}-*.whl")
            ]
            body, code = (
                f"<!DOCTYPE html><body>{''.join(links)}</body>".encode(),
                200 if links else 404,
            )
        request.send_response(code)
        if code == 401:
            request.send_header("WWW-Authenticate", "Basic")
        request.send_header("Content-Type", "text/html")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
