# SPDX-License-Identifier: Apache-2.0
"""What happened: told within a process by a bus, and to all others by an outbox they share."""
