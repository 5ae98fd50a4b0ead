# SPDX-License-Identifier: Apache-2.0
"""How images are named: by repository, and by tag or digest or both."""

from __future__ import annotations

import re
from typing import NamedTuple

# Docker leaves these away when it tells what is there.
UNTOLD = re.compile(r"^((index\.)?docker\.io/)?(library/)?")


class Reference(NamedTuple):
    """The name of an image, as Docker tells it; what is not said is empty."""

    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """What is looked for among the images that are there: a digest wins over a tag."""
        if self.digest:
            return f"{self.repository}@{self.digest}"
        return f"{self.repository}:{self.tag or 'latest'}"


def read(text: str) -> Reference:
    """Return what *text* names, as in registry.example:5000/made/thing:1.2@sha256:0123."""
    plain, _, digest = text.partition("@")
    plain = UNTOLD.sub("", plain)
    repository, _, tag = plain.rpartition(":")
    if not repository or "/" in tag:  # the colon stands before the port of a registry
        repository, tag = plain, ""
    return Reference(repository, tag, digest)
