# SPDX-License-Identifier: Apache-2.0
"""What another host sees of the stack: the front door, and nothing it may pass without a word."""

import json
import re

import pytest

from tests.lab.shell import docker
from tests.lab.stack import DOMAIN

pytestmark = pytest.mark.needs("docker")


@pytest.fixture(scope="module")
def doors(stack):
    """The ports that the cards publish beyond loopback."""
    return {door["port"] for each in stack.services().values() for door in each["publish"]}


def test_only_the_front_door_answers_on_any_of_all_ports(stack, second, doors):
    told = docker(
        "exec", second, "nmap", "-Pn", "-n", "-p-", "-T4", "--open", stack.address(), seconds=600
    )
    found = {int(port) for port in re.findall(r"^(\d+)/tcp\s+open", told, re.MULTILINE)}

    assert doors
    assert doors == found


def test_every_route_refuses_who_says_nothing(stack, second):
    routes = [each["route"] for each in stack.services().values() if each["route"]]
    codes = {}
    for route in routes:
        name = f"{route['host']}.{DOMAIN}"
        words = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20"]
        words += ["--resolve", f"{name}:443:{stack.address()}", f"https://{name}/api/tags"]
        codes[route["host"]] = (route["auth"], docker("exec", second, *words).strip())

    assert len(codes) >= 5
    assert {} == {
        host: code for host, (auth, code) in codes.items() if auth != "own" and code != "401"
    }
    assert ("own", "401") == codes["models"]


def test_plain_http_leads_to_tls(stack, second):
    words = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"]
    words += ["-H", f"Host: chat.{DOMAIN}", f"http://{stack.address()}/"]

    assert re.fullmatch(
        rf"30[1278] https://chat\.{re.escape(DOMAIN)}/", docker("exec", second, *words).strip()
    )


def test_who_calls_by_another_name_finds_nothing(stack, second):
    words = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", f"https://{stack.address()}/"]

    assert docker("exec", second, *words).strip() in {"404", "000"}


def test_the_audit_agrees(stack):
    done = stack.beast("audit", "--json")

    assert 0 == done.code, done.out
    assert json.loads(done.out)
