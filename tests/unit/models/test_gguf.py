# SPDX-License-Identifier: Apache-2.0
"""What the head of a model file says, and that no file makes its reader believe in anything."""

import os
import struct
import tracemalloc
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from beast_ops.errors import ModelError
from beast_ops.models.gguf import MOST_TENSORS, MOST_TEXT, Header, read_header
from beast_ops.models.gguf_bytes import PIECE_BYTES
from beast_ops.models.gguf_names import label_count
from tests.gguf_files import gguf, model, text


@pytest.fixture
def file(tmp_path):
    def make(content):
        path = tmp_path / "some.gguf"
        path.write_bytes(content)
        return path

    return make


def test_a_head_says_what_a_model_is(file):
    content = model("Tiny Llama")

    assert read_header(file(content)) == Header(
        architecture="llama",
        name="Tiny Llama",
        quantization="Q4_K_M",
        context=131072,
        parameters=10**9,
        parameters_from="general.size_label",
        license="apache-2.0",
        size=len(content),
    )


def test_parameters_are_counted_where_no_label_says_them_and_on_request(file):
    unlabelled = read_header(file(model(**{"general.size_label": None})))
    counted = read_header(file(model()), count=True)

    assert (36, "counted") == (unlabelled.parameters, unlabelled.parameters_from)
    assert (36, "counted") == (counted.parameters, counted.parameters_from)


def test_a_count_in_the_file_goes_before_its_label(file):
    found = read_header(file(model(**{"general.parameter_count": 5_000_000_000})))

    assert (5_000_000_000, "general.parameter_count") == (found.parameters, found.parameters_from)


def test_numbers_may_stand_the_other_way_round(file):
    values = {"general.architecture": "bert", "bert.context_length": 512, "x": ["a", "b"]}
    found = read_header(file(gguf(values, [(3, 5)], order=">")))

    assert ("bert", 512, 15) == (found.architecture, found.context, found.parameters)


def test_values_come_in_any_order(file):
    values = {
        "tokenizer.ggml.tokens": ["w" * 30] * 9000,  # longer than a piece that is read at once
        "numbers": [1, 2, 3],
        "general.file_type": 7,
        "gemma.context_length": 8192,
        "general.architecture": "gemma",
    }
    content = gguf(values, [(2, 2)])
    found = read_header(file(content))

    assert len(content) > 2 * PIECE_BYTES
    assert ("gemma", "Q8_0", 8192, 4) == (
        found.architecture,
        found.quantization,
        found.context,
        found.parameters,
    )


def test_what_is_not_said_stays_empty(file):
    found = asdict(read_header(file(gguf({"general.architecture": "mamba"}))))

    assert ("mamba", "", None, None) == (
        found["architecture"],
        found["quantization"],
        found["context"],
        found["parameters"],
    )


@pytest.mark.parametrize(
    ("label", "count"),
    [
        *[("8B", 8 * 10**9), ("137M", 137 * 10**6), ("8x7B", 56 * 10**9), ("1.5b", 1_500_000_000)],
        *[("", None), ("large", None), ("0B", None), ("9" * 50 + "B", None), ("1e9", None)],
    ],
)
def test_labels_are_counts(label, count):
    assert count == label_count(label)


HEAD = struct.pack("<4sIQQ", b"GGUF", 3, 0, 1)
ABSURD = 1 << 63
HOSTILE = {
    "empty": b"",
    "another magic": b"GGML" + model()[4:],
    "version 1": struct.pack("<4sIII", b"GGUF", 1, 0, 0) + bytes(64),
    "version of the future": struct.pack("<4sIQQ", b"GGUF", 99, 0, 0),
    "no version": b"GGUF",
    "absurd tensors": struct.pack("<4sIQQ", b"GGUF", 3, ABSURD, 0),
    "more tensors than bytes": struct.pack("<4sIQQ", b"GGUF", 3, MOST_TENSORS, 0) + bytes(999),
    "absurd values": struct.pack("<4sIQQ", b"GGUF", 3, 0, ABSURD),
    "no values": struct.pack("<4sIQQ", b"GGUF", 3, 0, 0),
    "absurd name": HEAD + struct.pack("<Q", ABSURD) + bytes(99),
    "long name": HEAD + text(b"n" * (1 << 17)) + bytes(99),
    "absurd text": HEAD + text("general.name") + struct.pack("<IQ", 8, ABSURD) + bytes(99),
    "huge text": HEAD + text("general.name") + struct.pack("<I", 8) + text(b"x" * (MOST_TEXT + 1)),
    "unknown kind": HEAD + text("a") + struct.pack("<I", 99) + bytes(99),
    "absurd texts": HEAD + text("a") + struct.pack("<IIQ", 9, 8, ABSURD) + bytes(99),
    "text beyond the end": HEAD + text("a") + struct.pack("<IIQQ", 9, 8, 2, ABSURD) + bytes(99),
    "absurd numbers": HEAD + text("a") + struct.pack("<IIQ", 9, 10, ABSURD) + bytes(99),
    "arrays without end": HEAD + text("a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 99,
    "absurd arrays": HEAD + text("a") + struct.pack("<IIQ", 9, 9, ABSURD) + bytes(999),
    "dimensions": gguf({"general.architecture": "a"}, [(1,) * 9]),
    "no architecture": gguf({"general.name": "a"}),
    "architecture is a number": gguf({"general.architecture": 5}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_file_that_lies_is_refused_with_what_is_wrong(file, content):
    path = file(content)

    with pytest.raises(ModelError, match="this file ") as wrong:
        read_header(path)

    assert str(path) == wrong.value.subject


def test_a_file_that_ends_anywhere_in_its_head_is_refused(file):
    content = model(**{"general.size_label": None}, tail=b"")

    for end in range(len(content)):
        with pytest.raises(ModelError):
            read_header(file(content[:end]))


@pytest.mark.parametrize(
    ("count", "texts"), [(1, 1 << 32), (2000, 1 << 11)], ids=["at once", "many times"]
)
def test_a_file_without_end_costs_neither_memory_nor_time(tmp_path, count, texts):
    path = tmp_path / "sparse.gguf"
    block = text("a") + struct.pack("<IIQ", 9, 8, texts)
    with path.open("wb") as file:
        file.write(struct.pack("<4sIQQ", b"GGUF", 3, 0, count))
        for _ in range(min(count, 2)):
            file.write(block)
            file.seek(texts * 8, os.SEEK_CUR)  # a hole: texts that are empty
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            read_header(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 8 * PIECE_BYTES


def test_a_pipe_is_no_model(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir())) if opened.is_dir() else 0

    for _ in range(3):
        with pytest.raises(ModelError, match="no regular file"):
            read_header(path)

    if before:
        assert before == len(list(opened.iterdir()))


@given(places=some.lists(some.tuples(some.integers(0, 10**6), some.integers(0, 255)), max_size=8))
def test_whatever_bytes_change_there_is_a_header_or_an_error_of_ours(tmp_path_factory, places):
    content = bytearray(model())
    for place, byte in places:
        content[place % len(content)] = byte
    path = tmp_path_factory.getbasetemp() / "changed.gguf"
    path.write_bytes(content)

    try:
        found = read_header(path)
    except ModelError:
        return
    assert found.architecture
