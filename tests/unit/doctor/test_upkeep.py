# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

from beast_ops import certificates
from beast_ops.certificate_parts import found, issue, load
from beast_ops.doctor import upkeep
from beast_ops.receipts import Receipt, write

STATE = [{"volume": "kept", "how": "files", "set": "kept"}]


def receipt(scene, operation, days, outcome="done"):
    when = (scene.clock.now() - timedelta(days=days)).isoformat()
    write(scene.place.receipts, Receipt(
        operation=operation, outcome=outcome, release="", content="", previous=None,
        started=when, finished=when, seconds=1.0, changed=(), checks=(),
    ))  # fmt: skip


def ids(found):
    return [each.id for each in found]


def test_a_young_certificate_is_well(scene):
    here = scene()
    path = here.place.secrets / "front" / certificates.LEAF
    now = here.clock.now()
    path.write_bytes(issue(["a.example"], load(*found(now)), now))

    assert [] == ids(upkeep.certificate(here))


def test_a_certificate_that_has_ended_is_found(scene):
    here = scene()
    begun = here.clock.now() - timedelta(days=3000)
    path = here.place.secrets / "front" / certificates.LEAF
    path.write_bytes(issue(["a.example"], load(*found(begun)), begun))

    assert ["BEAST-D601"] == ids(upkeep.certificate(here))


def test_an_installation_of_today_needs_no_backup_yet(scene):
    here = scene(state=STATE)
    assert [] == ids(upkeep.backup(here))
    receipt(here, "deploy", 1)

    assert [] == ids(upkeep.backup(here))


def test_data_without_a_young_backup_is_found(scene):
    here = scene(state=STATE)
    receipt(here, "deploy", 5)
    assert ["there is none"] == [each.evidence for each in upkeep.backup(here)]
    receipt(here, "backup", 1, "failed")
    assert ["BEAST-D701"] == ids(upkeep.backup(here))
    receipt(here, "backup", 1)
    assert [] == ids(upkeep.backup(here))


def test_where_no_data_is_kept_nothing_is_backed_up(scene):
    here = scene()
    receipt(here, "deploy", 5)

    assert [] == ids(upkeep.backup(here))


def test_backups_that_nobody_tried_are_found(scene):
    here = scene()
    assert [] == ids(upkeep.drill(here))
    receipt(here, "backup", 9)
    assert ["there was none"] == [each.evidence for each in upkeep.drill(here)]
    receipt(here, "drill", 1)
    assert [] == ids(upkeep.drill(here))
    assert "BEAST-D702" == upkeep.table.DRILL.id
