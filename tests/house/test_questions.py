# SPDX-License-Identifier: Apache-2.0
"""The golden questions are many, of many formats, complete and all different."""

from pathlib import Path, PurePosixPath

import pytest
import yaml

CORPUS = Path(__file__).parents[1] / "corpus"
ROWS = yaml.safe_load((CORPUS / "questions.yml").read_text(encoding="utf-8"))
FOLDERS = {
    rule["into"] for rule in yaml.safe_load((CORPUS / "packages.yml").read_text(encoding="utf-8"))
}


def several(value):
    return [value] if isinstance(value, str) else value


def test_there_are_at_least_seventy_questions():
    assert len(ROWS) >= 70


def test_they_cover_at_least_seven_formats_with_several_questions_each():
    endings = [PurePosixPath(several(row["source"])[0]).suffix for row in ROWS]

    asked = {ending for ending in endings if endings.count(ending) >= 4}

    assert asked >= {".html", ".pdf", ".txt", ".md", ".docx", ".py", ".c", ".csv", ".json"}


def test_no_format_is_more_than_half_of_them():
    endings = [PurePosixPath(several(row["source"])[0]).suffix for row in ROWS]

    assert max(endings.count(ending) for ending in endings) <= len(ROWS) / 2


def test_no_question_is_asked_twice():
    asked = [row["question"].casefold() for row in ROWS]

    assert sorted(set(asked)) == sorted(asked)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["question"][:40])
def test_a_question_is_complete_and_asked_as_people_do(row):
    words = row["question"].split()
    phrases = several(row["must_contain"])

    assert set(row) == {"question", "source", "must_contain"}
    assert len(words) >= 4
    assert all(isinstance(phrase, str) and len(phrase) >= 3 for phrase in phrases)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["question"][:40])
def test_its_documents_come_from_a_gathered_package(row):
    folders = {source.split("/")[0] for source in several(row["source"])}

    assert folders <= FOLDERS
