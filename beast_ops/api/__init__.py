# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: search, ingestion, health and metrics behind one bearer token.

`python -m beast_ops.api` serves it; `beast_ops.client` speaks to it.
"""
