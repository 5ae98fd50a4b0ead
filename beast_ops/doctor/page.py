# SPDX-License-Identifier: Apache-2.0
"""Write the reference of diagnoses: `python -m beast_ops.doctor.page`."""

from pathlib import Path

from .table import CHECKS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/doctor.md"
HEAD = """\
# Diagnoses

Printed by the program itself: `python -m beast_ops.doctor.page`.

`./beast doctor` looks at an installation from all sides and names what is wrong.
Problems end it with 1, warnings do not.
`--fix` mends what is safe to mend, says what it did, and looks again.
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for each in CHECKS.values():
        mends = "`./beast doctor --fix` mends it." if each.fixable else "It is yours to mend."
        parts.append(
            f"## {each.id}: {each.title}\n\n"
            f"*Severity:* {each.severity}. {mends}\n\n"
            f"*Likely cause.*\n{each.cause}\n\n"
            f"*Next step.*\n{each.next_step}\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":  # pragma: no cover - the test of the page calls what it calls
    PAGE.write_text(page(), encoding="utf-8")
