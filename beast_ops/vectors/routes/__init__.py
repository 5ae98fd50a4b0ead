# SPDX-License-Identifier: Apache-2.0
"""Qdrant's REST routes, one module per subject; each offers its list as `ROUTES`."""
