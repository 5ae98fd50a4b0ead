# SPDX-License-Identifier: Apache-2.0
"""What all bodies of requests have in common."""

from pydantic import ConfigDict

from beast_ops.settings import Strict


class Body(Strict):
    """The body of a request: strict, and ready at once, for FastAPI does not wait for models."""

    model_config = ConfigDict(defer_build=False)
