# SPDX-License-Identifier: Apache-2.0
"""What was backed up comes back on real containers: here, beside the stack, on another host."""

import base64
import json
from pathlib import Path

import pytest

from tests.lab import fleet
from tests.lab import stack as stacks
from tests.lab.known import answers, left_aside, put_in, unwell
from tests.lab.shell import CLONE, docker, run
from tests.lab.stack import ROOT

pytestmark = pytest.mark.needs("docker")

ASK = """
import json, sys, urllib.error, urllib.request
method, address, login, body = json.loads(sys.stdin.read())
headers = {"Content-Type": "application/json", **({"Authorization": login} if login else {})}
data = json.dumps(body).encode() if body else None
asked = urllib.request.Request(address, data, headers, method=method)
try:
    with urllib.request.urlopen(asked, timeout=20) as answer:
        print(answer.status)
except urllib.error.HTTPError as refused:
    print(refused.code)
"""


def ask(stack, method, address, login="", body=None):
    """Return the status with which a service answers on its own host."""
    words = json.dumps([method, address, login, body]).encode()
    return int(stack.host("python3", "-c", ASK, feed=words))


def enters_chat(stack, password):
    address = stack.services()["open-webui"]["address"]
    body = {"email": stack.secret("open-webui/admin_email"), "password": password}
    return ask(stack, "POST", f"{address}/api/v1/auths/signin", body=body) == 200


def enters_dashboards(stack, password):
    address = stack.services()["grafana"]["address"]
    login = base64.b64encode(f"{stack.secret('grafana/admin_user')}:{password}".encode())
    return ask(stack, "GET", f"{address}/api/org", f"Basic {login.decode()}") == 200


def master(stack):
    return stack.host("sha256sum", f"{ROOT}/secrets/master.key").split()[0]


@pytest.fixture(scope="module")
def kept(stack):
    """What the stack knew when it was backed up, and the file that holds it."""
    put_in(stack, "The kingfisher waits at the weir every morning.")
    known = answers(stack)
    assert "kingfisher" in str(known)
    made = json.loads(stack.host("beast", "backup", "--json", seconds=300))
    return known, made["file"]


def test_what_was_backed_up_comes_back(stack, kept):
    known, _ = kept
    put_in(stack, "A heron took the place of the bird at the weir.")
    assert known != answers(stack)

    done = stack.beast("restore", "newest", "--yes")

    assert 0 == done.code, done.err
    assert known == answers(stack)
    assert "restore" == stack.receipts()[-1]["operation"]
    assert {} == unwell(stack)
    assert [] == left_aside(stack)
    assert stack.gets_well()


@pytest.mark.usefixtures("kept")
def test_after_a_restore_nothing_is_left_to_do(stack):
    started = stack.started()
    done = stack.beast("deploy")

    assert (0, 0) == (done.code, done.changed), done.err
    assert started == stack.started()


def test_a_drill_touches_nothing_and_leaves_nothing(stack, kept):
    before = {name: each["Id"] for name, each in stack.containers().items()}
    started = stack.started()

    done = stack.beast("drill")

    assert 0 == done.code, done.err
    assert before == {name: each["Id"] for name, each in stack.containers().items()}
    assert started == stack.started()
    assert [] == left_aside(stack)
    assert kept[0] == answers(stack)
    assert "proven" == stack.receipts()[-1]["outcome"]


KILLED = """
beast drill >/dev/null 2>&1 &
drill=$!
for _ in $(seq 100); do
  sleep 0.2
  [ -z "$(docker ps --quiet --filter label=org.ai-beast.aside)" ] || break
done
kill -9 "$drill"
"""


@pytest.mark.usefixtures("kept")
def test_a_killed_drill_is_cleared_away_by_the_next(stack):
    started = stack.started()
    stack.host("bash", "-c", KILLED)
    assert [] != left_aside(stack)

    done = stack.beast("drill")

    assert 0 == done.code, done.err
    assert [] == left_aside(stack)
    assert started == stack.started()


def test_one_service_is_restored_alone(stack, kept):
    put_in(stack, "An otter was seen near the bird at the weir.")
    known, before = answers(stack), stack.started()
    address = stack.services()["grafana"]["address"]
    password = stack.secret("grafana/admin_password")
    login = base64.b64encode(f"{stack.secret('grafana/admin_user')}:{password}".encode()).decode()
    assert known != kept[0]
    changed = {"oldPassword": password, "newPassword": "another one for now"}
    path = f"{address}/api/user/password"
    assert 200 == ask(stack, "PUT", path, f"Basic {login}", changed)
    assert not enters_dashboards(stack, password)

    done = stack.beast("restore", "newest", "--service", "grafana", "--yes")

    assert 0 == done.code, done.err
    assert enters_dashboards(stack, password)
    assert known == answers(stack)
    assert before.keys() == stack.started().keys()
    assert {} == unwell(stack)


@pytest.fixture(scope="module")
def other(lab, tmp_path_factory):
    """Another host with a stack of its own, and its own master key."""
    assert lab
    name = "stack-other"
    there = stacks.fresh(name, tmp_path_factory.mktemp("other"))
    try:
        done = there.beast("deploy")
        assert done.code == 0, done.err
        yield there
    finally:
        fleet.remove(name)


def test_another_host_becomes_what_was_backed_up(stack, kept, other, tmp_path):
    known, file = kept
    assert master(stack) != master(other)
    password = stack.secret("open-webui/admin_password")
    own = other.secret("open-webui/admin_password")
    carried, target = tmp_path / Path(file).name, f"/root/{Path(file).name}"
    docker("cp", f"{stack.name}:{file}", str(carried))
    docker("cp", str(carried), f"{other.name}:{target}")

    other.host("beast", "restore", target, "--yes", seconds=900)

    assert known == answers(other)
    assert master(stack) == master(other)
    assert enters_chat(other, password)
    assert not enters_chat(other, own)
    assert enters_dashboards(other, stack.secret("grafana/admin_password"))
    assert {} == unwell(other)
    assert [] == left_aside(other)
    assert other.gets_well()


def test_the_other_host_has_nothing_left_to_do(other):
    done = other.beast("deploy")

    assert (0, 0) == (done.code, done.changed), done.err


@pytest.fixture
def without_stack(lab, tmp_path):
    """A host with Docker and a clone of the project, and nothing deployed."""
    assert lab
    name = "stack-empty"
    there = stacks.fresh(name, tmp_path / "empty", bare=False)
    listed = run("git", "-C", str(CLONE), "ls-files", "-z")
    packed = tmp_path / "clone.tar"
    words = ["tar", "-C", str(CLONE), "--null", "--files-from", "-", "-cf", str(packed)]
    run(*words, feed=listed.encode())
    try:
        there.host("mkdir", "-p", "/root/clone")
        docker("exec", "-i", name, "tar", "-C", "/root/clone", "-x", feed=packed)
        install = "apt-get update -qq && apt-get install -y -qq python3-venv"
        there.host("sh", "-c", install, seconds=300)
        yield there
    finally:
        fleet.remove(name)


def test_a_host_without_a_stack_becomes_what_was_backed_up(stack, kept, without_stack, tmp_path):
    known, file = kept
    there, carried, target = without_stack, tmp_path / Path(file).name, "/root/kept.tar.zst"
    docker("cp", f"{stack.name}:{file}", str(carried))
    docker("cp", str(carried), f"{there.name}:{target}")

    words = ["restore", target, "--to", ROOT, "--yes"]
    there.host("/root/clone/beast", *words, seconds=900)

    assert known == answers(there)
    assert master(stack) == master(there)
    assert enters_chat(there, stack.secret("open-webui/admin_password"))
    assert {} == unwell(there)
    assert [] == left_aside(there)
    assert 0 == there.beast("deploy").changed
