# SPDX-License-Identifier: Apache-2.0
"""Print what is remembered of models, and forget it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

ANSWERS, SIMILAR, VECTORS = "answers", "similar", "embeddings"
KINDS = (ANSWERS, SIMILAR, VECTORS)
FILE, NEAR = "answers.sqlite", "similar.sqlite"
ENDLESS = 1 << 62  # whoever only looks must not find the file too large
MEGA = 1e6


def stats(place: Place, *, json: bool) -> None:
    """Print how much there is of each kind, and what answers were found."""
    found = {ANSWERS: _answers(place), SIMILAR: _similar(place), VECTORS: _vectors(place)}
    if json:
        emit(found)
        return
    for kind, each in found.items():
        line(f"{kind:<12}{each['entries']:>9} entries {each['bytes'] / MEGA:>9.1f} MB")
    totals = found[ANSWERS]
    hits = totals["memory"] + totals["file"]
    asked = hits + totals["missed"]
    if asked:
        line(f"Of {asked} answers asked for, {hits} ({100 * hits // asked} %) were there.")
    near = found[SIMILAR]
    if sought := near["found"] + near["missed"] + near["far"]:
        line(
            f"Of {sought} similar ones, {near['found']} were there, {near['far']} not close enough."
        )


def clear(place: Place, kind: str, *, json: bool) -> None:
    """Forget what is remembered of *kind*; of both if that is empty.

    Raises:
        UsageError: If there is no such kind.
    """
    if kind and kind not in KINDS:
        raise UsageError("there is no such cache", subject=kind, hint=f"Known: {', '.join(KINDS)}.")
    gone = {each: 0 for each in KINDS if kind in {"", each}}
    with _opened(place) as answers:
        if ANSWERS in gone and answers is not None:
            gone[ANSWERS] = answers.clear()
    for path in similar_files(place) if SIMILAR in gone else ():
        from beast_ops.llm.similar import Bounds, SimilarCache

        with SimilarCache(path, Bounds(bytes=ENDLESS)) as similar:
            gone[SIMILAR] += similar.clear()
    for path in _vector_files(place) if VECTORS in gone else ():
        from beast_ops.llm.cache import VectorCache

        with VectorCache(path, ENDLESS) as vectors:
            gone[VECTORS] += vectors.clear()
    if json:
        emit({"cleared": gone})
        return
    for name, count in gone.items():
        line(f"{name}: {count} forgotten.")


@contextmanager
def _opened(place: Place) -> Iterator[Any]:
    """Open the answers, if there are any: a look must not make a file."""
    from beast_ops.llm.answers import AnswerCache

    path = place.cache / FILE
    if not path.is_file():
        yield None
        return
    with AnswerCache(path) as cache:
        yield cache


def _answers(place: Place) -> dict[str, Any]:
    from beast_ops.llm.answers import Counts, Limits

    limits = Limits()
    shown = {"most_entries": limits.entries, "most_bytes": limits.bytes, "seconds": limits.seconds}
    with _opened(place) as cache:
        entries, size = (0, 0) if cache is None else cache.size()
        totals = Counts() if cache is None else cache.totals()
    return {"entries": entries, "bytes": size, **shown, **asdict(totals)}


def _similar(place: Place) -> dict[str, Any]:
    from beast_ops.llm.similar import Bounds, SimilarCache, Tally

    bounds = Bounds()
    shown = {"most_entries": bounds.entries, "most_bytes": bounds.bytes, "seconds": bounds.seconds}
    entries = size = 0
    totals = asdict(Tally())
    for path in similar_files(place):
        with SimilarCache(path, Bounds(bytes=ENDLESS)) as similar:
            some, bytes_ = similar.size()
            more = asdict(similar.totals())
        entries, size = entries + some, size + bytes_
        totals = {name: count + more[name] for name, count in totals.items()}
    return {"entries": entries, "bytes": size, **shown, **totals}


def similar_files(place: Place) -> list[Path]:
    """Return where answers to similar requests are kept: by verbs, and by the API with its data."""
    own = place.cache / NEAR
    served = sorted(place.data.glob(f"*/**/api/{NEAR}"))
    return [path for path in (own, *served) if path.is_file()]


def _vectors(place: Place) -> dict[str, Any]:
    from beast_ops.llm.cache import VectorCache

    entries = size = 0
    for path in _vector_files(place):
        with VectorCache(path, ENDLESS) as vectors:
            some, bytes_ = vectors.size()
        entries, size = entries + some, size + bytes_
    return {"entries": entries, "bytes": size}


def _vector_files(place: Place) -> list[Path]:
    """Return the files of the workers, which lie in the generation of their data."""
    return sorted(place.data.glob("*/**/knowledge/embeddings.sqlite"))
