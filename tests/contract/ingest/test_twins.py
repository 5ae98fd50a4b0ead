# SPDX-License-Identifier: Apache-2.0
"""Equal documents that come in together are read and embedded once."""

import pytest

from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.llm import TextError
from beast_ops.llm.hashing import HashEmbedder
from tests.contract.ingest.test_run import PowerCutError, cut_off, make_claimable

TEXT = "# Top\n\nThe words of a text.\n\n## Below\n\n" + " ".join(
    f"More words, {number}." for number in range(60)
)
NAMES = ("a_md", "b_md", "c_md", "d_md", "e_md")


def plain(one):
    return {ident: (each["payload"], each["vector"]) for ident, each in one.points().items()}


def one_by_one(one, texts):
    """Ingest in as many runs as there are *texts*, so that nothing comes in together."""
    for name, text in texts.items():
        one.write(**{name: text})
        one.ingest()


@pytest.mark.parametrize("embedder", ["hash", "none"])
def test_of_equal_documents_the_first_is_read_and_the_others_take_its_passages(
    bench, reads, embedder
):
    one, other = bench("one", embedder=embedder), bench("other", embedder=embedder)
    texts = {**dict.fromkeys(NAMES, TEXT), "x_md": "Another.", "y_txt": TEXT}
    one.write(**texts)

    result = one.ingest()

    assert ["/docs/a.md", "/docs/x.md", "/docs/y.txt"] == sorted(reads[0])
    assert len(reads[1]) == len(set(reads[1])) or embedder == "none"
    assert result["documents"] == one.counts(seen=7, ingested=7)
    assert len(one.points()) == result["chunks"]
    one_by_one(other, texts)
    assert plain(other) == plain(one)
    assert one.ingest()["documents"] == one.counts(seen=7, unchanged=7)


def test_equal_documents_of_a_folder_are_read_once(bench, reads, tmp_path):
    one = bench("one")
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in NAMES:
        (docs / f"{name}.md").write_text(TEXT)
    with JobTable(one.around.jobs) as table:
        name = table.add("ingest", {"collection": one.collection, "folder": str(docs)})

    one.work()

    assert 1 == len(reads[0])
    assert one.counts(seen=5, ingested=5) == one.job(name).result["documents"]
    assert 5 == len({point["payload"]["source"] for point in one.points().values()})


def test_when_the_model_refuses_the_first_no_copy_of_it_is_kept(bench, monkeypatch):
    one = bench("one")
    one.write(a_md="Good words.")
    one.ingest()

    def picky(_self, texts):
        raise TextError(dict.fromkeys(range(len(texts)), "too long for the model"), None)

    monkeypatch.setattr(HashEmbedder, "embed_documents", picky)
    one.write(b_md=TEXT, c_md=TEXT)

    result = one.ingest()

    assert one.counts(seen=3, unchanged=1, failed=2) == result["documents"]
    assert ["Good words."] == one.texts()


def test_a_changed_document_and_its_copies_come_to_the_same(bench, reads):
    one, other = bench("one"), bench("other")
    for each in (one, other):
        each.write(a_md="The old words.", b_md="The old words.")
        each.ingest()
    reads[0].clear()
    one.write(a_md=TEXT, b_md=TEXT, c_md=TEXT, d_md="The old words.")
    one.ingest()

    assert ["/docs/a.md", "/docs/d.md"] == sorted(reads[0])
    one_by_one(other, {"a_md": TEXT, "b_md": TEXT, "c_md": TEXT, "d_md": "The old words."})
    assert plain(other) == plain(one)


@pytest.mark.parametrize("moment", range(9))
def test_cut_off_anywhere_all_copies_are_there_in_the_end(bench, monkeypatch, moment):
    one, other = bench("one"), bench("other")
    texts = {**dict.fromkeys(NAMES, TEXT), "x_md": "Another."}
    one_by_one(other, texts)
    one.write(**texts)
    cut_off(monkeypatch, moment)
    name = one.send()
    with pytest.raises(PowerCutError):
        one.work()
    monkeypatch.undo()
    make_claimable(one)

    one.work()

    assert State.DONE == one.job(name).state
    assert plain(other) == plain(one)
    assert one.ingest()["documents"] == one.counts(seen=6, unchanged=6)
