# SPDX-License-Identifier: Apache-2.0
"""What an audit finds, and what it all comes to."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Weight(StrEnum):
    """How much a finding matters."""

    FAILURE = "failure"  # something is open that must not be
    WARNING = "warning"  # something was not proven, or will surprise
    NOTE = "note"  # good to know, and none of our doing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found; `id` is stable."""

    id: str
    weight: Weight
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A port that is open on this host.

    Attributes:
        protocol: `tcp` or `udp`.
        address: Where it is open.
        port: Its number.
        owner: Who opened it, in words.
        ours: Whether that belongs to this installation.
    """

    protocol: str
    address: str
    port: int
    owner: str
    ours: bool

    @property
    def where(self) -> str:
        """Port and address as people write them."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A port that the release says is reachable from other hosts."""

    address: str
    port: int
    service: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one audit found."""

    findings: tuple[Finding, ...]
    open: tuple[Open, ...] = ()
    declared: tuple[Declared, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is open that must not be."""
        return all(each.weight is not Weight.FAILURE for each in self.findings)

    def with_more(self, findings: Iterable[Finding]) -> "Report":
        """Return the same with more *findings*."""
        return Report((*self.findings, *findings), self.open, self.declared)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as the JSON contract has it."""
        return {
            "clean": self.clean,
            "findings": [asdict(each) for each in self.findings],
            "declared": [asdict(each) for each in self.declared],
            "open": [asdict(each) for each in self.open],
        }


def read(told: Mapping[str, Any]) -> Report:
    """Return the report that *told* is, as `as_dict` made it on another host."""
    return Report(
        findings=tuple(
            Finding(**{**each, "weight": Weight(each["weight"])}) for each in told["findings"]
        ),
        open=tuple(Open(**each) for each in told["open"]),
        declared=tuple(Declared(**each) for each in told["declared"]),
    )
