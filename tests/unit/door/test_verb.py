# SPDX-License-Identifier: Apache-2.0
import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from beast_ops.door.verb import verb
from beast_ops.errors import BusyError


def test_a_verb_gives_back_its_exit_code():
    @verb("x")
    def bad(_context):
        return 3

    @verb("x")
    def good(_context):
        return 0

    with pytest.raises(Exit) as caught:
        bad(Context())
    assert caught.value.code == 3
    assert good(Context()) is None


def test_an_error_becomes_its_paragraph_and_its_exit_code():
    @verb("x")
    def busy(_context):
        raise BusyError("somebody deploys", subject="/root", hint="Try again.")

    with pytest.raises(Exit) as caught:
        busy(Context())

    assert (caught.value.code, caught.value.message) == (75, "somebody deploys (/root). Try again.")
    assert isinstance(caught.value.__cause__, BusyError)


def test_repeated_words_arrive_as_a_tuple_however_they_were_read():
    seen = []

    @verb("x", many="path", rest="words")
    def look(_context, path, words=()):
        seen.append((path, words))

    look(Context(), path="a", words=["-x"])
    look(Context(), path=("a", "b"), words=[])

    assert seen == [(("a",), ("-x",)), (("a", "b"), ())]


def test_a_tuple_as_default_means_an_option_that_may_be_repeated():
    @verb("x", iterable=["set_"])
    def deploy(_context, *, set_=(), name="", dry=False):
        """Do it."""

    kinds = {argument.name: argument.kind for argument in deploy.get_arguments()}

    assert kinds == {"set_": list, "name": str, "dry": bool}
    assert deploy.__doc__ == "Do it."
