# SPDX-License-Identifier: Apache-2.0
"""What alembic runs to run the others."""

from beast_ops.database.migrate import run

run()
