# SPDX-License-Identifier: Apache-2.0
"""Qdrant's engine in a process of its own, speaking the part of Qdrant's REST API that is used."""
