# SPDX-License-Identifier: Apache-2.0
"""Another version of one service, whatever becomes of it: images and data go back by themselves.

Newer versions are made on the host out of the image that runs: one that works, and others that
spoil the data, never get well, or are not to be had.
"""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.lab import fleet
from tests.lab.known import answers, left_aside, put_in, unwell
from tests.lab.stack import ROOT, Done, fresh

pytestmark = pytest.mark.needs("docker")

NAME = "upgrading"
SERVICES = ["traefik", "ollama", "qdrant", "beast_worker", "beast_api"]
IMAGE, VARIANT = "qdrant/qdrant", "unprivileged"
FIRST, SECOND, THIRD, GOOD, ABSENT, SICK, ROTTEN = (
    f"v1.19.{patch}-{VARIANT}" for patch in range(4, 11)
)
RUN = "USER root\nRUN printf '#!/bin/sh\\n%s\\n' '{}' >/qdrant/entrypoint.sh\nUSER 1000:1000\n"
VERSIONS = {
    **{tag: f"LABEL newer={tag}\n" for tag in (FIRST, SECOND, THIRD, GOOD)},
    SICK: RUN.format("exec sleep 3600"),
    ROTTEN: RUN.format("rm -rf /qdrant/storage/*; echo the tables do not fit; exit 3"),
}
POINTS = """
import hashlib, json, sys, urllib.request
address, key = json.loads(sys.stdin.read())
def ask(path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    headers = {"api-key": key, "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address + path, data, headers)) as answer:
        return json.load(answer)["result"]
found = {}
for each in ask("/collections")["collections"]:
    body = {"limit": 1000, "with_payload": True, "with_vector": True}
    page = ask(f"/collections/{each['name']}/points/scroll", body)
    assert page["next_page_offset"] is None and page["points"]
    found[each["name"]] = sorted(page["points"], key=lambda point: str(point["id"]))
print(hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest())
"""
SECONDS = 600


@pytest.fixture(scope="module")
def stack(lab, tmp_path_factory):
    """A small stack that knows something, on a host of its own, with newer versions at hand."""
    assert lab
    made = fresh(NAME, tmp_path_factory.mktemp("inventory"), bare=False)
    made.set(beast_services=SERVICES)
    done = made.beast("deploy")
    assert 0 == done.code, done.err
    now = made.containers()["qdrant"]["Config"]["Image"]
    build = 'DOCKER_BUILDKIT=0 docker build --quiet --tag "$1" -'
    for tag, text in VERSIONS.items():
        words = ("sh", "-c", build, "sh", f"{IMAGE}:{tag}")
        made.host(*words, feed=f"FROM {now}\n{text}".encode())
    put_in(made, "The kingfisher waits at the weir every morning.")
    yield made
    fleet.remove(NAME)


@dataclass(frozen=True)
class Seen:
    """What a stack is, seen from outside."""

    current: str
    releases: str
    generations: str
    images: dict
    checksum: str
    answers: list

    @classmethod
    def look(cls, stack):
        service = stack.services()["qdrant"]
        words = json.dumps([service["address"], stack.secret("qdrant/api_key")]).encode()
        return cls(
            stack.host("readlink", f"{ROOT}/current"),
            stack.host("ls", "-A", f"{ROOT}/releases"),
            stack.host("ls", "-A", f"{ROOT}/data"),
            {name: each["Image"] for name, each in stack.containers().items()},
            stack.host("python3", "-c", POINTS, feed=words),
            answers(stack),
        )


@pytest.fixture
def before(stack):
    found = Seen.look(stack)
    assert "kingfisher" in str(found.answers)
    return found


def upgrade(tag):
    return ("upgrade", "--service", "qdrant", "--set", f"qdrant_version={tag}")


def receipt(stack):
    return [each for each in stack.receipts() if each["operation"] == "upgrade"][-1]


def judged(stack, before, done, tag, phase):
    """Assert that an upgrade to *tag* failed in *phase*, and that everything is as before."""
    assert done.code in {1, 75}, (done.out, done.err)
    assert "Traceback" not in done.err
    told = receipt(stack)
    assert told["outcome"] in {"failed", "rolled back"}
    assert told["details"]["step"].endswith(f"-> {tag}")
    assert told["details"]["step"].startswith("qdrant ")
    assert phase == told["details"]["failed_at"], told
    assert stack.gets_well()
    assert {} == unwell(stack)
    assert before == Seen.look(stack)
    assert [] == left_aside(stack)
    assert not stack.tries("test", "-e", f"{ROOT}/run/upgrade.json")


def test_an_image_that_is_not_to_be_had_stops_nothing(stack, before):
    ran = stack.started()

    done = stack.beast(*upgrade(ABSENT))

    judged(stack, before, done, ABSENT, "fetch")
    assert ABSENT in done.err
    assert ran == stack.started()


@pytest.mark.long
def test_a_version_that_spoils_its_data_and_dies_spoils_a_copy(stack, before):
    done = stack.beast(*upgrade(ROTTEN))

    judged(stack, before, done, ROTTEN, "switch")
    assert "the tables do not fit" in done.err
    assert "rolled back" == receipt(stack)["outcome"]


def is_tried(stack, before):
    """Return whether another release is in force."""
    return before.current != stack.host("readlink", f"{ROOT}/current")


def lets_in(stack):
    """Return whether the front door runs."""
    label = "label=org.ai-beast.service=traefik"
    return bool(stack.host("docker", "ps", "--quiet", "--filter", label))


def ended(process):
    """Wait for a verb; return what it came to."""
    out, err = process.communicate(None, SECONDS)
    return Done(process.returncode, out, err)


def test_a_version_that_never_gets_well_meets_a_front_door_that_is_shut(stack, before):
    process = stack.start(*upgrade(SICK))
    seen = []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(ended, process)
        while not done.done():
            opened = lets_in(stack)
            if is_tried(stack, before):  # which it then was when we looked, or not yet
                seen.append(opened)
            time.sleep(0.5)

    assert seen
    assert not any(seen)
    judged(stack, before, done.result(), SICK, "switch")
    assert "qdrant" in done.result().err


ASIDE = '[ -n "$(docker ps --quiet --filter label=org.ai-beast.aside)" ]'
SWITCHED = f'[ "$(readlink {ROOT}/current)" != "$1" ]'
KILL = "pkill --signal KILL --full beast_ops[.]release"
# Some seconds away, for what only lasts a moment might go unnoticed.
DIE = "systemctl kill --signal=KILL docker; systemctl stop docker.socket docker; sleep 8"
STRIKE = """
for _ in $(seq 3000); do
  if {moment}; then {act}; echo struck; break; fi
  sleep 0.05
done
systemctl start docker
"""


def struck(stack, before, tag, moment, act):
    """Begin an upgrade to *tag*, have the host do *act* at its *moment*, and wait for the end."""
    process = stack.start(*upgrade(tag))
    script = STRIKE.format(moment=moment, act=act)
    said = stack.host("sh", "-c", script, "sh", before.current.strip(), seconds=SECONDS)
    done = ended(process)
    assert "struck" in said
    return done


def held(stack, before, done, tag):
    """Assert that an upgrade to *tag* is in force, with the data of before."""
    assert 0 == done.code, done.err
    after = Seen.look(stack)
    assert (before.checksum, before.answers) == (after.checksum, after.answers)
    assert f"{IMAGE}:{tag}" == stack.containers()["qdrant"]["Config"]["Image"]
    assert "proven" == receipt(stack)["outcome"]
    assert "failed_at" not in receipt(stack)["details"]
    assert {} == unwell(stack)
    assert [] == left_aside(stack)


@pytest.mark.long
def test_an_engine_that_dies_while_data_are_copied_is_waited_for_or_costs_nothing(stack, before):
    done = struck(stack, before, FIRST, ASIDE, DIE)

    if done.code:
        judged(stack, before, done, FIRST, "copy")
    else:
        held(stack, before, done, FIRST)


def test_an_engine_that_dies_while_the_version_starts_brings_back_what_was(stack, before):
    done = struck(stack, before, SECOND, SWITCHED, DIE)

    judged(stack, before, done, SECOND, "switch")
    assert "rolled back" == receipt(stack)["outcome"]


@pytest.mark.long
def test_one_that_was_killed_on_its_host_is_settled_by_the_next(stack, before):
    struck(stack, before, THIRD, ASIDE, KILL)
    assert stack.tries("test", "-e", f"{ROOT}/run/upgrade.json")

    done = stack.beast(*upgrade(ABSENT))

    judged(stack, before, done, ABSENT, "fetch")
    told = [each for each in stack.receipts() if each["operation"] == "upgrade"][-2]
    assert ("interrupted", "copy") == (told["message"], told["details"]["failed_at"])


def test_a_version_that_works_is_in_force_with_the_same_data(stack, before):
    done = stack.beast(*upgrade(GOOD))

    held(stack, before, done, GOOD)
    assert 0 == stack.beast("deploy").changed
