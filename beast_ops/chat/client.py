# SPDX-License-Identifier: Apache-2.0
"""Ask through the API of an installation on this machine; what `./beast ask` calls."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from beast_ops.client import connect
from beast_ops.place import Place

from .places import HEADLINE

PREFIX = "beast/"
SECONDS = 330.0  # a little more than what the API itself waits for a first word


@dataclass(slots=True)
class Asked:
    """A question, and what is known of its answer by now.

    Attributes:
        question: The question.
        collection: Whose documents answer.
        answer: What was said so far, without the list of sources.
        about: What the answer stands on and how it ended, as the API tells it.
    """

    question: str
    collection: str
    answer: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def cited(self) -> list[dict[str, Any]]:
        """The sources that the answer cites, in that order."""
        known = {each["number"]: each for each in self.about.get("sources", ())}
        return [known[number] for number in self.about.get("cited", ())]

    def as_dict(self) -> dict[str, Any]:
        """Return it as one document."""
        asked = {"question": self.question, "collection": self.collection}
        return {**asked, "answer": self.answer, **self.about}


def ask(place: Place, asked: Asked) -> Iterator[str]:
    """Yield the answer in pieces, and keep in *asked* what is known of it.

    Raises:
        MissingError: If there is no such collection, no model server, or no model.
        UnavailableError: If something does not answer, or the answer breaks off.
    """
    messages = [{"role": "user", "content": asked.question}]
    body: dict[str, Any] = {
        "model": f"{PREFIX}{asked.collection}",
        "messages": messages,
        "stream_options": {"include_usage": True},
    }
    with connect(place, seconds=SECONDS) as api:
        for message in api.openai.complete_streamed(**body):
            event = message.data
            asked.about |= event.get("beast") or {}
            if event.get("usage"):
                asked.about["usage"] = event["usage"]
            for choice in event["choices"]:
                said = choice["delta"].get("content") or ""
                if said and not said.startswith(HEADLINE):
                    asked.answer += said
                    yield said
