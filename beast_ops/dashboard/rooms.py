# SPDX-License-Identifier: Apache-2.0
"""All pages in one router."""

from fastapi import APIRouter

from . import (
    backups,
    chat,
    documents,
    entry,
    events,
    jobs,
    models,
    notebooks,
    overview,
    search,
    services,
    settings,
)

router = APIRouter()
for room in (
    entry,
    overview,
    services,
    models,
    documents,
    search,
    chat,
    notebooks,
    jobs,
    backups,
    events,
    settings,
):
    router.routes.extend(room.router.routes)
