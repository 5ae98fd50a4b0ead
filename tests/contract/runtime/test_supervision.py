# SPDX-License-Identifier: Apache-2.0
from beast_ops.runtime import control


def test_apply_starts_every_program_and_down_ends_them_all(house):
    house.release(house.service("one"), house.service("two"))

    started = control.apply(house.place)

    assert {"one", "two"} == started
    assert {"one": "running", "two": "running"} == house.states()

    control.down(house.place)

    assert {"one": "stopped", "two": "stopped"} == house.states()
    assert ["runtime.lock", "supervisord.err"] == sorted(p.name for p in house.place.run.iterdir())
