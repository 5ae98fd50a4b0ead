# SPDX-License-Identifier: Apache-2.0
"""Our own image, as a deploy made it on a host: what is in it, and what is not."""

import json
import re

import pytest

from .shell import CLONE
from .stack import ROOT

pytestmark = pytest.mark.needs("docker")

LISTED = (
    "import glob, importlib.metadata as m, re; "
    "print(*sorted({re.sub('[-_.]+', '-', d.name).lower() + '==' + d.version for d in "
    "m.distributions(path=glob.glob('/venv/lib/python3*/site-packages'))}))"
)
# What an API or a worker may reach while it runs, by the names of their modules.
REACHED = (
    "beast_ops.api.__main__, beast_ops.api.app, beast_ops.jobs.__main__, beast_ops.ingest.run, "
    "beast_ops.ingest.parse.formats, beast_ops.ingest.parse.docx, beast_ops.ingest.parse.pdf, "
    "beast_ops.ingest.parse.html, beast_ops.ingest.parse.package, "
    "beast_ops.search.hybrid, beast_ops.health.report, "
    "beast_ops.health.probe, uvloop, httptools, lxml.etree, yaml"
)
HOST_ONLY = {
    *("ansible-core", "bcrypt", "cryptography", "docker", "protego", "rich", "supervisor"),
    "watchfiles",
}


@pytest.fixture(scope="module")
def image(stack):
    """The name of the image that both of our services run."""
    services = stack.services()
    names = {each["image"] for each in services.values() if each["ours"]}

    assert 1 == len(names)
    return names.pop()


def run(stack, image, *argv):
    """Run *argv* in a container of the image, as hard as ours are."""
    hard = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    return stack.host("docker", "run", "--rm", "--network", "none", *hard, image, *argv)


def packages(stack, image):
    return set(run(stack, image, "python", "-c", LISTED).split())


def test_it_is_no_root_and_keeps_itself_in_view(stack, image):
    (found,) = json.loads(stack.host("docker", "image", "inspect", image))
    config = found["Config"]

    assert "1000:1000" == config["User"]
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "python", "-IS"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", config["Labels"]["org.ai-beast.version"])
    assert image.partition(":")[2] == config["Labels"]["org.ai-beast.environment"]


def test_all_that_runs_can_be_imported_from_a_root_nobody_can_write(stack, image):
    said = run(stack, image, "python", "-c", f"import {REACHED}; import os; print(os.getuid())")

    assert "1000" == said.strip()


def test_nothing_in_it_installs_or_builds(stack, image):
    look = "for tool in pip pip3 uv gcc cc make; do command -v $tool; done; python -m pip; true"
    inside = (
        "import importlib.util as u; print([n for n in ('pip', 'ensurepip') if u.find_spec(n)])"
    )

    assert "" == run(stack, image, "sh", "-c", f"({look}) 2>/dev/null").strip()
    assert "[]" == run(stack, image, "/usr/bin/env", "python", "-c", inside).strip()


def test_how_the_index_is_reached_did_not_land_in_it(stack, image):
    found = run(stack, image, "sh", "-c", "ls /build /app /venv; find /app /venv -name '*.pem'")
    history = stack.host("docker", "history", "--no-trunc", image)

    assert "/build" not in found
    assert "index.pem" not in found
    assert not re.search(r"://\S*simple|index-url|PIP_INDEX", history)


def test_its_packages_are_those_of_the_lock_file_but_for_what_hosts_use(stack, image):
    lock = (CLONE / "requirements/stack.txt").read_text()
    locked = {found.lower() for found in re.findall(r"^([\w.-]+==[\w.]+)", lock, re.MULTILINE)}
    found = packages(stack, image)

    assert len(found) > 30
    assert found <= locked
    assert HOST_ONLY.isdisjoint(each.partition("==")[0] for each in found)


def test_of_its_build_only_the_packages_are_kept(stack, image):
    kept = ["docker", "images", "--quiet", "--filter", "label=org.ai-beast.stage"]

    assert image
    assert "" == stack.host(*kept, "--filter", "label=org.ai-beast.stage=code").strip()
    assert 1 >= len(stack.host(*kept).split())


def test_the_same_lock_gives_the_same_packages(stack, image):
    """Built anew from what the release shipped, without anything kept of the first time."""
    environment = image.partition(":")[2]
    again = f"ai-beast:again-{environment}"
    code = (
        "from pathlib import Path; from beast_ops.compose import image, index; "
        "from beast_ops.runner import LocalRunner as R; r = R(); "
        f"c = image.context(Path('{ROOT}/venv/{environment}/source')); f = c.__enter__(); "
        f"index.provide(f, index.settings(r)); image.build(f, '{again}', '{environment}', r)"
    )
    stack.host("docker", "image", "prune", "--force", "--filter", "label=org.ai-beast.stage")
    try:
        python = f"{ROOT}/venv/{environment}/bin/python"
        stack.host(python, "-I", "-c", code, seconds=600)

        assert packages(stack, image) == packages(stack, again)
    finally:
        stack.tries("docker", "image", "rm", "--force", again)
        stages = ["--filter", "label=org.ai-beast.stage"]
        stack.tries("docker", "image", "prune", "--force", *stages)


def test_who_asks_the_agent_through_the_api_restarts_a_service(stack):
    before = stack.started()
    token = stack.secret("beast-api/token")
    port = stack.services()["beast-api"]["ports"][0]
    code = (
        "import sys, urllib.request as u; "
        f"r = u.Request('http://127.0.0.1:{port}/services/node-exporter/restart', method='POST', "
        "headers={'authorization': 'Bearer ' + sys.stdin.read()}); "
        "print(u.urlopen(r, timeout=180).read().decode())"
    )
    said = stack.host("python3", "-c", code, seconds=200, feed=token.encode())
    after = stack.started()

    assert "node-exporter" == json.loads(said)["restarted"]
    assert ["node-exporter"] == [name for name in after if after[name] != before[name]]
    told = [json.loads(line) for line in stack.read("logs/agent.log").splitlines()]
    asked = [(each["verb"], each["service"], each["outcome"]) for each in told]
    assert ("restart", "node-exporter", "done") == asked[-1]
