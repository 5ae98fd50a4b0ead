# SPDX-License-Identifier: Apache-2.0
"""The shell line that keeps a secret on a host of which nothing is known."""

import stat
import subprocess

import pytest

from beast_ops import keys
from beast_ops.release.remote import give_command


@pytest.mark.parametrize("root", ["root", "a root; with 'quotes'"])
def test_a_secret_is_kept_where_a_deploy_looks_for_it(root, tmp_path):
    folder = tmp_path / root
    line = give_command(str(folder), "traefik/dns_token")

    subprocess.run(["/bin/sh", "-c", f"umask 0; {line}"], input=b"hunter2", check=True)

    kept = folder / "secrets" / keys.GIVEN / "traefik/dns_token"
    assert b"hunter2" == kept.read_bytes()
    assert [kept] == [path for path in folder.rglob("*") if path.is_file()]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
    item = keys.Handover("traefik", "dns_token", "traefik", "dns_token")
    keys.hand_over(folder / "secrets", [item], given=["traefik/dns_token"])
    assert "hunter2" == keys.read_secret(folder / "secrets/traefik/dns_token")


def test_a_new_one_replaces_the_old_one(tmp_path):
    for value in (b"old", b"new"):
        line = give_command(str(tmp_path), "traefik/dns_token")
        subprocess.run(["/bin/sh", "-c", line], input=value, check=True)

    assert b"new" == (tmp_path / "secrets/given/traefik/dns_token").read_bytes()
