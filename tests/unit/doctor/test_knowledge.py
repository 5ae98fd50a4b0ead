# SPDX-License-Identifier: Apache-2.0
"""Passages that are longer than their model reads are no secret."""

import sqlite3
from pathlib import Path

import pytest

from beast_ops.doctor import knowledge
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.table import JobTable


@pytest.fixture
def ended(scene):
    """Return the scene and what adds a job that ended with such figures."""
    here = scene()
    path = jobs_file(Path(here.services.data))

    def end(collection, kind="ingest", **embedded):
        with JobTable(path) as jobs:
            jobs.add(kind, {})
            job = jobs.claim("w")
            told = {"collection": collection, **({"embedded": embedded} if embedded else {})}
            jobs.finish(job, told)

    end.here, end.path = here, path
    return end


def found(end):
    return [(each.id, each.subject, each.evidence) for each in knowledge.length(end.here)]


def test_where_nothing_was_ingested_nothing_is_wrong(ended):
    assert [] == found(ended)


def test_often_is_a_finding_and_seldom_is_none(ended):
    ended("long", passages=100, made=150, remembered=0, cut=40)
    ended("fine", passages=100, made=104, remembered=0, cut=2)
    ended("words")

    said = "long: 40 of the last 100 passages that were embedded"
    assert [("BEAST-D801", "long", said)] == found(ended)


def test_the_last_time_counts_that_embedded_anything(ended):
    ended("docs", passages=100, made=150, remembered=0, cut=40)
    ended("docs", passages=0, made=0, remembered=0, cut=0)
    assert ["docs"] == [subject for _, subject, _ in found(ended)]

    ended("docs", "reembed", passages=100, made=100, remembered=0, cut=0)
    assert [] == found(ended)


def test_a_damaged_table_is_not_the_business_of_this_look(ended):
    ended("docs", passages=1, made=1, remembered=0, cut=1)
    ended.path.write_bytes(b"no database" * 1000)

    assert [] == found(ended)


def test_a_table_that_is_not_there_yet_is_no_finding(ended):
    ended.path.parent.mkdir(parents=True, exist_ok=True)
    sqlite3.connect(ended.path).close()

    assert [] == found(ended)
