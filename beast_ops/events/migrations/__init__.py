# SPDX-License-Identifier: Apache-2.0
"""How the tables came to be, revision by revision; a revision that was released never changes."""
