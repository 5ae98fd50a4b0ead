# SPDX-License-Identifier: Apache-2.0
"""Every diagnosis is explained in the reference, and some test provokes it."""

import re
from pathlib import Path

import pytest

from beast_ops.doctor import page
from beast_ops.doctor.table import CHECKS

CLONE = Path(__file__).parents[2]
REFERENCE = CLONE / "docs/reference/doctor.md"
TESTS = [CLONE / "tests/e2e/test_doctor.py", *sorted((CLONE / "tests/unit/doctor").glob("*.py"))]


def explained():
    """Return the part of the reference about each id."""
    text = REFERENCE.read_text(encoding="utf-8")
    return dict(re.findall(r"(?sm)^## (BEAST-D\d{3}): [^\n]+\n(.*?)(?=^## |\Z)", text))


def test_there_are_diagnoses_to_guard():
    assert len(CHECKS) > 20
    assert len(TESTS) > 3


def test_the_reference_explains_exactly_the_diagnoses_there_are():
    assert CHECKS.keys() == explained().keys()


def test_the_reference_is_what_the_program_prints():
    assert page.page() == REFERENCE.read_text(encoding="utf-8")


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_diagnosis_is_explained_with_cause_and_next_step(check):
    assert re.fullmatch(r"BEAST-D[0-9]{3}", check.id)
    assert check.cause in explained()[check.id]
    assert check.next_step in explained()[check.id]


@pytest.mark.parametrize("id_", CHECKS)
def test_a_diagnosis_is_provoked_by_some_test(id_):
    assert [path.name for path in TESTS if f'"{id_}"' in path.read_text(encoding="utf-8")]


def test_no_id_is_given_twice():
    text = (CLONE / "beast_ops/doctor/table.py").read_text(encoding="utf-8")
    ids = re.findall(r'"(BEAST-D\d+)"', text)

    assert len(set(ids)) == len(ids) == len(CHECKS)
