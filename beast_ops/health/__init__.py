# SPDX-License-Identifier: Apache-2.0
"""Is it well? Every check at once, each with its own deadline, as table, JSON or exit code."""
