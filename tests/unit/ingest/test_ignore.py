# SPDX-License-Identifier: Apache-2.0
"""Patterns mean what git says they mean; git itself is asked."""

import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from beast_ops.errors import UsageError
from beast_ops.ingest import ignore
from beast_ops.ingest.find import Manner, find, left_out
from beast_ops.ingest.ignore import Selection
from beast_ops.ingest.patterns import Patterns
from beast_ops.ingest.sources import uri

NOWHERE = Path("/nowhere")
GIT = shutil.which("git")
PARTS = ["a", "b", "ab", "doc", "build"]
FILES = ["a.md", "b.md", "ab.txt", "doc.txt", "build.py"]
PATTERNS = [
    *("*.md", "!a.md", "build/", "/doc", "doc/*", "!doc/a.md", "a/**/b.md", "**/ab", "b*/", "!b/"),
    *("[ab].md", "?.md", "/a/b", "# no", "", "\\!x", "doc/**", "ab.txt ", "a/b/", "**", "!*/", "!"),
]


def names(found, below):
    return sorted(os.path.relpath(each.path, below) for each in found.documents)


def write(folder, **files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    write(folder, **dict.fromkeys(["a.md", "b.txt", "drafts/c.md", "drafts/old/d.md"], "x"))
    return folder


def git(folder, *words):
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [GIT, *words], cwd=folder, env=environ, capture_output=True, check=True, text=True
    )
    return done.stdout


@pytest.mark.skipif(GIT is None, reason="git is not installed")
@pytest.mark.parametrize("seed", range(25))
def test_ignore_files_mean_what_git_says(tmp_path, seed):
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - sampling
    for _ in range(40):
        above = [dice.choice(PARTS) for _ in range(dice.randrange(4))]
        path = tmp_path.joinpath(*above, dice.choice(FILES))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    folders = sorted({path.parent for path in tmp_path.rglob("*.*")})
    for folder in sorted({tmp_path, *dice.sample(folders, min(3, len(folders)))}):
        lines = dice.sample(PATTERNS, dice.randrange(1, 6))
        (folder / ".gitignore").write_text("\n".join(lines))
    git(tmp_path, "init", "--quiet")
    listed = git(tmp_path, "ls-files", "--others", "--exclude-standard").splitlines()
    expected = sorted(name for name in listed if not name.endswith(".gitignore"))

    assert expected == names(find([str(tmp_path)], NOWHERE), tmp_path)
    assert expected == names(find([f"{tmp_path}/**/*.*"], NOWHERE), tmp_path)


ODD = [*"ab", "a-b", "a]", "[a", "a b", "a\\b", "B", "^", "!x", "#x", "aab", "abab"]
SIGNS = "aabbd//**??[]!^-\\ #.[a]"


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_patterns_of_any_signs_mean_what_git_says(tmp_path):
    seed = random.randrange(10**6)  # noqa: S311 - sampling
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - sampling
    names_of = [(name, f"d{name}/{dice.choice(ODD)}", f"a-d/{name}/q/b") for name in ODD]
    write(tmp_path, **{name: "x" for three in names_of for name in three})
    git(tmp_path, "init", "--quiet")
    for _ in range(150):
        lines = ["".join(dice.choices(SIGNS, k=dice.randrange(1, 9))) for _ in range(3)]
        (tmp_path / ".gitignore").write_text("\n".join(lines))
        listed = git(tmp_path, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
        expected = sorted(name for name in listed if name not in ("", ".gitignore"))

        assert expected == names(find([str(tmp_path)], NOWHERE), tmp_path), lines


def test_no_pattern_takes_long_for_a_name():
    evil = [f"{'*a' * 100}b", f"{'**/a/' * 50}b", f"{'a*' * 100}/b", f"[{'a-' * 500}]" * 100]
    patterns = Patterns(evil)
    deep = "/".join(["a" * 200] + ["a"] * 300)
    begun = time.monotonic()

    assert not patterns.name(deep)
    assert time.monotonic() - begun < 5


def test_our_own_ignore_file_counts_more_than_that_of_git(tree):
    write(tree, **{".gitignore": "*.md\n", ".beastignore": "!a.md\n*.txt\n"})

    found = find([str(tree)], NOWHERE)

    assert ["a.md"] == names(found, tree)
    assert [str(tree)] == found.folders


def test_ignore_files_above_the_folder_do_not_count(tree):
    write(tree, **{".gitignore": "*"})

    assert ["c.md", "old/d.md"] == names(find([f"{tree}/drafts"], NOWHERE), tree / "drafts")


def test_a_file_that_is_named_is_read_whatever_ignore_files_say(tree):
    write(tree, **{".gitignore": "*"})

    assert ["a.md"] == names(find([f"{tree}/a.md"], NOWHERE), tree)


def test_what_ignore_files_name_leaves_and_what_a_selection_leaves_out_stays(tree):
    top, known = uri("h", str(tree)), uri("h", f"{tree}/drafts/c.md")

    assert not left_out(known, top)
    assert left_out(known, top, Selection(exclude=("drafts/",)))
    assert left_out(known, top, Selection(include=("*.txt",)))
    assert not left_out(known, top, Selection(include=("*.md",)))


def test_a_selection_chooses_among_the_files_of_a_folder(tree):
    def chosen(*paths, include=(), exclude=()):
        manner = Manner(selection=Selection(tuple(include), tuple(exclude)))
        return names(find([str(path) for path in paths], NOWHERE, manner), tree)

    assert ["a.md", "drafts/c.md", "drafts/old/d.md"] == chosen(tree, include=["*.md"])
    assert ["a.md", "b.txt"] == chosen(tree, exclude=["drafts/"])
    assert ["a.md", "drafts/c.md"] == chosen(tree, include=["*.md"], exclude=["old"])
    assert ["a.md"] == chosen(f"{tree}/**/*.md", exclude=["/drafts"])
    assert ["b.txt"] == chosen(f"{tree}/b.txt", include=["*.md"])


def test_a_folder_that_is_excluded_is_not_even_opened(tree, monkeypatch):
    opened = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: opened.append(path) or scan(path))

    find([str(tree)], NOWHERE, Manner(selection=Selection(exclude=("drafts/",))))

    assert [str(tree)] == opened


@pytest.mark.parametrize("bad", ["!", "\\", "", "# no", "[a", "/"])
def test_a_pattern_that_is_none_is_refused_as_an_option(bad):
    with pytest.raises(UsageError, match="no pattern") as refused:
        Selection(exclude=("fine", bad)).judged()

    assert bad == refused.value.subject


@pytest.mark.parametrize("trouble", ["pipe", "folder", "large", "dangling"])
def test_a_folder_whose_ignore_file_cannot_be_read_is_left_alone(tree, monkeypatch, trouble):
    path = tree / "drafts" / ".beastignore"
    if trouble == "pipe":
        os.mkfifo(path)
    elif trouble == "folder":
        path.mkdir()
    elif trouble == "large":
        monkeypatch.setattr(ignore, "IGNORE_BYTES", 10)
        path.write_text("x" * 11)
    else:
        path.symlink_to("nowhere")

    found = find([str(tree)], NOWHERE)
    by_glob = find([f"{tree}/drafts/*"], NOWHERE)

    assert ["a.md", "b.txt"] == names(found, tree)
    assert [str(tree / "drafts")] == [path for path, _ in found.problems]
    assert [] == found.folders
    assert [] == by_glob.documents
    assert {reason for _, reason in by_glob.problems} == {found.problems[0][1]}


@pytest.mark.parametrize("name", ["x.tmp", ".x.swp", "poetry.lock", ".DS_Store", "x.pyc", "X.TMP"])
def test_what_will_not_stay_is_left_out_unless_named(tree, name):
    write(tree, **{name: "x"})

    assert name not in names(find([str(tree)], NOWHERE), tree)
    assert name not in names(find([f"{tree}/*"], NOWHERE), tree)
    assert [name] == names(find([f"{tree}/{name}"], NOWHERE), tree)
    assert left_out(uri("h", f"{tree}/{name}"), uri("h", str(tree)))


def test_a_glob_reaches_what_it_spells_out_and_nothing_else_that_is_left_out(tree):
    odd = ["x.png", "node_modules/y.md", "x.lock"]
    write(tree, **dict.fromkeys(odd, "x"))

    assert not set(odd) & set(names(find([f"{tree}/**/*"], NOWHERE), tree))
    assert ["x.png"] == names(find([f"{tree}/*.png"], NOWHERE), tree)
    assert ["node_modules/y.md"] == names(find([f"{tree}/node_modules/*"], NOWHERE), tree)


def test_a_folder_that_a_glob_names_is_listed_by_the_rules_above_it(tree):
    write(tree, **{".gitignore": "d.md\n"})

    found = find([f"{tree}/d*"], NOWHERE)

    assert ["drafts/c.md"] == names(found, tree)
    assert [f"{tree}/drafts"] == found.folders
    write(tree, **{".gitignore": "drafts\n"})
    assert [] == find([f"{tree}/d*"], NOWHERE).folders


def test_relative_globs_and_globs_that_go_up_are_understood(tree, monkeypatch):
    monkeypatch.chdir(tree / "drafts")
    write(tree, **{"drafts/.gitignore": "c.md"})

    assert ["drafts/old/d.md"] == names(find(["**/*.md"], NOWHERE), tree)
    assert ["a.md"] == names(find(["../*.md"], NOWHERE), tree)
