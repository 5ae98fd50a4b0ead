# SPDX-License-Identifier: Apache-2.0
"""Write a page: templates, the files that go with them, and what a browser may do with them."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from beast_ops import __version__
from beast_ops.api.asked import LOGIN
from beast_ops.api.rules import OPEN, needs

from . import charts, words
from .marked import marked

HOME = "/ui"
STATIC = f"{HOME}/static"
# Nothing of a stranger, nothing written into the page: no script, no style, no form elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"  # its address changes with its content

# Name, title, and whether it stands in the menu; the order is that of the menu.
PAGES = (
    ("overview", "Overview"),
    ("services", "Services"),
    ("models", "Models"),
    ("documents", "Documents"),
    ("search", "Search"),
    ("chat", "Chat"),
    ("notebooks", "Notebooks"),
    ("jobs", "Jobs"),
    ("backups", "Backups"),
    ("events", "Events"),
    ("settings", "Access"),
)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that goes with the pages, as it is and compressed."""

    content: bytes
    compressed: bytes
    kind: str
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files that go with the pages, by name."""
    found = {}
    for file in files(__package__).joinpath("static").iterdir():
        kind = KINDS.get(file.name[file.name.rfind(".") :])
        if kind:
            content = file.read_bytes()
            version = hashlib.sha256(content).hexdigest()[:12]
            found[file.name] = Asset(content, gzip.compress(content, mtime=0), kind, version)
    return found


def address(name: str) -> str:
    """Return where the browser gets the file *name*."""
    return f"{STATIC}/{name}?v={assets()[name].version}"


def beside(name: str) -> str:
    """Return where the page of the login gets the file *name*.

    The front door leads to that page under the names of other services, too, below a prefix of
    its own; so the address is told from where the page itself is.
    """
    return f"login/{name}?v={assets()[name].version}"


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader(str(__package__)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words.FILTERS, marked=marked)
    made.globals.update(
        address=address,
        beside=beside,
        home=HOME,
        pages=PAGES,
        spark=charts.spark,
        version=__version__,
    )
    return made


def page(template: str, request: Request, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page or fragment *template*, filled with *values*.

    Args:
        template: Its name, without the suffix.
        request: What asks for it.
        status: The status of the answer.
        values: What the template says.
    """
    text = _templates().get_template(f"{template}.html").render(request=request, **values)
    return HTMLResponse(text, status, headers={"content-security-policy": POLICY})


@needs(OPEN, guests=True)
async def _static(request: Request) -> Response:
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise HTTPException(404, "there is no such file")
    headers = {"cache-control": FOREVER, "etag": f'"{asset.version}"', "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(asset.compressed, media_type=asset.kind, headers=headers)
    return Response(asset.content, media_type=asset.kind, headers=headers)


def static_routes() -> list[Route]:
    """Return the routes of the files that go with the pages; they hold nothing private."""
    return [Route(f"{place}/{{name}}", _static) for place in (STATIC, LOGIN)]
