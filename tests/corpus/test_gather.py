# SPDX-License-Identifier: Apache-2.0
"""The corpus is the same each time, of many formats, and says what it lacks."""

import gzip
import io
from collections import Counter
from pathlib import Path

import docx
import pytest

from tests.corpus import fetch, gather, questions, word

TEXT = """\
                         Rules of the House

1. Purpose

   The house keeps
   documents.

  1.1. Scope

    1. All rooms.
    2. The garden.

How to enter
------------

By the door.
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return an unpacked package with one packed, one plain, one huge and one linked document."""
    folder = tmp_path / "usr/share/doc/house"
    folder.mkdir(parents=True)
    (folder / "rules.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    (folder / "guide.md").write_text("# Guide\n\n" + "Words of the guide. " * 10)
    (folder / "huge.md").write_text("x" * 300 * 1024)
    (folder / "empty.md").touch()
    (folder / "link.md").symlink_to("guide.md")
    return tmp_path


def taken(root: Path, **take: object) -> dict[str, bytes]:
    rule = {"into": "house", "take": [{"below": "usr/share/doc/h*", **take}]}
    return dict(gather._taken(root, rule))


def test_packed_documents_are_unpacked_and_huge_empty_and_linked_ones_left_out(tree: Path):
    found = taken(tree, match=["*.md", "*.txt.gz"])

    assert {"house/guide.md", "house/rules.txt"} == set(found)
    assert TEXT.encode() == found["house/rules.txt"]


def test_what_a_rule_excepts_is_not_taken(tree: Path):
    assert taken(tree, match=["*.md"], **{"except": ["guide.*"]}) == {}


def test_a_text_becomes_a_word_document_with_headings_and_all_its_words(tree: Path):
    made = docx.Document(io.BytesIO(taken(tree, match=["*.gz"], word=True)["house/rules.docx"]))

    styles = [(paragraph.style.name, paragraph.text) for paragraph in made.paragraphs]

    assert ("Heading 1", "1. Purpose") in styles
    assert ("Heading 2", "1.1. Scope") in styles
    assert ("Heading 2", "How to enter") in styles
    assert ("Normal", "The house keeps documents.") in styles
    assert ("Normal", "2. The garden.") in styles


def test_the_same_text_becomes_the_same_word_document():
    assert word.document(TEXT) == word.document(TEXT)


def test_a_part_of_the_corpus_has_all_formats_evenly():
    names = [f"{number}.{ending}" for ending in ("md", "pdf", "csv") for number in range(50)]
    found = [gather.Document(name, name.split(".")[1], 1, "") for name in [*names, "one.docx"]]

    chosen = gather.some(found, 31)

    formats = Counter(document.format for document in chosen)
    assert {"md": 10, "pdf": 10, "csv": 10, "docx": 1} == formats


def test_a_part_of_the_corpus_is_never_more_than_all():
    assert len(gather.some([gather.Document("a.md", "md", 1, "")], 9)) == 1


def test_without_apt_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    fetched = fetch.fetch([fetch.Wish("git-doc")], tmp_path)

    assert {"git-doc": "apt-get, apt-cache, dpkg-deb not installed"} == fetched.missing


def test_packages_in_the_cache_need_no_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    package = tmp_path / "packages/python3.13-doc_3.13.5-1_all.deb"
    package.parent.mkdir()
    package.touch()

    fetched = fetch.fetch([fetch.Wish("python3-doc", r"python3\.\d+-doc")], tmp_path)

    assert {"python3-doc": package} == fetched.files
    assert {} == fetched.missing


def test_a_corpus_that_lacks_packages_says_which_and_why():
    document = gather.Document("a.md", "md", 1, "0" * 64)
    part = gather.Gathered(Path(), (document,), {"b": "1"}, {"x": "no network", "y": "no network"})

    assert part.lacking == "1 documents, without x, y (no network)"
    assert part.manifest() == f"# b 1\n{'0' * 64}         1  a.md"


def test_a_right_passage_is_of_the_source_and_contains_the_phrase():
    asked = questions.Question("?", ("git/git-log.html",), ("Shows the  commit",))

    assert asked.answered_by("file://host/some/where/git/git-log.html", "It shows\nthe COMMIT logs")
    assert not asked.answered_by("file://host/legit/git-log.html.md", "shows the commit")
    assert not asked.answered_by("git/git-log.html", "shows nothing")
    assert asked.asks_about({"git/git-log.html"})
    assert not asked.asks_about({"git/git-add.html"})


def test_all_questions_are_loaded():
    assert all(each.question and each.sources and each.phrases for each in questions.load())
