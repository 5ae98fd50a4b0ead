# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from beast_ops import errors
from beast_ops.errors import BeastError, TransientError, UsageError


def descendants(cls, depth=0):
    yield cls, depth
    for child in sorted(cls.__subclasses__(), key=lambda child: child.__name__):
        if child.__module__ == errors.__name__:
            yield from descendants(child, depth + 1)


def test_the_drawing_is_the_tree():
    drawn = re.findall(r"^( *)([A-Z]\w+Error)\b", errors.__doc__, re.MULTILINE)

    assert drawn == [("    " * depth, cls.__name__) for cls, depth in descendants(BeastError)]


def test_the_drawing_says_what_the_classes_say():
    drawn = dict(re.findall(r"^ *([A-Z]\w+Error) {2,}(\S.*)$", errors.__doc__, re.MULTILINE))
    said = {
        cls.__name__: cls.__doc__ for cls, _ in descendants(BeastError) if cls.__name__ in drawn
    }

    assert len(drawn) > 10
    assert said == {name: f"{text[0].upper()}{text[1:]}." for name, text in drawn.items()}


@pytest.mark.parametrize(
    ("kind", "code"), [(BeastError, 1), (TransientError, 75), (UsageError, 64)]
)
def test_the_exit_code_belongs_to_the_branch(kind, code):
    codes = {cls.exit_code for cls, _ in descendants(kind) if kind is not BeastError}

    assert code == kind.exit_code
    assert codes <= {code}


@pytest.mark.parametrize(
    ("error", "paragraph"),
    [
        (BeastError("it broke"), "it broke."),
        (BeastError("it broke.", subject="x"), "it broke (x)."),
        (BeastError("it broke", hint="Mend it."), "it broke. Mend it."),
        (BeastError("it broke", subject="x", hint="Mend it."), "it broke (x). Mend it."),
    ],
)
def test_an_error_reads_as_one_paragraph(error, paragraph):
    assert paragraph == error.paragraph()
