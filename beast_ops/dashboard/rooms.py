# SPDX-License-Identifier: Apache-2.0
"""All pages in one router."""

from fastapi import APIRouter

from . import backups, documents, entry, jobs, overview, search, services, settings

router = APIRouter(include_in_schema=False)
for room in (entry, overview, services, documents, search, jobs, backups, settings):
    router.include_router(room.router)
