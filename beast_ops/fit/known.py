# SPDX-License-Identifier: Apache-2.0
"""A few models that are known before one has them, each with where its facts are from.

Sizes are those of the tags in Ollama's library, in its units of 10⁹ bytes; architectures are
those of the `config.json` that the makers published.
"""

from beast_ops.models.names import full

from .facts import Facts

GIGA = 1_000_000_000
LIBRARY = "https://ollama.com/library"


def _row(  # noqa: PLR0913, PLR0917 - one row of a table
    name: str,
    gigabytes: float,
    billions: float,
    layers: int,
    heads: int,
    length: int,
    context: int,
    config: str,
) -> Facts:
    return Facts(
        full(name),
        int(gigabytes * GIGA),
        layers * heads * length * 2,
        int(billions * GIGA),
        context,
        source=f"{LIBRARY}/{name.partition(':')[0]}, https://huggingface.co/{config}",
    )


# name, GB, 10⁹ parameters, layers, KV heads, their length, most tokens, whose config.json
_ROWS = (
    _row("llama3.2:1b", 1.3, 1.24, 16, 8, 64, 131072, "meta-llama/Llama-3.2-1B"),
    _row("llama3.2:3b", 2.0, 3.21, 28, 8, 128, 131072, "meta-llama/Llama-3.2-3B"),
    _row("llama3.1:8b", 4.9, 8.03, 32, 8, 128, 131072, "meta-llama/Llama-3.1-8B"),
    _row("llama3.3:70b", 43, 70.6, 80, 8, 128, 131072, "meta-llama/Llama-3.3-70B-Instruct"),
    _row("qwen2.5:7b", 4.7, 7.62, 28, 4, 128, 32768, "Qwen/Qwen2.5-7B-Instruct"),
    _row("qwen2.5:32b", 20, 32.8, 64, 8, 128, 32768, "Qwen/Qwen2.5-32B-Instruct"),
    _row("phi4:14b", 9.1, 14.7, 40, 10, 128, 16384, "microsoft/phi-4"),
    # It reads a text once and keeps nothing of it.
    _row("nomic-embed-text:v1.5", 0.274, 0.137, 12, 0, 64, 2048, "nomic-ai/nomic-embed-text-v1.5"),
)
_ALIASES = {
    "llama3.2:latest": "llama3.2:3b",
    "llama3.1:latest": "llama3.1:8b",
    "llama3.3:latest": "llama3.3:70b",
    "qwen2.5:latest": "qwen2.5:7b",
    "phi4:latest": "phi4:14b",
    "nomic-embed-text:latest": "nomic-embed-text:v1.5",
}
_KNOWN = {row.name: row for row in _ROWS}


def known(name: str) -> Facts | None:
    """Return what is known of the model *name* without asking anybody."""
    called = full(name)
    return _KNOWN.get(_ALIASES.get(called, called))
