# SPDX-License-Identifier: Apache-2.0
"""What the head of a GGUF file says of its model, without reading the weights.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

A file is believed in nothing: whatever it counts must fit into the bytes that are there, and of
what it says no more is kept than `MOST_TEXT` a value. The values that matter come first, before
vocabularies of a hundred thousand words; reading ends once they are known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from .gguf_bytes import Bytes
from .gguf_names import QUANTIZATIONS, label_count

MAGIC = b"GGUF"
VERSIONS = (2, 3)
MOST_VALUES = 1 << 16
MOST_TENSORS = 1 << 20
MOST_DIMENSIONS = 4  # GGML_MAX_DIMS
MOST_LIST = 1024  # numbers of a list that is kept; models have a hundred layers
MOST_NAME = 1 << 16  # bytes of a key, as the format has it
MOST_TEXT = 1 << 16  # bytes of a text that is kept
DEEPEST = 4
TEXT, ARRAY = 8, 9
# Kind: its bytes, and how `struct` calls it.
NUMBERS = {
    0: (1, "B"),
    1: (1, "b"),
    2: (2, "H"),
    3: (2, "h"),
    4: (4, "I"),
    5: (4, "i"),
    6: (4, "f"),
    7: (1, "?"),
    10: (8, "Q"),
    11: (8, "q"),
    12: (8, "d"),
}
PARAMETERS = "general.parameter_count"
LEAST_TENSOR = 8 + 4 + 4 + 8  # name, dimensions, kind, offset
LEAST_VALUE = 8 + 4 + 1

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says.

    Attributes:
        architecture: What it is built like, such as `llama`.
        name: What its makers call it.
        quantization: How most of its numbers are kept, such as `Q4_K_M`.
        context: How many tokens it was made for.
        parameters: How many there are, and `parameters_from`: counted or `general.size_label`.
        license: As the file says it.
        size: Bytes of the file.
    """

    architecture: str
    name: str = ""
    quantization: str = ""
    context: int | None = None
    parameters: int | None = None
    parameters_from: str = ""
    license: str = ""
    size: int = 0


def read_header(path: Path, *, count: bool = False) -> Header:
    """Return what the file at *path* says of its model.

    Args:
        path: The file.
        count: Whether to count the parameters, tensor by tensor, even if the file names them.

    Raises:
        ModelError: If it is no GGUF file, of an unknown version, cut off, or absurd.
        OSError: If it cannot be read.
    """
    with Bytes(path) as found:
        return _Head(found, count=count).read()


def read_values(path: Path) -> tuple[Header, dict[str, Any]]:
    """Return what the file at *path* says, and all its values that are numbers, also in lists.

    Lists of more than `MOST_LIST` numbers are left out: those are vocabularies.

    Raises:
        ModelError: As `read_header`.
        OSError: If it cannot be read.
    """
    with Bytes(path) as found:
        head = _Head(found, count=True)
        header = head.read()
        return header, {**head.values, **head.lists}


class _Head:
    def __init__(self, found: Bytes, *, count: bool) -> None:
        self._bytes, self._count = found, count
        self.values: dict[str, Value] = {}
        self.lists: dict[str, list[Value]] = {}
        self._arrays = MOST_VALUES  # that may still follow inside others

    def read(self) -> Header:
        tensors, values = self._begin()
        whole = True
        for number in range(values):
            if not self._count and self._is_known(number):
                whole = False
                break
            self._value()
        counted = self._parameters(tensors) if whole else None
        return self._header(counted)

    def _begin(self) -> tuple[int, int]:
        found = self._bytes
        if found.take(4) != MAGIC:
            raise found.wrong("is no GGUF file")
        found.settle_order()
        version = found.number(4, "I")
        if version not in VERSIONS:
            raise found.wrong(f"is GGUF of version {version}; known are {VERSIONS}")
        tensors, values = found.number(8, "Q"), found.number(8, "Q")
        for what, count, most, least in (
            ("tensors", tensors, MOST_TENSORS, LEAST_TENSOR),
            ("values", values, MOST_VALUES, LEAST_VALUE),
        ):
            if count > most or count * least > found.left:
                raise found.wrong(f"counts {count} {what}")
        return tensors, values

    def _is_known(self, number: int) -> bool:
        """Return whether nothing more that matters can follow the first *number* values."""
        kind = self.values.get("general.architecture")
        wanted = ("general.file_type", f"{kind}.context_length")
        counted = any(name in self.values for name in ("general.size_label", PARAMETERS))
        return number > 0 and counted and all(name in self.values for name in wanted)

    def _value(self) -> None:
        found = self._bytes
        name = found.text(MOST_NAME)
        kind = found.number(4, "I")
        if kind == TEXT:
            if name.startswith("general."):
                self.values[name] = found.text(MOST_TEXT)
            else:
                found.skip_text()
        elif kind == ARRAY:
            self._array(name)
        else:
            self.values[name] = found.number(*self._known(kind))

    def _known(self, kind: int) -> tuple[int, str]:
        if kind not in NUMBERS:
            raise self._bytes.wrong(f"has a value of the unknown kind {kind}")
        return NUMBERS[kind]

    def _array(self, name: str) -> None:
        """Keep a short list of numbers under *name*, such as the heads of each layer."""
        found = self._bytes
        kind, count = found.number(4, "I"), found.number(8, "Q")
        if self._count and kind in NUMBERS and count <= MOST_LIST:
            self.lists[name] = [found.number(*NUMBERS[kind]) for _ in range(count)]
        else:
            self._pass_over(kind, count, 0)

    def _skip_array(self, deep: int) -> None:
        found = self._bytes
        self._pass_over(found.number(4, "I"), found.number(8, "Q"), deep)

    def _pass_over(self, kind: int, count: int, deep: int) -> None:
        found = self._bytes
        if kind == TEXT:
            found.skip_texts(count)
        elif kind != ARRAY:
            found.skip(count * self._known(kind)[0])
        elif deep >= DEEPEST or count > self._arrays:
            raise found.wrong(f"has {count} arrays inside an array")
        else:
            self._arrays -= count
            for _ in range(count):
                self._skip_array(deep + 1)

    def _parameters(self, tensors: int) -> int | None:
        found, total = self._bytes, 0
        for _ in range(tensors):
            found.skip_text()
            dimensions = found.number(4, "I")
            if dimensions > MOST_DIMENSIONS:
                raise found.wrong(f"has a tensor of {dimensions} dimensions")
            total += prod(found.number(8, "Q") for _ in range(dimensions))
            found.skip(4 + 8)
        return total or None

    def _header(self, counted: int | None) -> Header:
        kind = self._text("general.architecture")
        if not kind:
            raise self._bytes.wrong("does not say what it is built like")
        parameters, told = self._told(counted)
        file_type = self.values.get("general.file_type")
        return Header(
            architecture=kind,
            name=self._text("general.name"),
            quantization=QUANTIZATIONS.get(file_type, "") if isinstance(file_type, int) else "",
            context=self._whole(f"{kind}.context_length"),
            parameters=parameters,
            parameters_from=told,
            license=self._text("general.license"),
            size=self._bytes.size,
        )

    def _told(self, counted: int | None) -> tuple[int | None, str]:
        ways: tuple[tuple[str, Callable[[], int | None]], ...] = (
            ("counted", lambda: counted),
            (PARAMETERS, lambda: self._whole(PARAMETERS)),
            ("general.size_label", lambda: label_count(self._text("general.size_label"))),
        )
        for told, way in ways:
            if (count := way()) is not None:
                return count, told
        return None, ""

    def _text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def _whole(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if type(value) is int and value > 0 else None
