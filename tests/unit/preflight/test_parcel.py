# SPDX-License-Identifier: Apache-2.0
import io
import json
import shlex
import zipfile

import pytest

from beast_ops.errors import CommandError
from beast_ops.preflight import parcel

ANSWER = {"blockers": [], "warnings": [], "refusal": ""}


def test_the_parcel_holds_all_but_what_only_the_controller_needs():
    with zipfile.ZipFile(io.BytesIO(parcel.pack())) as packed:
        found = set(packed.namelist())

    there = {path.name for path in parcel.HERE.glob("*.py")}
    assert {f"preflight/{name}" for name in there - {"parcel.py"}} == found


def test_the_wish_is_one_word_whatever_is_in_it():
    asked = {"root": "/with 'quotes' and $(words)"}

    words = shlex.split(parcel.command("/usr/bin/python3", asked))

    assert ["/usr/bin/python3", "-c", parcel.UNPACK, json.dumps(asked)] == words


@pytest.mark.parametrize("before", ["", "Welcome to this machine\n\n"])
def test_the_answer_is_the_last_line(before):
    assert ANSWER == parcel.read(0, f"{before}{json.dumps(ANSWER)}\n", "")


@pytest.mark.parametrize(
    ("code", "stdout", "stderr"),
    [
        (1, json.dumps(ANSWER), ""),
        (0, "", ""),
        (0, "Password expired", ""),
        (0, "[]", ""),
        (0, '{"blockers": []}', ""),
        (127, "", "sh: python3: not found"),
    ],
)
def test_a_host_that_gives_no_answer_is_an_error_with_its_last_words(code, stdout, stderr):
    with pytest.raises(CommandError) as failed:
        parcel.read(code, stdout, stderr)

    assert f"the host could not be examined: {stderr or stdout}" in str(failed.value)
    assert f"exit {code}" == failed.value.subject
