# SPDX-License-Identifier: Apache-2.0
"""Figures of chats: how they ended, what they took, and what models made up."""

from prometheus_client import CollectorRegistry, Counter, Histogram

FIRST_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class ChatFigures:
    """The figures of all chats of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Keep them in *registry*."""
        self.answers = Counter(
            "ai_beast_chat_answers_total",
            "Chats by how they ended: answered, similar, nothing, failed or left.",
            ("outcome",),
            registry=registry,
        )
        self.tokens = Counter(
            "ai_beast_chat_tokens_total",
            "Tokens that chats took, as the model server counts them.",
            ("kind",),
            registry=registry,
        )
        self.removed = Counter(
            "ai_beast_chat_citations_removed_total",
            "Citations of passages that were not given to the model.",
            registry=registry,
        )
        self.first = Histogram(
            "ai_beast_chat_first_token_seconds",
            "Time from a question to the first word of its answer.",
            buckets=FIRST_SECONDS,
            registry=registry,
        )
