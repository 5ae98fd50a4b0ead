# SPDX-License-Identifier: Apache-2.0
"""Equal documents in groups, others in pairs, and nobody twice."""

from beast_ops.ingest.duplicates import find
from beast_ops.ingest.likeness import signature
from beast_ops.ingest.state import DocumentState, Known

TEXT = " ".join(f"word{number}" for number in range(600))


def known(name, sha256, text=""):
    return Known(f"file://h/{name}", 1, 1, sha256, "j", signature=signature([text]))


def test_what_is_the_same_and_what_is_nearly(tmp_path):
    with DocumentState(tmp_path / "state.sqlite") as state:
        documents = [
            known("a", "one", TEXT),
            known("b", "one", TEXT),
            known("c", "two", TEXT.replace("word300", "other")),
            known("d", "three", TEXT.replace("word", "term")),
            known("short", "four", "a few words"),
        ]
        state.settle("docs--1", [(each, {}) for each in documents])
        state.settle("other--1", [(known("e", "one", TEXT), {})])

        found = find(state, "docs--1", 0.8)

    assert (("/a", "/b"),) == found.equal
    ((share, one, other),) = found.alike
    assert {"/c", "/a"} == {one, other}
    assert 0.9 < share <= 1
    assert found.as_dict()["alike"][0]["share"] == round(share, 2)


def test_what_changed_is_compared_anew_and_what_is_gone_not_at_all(tmp_path):
    with DocumentState(tmp_path / "state.sqlite") as state:
        state.settle("docs--1", [(known("a", "one", TEXT), {}), (known("b", "one", TEXT), {})])
        state.settle("docs--1", [(known("b", "two", TEXT.replace("word", "term")), {})])
        assert ((), ()) == (find(state, "docs--1", 0.8).equal, find(state, "docs--1", 0.8).alike)

        state.settle("docs--1", [(known("b", "two", TEXT), {})])
        assert 1 == len(find(state, "docs--1", 0.8).alike)
        state.forget("docs--1", ["file://h/b"])

        assert () == find(state, "docs--1", 0.8).alike
