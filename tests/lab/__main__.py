# SPDX-License-Identifier: Apache-2.0
"""The lab's own words: `python -m tests.lab up | status | down | host | load | gone`."""

import argparse
import json
import sys

from beast_ops.errors import BeastError

from . import lab


def words() -> argparse.ArgumentParser:
    """Return what the lab understands."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up", help="engine, base images, host images, doubles, real services")
    up.add_argument("--suite", action="append", choices=lab.SUITES, help="only for this Debian")
    status = verbs.add_parser("status", help="what is there")
    status.add_argument("--json", action="store_true", help="as one JSON document")
    down = verbs.add_parser("down", help="remove what the lab made, and nothing else")
    down.add_argument("--cache", action="store_true", help="downloads and file systems, too")
    host = verbs.add_parser("host", help="boot a fresh host")
    host.add_argument("name")
    host.add_argument("--suite", default="trixie", choices=lab.SUITES)
    host.add_argument("--bare", action="store_true", help="without Docker inside")
    host.add_argument("--keep", action="store_true", help="leave one that is there as it is")
    host.add_argument("--no-images", action="store_true", help="an engine that has no images")
    reboot = verbs.add_parser("reboot", help="boot a host again")
    reboot.add_argument("name")
    load = verbs.add_parser("load", help="bring newly built images into a running host")
    load.add_argument("name")
    gone = verbs.add_parser("gone", help="remove a host")
    gone.add_argument("name")
    return parser


def main() -> int:
    """Do what the words say and return an exit code."""
    given = words().parse_args()
    try:
        if given.verb == "up":
            lab.up(tuple(given.suite or lab.SUITES))
        elif given.verb == "status":
            found = lab.status()
            print(json.dumps(found, indent=2) if given.json else lab.shown(found))
        elif given.verb == "down":
            lab.down(cache_too=given.cache)
        elif given.verb == "host":
            kind = "bare" if given.bare else "prepared"
            if not (given.keep and lab.there(given.name)):
                lab.host(given.name, given.suite, kind, images=not given.no_images)
        elif given.verb == "reboot":
            lab.reboot(given.name)
        elif given.verb == "load":
            lab.load(given.name)
        else:
            lab.gone(given.name)
    except BeastError as wrong:
        print(wrong.paragraph(), file=sys.stderr)
        return wrong.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
