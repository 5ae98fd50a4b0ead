# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.errors import SettingsError
from beast_ops.ingest.sparse import LANGUAGES, Bm25Encoder


def test_words_are_stemmed_weighted_and_without_stop_words():
    indices, values = Bm25Encoder().document("the dogs and a dog run")
    question, weights = Bm25Encoder().query("running dog, the")

    assert set(question) == set(indices)
    assert [1.0, 1.0] == weights
    assert max(values) == values[indices.index(Bm25Encoder().query("dog")[0][0])]


def test_several_are_as_good_as_one():
    encoder = Bm25Encoder("german", 50.0)

    assert [encoder.document("die Häuser"), encoder.document("")] == encoder.documents(
        ["die Häuser", ""]
    )


@pytest.mark.parametrize("text", ["", " ", "the and of", "\n.,;"])
def test_a_text_without_words_has_no_vector(text):
    assert ([], []) == Bm25Encoder().document(text) == Bm25Encoder().query(text)


def test_a_longer_text_counts_for_less_than_an_average_one():
    short = Bm25Encoder(average=200).document("word")[1][0]
    long = Bm25Encoder(average=1).document("word other more")[1][0]

    assert short > long


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_that_is_named_is_known(language):
    assert Bm25Encoder(language).query("2026")[0]


def test_an_unknown_language_is_refused_with_those_that_are_known():
    with pytest.raises(SettingsError) as refused:
        Bm25Encoder("klingon")

    assert "klingon" == refused.value.subject
    assert "english" in refused.value.hint
