# SPDX-License-Identifier: Apache-2.0
"""What all tests share, seen from outside: skips that count, and runs that prove nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
CASES = """\
import pytest

@pytest.mark.needs("registry")
def test_marked():
    pass

def test_asked(needs):
    needs("registry")

@pytest.mark.long
def test_long():
    pass

def test_rounds(rounds, seed):
    assert (rounds(1, 2), seed) == (1, 7)
"""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs cases beside a copy of the shared part."""
    (tmp_path / "tests").mkdir()
    shutil.copy(TESTS / "conftest.py", tmp_path / "tests")
    shutil.copy(TESTS.parent / "pyproject.toml", tmp_path)

    def pytest_on(text, *words, **environ):
        (tmp_path / "tests/test_case.py").write_text(text)
        environ = {**os.environ, "BEAST_REQUIRE": "", "BEAST_SEED": "7", **environ}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "tests", "-p", "no:cacheprovider", "-p", "no:randomly",
             *words],
            cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return pytest_on


def test_what_is_missing_is_skipped_with_its_reason(run):
    done = run(CASES)

    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped" in done.stdout
    assert "needs registry: only with BEAST_REQUIRE=registry" in done.stdout
    assert "only with --long" in done.stdout


def test_what_is_required_and_missing_fails(run):
    done = run("import pytest\n@pytest.mark.needs('promtool')\ndef test_it(): pass\n",
               BEAST_REQUIRE="promtool", PATH="/nowhere")  # fmt: skip

    assert done.returncode == 1
    assert "BEAST_REQUIRE names promtool, but promtool is not installed" in done.stdout


def test_what_is_required_and_there_runs(run):
    assert "3 passed, 1 skipped" in run(CASES, BEAST_REQUIRE="registry").stdout


def test_the_long_campaigns_run_when_asked_for(run):
    done = run(CASES, "--long", "-k", "long")

    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (CASES, {"BEAST_REQUIRE": "registri"}),
        ("import pytest\n@pytest.mark.needs('registri')\ndef test_it(): pass\n", {}),
    ],
)
def test_a_misspelt_need_is_no_skip(run, text, environ):
    done = run(text, **environ)

    assert done.returncode != 0
    assert "not 'registri'" in done.stdout + done.stderr


@pytest.mark.parametrize("words", [(), ("-n", "2")])
def test_a_run_in_which_everything_was_skipped_fails(run, words):
    done = run(CASES, "-k", "marked or asked", *words)

    assert done.returncode == 5
    assert "2 skipped" in done.stdout
