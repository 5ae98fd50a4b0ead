# SPDX-License-Identifier: Apache-2.0
"""What drivers say, what is wrong, and what a model server claims."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from beast_ops.settings import Strict

Vendor = Literal["nvidia", "amd"]
# Stable: figures, alerts and diagnoses are named by them.
Kind = Literal[
    "mismatch",
    "lost",
    "hangs",
    "driver",
    "failed",
    "cut-off",
    "fallback",
    "slow",
    "on-cpu",
    "orphans",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Count = Annotated[int, Field(ge=0)]


class Holder(Strict):
    """A process that holds memory of a GPU; `bytes` is `None` where the driver does not know."""

    pid: Count
    bytes: Count | None = None
    name: str = ""


class Device(Strict):
    """A GPU as its driver describes it; `None` is what the driver does not tell.

    Attributes:
        index: Its number, as its tools count.
        vendor: Who made it.
        name: What it is called.
        uuid: What it is called nowhere else.
        bus: Where it is plugged in.
        total: Bytes of its memory.
        used: Those of them that are in use.
        busy: The share of the last moments in which it worked, from 0 to 1.
        celsius: How warm it is.
        mig: Whether it is divided.
        holders: The processes that hold its memory.
    """

    index: Count
    vendor: Vendor
    name: str = ""
    uuid: str = ""
    bus: str = ""
    total: Count | None = None
    used: Count | None = None
    busy: Annotated[float, Field(ge=0, le=1)] | None = None
    celsius: int | None = None
    mig: bool = False
    holders: tuple[Holder, ...] | None = None


class Trouble(Strict):
    """Something that is wrong: of which kind, with what, and what was seen."""

    kind: Kind
    subject: str = ""
    message: str


class Reading(Strict):
    """What the drivers of this host say at one moment.

    Attributes:
        devices: The GPUs that answer.
        troubles: What is wrong with them, or with their drivers.
        driver: The version of NVIDIA's driver, if it is there.
    """

    devices: tuple[Device, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    driver: str = ""

    @property
    def present(self) -> bool:
        """Whether there is a GPU, or should be one."""
        return bool(self.devices or self.troubles)
