# SPDX-License-Identifier: Apache-2.0
import os
import re
import stat

import bcrypt
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from beast_ops import keys
from beast_ops.errors import BeastError, CardError, SettingsError
from beast_ops.keys import Handover, derive, hand_over, missing, read_pair, read_secret, versions

MASTER = bytes(range(32))
TOKEN = Handover("beast-api", "token", "beast-api", "token")
LENT = Handover("beast-api", "vectors_key", "qdrant", "api_key")
BOTH = (TOKEN, LENT)


@pytest.fixture
def folder(tmp_path):
    """A folder of secrets whose master key is known."""
    found = tmp_path / "secrets"
    found.mkdir(mode=0o700)
    (found / "master.key").write_bytes(MASTER)
    (found / "master.key").chmod(0o600)
    return found


# RFC 5869, appendix A, test cases 1 to 3: the function we rely on is the one it describes.
VECTORS = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        (
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    ),
    (
        "0b" * 22,
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]


@pytest.mark.parametrize(("key", "salt", "info", "expected"), VECTORS)
def test_hkdf_is_that_of_rfc_5869(key, salt, info, expected):
    wanted = bytes.fromhex(expected)
    made = HKDF(SHA256(), len(wanted), bytes.fromhex(salt), bytes.fromhex(info))

    assert wanted == made.derive(bytes.fromhex(key))


@pytest.mark.parametrize(
    ("owner", "name", "version", "secret"),
    [
        ("beast-api", "token", 1, "elhCiBvC2QtTUui-UXqWxIIJxe2aawye03ZHsQaQK7w"),
        ("beast-api", "token", 2, "3zj9Evc8yi0id_rD74sH7rHL7XOiwWPp_FctxrSfr4I"),
        ("qdrant", "api_key", 1, "uQ9GVr1MciOOKlG2xphiBotCJQWYYJE3femJFKCw0VE"),
    ],
)
def test_secrets_stay_what_they_were_in_the_first_version_of_this_program(
    owner, name, version, secret
):
    # Never change these: every installation would lose what its keys encrypt.
    assert secret == derive(MASTER, owner, name, version)


@given(st.binary(min_size=32, max_size=32), st.integers(1, 10**9))
def test_a_secret_can_stand_in_a_header_and_in_an_address(master, version):
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", derive(master, "a", "b", version))


def test_owner_name_version_and_master_all_count():
    made = {
        derive(master, owner, name, version)
        for master in (MASTER, bytes(32))
        for owner in ("a", "b")
        for name in ("a", "b")
        for version in (1, 2)
    }

    assert 16 == len(made)


def test_the_first_time_a_master_key_is_made(tmp_path):
    folder = tmp_path / "new" / "secrets"

    hand_over(folder, BOTH)

    assert 32 == len((folder / "master.key").read_bytes())
    assert {"beast-api", "master.key"} == {path.name for path in folder.iterdir()}


def test_every_installation_has_a_master_key_of_its_own(tmp_path):
    for name in ("one", "other"):
        hand_over(tmp_path / name, BOTH)

    assert read_secret(tmp_path / "one/beast-api/token") != read_secret(
        tmp_path / "other/beast-api/token"
    )


def test_each_reader_has_its_files(folder):
    hand_over(folder, BOTH)

    assert derive(MASTER, "beast-api", "token", 1) == read_secret(folder / "beast-api/token")
    assert derive(MASTER, "qdrant", "api_key", 1) == read_secret(folder / "beast-api/vectors_key")


def test_nobody_else_may_read_them_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        hand_over(tmp_path / "secrets", BOTH)
    finally:
        os.umask(before)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert len(modes) == 5
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


def test_what_is_right_is_left_alone(folder):
    hand_over(folder, BOTH)
    before = {path: path.stat().st_ino for path in folder.rglob("*")}

    hand_over(folder, BOTH)

    assert before == {path: path.stat().st_ino for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"other"),
        lambda path: path.chmod(0o644),
        lambda path: path.chmod(0),
    ],
    ids=["gone", "empty", "other", "readable", "unreadable"],
)
def test_a_damaged_file_is_made_again(damage, folder):
    hand_over(folder, BOTH)
    target = folder / "beast-api/token"
    damage(target)

    hand_over(folder, BOTH)

    assert derive(MASTER, "beast-api", "token", 1) == read_secret(target)
    assert 0o600 == stat.S_IMODE(target.stat().st_mode)


def test_an_unreadable_file_is_made_again_by_who_is_not_root(folder, monkeypatch):
    hand_over(folder, BOTH)

    def refuses(_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.read_bytes", refuses)
        assert not keys._holds(folder / "beast-api/token", b"", None)


def test_a_rotated_secret_is_handed_over_anew(folder):
    hand_over(folder, BOTH)
    (folder / "versions").write_text("qdrant/api_key 2\n")

    hand_over(folder, BOTH)

    assert derive(MASTER, "qdrant", "api_key", 2) == read_secret(folder / "beast-api/vectors_key")
    assert derive(MASTER, "beast-api", "token", 1) == read_secret(folder / "beast-api/token")


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_damaged_master_key_is_refused_and_left_as_it_is(length, folder):
    (folder / "master.key").write_bytes(b"s" * length)

    with pytest.raises(BeastError, match=f"has {length} bytes instead of 32"):
        hand_over(folder, BOTH)

    assert b"s" * length == (folder / "master.key").read_bytes()
    assert not (folder / "beast-api").exists()


def test_a_lost_master_key_is_never_replaced_while_its_secrets_are_here(folder):
    hand_over(folder, BOTH)
    (folder / "master.key").unlink()

    with pytest.raises(BeastError, match="the master key is gone"):
        hand_over(folder, BOTH)

    assert not (folder / "master.key").exists()


def test_a_lost_master_key_is_never_replaced_while_versions_tell_of_it(folder):
    (folder / "versions").write_text("qdrant/api_key 2\n")
    (folder / "master.key").unlink()

    with pytest.raises(BeastError, match="the master key is gone"):
        hand_over(folder, BOTH)


def test_a_master_key_that_others_may_read_is_closed(folder):
    (folder / "master.key").chmod(0o644)

    hand_over(folder, BOTH)

    assert 0o600 == stat.S_IMODE((folder / "master.key").stat().st_mode)


def test_the_master_key_is_in_no_error(folder):
    (folder / "master.key").write_bytes(b"hunter2")

    with pytest.raises(BeastError) as caught:
        hand_over(folder, BOTH)

    assert "hunter2" not in repr(caught.value) + caught.value.paragraph()


def test_missing_looks_at_each_file(folder):
    assert missing(folder, BOTH)

    hand_over(folder, BOTH)
    assert not missing(folder, BOTH)

    (folder / "beast-api/vectors_key").unlink()
    assert missing(folder, BOTH)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("a/b 2\n", {"a/b": 2}),
        ("a/b 2\nc/d 3\na/b 3\n", {"a/b": 3, "c/d": 3}),
        ("a/b 3\na/b 2\n", {"a/b": 3}),  # nothing takes a rotation back
        ("a/b 2", {"a/b": 2}),
        ("a/b 11\na/b 1", {"a/b": 11}),  # torn while 12 was written
        ("a/b 2\na/b ", {"a/b": 2}),
        ("a/b 2\na/", {"a/b": 2}),
        ("a/b 2\n\xc3", {"a/b": 2}),
        ("a/b 2\n\n", {"a/b": 2}),
    ],
)
def test_versions_are_read_even_if_the_last_line_is_torn(text, expected, tmp_path):
    (tmp_path / "versions").write_bytes(text.encode("latin-1"))

    assert expected == versions(tmp_path)


def test_without_the_file_nothing_was_rotated(tmp_path):
    assert {} == versions(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["a/b\nc/d 2\n", "a/b x\n", "a/b -1\n", "a/b \xb2\n", "\xff\xfe\n", f"a/b {'9' * 5000}\n"],
)
def test_a_damaged_line_is_refused_for_it_may_tell_of_a_rotation(text, tmp_path):
    (tmp_path / "versions").write_bytes(text.encode("latin-1"))

    with pytest.raises(BeastError, match="line 1 of the versions"):
        versions(tmp_path)


def test_a_secret_is_read_without_its_last_newline(tmp_path):
    (tmp_path / "s").write_text("hunter2\n")

    assert "hunter2" == read_secret(tmp_path / "s")


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot read a secret: No such file"), (b" \n", "empty"), (b"\xff\xfehunter2", "text")],
    ids=["missing", "empty", "bytes"],
)
def test_a_secret_that_is_none_says_so_and_no_more(content, said, tmp_path):
    if content is not None:
        (tmp_path / "s").write_bytes(content)

    with pytest.raises(BeastError, match=said) as caught:
        read_secret(tmp_path / "s")

    assert "Run: ./beast deploy" == caught.value.hint
    assert "hunter2" not in caught.value.paragraph()


def pair(folder, first, second):
    (folder / "all").write_text(first)
    (folder / "part").write_text(second)
    return read_pair(folder, "all", "part")


def test_two_secrets_of_a_service_are_read_from_their_files(tmp_path):
    assert (b"full", b"reading") == pair(tmp_path, "full\n", "reading")


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [("", "b", "empty"), ("a", " \n", "empty"), ("a", "a", "all and part are the same")],
)
def test_secrets_that_would_let_too_many_in_are_refused(tmp_path, first, second, complaint):
    with pytest.raises(SettingsError, match=complaint):
        pair(tmp_path, first, second)


def test_a_secret_that_is_missing_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot read a secret") as refused:
        read_pair(tmp_path, "all", "part")

    assert str(tmp_path / "all") == refused.value.subject


def given(folder, name="traefik/dns_token", value="hunter2"):
    keys.keep_given(folder, name, value)
    return Handover("traefik", "dns_token", "traefik", "dns_token")


def test_what_somebody_gives_is_handed_over_as_it_is(folder):
    item = given(folder)

    hand_over(folder, [item], given=["traefik/dns_token"])

    assert "hunter2" == read_secret(folder / "traefik/dns_token")


def test_what_somebody_must_give_is_asked_for_by_name(folder):
    wanted = Handover("traefik", "dns_token", "traefik", "dns_token")

    with pytest.raises(SettingsError, match="a secret that only you know is not set") as asked:
        hand_over(folder, [wanted], given=["traefik/dns_token"])

    assert "Run: ./beast secrets.set traefik/dns_token" == asked.value.hint


def test_what_is_given_may_be_there_before_the_master_key(tmp_path):
    folder = tmp_path / "new" / "secrets"
    item = given(folder)

    hand_over(folder, [item, *BOTH], given=["traefik/dns_token"])

    assert "hunter2" == read_secret(folder / "traefik/dns_token")
    assert 32 == len((folder / "master.key").read_bytes())


def test_nobody_else_may_read_what_is_given(tmp_path):
    before = os.umask(0)
    try:
        given(tmp_path / "secrets")
    finally:
        os.umask(before)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert 4 == len(modes)
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\n"])
def test_a_given_secret_is_one_line_and_not_empty(value, folder):
    with pytest.raises(SettingsError, match="one line that is not empty"):
        given(folder, value=value)

    assert not (folder / keys.GIVEN).exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "a/b 2\n"),
        ("", "a/b 2\n"),
        ("c/d 4\n", "c/d 4\na/b 2\n"),
        ("a/b 2\na/b 3\n", "a/b 2\na/b 3\na/b 4\n"),
        ("a/b 2", "a/b 2\na/b 3\n"),  # not torn, as far as one can tell: it counts
        ("c/d 4\na/b ", "c/d 4\na/b 2\n"),  # torn while it was written
        ("a/", "a/b 2\n"),
    ],
)
def test_a_rotation_is_written_down_after_all_others(before, after, tmp_path):
    if before is not None:
        (tmp_path / "versions").write_text(before)

    version = keys.rotate(tmp_path, "a/b")

    assert after == (tmp_path / "versions").read_text()
    assert version == versions(tmp_path)["a/b"]
    assert 0o600 == stat.S_IMODE((tmp_path / "versions").stat().st_mode)


def test_nothing_is_rotated_where_the_versions_are_damaged(tmp_path):
    (tmp_path / "versions").write_text("a/b x\nc/d 2\n")

    with pytest.raises(BeastError, match="damaged"):
        keys.rotate(tmp_path, "a/b")

    assert "a/b x\nc/d 2\n" == (tmp_path / "versions").read_text()


def test_a_value_is_what_is_handed_over(folder):
    hand_over(folder, BOTH)

    assert read_secret(folder / "beast-api/token") == keys.value(folder, "beast-api/token", 1)
    assert derive(MASTER, "beast-api", "token", 3) == keys.value(folder, "beast-api/token", 3)


def test_asking_for_a_value_makes_no_master_key(tmp_path):
    with pytest.raises(BeastError, match="there is no master key yet"):
        keys.value(tmp_path, "beast-api/token", 1)

    assert [] == list(tmp_path.iterdir())


def filled(folder, text, **said):
    hand_over(folder, BOTH, filled=[keys.FilledFile("beast-api", "env", text)], **said)
    return (folder / "beast-api/env").read_text()


def test_a_file_of_secrets_is_filled_in_for_its_reader(folder):
    own, lent = derive(MASTER, "beast-api", "token", 1), derive(MASTER, "qdrant", "api_key", 1)

    text = filled(folder, "A='{token}'\nB={vectors_key} ${HOME} {}\n")

    assert f"A='{own}'\nB={lent} ${{HOME}} {{}}\n" == text
    assert 0o600 == stat.S_IMODE((folder / "beast-api/env").stat().st_mode)


def test_a_file_that_asks_for_what_its_reader_has_not_is_refused(folder):
    with pytest.raises(CardError, match="asks for what the reader has not"):
        filled(folder, "{api_key}")


def test_a_hash_is_that_of_the_secret_and_the_same_each_time(folder):
    first = filled(folder, "admin:{token|bcrypt}")
    inode = (folder / "beast-api/env").stat().st_ino

    assert first == filled(folder, "admin:{token|bcrypt}")
    assert inode == (folder / "beast-api/env").stat().st_ino
    hashed = first.removeprefix("admin:").encode()
    assert bcrypt.checkpw(derive(MASTER, "beast-api", "token", 1).encode(), hashed)
    assert not bcrypt.checkpw(b"hunter2", hashed)
    assert hashed.startswith(b"$2b$05$")  # the front door hashes at every request


def test_every_reader_has_a_salt_of_its_own(folder):
    def hashed(reader):
        hand_over(
            folder,
            [Handover(reader, "token", "beast-api", "token")],
            filled=[keys.FilledFile(reader, "users", "{token|bcrypt}")],
        )
        return (folder / reader / "users").read_text()

    assert hashed("one")[:29] != hashed("other")[:29]


def test_a_rotation_changes_what_is_filled_in_by_one_rename(folder):
    before = filled(folder, "{token} {token|bcrypt}")
    opened = (folder / "beast-api/env").open()
    keys.rotate(folder, "beast-api/token")

    after = filled(folder, "{token} {token|bcrypt}")

    assert derive(MASTER, "beast-api", "token", 2) == after.split()[0]
    assert before == opened.read()  # whoever reads it just then reads all of the old one
    opened.close()
    assert {"env", "token", "vectors_key"} == {p.name for p in (folder / "beast-api").iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_belong_to_who_reads_them(folder):
    filled(folder, "{token}", owners={"beast-api": (4711, 4712)})

    owned = [folder / "beast-api", *(folder / "beast-api").iterdir()]
    assert {(4711, 4712)} == {(p.stat().st_uid, p.stat().st_gid) for p in owned}
    assert 0 == (folder / "master.key").stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_the_wrong_owner_is_made_again(folder):
    filled(folder, "{token}", owners={"beast-api": (4711, 4712)})
    os.chown(folder / "beast-api/token", 0, 0)

    filled(folder, "{token}", owners={"beast-api": (4711, 4712)})

    assert 4711 == (folder / "beast-api/token").stat().st_uid


def test_who_is_not_root_keeps_its_files(folder, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    filled(folder, "{token}", owners={"beast-api": (4711, 4712)})

    assert os.getuid() == (folder / "beast-api/token").stat().st_uid


def test_a_file_that_is_filled_in_can_be_missing(folder):
    files = [keys.FilledFile("beast-api", "env", "{token}")]
    hand_over(folder, BOTH)
    assert missing(folder, BOTH, filled=files)

    hand_over(folder, BOTH, filled=files)
    assert not missing(folder, BOTH, filled=files)
