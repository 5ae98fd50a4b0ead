# SPDX-License-Identifier: Apache-2.0
"""All pages in one router."""

from fastapi import APIRouter

from . import backups, documents, entry, jobs, models, overview, search, services

router = APIRouter(include_in_schema=False)
for room in (entry, overview, services, models, documents, search, jobs, backups):
    router.include_router(room.router)
