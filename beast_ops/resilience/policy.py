# SPDX-License-Identifier: Apache-2.0
"""How a service is asked: how often, how long, and when it is left alone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for the calls of one service.

    Attributes:
        failures: So many calls in a row have to fail until it is left alone.
        successes: So many probes in a row have to succeed until all may ask again.
        rest: Seconds for which it is left alone.
        attempts: How often it is asked for one call; 0 means as long as patience lasts.
        patience: Seconds of a call after which it is not asked again.
        wait: Seconds before it is asked a second time; twice as long before each further one.
        longest_wait: Seconds of which no such wait is longer, unless the service says so.
        rate: Calls a second, on average; 0 means any number.
        burst: Calls that may come at once before the rate counts.
        at_once: Calls that it sees at the same time.
        seconds: Until a call has to be over, with all its waits and attempts.
    """

    failures: int = 5
    successes: int = 2
    rest: float = 60.0
    attempts: int = 3
    patience: float = 3600.0
    wait: float = 0.2
    longest_wait: float = 5.0
    rate: float = 0.0
    burst: int = 1
    at_once: int = 8
    seconds: float = 900.0


# A model server is one process that loads a model anew in seconds: it gets less rope, and is
# tried sooner. Figures: SPEC, B-BREAKER and B-LIMIT.
CHAT = Policy(failures=3, rest=30.0, rate=5.0, burst=10)
# A batch of passages is one call, and thousands of them follow each other: what bounds them is
# how many run at once. Questions and judgements of passages come by the dozen and wait seconds.
EMBED = Policy(failures=3, rest=30.0, attempts=4, patience=60.0, seconds=180.0)
JUDGE = Policy(failures=3, rest=30.0, attempts=1, at_once=4)
# What a server knows of its models costs it nothing.
LOOK = Policy(failures=3, rest=30.0, attempts=2, seconds=10.0)
# What changes something is asked once: a broken line does not tell whether it was done.
CHANGE = Policy(failures=3, rest=30.0, attempts=1, seconds=30.0)
# A model of 40 GB over a slow line. Whoever fetches one asks again by itself, three times; a
# person who then types the command again must not be told to wait.
PULL = Policy(failures=6, rest=30.0, attempts=1, at_once=4, seconds=6 * 3600.0)
