# SPDX-License-Identifier: Apache-2.0
"""The verb that plans, before anything is fetched."""

from typing import Any

from .verb import verb


@verb(
    "./beast fit --model llama3.1:8b --context 16384",
    there=True,
    iterable=["model"],
    help={
        "model": "such as llama3.1:8b, or a GGUF file; repeatable; else those of ollama_models",
        "context": "tokens that a request may keep in mind; as the installation has it if left out",
        "parallel": "requests a model answers at once; as the installation has it if left out",
        "json": "print one JSON document, for machines",
    },
)
def fit(
    _context: Any,
    *,
    model: tuple[str, ...] = (),
    context: int = 0,
    parallel: int = 0,
    json: bool = False,
) -> int:
    """Tell whether models fit on this host: exit code 0 yes, 1 no, 3 not known."""
    from beast_ops.fit.answer import Wish
    from beast_ops.place import installation

    from .fitting import fit as plan

    return plan(installation(), Wish(tuple(model), context, parallel), json=json)
