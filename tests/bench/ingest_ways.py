# SPDX-License-Identifier: Apache-2.0
"""Ways to ingest a folder of texts into a vector process: ours, and those of our peers.

Each runs in a process of its own and prints how long its first run took, and one without any
change, in seconds; without loading modules. Peers read files by the shortest loop there is and
keep their records in memory; ours does what it does in the worker.

    python ingest_ways.py WAY URL KEY FOLDER SCRATCH
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2]))

BATCH = 128
CHARACTERS, OVERLAP = 1200, 200
TOKEN_CHARACTERS = 4  # LlamaIndex counts tokens
COLLECTION = "bench"


def texts(folder: Path) -> list[tuple[str, str]]:
    """Return path and text of all documents in *folder*."""
    return [(str(path), path.read_text()) for path in sorted(folder.iterdir())]


def timed(run: Callable[[], Any]) -> dict[str, float]:
    """Return how long *run* takes the first time and the second."""
    times = []
    for _ in range(2):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return {"first": times[0], "again": times[1]}


def store(url: str, key: str) -> Any:
    """Return a client of the vector process."""
    from qdrant_client import QdrantClient

    return QdrantClient(
        url=url, headers={"api-key": key}, timeout=60, check_compatibility=False, trust_env=False
    )


def langchain(url: str, key: str, folder: Path, scratch: Path) -> dict[str, float]:
    """Ingest with LangChain's indexing API."""
    del scratch
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.indexing import InMemoryRecordManager, index
    from langchain_qdrant import QdrantVectorStore
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from qdrant_client import models

    from beast_ops.llm.hashing import HashEmbedder

    hashing = HashEmbedder()

    class Hashed(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return hashing.embed_documents(texts).tolist()

        def embed_query(self, text: str) -> list[float]:
            return hashing.embed_query(text)

    client = store(url, key)
    vectors = models.VectorParams(size=hashing.dimension, distance=models.Distance.COSINE)
    client.create_collection(COLLECTION, vectors_config=vectors)
    target = QdrantVectorStore(client, COLLECTION, Hashed(), validate_collection_config=False)
    records = InMemoryRecordManager(namespace=COLLECTION)
    records.create_schema()
    splitter = RecursiveCharacterTextSplitter(chunk_size=CHARACTERS, chunk_overlap=OVERLAP)

    def run() -> None:
        documents = [
            Document(page_content=text, metadata={"source": path}) for path, text in texts(folder)
        ]
        index(
            splitter.split_documents(documents),
            records,
            target,
            batch_size=BATCH,
            cleanup="incremental",
            source_id_key="source",
            key_encoder="sha1",
        )

    return timed(run)


def llamaindex(url: str, key: str, folder: Path, scratch: Path) -> dict[str, float]:
    """Ingest with LlamaIndex's ingestion pipeline."""
    del scratch
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.core.schema import Document
    from llama_index.core.storage.docstore import SimpleDocumentStore
    from llama_index.vector_stores.qdrant import QdrantVectorStore

    from beast_ops.llm.hashing import HashEmbedder

    hashing = HashEmbedder()

    class Hashed(BaseEmbedding):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return hashing.embed_documents(texts).tolist()

        def _get_text_embedding(self, text: str) -> list[float]:
            return hashing.embed_query(text)

        def _get_query_embedding(self, query: str) -> list[float]:
            return hashing.embed_query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return hashing.embed_query(query)

    splitter = SentenceSplitter(
        chunk_size=CHARACTERS // TOKEN_CHARACTERS, chunk_overlap=OVERLAP // TOKEN_CHARACTERS
    )
    pipeline = IngestionPipeline(
        transformations=[splitter, Hashed(embed_batch_size=BATCH)],
        vector_store=QdrantVectorStore(COLLECTION, client=store(url, key), batch_size=BATCH),
        docstore=SimpleDocumentStore(),
        docstore_strategy=DocstoreStrategy.UPSERTS,
        disable_cache=True,
    )

    def run() -> None:
        pipeline.run(
            documents=[
                Document(text=text, id_=path, metadata={"source": path})
                for path, text in texts(folder)
            ]
        )

    return timed(run)


def haystack(url: str, key: str, folder: Path, scratch: Path) -> dict[str, float]:
    """Ingest with a pipeline of Haystack; it has no way to leave out what it knows."""
    del scratch
    from haystack import Document, Pipeline, component
    from haystack.components.preprocessors import RecursiveDocumentSplitter
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.types import DuplicatePolicy
    from haystack.utils import Secret
    from haystack_integrations.document_stores.qdrant import QdrantDocumentStore

    from beast_ops.llm.hashing import HashEmbedder

    hashing = HashEmbedder()

    @component
    class Hashed:
        @component.output_types(documents=list[Document])
        def run(self, documents: list[Document]) -> dict[str, list[Document]]:
            for begin in range(0, len(documents), BATCH):
                some = documents[begin : begin + BATCH]
                rows = hashing.embed_documents([str(each.content) for each in some]).tolist()
                for each, row in zip(some, rows, strict=True):
                    each.embedding = row
            return {"documents": documents}

    target = QdrantDocumentStore(
        url=url,
        api_key=Secret.from_token(key),
        index=COLLECTION,
        embedding_dim=hashing.dimension,
        write_batch_size=BATCH,
        progress_bar=False,
        timeout=60,
    )
    splitter = RecursiveDocumentSplitter(
        split_length=CHARACTERS,
        split_overlap=OVERLAP,
        split_unit="char",
        separators=["\n\n", "\n", " "],  # its own cut sentences with a model it would fetch
    )
    pipeline = Pipeline()
    pipeline.add_component("split", splitter)
    pipeline.add_component("embed", Hashed())
    pipeline.add_component("write", DocumentWriter(target, DuplicatePolicy.OVERWRITE))
    pipeline.connect("split", "embed")
    pipeline.connect("embed", "write")

    def run() -> None:
        made = [Document(content=text, meta={"source": path}) for path, text in texts(folder)]
        pipeline.run({"split": {"documents": made}})

    return timed(run)


def ours(url: str, key: str, folder: Path, scratch: Path, *, sparse: bool) -> dict[str, float]:
    """Ingest as the worker does: a job for a folder of the host."""
    from beast_ops.ingest.run import Run
    from beast_ops.ingest.settings import Surroundings, WorkerSettings
    from beast_ops.ingest.space import Space
    from beast_ops.ingest.store import PointStore, first
    from beast_ops.jobs.model import State
    from beast_ops.jobs.table import JobTable
    from beast_ops.jobs.worker import Worker
    from beast_ops.llm.hashing import HashEmbedder

    around = Surroundings(
        data=scratch / "root" / "data" / "1",
        settings=WorkerSettings(embedder="hash", batch=BATCH),
        vectors_url=url,
        vectors_key=key,
        models_url=None,
    )
    language = "english" if sparse else None
    model = HashEmbedder()
    space = Space(embedder="hash", model=model.model, dimension=model.dimension, language=language)
    with PointStore(url, key) as made:
        made.make(COLLECTION, first(COLLECTION), space)
    ingest = Run(around)
    with JobTable(around.jobs) as jobs:
        worker = Worker(jobs, {"ingest": ingest}, "bench", tidy=ingest.tidy)

        def run() -> None:
            job = jobs.add("ingest", {"collection": COLLECTION, "folder": str(folder)})
            worker.run_one()
            ended = jobs.get(job)
            assert ended.state is State.DONE, ended.error

        return timed(run)


WAYS: dict[str, Callable[[str, str, Path, Path], dict[str, float]]] = {
    "ours": lambda *args: ours(*args, sparse=False),
    "ours+sparse": lambda *args: ours(*args, sparse=True),
    "langchain": langchain,
    "llamaindex": llamaindex,
    "haystack": haystack,
}

if __name__ == "__main__":
    way, address, key, documents, scratch = sys.argv[1:]
    print(json.dumps(WAYS[way](address, key, Path(documents), Path(scratch))))
