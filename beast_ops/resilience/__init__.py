# SPDX-License-Identifier: Apache-2.0
"""Calls of services that fail: asked again, left alone, spaced out, never waited for too long."""

from .guard import Guard
from .policy import Policy
from .registry import GUARDS, Guards

__all__ = ["GUARDS", "Guard", "Guards", "Policy"]
