# SPDX-License-Identifier: Apache-2.0
"""The keeper: makes backups and drills when they are due, for as long as it runs."""
