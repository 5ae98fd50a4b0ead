# SPDX-License-Identifier: Apache-2.0
"""Backups, drills and restores, all made by the agent on the host; and what came of them.

An operation goes on whoever asked for it, also while a restore starts this API anew: ask for it
by its id until it has ended.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from beast_ops.access.model import Scope
from beast_ops.agent.protocol import WORD, Request
from beast_ops.card_parts import DNS_LABEL

from .body import Body
from .host import asked
from .house import InHouse
from .pages import PAGE, Limit, Offset, example, refusals
from .rules import needs

router = APIRouter(tags=["operations"])

BACKUP = r"^(newest|beast_backup_\d{8}_\d{6})$"
_ID = "3b1f0c9d5a5e4c0f8a7f6f5f1f2f3f4f"
_NAME = "beast_backup_20260501_030000"

BackupName = Annotated[
    str, Path(pattern=BACKUP, description="The name of a backup, or: newest", examples=[_NAME])
]
OperationId = Annotated[str, Path(pattern=WORD, max_length=64, examples=[_ID])]
Kind = Literal["backup", "verify", "drill", "plan", "restore", "restart"]

_NO_AGENT = refusals(s503="There is no agent, or another operation is under way")
_NO_BACKUP = refusals(
    s404="There is no such backup",
    s409="It is encrypted, or can only be restored on the host",
    s503="There is no agent, or another operation is under way",
)


class OperationModel(BaseModel):
    """An operation on the host; `receipt` is there once it has written one."""

    model_config = example(
        id=_ID,
        kind="backup",
        name="",
        state="done",
        started="2026-05-01T03:00:00+00:00",
        finished="2026-05-01T03:00:04+00:00",
        error="",
        receipt="20260501T030004.000001Z-backup",
    )

    id: str
    kind: Kind
    name: str = Field(description="The backup or service it is done with, if there is one.")
    state: Literal["running", "done", "failed", "interrupted"]
    started: str
    finished: str | None
    error: str
    receipt: str | None


class OperationOutputModel(OperationModel):
    """An operation, and the last lines it printed, without secrets of this installation."""

    output: list[str]


class OperationsModel(BaseModel):
    """The newest operations, and how many are known."""

    total: int
    operations: list[OperationModel]


class BackupModel(BaseModel):
    """A backup that lies on the host, and the strongest thing that was ever proven of it."""

    model_config = example(
        name=_NAME, made="2026-05-01T03:00:00+00:00", bytes=1_048_576, proven="drill",
        encrypted=False,
    )  # fmt: skip

    name: str
    made: str
    bytes: int
    proven: Literal["drill", "restore", "verify"] | None
    encrypted: bool


class BackupsModel(BaseModel):
    """The newest backups, and how many there are."""

    total: int
    backups: list[BackupModel]


class RestoreBody(Body):
    """What to restore; without `confirm` the operation only says what would be replaced."""

    model_config = example(confirm=_NAME)

    confirm: Annotated[
        str, Field(max_length=64, description="The name of the backup once more, to really do it.")
    ] = ""
    service: Annotated[str, Field(pattern=DNS_LABEL, max_length=40)] | None = Field(
        default=None, description="Only what is kept together with this service."
    )


class DrillBody(Body):
    """Which backup to restore into a throwaway stack."""

    model_config = example(name="newest")

    name: Annotated[str, Field(pattern=BACKUP)] = "newest"


class ReceiptModel(BaseModel):
    """The record of one finished operation, without the checks that were made."""

    id: str
    operation: str
    outcome: Literal["proven", "failed", "rolled back", "done"]
    release: str
    previous: str | None
    started: str
    finished: str
    seconds: float
    changed: list[str]
    message: str
    who: str
    versions: dict[str, str]
    details: dict[str, Any]


class ReceiptsModel(BaseModel):
    """The newest receipts, and how many there are."""

    total: int
    receipts: list[ReceiptModel]


@router.get("/backups", summary="List backups", responses=_NO_AGENT)
@needs(Scope.READ)
async def backups(house: InHouse, limit: Limit = PAGE, offset: Offset = 0) -> BackupsModel:
    """List the backups that lie on the host, newest first, and what was proven of each."""
    request = Request(verb="backups", lines=limit, offset=offset)
    return BackupsModel.model_validate(await asked(house, request))


@router.post("/backups", status_code=202, summary="Make a backup", responses=_NO_AGENT)
@needs(Scope.ADMIN)
async def back_up(house: InHouse) -> OperationModel:
    """Keep everything that cannot be made again, as one file on the host."""
    return OperationModel.model_validate(await asked(house, Request(verb="backup")))


@router.post(
    "/backups/{name}/verify", status_code=202, summary="Verify a backup", responses=_NO_BACKUP
)
@needs(Scope.ADMIN)
async def verify(name: BackupName, house: InHouse) -> OperationModel:
    """Read a whole backup, and tell whether it is what was written."""
    return OperationModel.model_validate(await asked(house, Request(verb="verify", name=name)))


@router.post(
    "/backups/{name}/restore",
    status_code=202,
    summary="Restore a backup",
    responses={**_NO_BACKUP, **refusals(s422="It was not confirmed by its own name")},
)
@needs(Scope.ADMIN)
async def restore(name: BackupName, body: RestoreBody, house: InHouse) -> OperationModel:
    """Put the data of a backup back, proven before they replace anything.

    This API is started anew by it; the operation goes on meanwhile. An encrypted backup is
    restored on the host, where its key is.
    """
    request = Request(verb="restore", name=name, service=body.service, confirm=body.confirm)
    return OperationModel.model_validate(await asked(house, request))


@router.post("/drills", status_code=202, summary="Drill a restore", responses=_NO_BACKUP)
@needs(Scope.ADMIN)
async def drill(body: DrillBody, house: InHouse) -> OperationModel:
    """Restore a backup into a throwaway stack beside the real one, and prove it there."""
    return OperationModel.model_validate(await asked(house, Request(verb="drill", name=body.name)))


@router.get("/operations", summary="List operations", responses=_NO_AGENT)
@needs(Scope.READ)
async def operations(house: InHouse, limit: Limit = PAGE, offset: Offset = 0) -> OperationsModel:
    """List the operations that run, and the last ones that ended."""
    request = Request(verb="operations", lines=limit, offset=offset)
    return OperationsModel.model_validate(await asked(house, request))


@router.get(
    "/operations/{operation}",
    summary="Look at an operation",
    responses=refusals(s404="There is no such operation", s503="There is no agent"),
)
@needs(Scope.READ)
async def operation(operation: OperationId, house: InHouse) -> OperationOutputModel:
    """Tell where an operation stands, and what it printed last."""
    request = Request(verb="operation", name=operation)
    return OperationOutputModel.model_validate(await asked(house, request))


@router.get("/receipts", summary="List receipts", responses=_NO_AGENT)
@needs(Scope.READ)
async def receipts(
    house: InHouse,
    limit: Limit = PAGE,
    offset: Offset = 0,
    operation: Annotated[
        str | None, Query(pattern=WORD, max_length=64, description="Only of this kind.")
    ] = None,
) -> ReceiptsModel:
    """List what was done to this installation and how it ended, newest first."""
    request = Request(verb="receipts", name=operation, lines=limit, offset=offset)
    return ReceiptsModel.model_validate(await asked(house, request))
