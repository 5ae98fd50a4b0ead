# SPDX-License-Identifier: Apache-2.0
"""Who may do what: tokens for programs, codes and sessions for browsers, and a record of changes.

What is kept is never what opens: of a token and of a session there is only the hash.
"""
