# SPDX-License-Identifier: Apache-2.0
"""A double of Ollama that chats, in this process, with every way to fail that the real one has.

It does as the real one: NDJSON whose status is 200 whatever comes later, so that failures in the
middle are a line `{"error": …}`; 404 for a model it does not have; 400 for one that only embeds;
503 when its queue is full. Vectors are those of the hash embedder.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from beast_ops.testing import serving

from .hashing import HashEmbedder

CONTEXT = 8192
_PREFIX = re.compile(r"search_(query|document): ")
DETAILS: Mapping[str, Any] = {
    "size": 2_019_393_189,
    "modified_at": "2026-05-01T03:00:00Z",
    "details": {"family": "llama", "parameter_size": "3.2B", "quantization_level": "Q4_K_M"},
}
ARCHITECTURE: Mapping[str, Any] = {
    "general.architecture": "llama",
    "general.parameter_count": 3_212_749_888,
    "llama.block_count": 28,
    "llama.embedding_length": 3072,
    "llama.attention.head_count": 24,
    "llama.attention.head_count_kv": 8,
}
LAYER, LAYER_BYTES = "sha256:5f6e", 1_000_000_000
WRITES, EMBEDS = "llama3.2:latest", "nomic-embed-text:latest"


def echo(_body: Mapping[str, Any]) -> Sequence[str]:
    """Return an answer that names the first passage, in pieces that cut its number in two."""
    return ["You asked", " something", " [", "1", "]."]


@dataclass(slots=True)
class FakeOllama:
    """How the double behaves next, and what happened to it.

    Attributes:
        answer: Makes the pieces of an answer out of the body of a request: texts, or whole
            messages, which may have `tool_calls`.
        status: Refuses every chat with this, if set.
        broken: After that many pieces, `how` happens: `line` (an error in the stream), `half`
            (the connection ends), `end` (the stream ends well, but early), `stall` (nothing),
            `noise` (no JSON).
        reason: Why an answer ends that does.
        first: Seconds until the first piece, and `gap` until each further one.
        capabilities: What its models can, by name.
        digests: Of the weights, by name, where they are not all zeros.
        told: Whether `/api/tags` tells the capabilities, as newer ones do.
        loaded: What `/api/ps` tells.
        speed: Tokens per second that it says it writes, if it says so.
        asked: The bodies of all chats.
        given_up: How many chats whose client hung up first.
    """

    answer: Callable[[Mapping[str, Any]], Sequence[str | Mapping[str, Any]]] = echo
    status: int = 0
    broken: int | None = None
    how: str = "line"
    reason: str = "stop"
    first: float = 0.0
    gap: float = 0.0
    context: int = CONTEXT
    capabilities: dict[str, list[str]] = field(
        default_factory=lambda: {EMBEDS: ["embedding"], WRITES: ["completion"]}
    )
    told: bool = True
    digests: dict[str, str] = field(default_factory=dict)
    loaded: list[dict[str, Any]] = field(default_factory=list)
    speed: float | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    given_up: int = 0
    url: str = ""

    async def tags(self, _: Request) -> Response:
        """Answer `GET /api/tags`."""
        rows = [
            {
                "name": name,
                "model": name,
                "digest": self.digests.get(name, "0" * 64),
                **DETAILS,
                **({"capabilities": can} if self.told else {}),
            }
            for name, can in self.capabilities.items()
        ]
        return JSONResponse({"models": rows})

    async def show(self, request: Request) -> Response:
        """Answer `POST /api/show`."""
        name = _full((await request.json())["model"])
        if name not in self.capabilities:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        info = {**ARCHITECTURE, "llama.context_length": self.context}
        return JSONResponse({"model_info": info, "capabilities": self.capabilities[name]})

    async def pull(self, request: Request) -> Response:
        """Answer `POST /api/pull`: layer by layer, and only `success` means that it is there."""
        name = _full((await request.json())["model"])

        async def lines() -> AsyncIterator[bytes]:
            yield _line({"status": "pulling manifest"})
            for tenth in range(11):
                await asyncio.sleep(self.gap)
                done = LAYER_BYTES * tenth // 10
                part = {"digest": LAYER, "total": LAYER_BYTES, "completed": done}
                yield _line({"status": f"pulling {LAYER[7:]}", **part})
            self.capabilities[name] = ["completion"]
            yield _line({"status": "success"})

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def delete(self, request: Request) -> Response:
        """Answer `DELETE /api/delete`."""
        name = _full((await request.json())["model"])
        if self.capabilities.pop(name, None) is None:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        return Response()

    async def copy(self, request: Request) -> Response:
        """Answer `POST /api/copy`."""
        body = await request.json()
        if _full(body["source"]) not in self.capabilities:
            return JSONResponse({"error": f"model '{body['source']}' not found"}, 404)
        self.capabilities[_full(body["destination"])] = self.capabilities[_full(body["source"])]
        return Response()

    async def create(self, request: Request) -> Response:
        """Answer `POST /api/create`."""
        body = await request.json()
        self.capabilities[_full(body["model"])] = self.capabilities[_full(body["from"])]
        told = b"".join(_line({"status": each}) for each in ("writing manifest", "success"))
        return Response(told, media_type="application/x-ndjson")

    async def running(self, _: Request) -> Response:
        """Answer `GET /api/ps`."""
        return JSONResponse({"models": self.loaded})

    async def embed(self, request: Request) -> Response:
        """Answer `POST /api/embed`."""
        body = await request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        rows = HashEmbedder(64).embed_documents([_PREFIX.sub("", text) for text in texts])
        return JSONResponse({"model": body["model"], "embeddings": rows.tolist()})

    async def chat(self, request: Request) -> Response:
        """Answer `POST /api/chat`."""
        body = await request.json()
        self.asked.append(body)
        name = _full(body["model"])
        if self.status:
            return JSONResponse({"error": "server busy, please try again"}, self.status)
        if name not in self.capabilities:
            return JSONResponse({"error": f"model '{name}' not found"}, 404)
        if "completion" not in self.capabilities[name]:
            return JSONResponse({"error": f'"{name}" does not support chat'}, 400)
        if body.get("tools") and "tools" not in self.capabilities[name]:
            known = f"registry.ollama.ai/library/{name}"
            return JSONResponse({"error": f"{known} does not support tools"}, 400)
        return StreamingResponse(self._lines(body), media_type="application/x-ndjson")

    async def _lines(self, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(self.first)
            pieces = self.answer(body)
            for number, text in enumerate(pieces):
                if number:
                    await asyncio.sleep(self.gap)
                if number == self.broken:
                    if (last := await self._break()) is not None:
                        yield last
                    return
                said = {"content": text} if isinstance(text, str) else dict(text)
                yield _line({"message": {"role": "assistant", **said}, "done": False})
            counts = {"prompt_eval_count": 8, "eval_count": len(pieces), "done_reason": self.reason}
            if self.speed:
                counts["eval_duration"] = int(len(pieces) / self.speed * 1e9)
            ending = {"message": {"role": "assistant", "content": ""}, "done": True, **counts}
            yield _line(ending)
        except asyncio.CancelledError:
            self.given_up += 1
            raise

    async def _break(self) -> bytes | None:
        if self.how == "half":
            raise ConnectionError("the double hangs up")
        if self.how == "stall":
            await asyncio.sleep(3600)
        if self.how == "line":
            return _line({"error": "model runner has unexpectedly stopped"})
        return b"<html>\n" if self.how == "noise" else None


@contextmanager
def fake_ollama() -> Iterator[FakeOllama]:
    """Serve the double on a free port of the loopback."""
    double = FakeOllama()

    async def version(_: Request) -> Response:
        return JSONResponse({"version": "0.32.15"})

    routes = [
        Route("/api/version", version),
        Route("/api/ps", double.running),
        Route("/api/tags", double.tags),
        Route("/api/show", double.show, methods=["POST"]),
        Route("/api/pull", double.pull, methods=["POST"]),
        Route("/api/copy", double.copy, methods=["POST"]),
        Route("/api/create", double.create, methods=["POST"]),
        Route("/api/delete", double.delete, methods=["DELETE"]),
        Route("/api/embed", double.embed, methods=["POST"]),
        Route("/api/chat", double.chat, methods=["POST"]),
    ]
    with serving(Starlette(routes=routes)) as double.url:
        yield double


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"
