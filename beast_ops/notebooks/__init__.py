# SPDX-License-Identifier: Apache-2.0
"""Notebooks: sources put together for one purpose, conversations about them, what came of them."""
