# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from beast_ops.errors import BeastError
from beast_ops.release.package import IMAGE, LOCK, VERBS, build_wheel, environment_hash, sources

CLONE = Path(__file__).parents[3]


@pytest.fixture
def clone(tmp_path):
    """A small clone: what makes the wheel, and little else."""
    found = tmp_path / "clone"
    (found / "beast_ops" / "room").mkdir(parents=True)
    (found / LOCK).parent.mkdir()
    (found / LOCK).write_text("a==1\n")
    (found / IMAGE).write_text("FROM scratch\n")
    (found / VERBS).write_text('"""Verbs."""\n')
    (found / "beast_ops/__init__.py").write_text('"""A library."""\n\n__version__ = "1"\n')
    (found / "beast_ops/room/__init__.py").write_text("")
    (found / "beast_ops/room/text.template").write_text("x")
    (found / "README.md").write_text("# Read me\n")
    (found / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "ai-beast"\nreadme = "README.md"\n'
        'dynamic = ["version", "description"]\n[tool.flit.module]\nname = "beast_ops"\n'
    )
    return found


@pytest.mark.parametrize(
    "path",
    [
        *("beast_ops/__init__.py", "beast_ops/room/text.template"),
        *("pyproject.toml", str(LOCK), str(IMAGE), str(VERBS)),
    ],
)
def test_everything_that_is_installed_counts(path, clone):
    before = environment_hash(clone)
    (clone / path).write_text("other")

    assert before != environment_hash(clone)


@pytest.mark.parametrize("path", ["README.md", "roles/x.yml", "beast_ops/__pycache__/a.pyc"])
def test_what_is_not_installed_does_not_count(path, clone):
    before = environment_hash(clone)
    (clone / path).parent.mkdir(parents=True, exist_ok=True)
    (clone / path).write_text("other")

    assert before == environment_hash(clone)


def test_names_count_as_well_as_content(clone):
    before = environment_hash(clone)
    (clone / "beast_ops/room/text.template").rename(clone / "beast_ops/text.template")

    assert before != environment_hash(clone)


def test_where_the_clone_lies_and_how_old_it_is_do_not_count(clone, tmp_path):
    shutil.copytree(clone, tmp_path / "ü other")

    assert environment_hash(clone) == environment_hash(tmp_path / "ü other")


def test_an_incomplete_clone_is_named(clone):
    (clone / LOCK).unlink()

    with pytest.raises(BeastError, match="the clone is not complete: No such file") as caught:
        environment_hash(clone)

    assert str(clone / LOCK) == caught.value.subject


def test_the_same_sources_make_the_same_wheel(clone, tmp_path):
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(build_wheel(clone, tmp_path / name).read_bytes())
        for path in clone.rglob("*"):
            os.utime(path, (1, 1))

    assert made[0] == made[1]


def test_the_wheel_holds_all_sources_and_building_leaves_nothing(clone, tmp_path, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = sorted(clone.rglob("*"))
    with zipfile.ZipFile(build_wheel(clone, tmp_path)) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info" not in name}

    assert {str(path.relative_to(clone)) for path in sources(clone)} == held
    assert before == sorted(clone.rglob("*"))
    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_a_clone_one_may_not_write_is_enough(clone, tmp_path):
    for path in (*clone.rglob("*"), clone):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert build_wheel(clone, tmp_path).exists()
    finally:
        for path in (clone, *clone.rglob("*")):
            path.chmod(0o755)


def test_the_house_itself_has_a_hash_and_sources():
    assert 12 == len(environment_hash(CLONE))
    assert CLONE / "beast_ops/errors.py" in sources(CLONE)
