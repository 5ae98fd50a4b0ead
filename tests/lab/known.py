# SPDX-License-Identifier: Apache-2.0
"""What a stack of the lab knows, and how it is, as tests of backups and upgrades ask for it."""

import json
import time

from .stack import ROOT

ASIDE = "label=org.ai-beast.aside"
QUESTION = "which bird waits at the weir"


def put_in(stack, text):
    folder = f"/root/kept-{time.time_ns()}"
    script = 'mkdir -p "$1" && printf "%s\\n" "$2" > "$1/note.txt"'
    stack.host("sh", "-c", script, "sh", folder, text)
    stack.host("beast", "ingest", folder, seconds=180)


def answers(stack):
    """Return what a search finds, without what differs each time."""
    found = json.loads(stack.host("beast", "search", QUESTION, "--json"))
    return [(each["text"], round(each["score"], 4)) for each in found["hits"]]


def unwell(stack):
    """Return the containers that do not run, or are said not to work."""
    states = {name: each["State"] for name, each in stack.containers().items()}
    return {
        name: state
        for name, state in states.items()
        if state["Status"] != "running"
        or state.get("Health", {"Status": "healthy"})["Status"] != "healthy"
    }


def left_aside(stack):
    """Return what a stack beside the real one left behind."""
    listings = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
    found = [stack.host("docker", *each, "--quiet", "--filter", ASIDE) for each in listings]
    staged = stack.host("find", f"{ROOT}/data", "-maxdepth", "1", "-name", ".*", "-type", "d")
    return [*found[0].split(), *found[1].split(), *found[2].split(), *staged.split()]
