# SPDX-License-Identifier: Apache-2.0
"""The reference, written from the code: settings, errors, the schema of services.json."""
