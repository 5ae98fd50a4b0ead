# SPDX-License-Identifier: Apache-2.0
"""Chat: an answer from the documents, written as it comes, with the passages it stands on."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_openai as api
from beast_ops.api.house import InHouse
from beast_ops.api.rules import needs

from .shell import HOME, page
from .told import told

router = APIRouter(prefix=f"{HOME}/chat", include_in_schema=False)


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse, model: str = "") -> Response:
    """Show where one asks; what is said goes between the browser and /v1/chat/completions."""
    models = await told(api.list_models(house))
    names = [each.id for each in models.value.data] if models.value else []
    return page(
        "chat", request, here="chat", title="Chat", models=models, names=names, chosen=model
    )
