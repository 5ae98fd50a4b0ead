# SPDX-License-Identifier: Apache-2.0
"""The names of backups: `beast_backup_20260102_030405`, the time in UTC."""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

PATTERN = re.compile(r"beast_backup_(\d{8}_\d{6})")
FORM = "%Y%m%d_%H%M%S"
SUFFIX = ".tar.zst"
SECRET_SUFFIX = f"{SUFFIX}.age"


def name_at(moment: datetime) -> str:
    """Return the name of a backup made at *moment*."""
    return f"beast_backup_{moment.astimezone(UTC).strftime(FORM)}"


def fresh(moment: datetime, taken: Collection[str]) -> str:
    """Return the name of a backup made at *moment*, or just after it where that name is *taken*."""
    while (name := name_at(moment)) in taken:
        moment += timedelta(seconds=1)
    return name


def moment_of(name: str) -> datetime | None:
    """Return when the backup called *name* was made; `None` if that is no such name."""
    found = PATTERN.fullmatch(name.partition(".")[0])
    if found is None:
        return None
    try:
        return datetime.strptime(found[1], FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def base(file: str) -> str:
    """Return the name of the backup that the file called *file* holds."""
    return file.partition(".")[0]
