# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from beast_ops.declared import Setting
from beast_ops.errors import BeastError
from beast_ops.reference import __main__ as program
from beast_ops.reference.pages import pages, settings_page, tree
from beast_ops.reference.roles import readmes

CLONE = Path(__file__).parents[3]
PAGES = pages(CLONE)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_stale(name):
    written = (CLONE / "docs/reference" / name).read_text(encoding="utf-8")

    assert PAGES[name] == written, "run: python -m beast_ops.reference"


@pytest.mark.parametrize("kind", list(tree(BeastError)), ids=lambda kind: kind.__name__)
def test_every_error_has_its_paragraph(kind):
    _, found, rest = PAGES["errors.md"].partition(f"\n## {kind.__name__}\n\n")

    assert found
    assert f"Exit code: {kind.exit_code}." in rest.partition("\n## ")[0]


def test_every_exit_code_of_an_error_is_explained():
    for kind in tree(BeastError):
        assert f"| {kind.exit_code} | " in PAGES["errors.md"]


def test_the_schema_is_one():
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(json.loads(PAGES["services.schema.json"]))


def test_a_pipe_does_not_end_a_cell():
    page = settings_page([Setting("a_b", "str", (), "a", "this | that", "x|y")])

    assert r'| `a_b` | str | `"x\|y"` | this \| that |' in page


def test_pages_are_written_when_they_differ_and_then_not_again(tmp_path):
    for name in ("roles", "beast_ops"):
        (tmp_path / name).symlink_to(CLONE / name)

    assert [f"docs/reference/{name}" for name in sorted(PAGES)] == sorted(program.main(tmp_path))
    assert [] == program.main(tmp_path)


@pytest.mark.parametrize(("role", "text"), readmes(CLONE).items())
def test_the_readme_of_a_role_says_what_the_role_does(role, text):
    assert text == (CLONE / "roles" / role / "README.md").read_text(encoding="utf-8")


def test_there_are_roles_with_a_readme():
    assert {"qdrant", "traefik", "docker", "project"} <= readmes(CLONE).keys()
