# SPDX-License-Identifier: Apache-2.0
"""The front door as the role renders it, and its double started on loopback."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from beast_ops.certificates import Wanted, ensure
from beast_ops.testing import free_port
from tests.lab.doubles.traefik.passwords import crypt

CLONE = Path(__file__).parents[3]
HERE = Path(__file__).parent
DOMAIN = "beast.lan"
USER, PASSWORD = "admin", "opensesame"
SETTING = "$2b$05$CCCCCCCCCCCCCCCCCCCCC."  # bcrypt with a fixed salt


def route(name, auth, **more):
    usual = {"paths": ["/"], "open": [], "insecure": []}
    return {"name": name, "address": f"http://{name}:1", "host": name, "auth": auth} | usual | more


ROUTES = [
    route("traefik", "basic"),
    route("ollama", "basic", open=["/open", "/public/"]),
    route("beast-api", "own", host="api", open=["/ca.crt"], insecure=["/ca.crt"]),
    route("chat", "own", paths=["/", "/deeper"]),
    route("gone", "own"),
    route("guarded", "forward", paths=["/"], open=["/open"], admin=["/api/pull"]),
]
THE_API = "the-api:1"
DOORS = [
    {"name": "alone", "tls": "none", "offers": {}},
    {"name": "local_ca", "tls": "local_ca"},
    {"name": "none", "tls": "none"},
    {"name": "http", "tls": "acme", "challenge": "http", "proxies": ["10.0.0.0/8"]},
    {"name": "dns", "tls": "acme", "challenge": "dns", "secrets": ["CF_DNS_API_TOKEN"]},
]


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Return card and routes of a door, rendered by Ansible from the role itself."""
    folder = tmp_path_factory.mktemp("rendered")
    site = {"project": "beast", "domain": DOMAIN}
    told = {
        "role": str(CLONE / "roles/traefik"),
        "folder": str(folder),
        "ansible_python_interpreter": sys.executable,
        "doors": [
            {"offers": {"api": THE_API}, **door, "site": site, "routes": ROUTES} for door in DOORS
        ],
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-playbook")
    argv = [program, "-i", "localhost,", HERE / "door.yml", "-e", f"@{folder}/told.json"]
    done = subprocess.run(
        [str(word) for word in argv],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,  # away from the settings of the clone
        env={name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"},
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def one(name):
        card = json.loads((folder / f"{name}-card.json").read_text(encoding="utf-8"))
        return card, (folder / f"{name}-dynamic.yml").read_text(encoding="utf-8")

    return one


class Echo(BaseHTTPRequestHandler):
    """A service behind the door: tells what it was asked, streams, counts what it is sent."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith("/stream"):
            self.stream()
        elif self.headers.get("Upgrade"):
            self.talk()
        else:
            self.answer({"path": self.path, "headers": dict(self.headers)})

    def do_POST(self):
        left, counted = int(self.headers["Content-Length"]), 0
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                break
            left -= len(piece)
            counted += len(piece)
        self.answer({"counted": counted})

    def answer(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"2\r\n%d\n\r\n" % number)
            self.wfile.flush()
            self.server.step.wait(5)
            self.server.step.clear()
        self.wfile.write(b"0\r\n\r\n")

    def talk(self):
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        self.wfile.write(self.rfile.readline().upper())
        self.close_connection = True


@pytest.fixture(scope="session")
def behind():
    """A service that all routes lead to."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    server.step = threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Started:
    """A running double: its folders, its ports, and what it wrote."""

    def __init__(self, folder, ports):
        self.folder = folder
        self.ports = ports
        self.live = folder / "live"
        self.static = folder / "traefik.yml"
        self.log = folder / "log"

    def run(self, *words):
        argv = [sys.executable, "-m", "tests.lab.doubles.traefik", *words]
        return [*argv, f"--configFile={self.static}"]

    def client(self, **more):
        return httpx.Client(trust_env=False, timeout=30, **more)

    def get(self, host, path="/", *, entry="web", method="GET", **more):
        url = f"http://127.0.0.1:{self.ports[entry]}{path}"
        headers = {"Host": f"{host}.{DOMAIN}", **more.pop("headers", {})}
        with self.client() as client:
            return client.request(method, url, headers=headers, **more)

    def change(self, old, new):
        """Change the routes as a deploy does, by one rename, and wait until they were read."""
        path = self.live / "dynamic.yml"
        made = self.live / ".dynamic"
        made.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        made.replace(path)
        self.settle()

    def settle(self):
        """Wait until the double surely looked."""
        time.sleep(0.7)


@pytest.fixture(scope="session")
def start(rendered, behind, tmp_path_factory):
    """Return what starts the double with what the role renders for one way of TLS."""

    @contextmanager
    def starting(kind, change_static=None, change=None):
        started = Started(
            tmp_path_factory.mktemp("door"),
            {name: free_port() for name in ("web", "websecure", "traefik")},
        )
        _lay(started, *rendered(kind), behind.server_address[1])
        if change_static is not None:
            raw = yaml.safe_load(started.static.read_text(encoding="utf-8"))
            started.static.write_text(yaml.safe_dump(change_static(raw)), encoding="utf-8")
        if change is not None:
            path = started.live / "dynamic.yml"
            path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        with started.log.open("w") as log:
            running = subprocess.Popen(started.run(), cwd=CLONE, stdout=log, stderr=log)
        started.process = running
        try:
            _wait(started)
            yield started
        finally:
            running.terminate()
            running.wait(20)

    return starting


@pytest.fixture(scope="session")
def plain(start):
    """The door without TLS, for all tests that leave it as it is."""
    with start("none") as started:
        yield started


@pytest.fixture(scope="session")
def secure(start):
    """The door with the local authority, likewise."""
    with start("local_ca") as started:
        yield started


def _lay(started, card, dynamic, behind):
    """Write what would be mounted, with the addresses of this machine."""
    secrets = started.folder / "secrets"
    names = (DOMAIN, f"*.{DOMAIN}")
    ensure(started.folder / "ca", Wanted(names, secrets))
    (secrets / "users").write_text(f"{USER}:{crypt(PASSWORD, SETTING)}\n", encoding="utf-8")
    started.live.mkdir()
    for each in ROUTES:
        there = free_port() if each["name"] == "gone" else behind
        dynamic = dynamic.replace(f'{each["address"]}"', f'http://127.0.0.1:{there}"')
    dynamic = dynamic.replace("/run/secrets", str(secrets))
    (started.live / "dynamic.yml").write_text(dynamic, encoding="utf-8")
    static = card["config"]["traefik.yml"]
    for name, port in started.ports.items():
        static["entryPoints"][name]["address"] = f"127.0.0.1:{port}"
    static["providers"]["file"]["directory"] = str(started.live)
    started.static.write_text(yaml.safe_dump(static), encoding="utf-8")


def _wait(started):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", started.ports["traefik"]), 1).close()
        except OSError:
            assert started.process.poll() is None, started.log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(started.log.read_text())
