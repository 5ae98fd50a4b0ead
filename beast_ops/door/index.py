# SPDX-License-Identifier: Apache-2.0
"""Hand pip's settings to uv, which does not read them: indexes, proxies, certificates.

Credentials in index addresses travel in the environment of uv alone; they never stand in
an argument, and `redact` takes them out of whatever is shown.
"""

import ast
import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path

# Later ones win, as in pip: files first, then the environment.
_SECTIONS = ("global", "install", ":env:")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")

# What disturbs an installation into an environment of our own.
UNWANTED = frozenset(
    {
        "PIP_CONSTRAINT",
        "PIP_DRY_RUN",
        "PIP_PREFIX",
        "PIP_REQUIREMENT",
        "PIP_ROOT",
        "PIP_TARGET",
        "PIP_USER",
        "UV_CONSTRAINT",
        "UV_PREFIX",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_TARGET",
    }
)


def redact(text: str) -> str:
    """Return *text* without the credentials in its addresses."""
    return _CREDENTIALS.sub("***", text)


def pip_settings(listing: str) -> dict[str, str]:
    """Return what `pip config list` printed as one table.

    Args:
        listing: Lines such as `global.index-url='https://…'`, values as Python literals.
    """
    sections: dict[str, dict[str, str]] = {name: {} for name in _SECTIONS}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in sections:
            sections[section][key] = str(ast.literal_eval(value))
    return {key: value for name in _SECTIONS for key, value in sections[name].items()}


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which uv downloads as pip would.

    Variables of uv that somebody set already are theirs and stay.

    Args:
        pip: The table of `pip_settings`.
        environ: The environment uv would otherwise have.
    """
    wanted = _indexes(pip) | _transport(pip) | _trust(pip, environ)
    return {name: value for name, value in wanted.items() if value and _free(name, environ)}


def no_index(pip: Mapping[str, str]) -> bool:
    """Return whether pip is told to use no index at all."""
    return pip.get("no-index", "").lower() in {"1", "true", "yes", "on"}


def _free(name: str, environ: Mapping[str, str]) -> bool:
    return not (name.startswith("UV_") and environ.get(name))


def _indexes(pip: Mapping[str, str]) -> dict[str, str]:
    extra = pip.get("extra-index-url", "").split()
    return {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(extra),
        # pip takes a version from whichever index has it; the hashes say that it is the right one.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(filter(_reachable, pip.get("find-links", "").split())),
        "UV_KEYRING_PROVIDER": "subprocess" if pip.get("keyring-provider") == "subprocess" else "",
    }


def _reachable(link: str) -> bool:
    """Return whether uv would take *link*: it fails on a missing folder, pip only warns."""
    return "://" in link or Path(link).expanduser().exists()


def _transport(pip: Mapping[str, str]) -> dict[str, str]:
    proxy = pip.get("proxy", "")
    return {
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "UV_HTTP_TIMEOUT": pip.get("timeout", "") or pip.get("default-timeout", ""),
        "UV_HTTP_RETRIES": pip.get("retries", ""),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
    }


def _trust(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return where certificates come from; requests, inside pip, obeys two variables more."""
    named = pip.get("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    if named:
        return {"SSL_CERT_FILE": named, "SSL_CLIENT_CERT": pip.get("client-cert", "")}
    system = "true" if _has_system_store() else ""
    return {"UV_SYSTEM_CERTS": system, "SSL_CLIENT_CERT": pip.get("client-cert", "")}


def _has_system_store() -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(
        (paths.cafile and Path(paths.cafile).is_file())
        or (paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath))  # noqa: PTH112, PTH208 - strings from OpenSSL
    )
