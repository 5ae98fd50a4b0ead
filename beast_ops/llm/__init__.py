# SPDX-License-Identifier: Apache-2.0
"""Models: whoever turns text into vectors, and how to find out whether it can."""

from .choose import embedder_for, embedder_of, probe
from .model import Embedder, TextError

__all__ = ["Embedder", "TextError", "embedder_for", "embedder_of", "probe"]
