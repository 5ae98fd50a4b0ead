# SPDX-License-Identifier: Apache-2.0
"""The verb audit: what it prints around the library's work."""

from typing import TYPE_CHECKING

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.audit.finding import Report


def audit(place: Place, inventory: str, prober: str, *, json: bool) -> int:
    """Print what an audit finds and return the exit code: 0 clean, 1 not.

    Args:
        place: The installation on this machine.
        inventory: The inventory whose host is meant; this machine if empty.
        prober: Another host of the inventory that looks from outside, if any.
        json: Whether machines read it.

    Raises:
        UsageError: If another host shall look, and no inventory says where it is.
    """
    if prober and not inventory:
        hint = "Add: --inventory PATH"
        raise UsageError("only an inventory knows other hosts", subject=prober, hint=hint)
    report = _found(place, inventory, prober)
    if json:
        emit(report.as_dict())
    else:
        _show(report)
    return 0 if report.clean else 1


def _found(place: Place, inventory: str, prober: str) -> "Report":
    if inventory:
        from beast_ops.deploy.exposure import audit_there

        return audit_there(place, inventory, prober)
    from beast_ops.audit.judge import audit as look

    return look(place)


def _show(report: "Report") -> None:
    from beast_ops.audit.exposure import beyond_loopback

    for each in report.findings:
        line(f"{each.weight:<8} {each.id:<19} {each.message}. {each.hint}".rstrip())
    ports = ", ".join(
        f"{each.port} ({each.service})" for each in report.declared if beyond_loopback(each.address)
    )
    line(f"Declared to other hosts: {ports or 'nothing'}.")
    line("Nothing is open that must not be." if report.clean else "This must be closed.")
