# SPDX-License-Identifier: Apache-2.0
"""Provision and operate a private AI stack: the library behind every verb.

Everything public is reachable from here and loaded on first use, so importing the
package costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "ArchiveError": "errors",
    "BeastError": "errors",
    "BusyError": "errors",
    "CardError": "errors",
    "CommandError": "errors",
    "ConflictError": "errors",
    "DatabaseBusyError": "errors",
    "DatabaseClosedError": "errors",
    "DatabaseDamagedError": "errors",
    "DatabaseError": "errors",
    "DatabaseFullError": "errors",
    "DatabaseNewerError": "errors",
    "DocumentError": "errors",
    "Hashed": "hashing",
    "LeaseLostError": "errors",
    "MissingError": "errors",
    "ModelError": "errors",
    "NotDeployedError": "errors",
    "PreflightError": "errors",
    "RestingError": "errors",
    "ServiceError": "errors",
    "SettingsError": "errors",
    "SlowError": "errors",
    "TransientError": "errors",
    "UnavailableError": "errors",
    "UsageError": "errors",
    "hash_files": "hashing",
    "sha256_of": "hashing",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605 - computed from the table, so they cannot differ


def __getattr__(name: str) -> Any:
    """Load a public name from its module the first time it is asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
