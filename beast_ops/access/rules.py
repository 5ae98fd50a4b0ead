# SPDX-License-Identifier: Apache-2.0
"""What a token may ask of the model server: which models, and how often.

The server takes many names for one model: `Llama3.2`, `library/llama3.2:latest` and
`registry.ollama.ai/library/llama3.2` are the same. All are judged as the shortest of them.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from beast_ops.models.names import full

# As Ollama builds names: host, namespace, model, tag; none is longer (types/model/name.go).
NAME = re.compile(
    r"[a-z0-9_][a-z0-9._:-]{0,349}(/[a-z0-9_][a-z0-9._-]{0,79}){0,2}(:[a-z0-9._-]{1,80})?"
)
PATTERN = r"^[A-Za-z0-9*?_][A-Za-z0-9._:/*?-]{0,199}$"
HOME = ("registry.ollama.ai/", "library/")  # where a name leads that says nothing else
SCHEMES = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class ModelRules:
    """The rules of one token.

    Attributes:
        models: Patterns of the models it may use, with `*` and `?`; `None` for all of them. One
            without a tag allows every tag.
        per_minute: How often a minute it may ask for an answer; `None` for as often as anybody.
    """

    models: tuple[str, ...] | None = None
    per_minute: int | None = None

    def allows(self, name: str) -> bool:
        """Return whether the model *name* may be used."""
        if self.models is None:
            return True
        wanted = plain(name)
        return wanted is not None and any(_fits(wanted, each) for each in self.models)


EVERYTHING = ModelRules()


def plain(name: str) -> str | None:
    """Return *name* as all its other forms are judged, with its tag; `None` if it is none."""
    short = _short(name)
    return full(short) if NAME.fullmatch(short) else None


def _fits(name: str, pattern: str) -> bool:
    wanted = _short(pattern).replace("[", "[[]")  # stands for itself
    tagged = wanted if ":" in wanted.rpartition("/")[2] else f"{wanted}:*"
    return fnmatchcase(name, tagged) or (wanted == "*")


def _short(name: str) -> str:
    found = name.lower()
    for part in (*SCHEMES, *HOME):
        found = found.removeprefix(part)
    return found
