# SPDX-License-Identifier: Apache-2.0
"""What whoever goes on by hand must know, as a page beside the Compose file; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from beast_ops.cards import Service, Services

from .shape import Shape

PAGE = Path(__file__).with_name("page.txt")
UNITS = "* What ran on the host itself: {names}."
MOUNTS = "* Mounts that led to what is gone: {names}."
OWN = (
    "* Updates of our own services ({names}): they go on as they are.\n"
    "  Their image was made on this host, and no registry has it: `docker save {images}` keeps a "
    "copy.\n"
    "  Without them take their parts out of `compose.yaml`; alerts and routes that name them are "
    "below `live/`."
)
ALERTS = (
    "* Alerts on backups and drills will fire, for there are none: take their rules out of `live/`."
)
CERTIFICATE = (
    "* Renewal of the certificate: the one in `{path}` ends on {end}.\n"
    "  The authority that signed it stays in `{authority}`."
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of our own authority: where it lies in the folder, and when it ends."""

    path: str
    ends: datetime


def page(
    services: Services, release: str, shape: Shape, certificates: Iterable[Certificate] = ()
) -> str:
    """Return the page about the folder that *shape* describes.

    Args:
        services: The services of the release.
        release: Its name.
        shape: What became of it.
        certificates: What nobody renews from now on.
    """
    network = shape.compose["networks"].get("default", {}).get("name", services.project)
    return PAGE.read_text(encoding="utf-8").format(
        project=services.project,
        release=release,
        rows="\n".join(_row(each, services, shape) for each in services if each.contained),
        network=network,
        data=services.data,
        lost="\n".join(_lost(services, shape, certificates)),
    )


def _row(service: Service, services: Services, shape: Shape) -> str:
    data = ", ".join(f"`{services.data}/{name}`" for name in service.volumes) or "none"
    secrets = f"secrets/{service.name}"
    kept = f"`{secrets}/`" if secrets in shape.folders else "none"
    return f"| {service.name} | `{service.image}` | {data} | {kept} |"


def _lost(services: Services, shape: Shape, certificates: Iterable[Certificate]) -> Iterable[str]:
    hosted = [each.name for each in services if each.place == "host"]
    own = [each for each in services if each.ours]
    if hosted:
        yield UNITS.format(names=", ".join(hosted))
    if shape.dropped:
        yield MOUNTS.format(names=", ".join(f"`{each}`" for each in shape.dropped))
    if own:
        images = sorted({str(each.image) for each in own})
        yield OWN.format(names=", ".join(each.name for each in own), images=" ".join(images))
    yield ALERTS
    for each in certificates:
        authority = Path(services.root) / "secrets" / "ca"
        yield CERTIFICATE.format(
            path=each.path, end=each.ends.date().isoformat(), authority=authority
        )
