# SPDX-License-Identifier: Apache-2.0
"""What is wrong with what documents became."""

from collections.abc import Iterator
from pathlib import Path

from beast_ops.database.look import looking
from beast_ops.errors import BeastError
from beast_ops.ingest.settings import jobs_file

from . import table
from .model import Diagnosis, Scene

JOBS = 200  # the newest are enough to know the manner of a collection
OFTEN = 0.05  # the share of passages from which it is worth a word
_EMBEDDED = """
SELECT result ->> 'collection' AS collection,
       result -> 'embedded' ->> 'passages' AS passages, result -> 'embedded' ->> 'cut' AS cut
FROM (SELECT result, changed FROM jobs WHERE state = 'done' AND kind IN ('ingest', 'reembed')
      ORDER BY changed DESC LIMIT ?)
WHERE result -> 'embedded' ->> 'passages' > 0 ORDER BY changed DESC
"""


def length(scene: Scene) -> Iterator[Diagnosis]:
    """Find collections whose passages are often longer than their model reads at once."""
    if scene.services is None or not (path := jobs_file(Path(scene.services.data))).is_file():
        return
    try:
        with looking(path) as jobs:
            rows = jobs.execute(_EMBEDDED, (JOBS,)).fetchall()
    except BeastError:
        return  # a look at the database itself says so
    newest = {row["collection"]: row for row in reversed(rows)}
    for name, row in sorted(newest.items()):
        if row["cut"] > OFTEN * row["passages"]:
            told = f"{name}: {row['cut']} of the last {row['passages']} passages that were embedded"
            yield table.LONG.found(told, name)
