# SPDX-License-Identifier: Apache-2.0
"""What is public, and what the documentation says of it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import beast_ops
from beast_ops import errors

CLONE = Path(__file__).parents[2]


SOURCES = (CLONE / "tasks.py", *sorted((CLONE / "beast_ops/door").glob("*_verbs.py")))
GROUPED = {
    "alert_verbs.py": "alerts.",
    "cache_verbs.py": "cache.",
    "job_verbs.py": "jobs.",
    "lab_verbs.py": "lab.",
    "model_verbs.py": "models.",
    "secret_verbs.py": "secrets.",
    "task_verbs.py": "tasks.",
    "token_verbs.py": "tokens.",
}


def verbs():
    """Return the verbs as they are typed."""
    found = []
    for source in SOURCES:
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found += [GROUPED.get(source.name, "") + name for name in named(node)]
    return found


def named(function):
    """Yield the name under which *function* is typed, as its decorator has it."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call):
            words = {word.arg: word.value for word in call.keywords}
            chosen = words.get("name")
            yield chosen.value if chosen else function.name.rstrip("_").replace("_", "-")


def test_every_error_is_at_the_door():
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.BeastError)
    }

    assert len(kinds) > 10
    assert kinds <= set(beast_ops.__all__)


@pytest.mark.parametrize("name", beast_ops.__all__)
def test_what_the_door_promises_is_there(name):
    found = getattr(beast_ops, name)

    assert name == found.__name__
    assert found.__doc__


def test_the_door_hides_the_rest():
    with pytest.raises(AttributeError, match="has no attribute 'subprocess'"):
        beast_ops.subprocess  # noqa: B018 - asking is the test


def test_the_door_opens_with_a_star():
    script = "from beast_ops import *; print(BeastError.exit_code)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CLONE, capture_output=True, text=True, check=True
    )

    assert "1\n" == done.stdout


def test_there_are_verbs():
    assert {"deploy", "plan", "health", "ingest", "search", "new-service"} <= set(verbs())


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_its_place_in_the_reference(verb):
    reference = (CLONE / "docs/reference/verbs.md").read_text(encoding="utf-8")

    assert f"### {verb}\n" in reference


def test_every_folder_of_the_house_is_told_of_in_the_readme():
    readme = (CLONE / "README.md").read_text(encoding="utf-8")

    for folder in ("inventory/", "playbooks/", "roles/", "templates/", "beast_ops/"):
        assert folder in readme
        assert (CLONE / folder).is_dir()


def decisions():
    return sorted((CLONE / "docs/decisions").glob("*.md"))


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in decisions()]

    assert numbers
    assert list(range(1, len(numbers) + 1)) == numbers


@pytest.mark.parametrize("path", decisions(), ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_what_follows(path):
    text = path.read_text(encoding="utf-8")

    assert text.startswith("# ")
    for part in ("## Context", "## Decision", "## Consequences"):
        assert f"\n{part}\n" in text


def prose():
    return [path for path in (CLONE / "docs").rglob("*.md") if path.parent.name != "reference"]


@pytest.mark.parametrize("path", prose(), ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path):
    import re

    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target
