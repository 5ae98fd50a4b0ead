# SPDX-License-Identifier: Apache-2.0
"""Print which GPUs there are, what is claimed of them, and what is true."""

from typing import Any

from beast_ops.cards import read_services
from beast_ops.gpu.judge import held, size, without
from beast_ops.gpu.model import Device
from beast_ops.health.gpus import Seen, look
from beast_ops.health.report import keys_below
from beast_ops.place import Place

from .output import emit, line


def gpu(place: Place, *, json: bool) -> int:
    """Print what there is and what is true; return 1 if something is wrong, else 0.

    Raises:
        CardError: If the list of services makes no sense.
    """
    services = read_services(place.services) if place.services.is_file() else None
    seen = look(place, services, keys_below(place.secrets))
    if json:
        emit(_plain(seen))
    else:
        for text in words(seen):
            line(text)
    return 1 if seen.troubles else 0


def words(seen: Seen) -> list[str]:
    """Return in words what was found out."""
    from beast_ops.doctor.gpus import CHECKS

    devices = seen.case.reading.devices
    lines = [_device(each) for each in devices]
    if devices or seen.troubles:
        lines += _claims(seen)
    else:
        said = without(seen.case)
        lines.append(f"{said[0].upper()}{said[1:]}.")
    for each in seen.troubles:
        check = CHECKS[each.kind]
        about = f"{each.subject}: " if each.subject else ""
        lines += [f"{check.id} {check.title}", f"  Seen:  {about}{each.message}"]
        lines.append(f"  Next:  {check.next_step}")
    return lines


def _device(device: Device) -> str:
    parts = [f"GPU {device.index}  {device.name or device.vendor}"]
    if device.total:
        parts.append(f"{size(device.used or 0)} of {size(device.total)} in use")
    if device.busy is not None:
        parts.append(f"{device.busy:.0%} busy")
    if device.celsius is not None:
        parts.append(f"{device.celsius} °C")
    if device.mig:
        parts.append("divided (MIG)")
    held_by = [f"{each.name or '?'} ({each.pid})" for each in device.holders or ()]
    if held_by:
        parts.append(f"used by {', '.join(held_by)}")
    return ", ".join(parts)


def _claims(seen: Seen) -> list[str]:
    claims = seen.case.claims
    if claims is None:
        return ["The model server says nothing of its models."]
    if not claims:
        return ["The model server has no model in memory."]
    paces = {each.model: each for each in seen.case.paces}
    lines = []
    for name, each in sorted(claims.items()):
        share = each.vram_bytes / each.bytes if each.bytes else 0.0
        text = (
            f"{name}: {size(each.bytes)}, {min(share, 1.0):.0%} of it on a GPU as the server says"
        )
        if name in paces:
            pace = paces[name]
            usual = f" (usually {pace.usual:.1f})" if pace.usual else ""
            text += f", {pace.recent:.1f} tokens per second{usual}"
        lines.append(text)
    if not seen.troubles and seen.case.local and held(seen.case.reading) is not None:
        lines.append("The drivers do not contradict that.")
    return lines


def _plain(seen: Seen) -> dict[str, Any]:
    case = seen.case
    claims = (
        None
        if case.claims is None
        else {
            name: {"bytes": each.bytes, "vram_bytes": each.vram_bytes}
            for name, each in case.claims.items()
        }
    )
    return {
        "driver": case.reading.driver,
        "devices": [each.model_dump() for each in case.reading.devices],
        "troubles": [each.model_dump() for each in seen.troubles],
        "claims": claims,
        "held_bytes": held(case.reading),
        "local": case.local,
        "speeds": {each.model: {"recent": each.recent, "usual": each.usual} for each in case.paces},
    }
