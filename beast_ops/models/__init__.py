# SPDX-License-Identifier: Apache-2.0
"""The models of a model server: which shall be there, and how they get there."""

from .ensure import ensure, ensure_all

__all__ = ["ensure", "ensure_all"]
