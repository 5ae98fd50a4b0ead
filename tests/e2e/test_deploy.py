# SPDX-License-Identifier: Apache-2.0
"""From a bare machine to a running stack and back again, as a newcomer does it."""

import json
import os
import re
import shutil
import stat

import pytest

from tests.e2e import stack as e2e
from tests.e2e.stack import PROCESSES, Installation, copy_clone, listing, system_python

NOBODY = 64123  # a user nobody is


@pytest.fixture
def newcomer(ground):
    """Return somebody without root, whose clone another made and who may not write it."""
    base = ground / "new comer's 100% ünï 🐘"
    base.mkdir()
    if os.geteuid() == 0:
        os.chown(base, NOBODY, NOBODY)
    clone = copy_clone(ground / 'clone of another, 50% "off" ø')
    for path in [clone, *clone.rglob("*")]:
        path.chmod((0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644) & ~0o222)
    made = Installation(
        clone, base / "my home", base / "my $ro'ot", NOBODY if os.geteuid() == 0 else None,
        extra={"LANG": "C", "LC_ALL": "C", "BEAST_PYTHON": system_python()},
    )  # fmt: skip
    yield made
    made.clear()
    e2e.wipe(clone)
    e2e.wipe(base)


def test_one_command_leads_a_newcomer_to_a_healthy_stack(newcomer):
    assert shutil.which("docker", path=newcomer.path) is None
    before = listing(newcomer.clone, without=())

    first = newcomer.deploy()

    assert "The stack is healthy and answers at " + newcomer.api in first.out
    assert "./beast ingest FOLDER" in first.out
    assert "./beast search" in first.out
    assert re.search(r"ollama +healthy +\d+ +no model server; optional", first.out), first.out
    assert set(PROCESSES) == set(newcomer.pids())
    assert before == listing(newcomer.clone, without=())
    assert all(path.stat().st_uid == newcomer.root.stat().st_uid
               for path in newcomer.root.rglob("*") if not path.is_symlink())  # fmt: skip
    ran = newcomer.pids()

    again = newcomer.must("deploy")

    assert "changed=0" in again.out
    assert "Nothing to do" in again.out
    assert ran == newcomer.pids()
    assert 1 == len(newcomer.releases()) == len(newcomer.receipts())


def test_ansible_alone_finds_nothing_to_do_either(stack):
    before, ran = stack.releases(), stack.pids()

    done = stack.playbook()

    assert done.code == 0, done.out + done.err
    assert re.search(r"changed=0 +unreachable=0 +failed=0", done.out), done.out
    assert before == stack.releases()
    assert ran == stack.pids()


@pytest.mark.long
def test_ansible_alone_deploys_what_the_door_then_leaves(installation):
    made = installation()
    settings = made.root / "settings.yml"
    settings.parent.mkdir(mode=0o700)
    settings.write_text("".join(f"{name}: {value}\n" for name, value in made.settings.items()))

    done = made.playbook()

    assert done.code == 0, done.out + done.err
    assert "changed=0" in made.must("deploy").out
    assert set(PROCESSES) == set(made.pids())


def plans(made):
    return [
        made.run("plan", *made.sets()),
        made.run("deploy", "--check", *made.sets()),
        made.playbook("--check", "--diff", "-e", json.dumps(made.settings)),
    ]


def test_a_plan_on_a_bare_machine_shows_everything_and_changes_nothing(installation):
    made = installation(root=installation().root / "not/yet/there")
    clone = made.clone
    before = listing(made.home, made.tmp, made.root.parents[2], clone)

    for done in plans(made):
        assert done.code == 0, done.out + done.err
        for part in ("services.json", "supervisord.conf", "qdrant/settings.json",
                     "beast-api/settings.json", "beast-worker/settings.json",
                     "[program:beast-worker]", '"name": "qdrant"'):  # fmt: skip
            assert part in done.out, part
        assert before == listing(made.home, made.tmp, made.root.parents[2], clone)
    assert not made.processes()


def test_a_plan_shows_what_a_setting_would_change_and_keeps_it_unset(stack):
    before = listing(stack.root, without=("logs", "run", "jobs", "__pycache__"))

    done = stack.must("plan", "--set", "beast_worker_batch=64")

    assert '-  "batch": 128,\n+  "batch": 64,' in done.out
    assert before == listing(stack.root, without=("logs", "run", "jobs", "__pycache__"))
    assert "Nothing to do" in stack.must("plan").out


def test_removal_keeps_data_and_secrets_and_the_next_deploy_works_with_them(stack, installation):
    beside = stack.pids()
    made = installation(settings={"beast_services": "[ollama, qdrant]"})
    # The rest of Ansible's folders would be among those of others in /tmp.
    made.extra |= {name: str(made.tmp) for name in ("ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP")}
    made.deploy()
    keep = made.root / "data/1/vectors/kept.txt"
    keep.write_text("kept")
    key = made.root / "secrets/qdrant/api_key"
    before = key.read_text()

    refused = made.run("remove")
    assert refused.code == 64
    assert "./beast remove --yes" in e2e.paragraph(refused)
    assert set(made.pids()) == {"qdrant"}

    tried = made.must("remove", "--dry-run")
    assert "Would remove" in tried.out
    assert set(made.pids()) == {"qdrant"}

    removed = made.must("remove", "--yes")
    assert "./beast remove --data" in removed.out
    assert {} == made.processes()
    assert {"data", "secrets", "receipts", "settings.yml"} == {p.name for p in made.root.iterdir()}
    assert made.run("status").code == 64

    made.must("deploy")  # on its own ports, which were kept
    assert f"127.0.0.1:{made.settings['qdrant_port']}" in made.must("health", "--json").out
    assert keep.read_text() == "kept"
    assert key.read_text() == before
    assert set(made.pids()) == {"qdrant"}

    made.must("remove", "--data", "--yes")
    assert not made.root.exists()
    assert {} == made.processes()
    assert "Nothing is installed" in made.must("remove", "--data", "--yes").out
    # And all this time nothing was written elsewhere, and the installation beside was left alone.
    assert [] == sorted(path.name for path in made.tmp.iterdir())
    assert [] == sorted(path.name for path in made.home.iterdir() if path.name != ".cache")
    assert beside == stack.pids()
    assert 0 == stack.run("health").code
