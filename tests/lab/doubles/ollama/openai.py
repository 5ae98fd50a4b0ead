# SPDX-License-Identifier: Apache-2.0
"""The part of OpenAI's API that Ollama speaks below /v1."""

import json
import time
from typing import Any

from common.service import Reply, Request

from . import models, words
from .server import on, vectors, wanted


@on("GET", "/v1/models")
def listed(_asked: Request) -> Reply:
    rows = [{"id": name, "object": "model", "owned_by": "library"} for name in models.names()]
    return Reply({"object": "list", "data": rows})


@on("POST", "/v1/embeddings")
def embeddings(asked: Request) -> Reply:
    name, found, count = vectors(asked.json())
    rows = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(found)]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return Reply({"object": "list", "data": rows, "model": name, "usage": usage})


@on("POST", "/v1/chat/completions")
def completions(asked: Request) -> Reply:
    body = asked.json()
    name, prompt = wanted(body), words.last_said(body.get("messages") or [])
    head = {"id": "chatcmpl-1", "created": int(time.time()), "model": name}
    if body.get("stream"):
        return Reply(_events(head, prompt), headers={"Content-Type": "text/event-stream"})
    message = {"role": "assistant", "content": words.answer(prompt)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Reply({**head, "object": "chat.completion", "choices": [choice], "usage": {}})


def _events(head: dict[str, Any], prompt: str) -> Any:
    for text in words.pieces(prompt):
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}}
        event = {**head, "object": "chat.completion.chunk", "choices": [choice]}
        yield f"data: {json.dumps(event)}\n\n".encode()
    yield b"data: [DONE]\n\n"
