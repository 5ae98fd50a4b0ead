# SPDX-License-Identifier: Apache-2.0
"""The job that does nothing: for whoever wants to know how fast jobs are, or whether they run."""

from collections.abc import Mapping
from typing import Any

from .worker import Grip, Handler


def handler(_: object) -> Handler:
    """Return what runs such jobs."""
    return _nothing


def _nothing(_: Grip) -> Mapping[str, Any]:
    return {}
