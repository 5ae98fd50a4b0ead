# SPDX-License-Identifier: Apache-2.0
"""The master key under a passphrase: scrypt (RFC 7914) and AES-256-GCM, as `cryptography` has them.

AIBKEY1, 16 bytes of salt, 12 of nonce, what is encrypted with its tag
"""

import os

from beast_ops.errors import ArchiveError, SettingsError

LOCKED = "master.key.locked"
MAGIC = b"AIBKEY1"
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
# 128 MiB and about half a second for each guess; RFC 7914 section 2 names the parameters.
COST, BLOCK, LANES = 2**17, 8, 1
SHORTEST = 12


def lock(master: bytes, passphrase: str) -> bytes:
    """Return *master* encrypted under *passphrase*.

    Raises:
        SettingsError: If the passphrase is shorter than twelve characters.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(passphrase) < SHORTEST:
        raise SettingsError(f"a passphrase has at least {SHORTEST} characters")
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return MAGIC + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, master, MAGIC)


def unlock(locked: bytes, passphrase: str) -> bytes:
    """Return the master key that *locked* holds.

    Raises:
        ArchiveError: If the passphrase is another one, or *locked* is damaged.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start, salted = len(MAGIC), len(MAGIC) + SALT_BYTES
    salt, nonce = locked[start:salted], locked[salted : salted + NONCE_BYTES]
    if not locked.startswith(MAGIC):
        raise ArchiveError("this is no locked master key")
    try:
        opened = AESGCM(_key(passphrase, salt)).decrypt(
            nonce, locked[salted + NONCE_BYTES :], MAGIC
        )
    except (InvalidTag, ValueError):
        raise ArchiveError("this passphrase does not open the master key") from None
    return opened


def _key(passphrase: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_BYTES, n=COST, r=BLOCK, p=LANES).derive(passphrase.encode())
