# SPDX-License-Identifier: Apache-2.0
"""What the release says to the keeper."""

from typing import Annotated, Literal

from pydantic import Field

from beast_ops.settings import Strict

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Kept = Annotated[int, Field(ge=1)]


class KeeperSettings(Strict):
    """When backups and drills are made, in the local time of the host, and what is kept."""

    backup_enabled: bool = True
    backup_at: TimeOfDay = "03:00"
    keep_days: Kept = 30
    keep_count: Kept = 60
    drill_enabled: bool = True
    drill_day: Day = "sunday"
    drill_at: TimeOfDay = "04:00"
