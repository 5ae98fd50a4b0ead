# SPDX-License-Identifier: Apache-2.0
"""A knowledge base in step with a collection, whatever Open WebUI does meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from beast_ops import http
from beast_ops.errors import MissingError, ServiceError, UnavailableError
from beast_ops.mirror import webui as room
from beast_ops.mirror.documents import Documents, whole
from beast_ops.mirror.plan import Kept, changes
from beast_ops.mirror.run import bring, file_name
from beast_ops.mirror.webui import Knowledge
from beast_ops.testing import Passage, fill, free_port
from beast_ops.vectors.testing import running

from .double import webui

SOURCES = some.sampled_from(["a", "b", "c", "d"])
VERSIONS = some.sampled_from(["1", "2"])


class Papers:
    """Documents that a test changes."""

    def __init__(self, **texts):
        self.texts = {f"file://h/{name}.md": text for name, text in texts.items()}

    def versions(self):
        return {source: f"v-{text}" for source, text in self.texts.items()}

    def text(self, source):
        return f"{source}\n{self.texts[source]}"


@pytest.fixture
def there():
    with webui() as double:
        yield double


@pytest.fixture
def client(there):
    with http.client(there.url, seconds=5) as opened:
        yield opened


@pytest.fixture
def mirrored(client, monkeypatch):
    monkeypatch.setattr(room, "LOOK_SECONDS", 0.01)
    told = []

    def run(papers):
        told.clear()
        done = bring(papers, Knowledge(client, "Papers"), told.append).as_dict()
        return {**done, "told": sorted(told)}

    return run


def counts(**said):
    return {"new": 0, "changed": 0, "removed": 0, "same": 0, "failed": {}, **said}


def test_new_documents_are_sent_changed_ones_replaced_and_others_left_alone(mirrored, there):
    papers = Papers(a="one", b="two", c="three")
    first = mirrored(papers)
    assert counts(new=3) == {name: first[name] for name in counts()}

    there.asked.clear()
    assert counts(same=3, told=[]) == mirrored(papers)
    assert {"GET"} == {method for method, _ in there.asked}

    papers.texts = {"file://h/a.md": "one", "file://h/b.md": "new", "file://h/d.md": "four"}
    again = mirrored(papers)
    assert counts(new=1, changed=1, removed=1, same=1) == {name: again[name] for name in counts()}
    assert ["file://h/b.md", "file://h/b.md", "file://h/c.md", "file://h/d.md"] == again["told"]
    assert {"a.md", "b.md", "d.md"} == set(there.texts("Papers"))
    assert there.texts("Papers")["b.md"].endswith("new")
    assert 3 == len(there.files)


def test_what_a_person_put_there_stays(mirrored, there):
    mirrored(Papers(a="one"))
    [(_, held)] = there.bases.values()
    there.files["x"] = {"filename": "mine.pdf", "text": "mine", "meta": {"name": "mine.pdf"}}
    held.append("x")

    mirrored(Papers())

    assert ["mine.pdf"] == list(there.texts("Papers"))


def test_there_is_one_knowledge_base_of_a_name(mirrored, there):
    there.bases = {f"o{number}": (f"Other {number}", []) for number in range(5)}
    mirrored(Papers(a="one"))
    mirrored(Papers(a="one", b="two"))

    assert ["Papers"] == [name for name, _ in there.bases.values() if name == "Papers"]


def test_one_that_cannot_be_read_does_not_stop_the_others_nor_lose_its_old_version(mirrored, there):
    mirrored(Papers(a="one", b="two"))
    there.unreadable = ("bad",)
    done = mirrored(Papers(a="bad", b="two", c="three"))

    assert {"file://h/a.md": "Open WebUI cannot read it: no text in it"} == done["failed"]
    assert (1, 1, 0) == (done["new"], done["same"], done["changed"])
    assert there.texts("Papers")["a.md"].endswith("one")
    assert 3 == len(there.files)  # what was refused is not left lying around


def test_it_waits_until_a_file_is_read(mirrored, there):
    there.slow = 3

    assert 1 == mirrored(Papers(a="one"))["new"]
    assert 4 == sum(path.endswith("/status") for _, path in there.asked)


def test_a_file_that_is_never_read_is_told_as_late(mirrored, there, monkeypatch):
    monkeypatch.setattr(room, "PROCESS_SECONDS", 0.05)
    there.slow = 10**6

    with pytest.raises(UnavailableError, match="not done with a file"):
        mirrored(Papers(a="one"))
    assert {} == there.files


@pytest.mark.parametrize("what", ["POST .*/file/add", "POST /api/v1/files/", "GET .*/status"])
def test_a_refusal_is_told_and_the_next_run_makes_it_good(mirrored, there, what):
    there.refuse = {what: (500, 1)}
    first = mirrored(Papers(a="one", b="two"))
    second = mirrored(Papers(a="one", b="two"))

    assert ["Open WebUI answered 500: refused"] == list(first["failed"].values())
    assert (1, 1, {}) == (second["new"], second["same"], second["failed"])
    assert {"a.md", "b.md"} == set(there.texts("Papers"))
    assert 2 == len(there.files)


def test_a_file_that_does_not_go_is_told_and_goes_the_next_time(mirrored, there):
    mirrored(Papers(a="one"))
    there.refuse = {"POST .*/file/remove": (500, 1)}

    assert ["file://h/a.md"] == list(mirrored(Papers())["failed"])
    assert 1 == mirrored(Papers())["removed"]
    assert {} == there.texts("Papers")


def test_a_page_instead_of_an_answer_is_no_open_webui(there):
    with (
        http.client(f"{there.url}/elsewhere/", seconds=5) as client,
        pytest.raises(ServiceError, match="is it Open WebUI"),
    ):
        bring(Papers(a="one"), Knowledge(client, "Papers"), print)


def test_one_that_is_away_is_unavailable():
    with (
        http.client(f"http://127.0.0.1:{free_port()}", seconds=1) as client,
        pytest.raises(UnavailableError, match="Open WebUI does not answer"),
    ):
        bring(Papers(a="one"), Knowledge(client, "Papers"), print)


@given(
    some.dictionaries(SOURCES, VERSIONS),
    some.lists(some.tuples(SOURCES, VERSIONS), max_size=8),
)
def test_after_the_changes_there_is_exactly_what_is_wanted(wanted, pairs):
    there = [Kept(f"f{number}", *pair) for number, pair in enumerate(pairs)]
    planned = changes(wanted, there)

    gone = {file for files in planned.stale.values() for file in files}
    left = [(each.source, each.version) for each in there if each.file not in gone]
    added = [(source, wanted[source]) for source in (*planned.new, *planned.changed)]
    assert sorted(wanted.items()) == sorted(left + added)
    assert planned.same == len(left)
    assert not set(planned.gone) & {source for source, _ in added}


def test_a_text_is_put_together_from_passages_that_overlap():
    passages = [
        {"text": "One two three", "heading": ["A"]},
        {"text": "two three four", "heading": ["A"]},
        {"text": "five", "heading": ["A"]},
        {"text": "five", "heading": ["A", "B"]},
    ]

    text = "Source: s\n\n## A\n\nOne two three four\nfive\n## A > B\n\nfive\n"
    assert text == whole("s", passages)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("file://h/a/keys.md", "keys.md"),
        ("file://h/a/report.pdf", "report.pdf.md"),
        ("https://a.example/", "a.example.md"),
        ("pipe:notes", "pipe:notes.md"),
    ],
)
def test_a_file_is_called_like_its_document(source, name):
    assert name == file_name(source)


def test_documents_come_from_the_store_with_their_versions(tmp_path):
    with (
        running(tmp_path) as vectors,
        http.client(vectors.url, headers={"api-key": vectors.key}) as client,
    ):
        fill(client, "docs", [Passage("One.", "/a.md"), Passage("Two.", "/b.md")])
        documents = Documents(client, "docs")
        versions = documents.versions()

        assert ["file://host/a.md", "file://host/b.md"] == sorted(versions)
        assert 2 == len(set(versions.values()))
        text = documents.text("file://host/a.md")
        assert "Source: file://host/a.md\n\n## Top\n\nOne.\n" == text
        with pytest.raises(MissingError, match="no such collection"):
            Documents(client, "none").versions()
