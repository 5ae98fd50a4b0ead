# SPDX-License-Identifier: Apache-2.0
"""All pages in one router."""

from fastapi import APIRouter

from . import documents, entry, jobs, overview, search, services

router = APIRouter(include_in_schema=False)
for room in (entry, overview, services, documents, search, jobs):
    router.include_router(room.router)
