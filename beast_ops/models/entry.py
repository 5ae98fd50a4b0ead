# SPDX-License-Identifier: Apache-2.0
"""What is known of a model: facts with their sources; what nobody verified stays empty."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from beast_ops.settings import Strict

Family = Literal[
    "llama", "mistral", "gemma", "phi", "qwen", "deepseek", "sdxl", "flux", "whisper", "other"
]
Task = Literal["chat", "code", "image", "embedding", "speech"]
Origin = Literal["catalogue", "own", "found"]
LONGEST, LONGEST_TEXT, MOST = 200, 4000, 100
BEST_RATING = 5.0
USUAL = "Q4_K_M"

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+-]*$", max_length=LONGEST)]
Word = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Short = Annotated[str, Field(max_length=LONGEST)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Count = Annotated[int, Field(gt=0, lt=1 << 62)]
Words = Annotated[tuple[Word, ...], Field(max_length=MOST)]


class Size(Strict):
    """One way to have a model.

    Attributes:
        quantization: How its numbers are kept; empty where the source only says what is pulled.
        bytes: How large it is then, as its source rounds it.
        source: Who says so.
    """

    quantization: Short = ""
    bytes: Count
    source: Text = ""


class Entry(Strict):
    """A model.

    Attributes:
        id: What to pull, such as `llama3.2:3b`.
        cache: Numbers that it keeps in memory of each token; 0 if it reads a text once and keeps
            nothing of it.
        source: Where it comes from.
        sources: Which value is whose: the name of a field, and an address.
        rating: From 0 to 5.
        scores: Results of benchmarks by their names.
        use: What it is recommended for.
    """

    id: Id
    name: Short = ""
    version: Short = ""
    family: Family = "other"
    parameters: Count | None = None
    quantization: Short = ""
    context: Count | None = None
    cache: Annotated[int, Field(ge=0, lt=1 << 40)] | None = None
    license: Short = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    sizes: Annotated[tuple[Size, ...], Field(max_length=MOST)] = ()
    tasks: Annotated[tuple[Task, ...], Field(max_length=MOST)] = ()
    tags: Words = ()
    languages: Words = ()
    modalities: Words = ()
    scores: dict[Word, float] = {}
    use: Text = ""
    limitations: Text = ""
    author: Short = ""
    description: Text = ""
    downloads: Annotated[int, Field(ge=0, lt=1 << 62)] | None = None
    rating: Annotated[float, Field(ge=0, le=BEST_RATING)] | None = None
    source: Text = ""
    sources: dict[Word, Text] = {}

    @property
    def size(self) -> int | None:
        """How large it is as it is pulled, else in the usual quantisation, else at least."""
        for wanted in ("", USUAL):
            for each in self.sizes:
                if each.quantization == wanted:
                    return each.bytes
        return self.least

    @property
    def least(self) -> int | None:
        """How large the smallest way to have it is."""
        return min((each.bytes for each in self.sizes), default=None)


@dataclass(frozen=True, slots=True)
class Instance:
    """A model on a disk.

    Attributes:
        model: The `id` of its entry.
        path: The file of its weights.
        location: `ollama` or `folder`.
        bytes: All its bytes.
        sha256: Of the weights; empty while unknown.
        installed: When it came, in seconds since 1970.
        last_used: When its file was last read by others, if that is known.
        uses: How often a scan found that it had been read since the scan before.
        file: Which file of the disk it is; several paths may lead to one.
    """

    model: str
    path: str
    location: str
    bytes: int
    sha256: str
    installed: float
    last_used: float | None
    uses: int
    file: str
