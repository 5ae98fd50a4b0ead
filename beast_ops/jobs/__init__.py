# SPDX-License-Identifier: Apache-2.0
"""Durable jobs: a table that survives its workers, and the worker that runs from it."""
