# SPDX-License-Identifier: Apache-2.0
"""The golden questions of a collection, in `<root>/evals/<collection>.yaml`.

A question is answered by a passage of one of its sources; if it names phrases, by one that
contains one of them, compared without case and with runs of white space as one space.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from beast_ops.errors import MissingError, SettingsError, UsageError
from beast_ops.search.model import clean
from beast_ops.settings import Strict

if TYPE_CHECKING:
    import yaml

FOLDER, SUFFIX = "evals", ".yaml"
PHRASE_LEAST = 3  # shorter ones stand in every passage


def _one_is_several(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _searchable(text: str) -> str:
    try:
        return clean(text)
    except UsageError as wrong:
        raise ValueError(str(wrong)) from wrong


Source = Annotated[str, Field(min_length=1)]
Phrase = Annotated[str, Field(min_length=PHRASE_LEAST)]
Sources = Annotated[tuple[Source, ...], BeforeValidator(_one_is_several), Field(min_length=1)]
Phrases = Annotated[tuple[Phrase, ...], BeforeValidator(_one_is_several)]


class Question(Strict):
    """One golden question.

    Attributes:
        question: What is asked, as somebody would ask it.
        sources: Who answers it, each alone: a path, the end of one, or a source's URI.
        phrases: What a right passage says, each alone; any passage will do if there are none.
    """

    question: Annotated[str, AfterValidator(_searchable)]
    sources: Sources
    phrases: Phrases = ()

    def answered_by(self, names: Iterable[str], text: str) -> bool:
        """Return whether a passage is a right one.

        Args:
            names: Path and URI of its document.
            text: All it says.
        """
        found = any(
            name == each or name.endswith(f"/{each.lstrip('/')}")
            for name in names
            for each in self.sources
        )
        said = _plain(text)
        return found and (not self.phrases or any(_plain(each) in said for each in self.phrases))


class Questions(Strict):
    """All golden questions of one collection; at least one, none of them twice."""

    questions: Annotated[tuple[Question, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _asks_nothing_twice(self) -> Self:
        counted = Counter(_plain(each.question) for each in self.questions)
        twice = [text for text, count in counted.items() if count > 1]
        if twice:
            raise ValueError(f"asked more than once: {'; '.join(twice)}")
        return self

    @property
    def digest(self) -> str:
        """What tells this set from others; the order of its questions does not matter."""
        rows = sorted(json.dumps(each.model_dump(), sort_keys=True) for each in self.questions)
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def file_of(folder: Path, collection: str) -> Path:
    """Return where the questions of *collection* are, below the folder *folder* of all."""
    return folder / f"{collection}{SUFFIX}"


def collections(folder: Path) -> list[str]:
    """Return the collections that have golden questions in *folder*."""
    return sorted(path.stem for path in folder.glob(f"[!.]*{SUFFIX}") if path.is_file())


def load(path: Path) -> Questions:
    """Return the questions in the file at *path*.

    Raises:
        MissingError: If there is no such file.
        SettingsError: If it makes no sense; the message names line and key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise MissingError(
            "this collection has no golden questions",
            subject=path.stem,
            hint=f"Write some into {path}, or have them drafted: "
            f"./beast eval {path.stem} --suggest 20",
        ) from missing
    except (OSError, UnicodeDecodeError) as failed:
        raise SettingsError(
            f"cannot read golden questions: {failed}", subject=str(path)
        ) from failed
    return read(text, str(path))


def read(text: str, name: str) -> Questions:
    """Return the questions in *text*; *name* is the file it is from.

    Raises:
        SettingsError: If it makes no sense; the message names line and key.
    """
    import yaml

    try:
        tree = yaml.compose(text, yaml.SafeLoader)
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(wrong, "problem", None) or str(wrong)
        raise SettingsError(f"{where}not YAML: {problem}", subject=name) from wrong
    try:
        return Questions.model_validate(value, strict=False)
    except ValidationError as wrong:
        said = "; ".join(_told(each, tree) for each in wrong.errors(include_url=False))
        raise SettingsError(said, subject=name) from wrong


def _told(error: Mapping[str, Any], tree: "yaml.Node | None") -> str:
    key = ".".join(map(str, error["loc"])) or "the file"
    return f"line {_line(tree, error['loc'])}, {key}: {error['msg']}"


def _line(node: "yaml.Node | None", path: Sequence[str | int]) -> int:
    """Return the line of what *path* leads to, or of the last that is there on the way."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in path:
        if node is None:
            break
        found = None
        if isinstance(step, int) and isinstance(node.value, list) and step < len(node.value):
            found = node.value[step]
        elif isinstance(node.value, list):
            pairs = [each for each in node.value if isinstance(each, tuple)]
            found = next((value for key, value in pairs if key.value == step), None)
        if found is None or isinstance(found, tuple):
            break
        node, line = found, found.start_mark.line + 1
    return line


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
