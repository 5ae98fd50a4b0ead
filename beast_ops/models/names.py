# SPDX-License-Identifier: Apache-2.0
"""Names of models: one without a tag means the newest."""

from collections.abc import Iterable

from beast_ops.llm.listing import full

__all__ = ["full", "missing"]


def missing(wanted: Iterable[str], present: Iterable[str]) -> tuple[str, ...]:
    """Return those of *wanted* that are not *present*, each once, as they are called."""
    here = {full(name) for name in present}
    lacking: dict[str, str] = {}
    for name in wanted:
        if full(name) not in here:
            lacking.setdefault(full(name), name)
    return tuple(lacking.values())
