# SPDX-License-Identifier: Apache-2.0
"""The routes of Ollama's API."""

import os
import time
from collections.abc import Iterator
from typing import Any

from common.service import App, Reply, Request, ndjson

from . import models, pull, words
from .faults import Faults
from .loaded import Loaded

app = App(quiet=not os.environ.get("OLLAMA_DEBUG_LOG_REQUESTS"))
faults = Faults()
loaded = Loaded()
VERSION = os.environ.get("OLLAMA_DOUBLE_VERSION", "0.32.15")


class Refused(Exception):  # noqa: N818 - it is an answer
    """An answer other than 200, with its reason."""

    def __init__(self, status: int, reason: str) -> None:
        """Answer *status* because of *reason*."""
        super().__init__(reason)
        self.status, self.reason = status, reason


def before(asked: Request) -> Reply | None:
    """Do what was ordered to go wrong; refuse strange hosts when bound to loopback."""
    host = asked.headers.get("host", "").rsplit(":", 1)[0]
    bound = os.environ.get("OLLAMA_HOST", "127.0.0.1")
    if bound.startswith(("127.", "localhost")) and host not in (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "",
    ):
        return Reply(b"", 403)
    if asked.path.startswith("/double/"):
        return None
    fault = faults.take(asked.path)
    if fault and fault.status:
        return Reply({"error": fault.line or "server busy, please try again"}, fault.status)
    asked.headers = {**asked.headers, "double-fault": fault.line if fault else ""}
    asked.query["double-after"] = str(fault.after if fault else 0)
    return None


app.before = before


def guarded(answer: Any) -> Any:
    """Turn what *answer* refuses into Ollama's form."""

    def guard(asked: Request) -> Reply:
        try:
            return answer(asked)
        except Refused as refused:
            return Reply({"error": refused.reason}, refused.status)
        except ValueError as wrong:
            return Reply({"error": str(wrong)}, 400)

    return guard


def on(methods: str, pattern: str) -> Any:
    """Register an answer that may refuse."""
    return lambda answer: app.on(methods, pattern)(guarded(answer))


def wanted(body: dict[str, Any]) -> str:
    """Return the full name of the model that *body* names, which is here."""
    name = body.get("model") or body.get("name") or ""
    if not name:
        raise Refused(400, "model is required")
    if not models.has(name):
        raise Refused(404, f"model '{name}' not found")
    return models.full(name)


@on("GET", "/")
def root(_asked: Request) -> Reply:
    return Reply("Ollama is running")


@on("GET", "/api/version")
def version(_asked: Request) -> Reply:
    return Reply({"version": VERSION})


@on("GET", "/api/status")
def status(_asked: Request) -> Reply:
    off = os.environ.get("OLLAMA_NO_CLOUD", "").lower() in {"1", "true"}
    return Reply({"cloud": {"disabled": off, "source": "env" if off else "none"}})


@on("GET", "/api/tags")
def tags(_asked: Request) -> Reply:
    return Reply({"models": [models.described(name) for name in models.names()]})


@on("GET", "/api/ps")
def running(_asked: Request) -> Reply:
    return Reply({"models": loaded.described()})


@on("POST", "/api/show")
def show(asked: Request) -> Reply:
    name = wanted(asked.json())
    about = models.described(name)
    kind, length = about["details"]["family"], about["details"].get("embedding_length")
    info = {"general.architecture": kind, f"{kind}.context_length": models.CONTEXT}
    info |= {f"{kind}.embedding_length": length} if length else {}
    kept = {key: about[key] for key in ("details", "modified_at", "capabilities")}
    return Reply({"license": "", "modelfile": "", "template": "", "model_info": info, **kept})


@on("POST", "/api/pull")
def pulling(asked: Request) -> Reply:
    body = asked.json()
    name = body.get("model") or body.get("name") or ""
    if not name:
        raise Refused(400, "invalid model name")
    fault = (asked.headers["double-fault"], int(asked.query["double-after"]))
    lines = pull.lines(models.full(name), *fault)
    if body.get("stream", True):
        return ndjson(lines)
    for line in lines:
        if "error" in line:
            raise Refused(500, line["error"])
    return Reply({"status": "success"})


@on("DELETE", "/api/delete")
def delete(asked: Request) -> Reply:
    name = wanted(asked.json())
    loaded.drop(name)
    models.delete(name)
    return Reply(b"")


@on("POST", "/api/copy")
def copy(asked: Request) -> Reply:
    body = asked.json()
    models.copy(wanted({"model": body.get("source")}), body["destination"])
    return Reply(b"")


def vectors(body: dict[str, Any]) -> tuple[str, list[list[float]], int]:
    """Return the model, a vector for each text, and how many tokens they had."""
    name, given = wanted(body), body.get("input", [])
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Refused(400, "invalid input type")
    length = (models.family(name) or ("", "", 0))[2]
    if not length:
        raise Refused(400, "this model does not support embeddings")
    if not body.get("truncate", True) and any(words.tokens(t) > models.CONTEXT for t in texts):
        raise Refused(400, "the input length exceeds the context length")
    loaded.use(name, body.get("keep_alive"))
    count = sum(min(words.tokens(text), models.CONTEXT) for text in texts)
    limit = int(models.CONTEXT / words.TOKENS_PER_WORD)
    cut = [" ".join(text.split()[:limit]) for text in texts]
    size = int(body.get("dimensions") or length)
    return name, [words.embed(text, size) for text in cut], count


@on("POST", "/api/embed")
def embed(asked: Request) -> Reply:
    begun = time.monotonic_ns()
    name, found, count = vectors(asked.json())
    took = time.monotonic_ns() - begun
    times = {"total_duration": took, "load_duration": 1_000_000, "prompt_eval_count": count}
    return Reply({"model": name, "embeddings": found, **times})


@on("POST", "/api/embeddings")
def embeddings(asked: Request) -> Reply:
    body = asked.json()
    _name, found, _count = vectors({**body, "input": body.get("prompt", "")})
    return Reply({"embedding": found[0]})


@on("POST", "/api/generate")
def generate(asked: Request) -> Reply:
    body = asked.json()
    return said(asked, body, str(body.get("prompt") or ""), "generate")


@on("POST", "/api/chat")
def chat(asked: Request) -> Reply:
    body = asked.json()
    return said(asked, body, words.last_said(body.get("messages") or []), "chat")


def said(asked: Request, body: dict[str, Any], prompt: str, how: str) -> Reply:
    """Answer a prompt in the form of generate or chat, streamed or whole."""
    name = wanted(body)
    if (models.family(name) or ("", "", 0))[2]:
        raise Refused(400, f'"{name}" does not support {how}')
    empty = not (body.get("prompt") if how == "generate" else body.get("messages"))
    reason = "stop"
    if empty:
        reason = "unload" if loaded.is_none(body.get("keep_alive")) else "load"
    if reason == "unload":
        loaded.drop(name)
    else:
        loaded.use(name, body.get("keep_alive"))
    lines = stream(name, [] if empty else list(words.pieces(prompt)), how, reason)
    if body.get("stream", True) and not empty:
        return ndjson(broken(lines, asked))
    return Reply(whole(list(lines), how))


def stream(name: str, parts: list[str], how: str, reason: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of an answer."""
    for text in parts:
        told = (
            {"message": {"role": "assistant", "content": text}}
            if how == "chat"
            else {"response": text}
        )
        yield {"model": name, "created_at": loaded.now(), **told, "done": False}
    told = {"message": {"role": "assistant", "content": ""}} if how == "chat" else {"response": ""}
    counts = {"eval_count": len(parts), "prompt_eval_count": 8, "total_duration": 1_000_000}
    counts["eval_duration"] = len(parts) * 10_000_000
    yield {
        "model": name,
        "created_at": loaded.now(),
        **told,
        "done": True,
        "done_reason": reason,
        **counts,
    }


def broken(lines: Iterator[dict[str, Any]], asked: Request) -> Iterator[dict[str, Any]]:
    """Yield *lines*, with the error that was ordered where it was ordered."""
    after, error = int(asked.query["double-after"]), asked.headers["double-fault"]
    for number, line in enumerate(lines):
        if error and number == after:
            yield {"error": error}
            return
        yield line


def whole(lines: list[dict[str, Any]], how: str) -> dict[str, Any]:
    """Return the lines as one answer."""
    if how == "chat":
        text = "".join(line["message"]["content"] for line in lines)
        return {**lines[-1], "message": {"role": "assistant", "content": text}}
    return {**lines[-1], "response": "".join(line["response"] for line in lines)}


@on("POST", "/double/fault")
def order(asked: Request) -> Reply:
    faults.add(asked.json())
    return Reply({})


@on("DELETE", "/double/fault")
def forgive(_asked: Request) -> Reply:
    faults.clear()
    return Reply({})
