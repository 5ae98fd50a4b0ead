# SPDX-License-Identifier: Apache-2.0
"""What a model wants to read before a text, as its own model card says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What stands before a document, and before a question."""

    document: str = ""
    query: str = ""


_RETRIEVE = "Represent this sentence for searching relevant passages: "
_TABLE = {
    "nomic-embed-text": Prefixes("search_document: ", "search_query: "),
    "nomic-embed-text-v2-moe": Prefixes("search_document: ", "search_query: "),
    "mxbai-embed-large": Prefixes(query=_RETRIEVE),
    "snowflake-arctic-embed": Prefixes(query=_RETRIEVE),
    "snowflake-arctic-embed2": Prefixes(query="query: "),
    "bge-large": Prefixes(query=_RETRIEVE),
    "embeddinggemma": Prefixes("title: none | text: ", "task: search result | query: "),
    "qwen3-embedding": Prefixes(
        query="Instruct: Given a web search query, retrieve relevant passages that answer the "
        "query\nQuery:"
    ),
}


def prefixes_of(model: str) -> Prefixes:
    """Return the prefixes of *model*, whatever its namespace and tag; none if it is unknown."""
    return _TABLE.get(model.rpartition("/")[2].partition(":")[0].lower(), Prefixes())
