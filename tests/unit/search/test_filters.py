# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.search.filters import condition, fits, wild
from beast_ops.search.model import SearchOptions


def of(source=None, kind=None):
    return SearchOptions(source=source, type=kind)


def equal(name, value):
    return {"key": name, "match": {"value": value}}


def begins(name, value):
    return {"key": name, "match": {"prefix": value}}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (of(), None),
        (of(kind="pdf"), [equal("type", "pdf")]),
        (of("/d"), [{"should": [equal("path", "/d"), begins("path", "/d/")]}]),
        (of("/d/"), [{"should": [equal("path", "/d"), begins("path", "/d/")]}]),
        (of("/"), [{"should": [equal("path", "/"), begins("path", "/")]}]),
        (
            of("file://h/d", "md"),
            [
                equal("type", "md"),
                {"should": [equal("source", "file://h/d"), begins("source", "file://h/d/")]},
            ],
        ),
        (of("/d/*.md"), [begins("path", "/d/")]),
        (of("file://h/*"), [begins("source", "file://h/")]),
        (of("*.md"), None),
    ],
)
def test_wishes_become_a_filter(options, expected):
    assert (expected and {"must": expected}) == condition(options)


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        (None, "/a", True),
        ("/d", "/d/a.md", True),
        ("/d/*.md", "/d/a.md", True),
        ("/d/*.md", "/d/a.pdf", False),
        ("/d/?.md", "/d/ab.md", False),
        ("*.md", "/d/a.md", True),
        ("/d/a[1].md", "/d/a[1].md", True),
        ("/d[1]", "/d[1]/a.md", True),
        ("/d/[ab].md", "/d/c.md", False),
    ],
)
def test_globs_are_judged_on_what_came_back(source, path, expected):
    assert expected is fits(of(source), {"path": path})


def test_only_globs_need_judging():
    assert wild(of("/d/*.md"))
    assert not wild(of("/d"))
    assert not wild(of())


def test_a_glob_over_uris_looks_at_the_uri():
    assert fits(of("file://h/*.md"), {"source": "file://h/a.md", "path": "/a.md"})
