# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from beast_ops.health import report
from beast_ops.testing import an_installation


@pytest.fixture
def look(tmp_path):
    """Look at one service, whose secrets are given by name; thoroughly as a gate does, or not."""
    count = iter(range(100))

    def looking(service, given=None, *, thorough=False):
        named = {f"{service.name}/{name}": value for name, value in (given or {}).items()}
        place = an_installation(tmp_path / str(next(count)), service, secrets=named)
        found = report.read_services(place.services)
        keys = report.keys_below(place.secrets)
        seen = asyncio.run(report.survey(found, keys, machine=False, thorough=thorough))
        return seen.checks[0]

    return looking
