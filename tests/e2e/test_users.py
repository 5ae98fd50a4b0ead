# SPDX-License-Identifier: Apache-2.0
"""Other users, other paths, other surroundings than the author's."""

import re
import subprocess

import pytest

from tests.e2e.stack import PROCESSES, Installation, index_settings, paragraph

NOBODY = 64123
SMALL = {"beast_services": "[ollama, qdrant]"}
SURROUNDINGS = {
    "plain C": {"LC_ALL": "C", "LANG": "C"},
    "an odd language": {"LC_ALL": "xx_YY.ISO-8859-1", "LANGUAGE": "xx"},
    "no words but PATH and HOME": {"TMPDIR": None, "UV_CACHE_DIR": None, "PIP_CACHE_DIR": None},
    "another's Python": {"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere",
                         "PYTHONSTARTUP": "/nowhere", "PYTHONWARNINGS": "error"},
    "another's Ansible": {"ANSIBLE_CONFIG": "/nowhere", "ANSIBLE_STDOUT_CALLBACK": "json",
                          "ANSIBLE_CHECK_MODE_MARKERS": "1"},
    "another's environment": {"VIRTUAL_ENV": "/nowhere", "CONDA_PREFIX": "/nowhere"},
    "a dumb terminal": {"TERM": "dumb", "COLUMNS": "20", "NO_COLOR": "1"},
}  # fmt: skip


ROOTS = (
    "100%(here)s %d", "a 'quoted\" name", "ünï 🐘 e\u0301", "$HOME `id`", "{{ braces }} {# #}",
    "-dash; # ", "x" * 120, "back\\slash [a-z]*",
)  # fmt: skip


HARD = ("plain C", "an odd language", "another's Ansible")


@pytest.mark.parametrize(
    "name",
    [name if name in HARD else pytest.param(name, marks=pytest.mark.long) for name in SURROUNDINGS],
)
def test_the_verbs_do_not_mind_their_surroundings(stack, name):
    environ = SURROUNDINGS[name]

    deployed = stack.run("deploy", env=environ)
    found = stack.run("health", "--json", env=environ)

    assert "changed=0" in deployed.out, deployed
    assert (0, "healthy") == (deployed.code, found.json["status"])
    assert set(PROCESSES) == stack.pids().keys()


@pytest.mark.parametrize(
    "closed",
    [(0,), (0, 1), *(pytest.param(each, marks=pytest.mark.long) for each in [(2,), (1, 2)])],
)
def test_streams_may_be_closed(stack, closed):
    words = " ".join(f"{number}<&-" if number == 0 else f"{number}>&-" for number in closed)
    line = f'exec "$0" "$@" {words}'
    program = str(stack.clone / "beast")

    for verb in (["status"], ["deploy"], ["health", "--json"]):
        done = stack.finish(stack.popen("/bin/sh", "-c", line, program, *verb))
        assert 0 == done.code, (verb, done)


@pytest.mark.long
def test_a_first_deploy_needs_only_path_and_home(installation):
    made = installation(settings=SMALL)
    made.root = made.home / ".beast"
    argv = ["env", "-i", f"PATH={made.path}", f"HOME={made.home}",
            *(f"{name}={value}" for name, value in (index_settings() | made.extra).items()),
            str(made.clone / "beast")]  # fmt: skip

    done = made.finish(made.popen(*argv, "deploy", *made.sets()))

    assert 0 == done.code, done
    assert "The stack is healthy" in done.out
    assert {"qdrant"} == set(made.pids())


def test_a_reader_that_leaves_early_is_no_fault(stack):
    line = '"$0" status | head -n 1; "$0" health --json | head -c 1'

    done = stack.finish(stack.popen("/bin/sh", "-c", line, str(stack.clone / "beast")))

    assert "Traceback" not in done.err
    assert "BrokenPipe" not in done.err


@pytest.mark.long
@pytest.mark.parametrize("name", ROOTS)
def test_a_root_may_be_called_anything(installation, name):
    made = installation(settings=SMALL)
    made.root = made.home / name / "root"

    assert "The stack is healthy" in made.deploy().out
    assert "changed=0" in made.must("deploy").out
    assert {"qdrant"} == set(made.pids())
    assert 0 == made.run("remove", "--data", "--yes").code
    assert not made.root.exists()


def test_the_port_of_another_installation_is_taken(stack, installation):
    before = stack.pids()
    other = installation(settings=SMALL | {"qdrant_port": stack.settings["qdrant_port"]})

    taken = other.run("deploy", *other.sets())

    assert 1 == taken.code
    assert str(stack.settings["qdrant_port"]) in paragraph(taken)
    assert not other.root.exists()
    assert before == stack.pids()


@pytest.mark.needs("root")
def test_another_user_cannot_look_into_an_installation(stack):
    stranger = Installation(stack.clone, stack.home.with_name("stranger"), stack.root, NOBODY)
    try:
        for words in (["status"], ["health"], ["search", "x"], ["deploy"], ["down"]):
            done = stranger.run(*words)

            assert 0 != done.code, words
            told = paragraph(done)
            assert re.search(
                r"permission|belongs to another|cannot|not.*read", told, re.IGNORECASE
            ), told
    finally:
        stranger.root = stranger.home / "none"
        stranger.clear()
    assert set(PROCESSES) == stack.pids().keys()


def test_the_door_works_from_any_folder_and_through_a_link(stack):
    link = stack.tmp / "link to beast"
    link.symlink_to(stack.clone / "beast")

    done = stack.finish(stack.popen(str(link), "status", cwd=stack.tmp))

    assert 0 == done.code, done


def test_invoke_inside_the_environment_does_the_same(stack):
    program = str(stack.clone / ".venv/bin/invoke")

    done = stack.finish(stack.popen(program, "status", "--json", cwd=stack.clone))

    assert 0 == done.code, done
    assert set(PROCESSES) == {each["name"] for each in done.json["processes"]}


def test_a_folder_that_is_gone_is_no_reason_to_fail(stack):
    gone = stack.tmp / "gone"
    gone.mkdir()
    line = 'cd "$1" && rmdir "$1" && exec "$0" status'

    done = stack.finish(
        stack.popen("/bin/sh", "-c", line, str(stack.clone / "beast"), str(gone),
                    stdin=subprocess.DEVNULL)
    )  # fmt: skip

    assert 0 == done.code, done
    assert not gone.exists()
