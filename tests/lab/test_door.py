# SPDX-License-Identifier: Apache-2.0
"""The front door from another host: who is let in, over which TLS, and what passes."""

import json
import time

import pytest
import yaml

from tests.lab.shell import docker
from tests.lab.stack import DOMAIN, ROOT

pytestmark = pytest.mark.needs("docker")

MIB = 1 << 20
# Takes whatever it is sent, and says three words with a pause before each.
SINK = """
import http.server, time
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.send_response(204)
        self.end_headers()
    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in (b"one", b"two", b"six"):
            time.sleep(0.5)
            self.wfile.write(b"4\\r\\n" + word + b"\\n\\r\\n")
            self.wfile.flush()
        self.wfile.write(b"0\\r\\n\\r\\n")
http.server.ThreadingHTTPServer(("", 8000), Sink).serve_forever()
"""


@pytest.fixture
def ask(stack, second):
    """Ask a route from the second host, trusting the root that the stack hands out."""
    plain = ["-sf", "-H", f"Host: api.{DOMAIN}", f"http://{stack.address()}/ca.crt"]
    root = docker("exec", second, "curl", *plain)
    assert "BEGIN CERTIFICATE" in root
    docker("exec", "-i", second, "sh", "-c", "cat > /tmp/root.crt", feed=root.encode())

    def asking(host, path="/", *words, seconds=120):
        name = f"{host}.{DOMAIN}"
        resolved = ["--resolve", f"{name}:443:{stack.address()}", "--cacert", "/tmp/root.crt"]
        words = ["-s", *resolved, *words, f"https://{name}{path}"]
        return docker("exec", second, "curl", *words, seconds=seconds)

    return asking


@pytest.fixture
def status(ask):
    """Return the status with which a route answers."""
    form = ["-o", "/dev/null", "-w", "%{http_code}"]
    return lambda host, *words: ask(host, "/", *form, *words)


@pytest.fixture
def sink(stack):
    """Something behind the door that takes everything, put there as no deploy does."""
    image = "traefik:v3.7.11"
    argv = ["docker", "run", "-d", "--rm", "--name", "sink", "--network", "beast"]
    stack.host(*argv, "--entrypoint", "python3", image, "-u", "-c", SINK)
    router = {
        "entryPoints": ["websecure"],
        "rule": f"Host(`sink.{DOMAIN}`)",
        "service": "sink",
        "tls": {"options": "default"},
    }
    server = {"loadBalancer": {"servers": [{"url": "http://sink:8000"}]}}
    extra = {"http": {"routers": {"sink": router}, "services": {"sink": server}}}
    path = f"{ROOT}/live/traefik/sink.yml"
    stack.host("sh", "-c", f"cat > {path}", feed=yaml.safe_dump(extra).encode())
    time.sleep(1)
    yield "sink"
    stack.host("rm", path)
    stack.host("docker", "rm", "-f", "sink")


def asking(stack, way):
    routes = [each["route"] for each in stack.services().values() if each["route"]]
    return sorted(route["host"] for route in routes if route["auth"] == way)


def test_the_password_opens_every_route_that_asks_for_one_and_no_other_does(stack, status):
    right = f"admin:{stack.secret('traefik/password')}"
    hosts = asking(stack, "basic")

    assert hosts
    assert dict.fromkeys(hosts, "401") == {host: status(host) for host in hosts}
    assert dict.fromkeys(hosts, "401") == {host: status(host, "-u", "admin:x") for host in hosts}
    opened = {host: status(host, "-u", right) for host in hosts}
    assert {} == {host: code for host, code in opened.items() if code[0] not in "23"}


def test_a_token_opens_every_route_that_the_api_guards_and_the_password_none(stack, status):
    right = f"Authorization: Bearer {stack.secret('beast-api/token')}"
    password = f"admin:{stack.secret('traefik/password')}"
    hosts = asking(stack, "forward")

    assert len(hosts) >= 3
    assert dict.fromkeys(hosts, "401") == {host: status(host) for host in hosts}
    assert dict.fromkeys(hosts, "401") == {host: status(host, "-u", password) for host in hosts}
    assert dict.fromkeys(hosts, "303") == {
        host: status(host, "-H", "Accept: text/html") for host in hosts
    }
    opened = {host: status(host, "-H", right) for host in hosts}
    assert {} == {host: code for host, code in opened.items() if code[0] not in "23"}


def test_the_certificate_is_believed_for_routes_alone(stack, second, ask):
    ask("traefik")
    words = ["-s", "--cacert", "/tmp/root.crt", f"https://{stack.address()}/"]

    assert (
        "failed"
        == docker(
            "exec", second, "sh", "-c", f"curl {' '.join(words)} >/dev/null || echo failed"
        ).strip()
    )


def test_what_browsers_shall_heed_is_said(stack, ask):
    right = f"admin:{stack.secret('traefik/password')}"
    said = ask("traefik", "/dashboard/", "-u", right, "-o", "/dev/null", "-D", "-").lower()

    for expected in (
        "strict-transport-security: max-age=31536000",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
    ):
        assert expected in said


def test_a_burst_is_refused(stack, ask):
    right = f"admin:{stack.secret('traefik/password')}"
    codes = ask(
        "traefik",
        "/api/version?[1-400]",
        *("-u", right, "-o", "/dev/null", "-w", "%{http_code}\n"),
        *("--parallel", "--parallel-immediate", "--parallel-max", "50"),
    ).split()

    assert {"200", "429"} == set(codes)


def test_an_answer_arrives_while_it_is_made(stack, second, ask, sink):
    ask(sink)
    name = f"{sink}.{DOMAIN}"
    program = (
        "import subprocess, sys, time\n"
        "begun = time.monotonic()\n"
        "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "for line in p.stdout: print(line.decode().strip(), time.monotonic() - begun)\n"
    )
    curl = ["curl", "-sN", "--cacert", "/tmp/root.crt"]
    curl += ["--resolve", f"{name}:443:{stack.address()}", f"https://{name}/"]
    lines = docker("exec", second, "python3", "-c", program, *curl).splitlines()

    words, moments = zip(*(line.split() for line in lines), strict=True)
    assert ("one", "two", "six") == words
    first, _, last = map(float, moments)
    assert last - first > 0.8


def test_two_gigabytes_pass(stack, second, ask, sink):
    size = 2048 * MIB
    docker("exec", second, "truncate", "-s", str(size), "/tmp/big")
    begun = time.monotonic()
    code = ask(sink, "/", *("-T", "/tmp/big", "-o", "/dev/null", "-w", "%{http_code}"), seconds=300)
    print(f"2 GiB took {time.monotonic() - begun:.1f} s")
    memory = stack.host(
        "docker",
        "stats",
        "--no-stream",
        "--format",
        "{{.MemUsage}}",
        stack.containers()["traefik"]["Name"].lstrip("/"),
    )

    assert "204" == code
    used = memory.partition("/")[0].strip()
    assert used.endswith("MiB")
    assert float(used.removesuffix("MiB")) < 200


def test_the_audit_looks_from_the_second_host_and_agrees(stack, second):
    path = stack.folder / "hosts.yml"
    before = path.read_text()
    said = yaml.safe_load(before)
    probes = {second: {"ansible_connection": "community.docker.docker"}}
    said["all"].setdefault("children", {})["probes"] = {"hosts": probes}
    path.write_text(yaml.safe_dump(said))
    try:
        done = stack.beast("audit", "--from", second, "--json")
    finally:
        path.write_text(before)

    found = json.loads(done.out)
    assert 0 == done.code, done.out
    assert found["clean"]
    assert {80, 443} == {each["port"] for each in found["declared"]}
    told = [each["message"] for each in found["findings"] if each["id"] == "reached"]
    assert [f"{second} looked at 65535 ports: 2 let it in, 0 stayed silent"] == told


def test_a_port_that_nobody_declared_fails_the_audit(stack):
    argv = ["docker", "run", "-d", "--rm", "--name", "leak", "-p", "9999:9999"]
    label = f"org.ai-beast.root={ROOT}"
    image = "traefik:v3.7.11"
    stack.host(*argv, "--label", label, "--entrypoint", "sleep", image, "600")
    try:
        done = stack.beast("audit", "--json")
    finally:
        stack.host("docker", "rm", "-f", "leak")

    assert 1 == done.code
    ids = [each["id"] for each in json.loads(done.out)["findings"] if each["weight"] == "failure"]
    assert ["port-undeclared"] == ids
