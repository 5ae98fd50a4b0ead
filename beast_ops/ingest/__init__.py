# SPDX-License-Identifier: Apache-2.0
"""Ingestion: documents in, passages in the vector store, only what changed."""
