# SPDX-License-Identifier: Apache-2.0
"""One rate for several processes, counted in a real Valkey; each its own when that is gone."""

import asyncio
import subprocess
import sys
import time

from beast_ops.errors import SettingsError
from beast_ops.resilience import Guards, Policy
from tests.valkey_server import PASSWORD

POLICY = Policy(rate=20, burst=10)
URL = "http://127.0.0.1:1"
SECONDS = 3.0
# Calls as fast as it may for some seconds from one moment on, and prints when each was sent.
PROCESS = f"""
import asyncio, sys, time
from beast_ops.resilience import Guards, Policy
from beast_ops.valkey import given

async def main(begin):
    guards = Guards(share=given)
    guard = guards.get({URL!r}, "m", Policy(rate=20, burst=10))

    async def call():
        print(time.time(), flush=True)

    await asyncio.sleep(begin - time.time())
    while time.time() < begin + {SECONDS}:
        await guard.run(call)
    await guards.aclose()

asyncio.run(main(float(sys.argv[1])))
"""


def sent(environment, count):
    """Return when *count* processes called, in order."""
    begin = time.time() + 3
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(begin)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    told = [each.communicate(timeout=60) for each in running]
    assert [0] * count == [each.returncode for each in running], told
    assert PASSWORD not in str(told)
    return [[float(line) for line in out.splitlines()] for out, _ in told]


def test_three_processes_have_one_rate(server):
    each = sent(server.environment, 3)
    calls = sorted(at for one in each for at in one)
    calls = [at for at in calls if at < calls[0] + SECONDS]

    assert len(calls) <= POLICY.burst + POLICY.rate * SECONDS + 3
    assert len(calls) >= POLICY.rate * SECONDS / 2
    assert all(each)  # nobody starves


def test_without_it_each_has_a_rate_of_its_own(server):
    server.kill()

    each = sent(server.environment, 2)

    assert all(
        POLICY.rate * SECONDS / 2 <= len(one) <= 2 * POLICY.burst + POLICY.rate * SECONDS
        for one in each
    )


def test_one_that_hangs_holds_nobody_up_beyond_the_deadline(server):
    async def main():
        guards = Guards(share=lambda: server.valkey)
        guard = guards.get(URL, "m", POLICY)
        server.hold()
        begun = time.monotonic()
        for _ in range(5):
            await guard.run(_nothing, seconds=2)
        took = time.monotonic() - begun
        await guards.aclose()
        return took

    assert asyncio.run(main()) < 1.5


def test_one_whose_password_cannot_be_read_keeps_nobody_from_calling():
    def unreadable():
        raise SettingsError("cannot be read", subject="queue")

    async def main():
        guards = Guards(share=unreadable)
        await guards.get(URL, "m", POLICY).run(_nothing, seconds=2)
        await guards.aclose()

    asyncio.run(main())


async def _nothing():
    return None
