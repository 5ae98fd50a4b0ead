# SPDX-License-Identifier: Apache-2.0
"""Have what was revoked stay revoked when other data are put in force.

A restore or a way back brings the tokens of an earlier day. What was taken from them since was
taken for a reason, so it is taken from them once more; sessions that are over stay over.

The databases may be of any revision, and are not brought to another here: the release that
is put in force may be older than this code.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from .store import access_file

LOG = logging.getLogger("beast.access")
BUSY_SECONDS = 10.0
_TABLES = "SELECT name FROM {}.sqlite_master WHERE type = 'table'"
_REVOKED = "SELECT hash FROM old.revoked"
_STEPS = {
    "tokens": f"DELETE FROM main.tokens WHERE hash IN ({_REVOKED})",  # noqa: S608 - a constant
    "sessions": "DELETE FROM main.sessions WHERE hash NOT IN (SELECT hash FROM old.sessions)",
    "revoked": "INSERT OR IGNORE INTO main.revoked SELECT * FROM old.revoked",
}


def outlast(before: Path, after: Path) -> None:
    """Take from the tokens below *after* what was revoked below *before*.

    Args:
        before: The data generation in force until now.
        after: The one that is put in force; nothing runs on it yet. Damaged data on either side
            are left as they are: whoever restores has a reason, too.
    """
    old, new = access_file(before), access_file(after)
    if not (old.is_file() and new.is_file()) or old.samefile(new):
        return
    try:
        with closing(_open(new, "rw")) as database:
            database.execute("ATTACH ? AS old", (_address(old, "ro"),))
            database.execute("BEGIN IMMEDIATE")
            ours, known = (_names(database, each) for each in ("main", "old"))
            for table, step in _STEPS.items():
                if table in ours and {"tokens": "revoked"}.get(table, table) in known:
                    database.execute(step)
            database.execute("COMMIT")
    except sqlite3.Error as failed:
        LOG.warning("whether %s has tokens that were revoked since is not known: %s", new, failed)


def _names(database: sqlite3.Connection, schema: str) -> set[str]:
    return {name for (name,) in database.execute(_TABLES.format(schema))}


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        _address(path, mode), uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"
