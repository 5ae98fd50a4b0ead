# SPDX-License-Identifier: Apache-2.0
"""What is said to models and what they say, whichever kind of server runs them."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Speaker = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may ask to have done; *parameters* are a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks to have a tool used.

    Attributes:
        name: Which.
        arguments: With what.
        id: What the server calls it, if it does.
        wrong: What stands there instead of arguments, if it is no JSON object.
    """

    name: str
    arguments: Mapping[str, Any]
    id: str = ""
    wrong: str = ""


def called(name: Any, arguments: Any, id_: Any = "") -> ToolCall:
    """Return the call of a tool that a model made, whatever it wrote as its arguments.

    Models write what is no JSON now and then; that is for whoever has the tools to tell them.
    """
    found = arguments or {}
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return ToolCall(str(name), {}, str(id_ or ""), str(arguments))
    if not isinstance(found, dict):
        return ToolCall(str(name), {}, str(id_ or ""), str(arguments))
    return ToolCall(str(name), found, str(id_ or ""))


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said.

    Attributes:
        speaker: Who said it; `tool` for what came of a call.
        text: The words.
        images: Files of images, as they are.
        calls: What the model asked to have done.
        answers: The call that this message of a `tool` is the result of.
    """

    speaker: Speaker
    text: str = ""
    images: tuple[bytes, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    answers: ToolCall | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen; what is `None` is left to the server.

    Attributes:
        temperature: 0 for the likeliest.
        seed: Makes the choice repeatable.
        top_p: Only the likeliest that together have this probability.
        longest: Tokens of which an answer has no more.
        stop: Texts at which it ends.
        more: What only this kind of server knows, such as `num_ctx`.
    """

    temperature: float | None = None
    seed: int | None = None
    top_p: float | None = None
    longest: int | None = None
    stop: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def named(self, longest: str) -> dict[str, Any]:
        """Return what is set, where the number of tokens is called *longest*."""
        found: dict[str, Any] = {
            "temperature": self.temperature,
            "seed": self.seed,
            "top_p": self.top_p,
            longest: self.longest,
            "stop": list(self.stop) or None,
        }
        return {name: each for name, each in found.items() if each is not None} | dict(self.more)


@dataclass(frozen=True, slots=True)
class Chat:
    """What a model is to answer; *form* is a JSON schema that the answer has to follow."""

    model: str
    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    sampling: Sampling = field(default_factory=Sampling)
    form: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text that a model is to go on from."""

    model: str
    text: str
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended (`stop`, or `length` if it was cut) and how many tokens it took.

    `seconds` is how long the server wrote at it, if it tells.
    """

    reason: str
    prompt_tokens: int
    answer_tokens: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer; it may be nothing: the model is at work."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str
    ending: Ending
    calls: tuple[ToolCall, ...] = ()


class Speaks(Protocol):
    """A server of models, whatever its kind.

    All raise `UnavailableError` if it does not answer, is busy or stops in the middle (`SlowError`
    if that took too long, `RestingError` if it is left alone), `MissingError` if it does not have
    the model, `UsageError` if the request makes no sense to it, `ServiceError` if it fails.
    """

    @property
    def url(self) -> str:
        """Where it is."""
        ...

    async def models(self) -> list[str]:
        """Return the names of its models."""
        ...

    def chat(self, asked: Chat) -> AsyncGenerator[Piece | Ending]:
        """Yield the answer to *asked* in pieces, and how it ended at last."""
        ...

    def complete(self, asked: Prompt) -> AsyncGenerator[Piece | Ending]:
        """Yield how a text goes on in pieces, and how it ended at last."""
        ...

    async def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each of *texts*."""
        ...


async def whole(pieces: AsyncGenerator[Piece | Ending]) -> Reply:
    """Return the answer that comes in *pieces*; raises what they raise."""
    parts: list[str] = []
    calls: list[ToolCall] = []
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Ending):
                return Reply("".join(parts), piece, tuple(calls))
            parts.append(piece.text)
            calls += piece.calls
    raise AssertionError("a stream ends or raises")  # pragma: no cover
