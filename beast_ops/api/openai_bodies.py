# SPDX-License-Identifier: Apache-2.0
"""What clients of OpenAI's API send, as a question of ours."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from beast_ops.chat.model import Question
from beast_ops.errors import MissingError, UsageError
from beast_ops.llm.chat import Turn

PREFIX = "beast/"
MESSAGES_MOST = 1000
_MANNER = frozenset({"system", "developer"})


class _Lenient(BaseModel):
    """What others define, and go on defining: what we do not know is not ours to refuse."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(_Lenient):
    """A part of a message."""

    type: str
    text: str | None = None


class ChatMessage(_Lenient):
    """What one side said."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    def words(self) -> str:
        """Return its text.

        Raises:
            UsageError: If it holds something else, such as a picture.
        """
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        if any(part.type != "text" for part in self.content):
            raise UsageError("only text can be asked", hint="Leave pictures and files out.")
        return "\n".join(part.text or "" for part in self.content)


class StreamOptions(_Lenient):
    """What a stream brings besides the answer."""

    include_usage: bool = False


class ChatBody(_Lenient):
    """A chat as OpenAI's clients send it; fields that are not listed are left aside."""

    model: str = Field(examples=["beast/docs"], max_length=200)
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MESSAGES_MOST)] = Field(
        examples=[[{"role": "user", "content": "How do I rotate the keys?"}]]
    )
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None

    def wants_usage(self) -> bool:
        """Return whether a stream ends with the tokens it took."""
        return self.stream_options is not None and self.stream_options.include_usage

    def options(self) -> dict[str, Any]:
        """Return what the asker wants of the model, as the model server calls it."""
        said = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "num_predict": self.max_completion_tokens or self.max_tokens,
            "seed": self.seed,
            "stop": [self.stop] if isinstance(self.stop, str) else self.stop,
        }
        return {name: value for name, value in said.items() if value is not None}

    def question(self) -> Question:
        """Return what is asked, of which collection.

        Raises:
            MissingError: If the model is none of ours.
            UsageError: If the last message is not the user's, or says nothing.
        """
        if not self.model.startswith(PREFIX):
            raise MissingError(
                "there is no such model", subject=self.model, hint="GET /v1/models lists them."
            )
        last = self.messages[-1]
        if last.role != "user" or not last.words().strip():
            raise UsageError("the last message is no question", hint="It must be the user's.")
        return Question(
            text=last.words().strip(),
            collection=self.model.removeprefix(PREFIX),
            history=tuple(self._said()),
            manner="\n".join(each.words() for each in self.messages if each.role in _MANNER),
            options=self.options(),
        )

    def is_errand(self) -> bool:
        """Return whether it is no question about documents.

        Open WebUI has the model of a chat find a title, tags and further questions for it; the
        chat stands in such a request, and no document would help.
        """
        said = self.messages[-1].words()
        return said.startswith("### Task:") and "<chat_history>" in said

    def turns(self) -> list[Turn]:
        """Return all messages as they are."""
        whole = [Turn("system", each.words()) for each in self.messages if each.role in _MANNER]
        return [*whole, *self._said(), Turn("user", self.messages[-1].words())]

    def _said(self) -> list[Turn]:
        return [
            Turn(each.role, each.words())
            for each in self.messages[:-1]
            if each.role in ("user", "assistant") and each.words()
        ]


class ModelRow(BaseModel):
    """A collection, as a model one can chat with."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "ai-beast"


class ModelList(BaseModel):
    """All collections, as models."""

    object: Literal["list"] = "list"
    data: list[ModelRow]
