# SPDX-License-Identifier: GPL-3.0-or-later
"""The one user a registry may have, as kept on disk: a salted scrypt hash, never the password."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import typing as t
from dataclasses import asdict, dataclass

COST = 2**14  # scrypt's N: 16 MiB and some 50 ms
_BLOCK_SIZE = 8


@dataclass(frozen=True)
class Credentials:
    """A user name with the hash of a password; `token_key` signs bearer tokens. All but the name in hexadecimal."""

    username: str
    salt: str
    password_hash: str
    token_key: str
    cost: int = COST

    @classmethod
    def create(cls, username: str, password: str, cost: int = COST) -> Credentials:
        """`cost` is scrypt's N, a power of two; only tests want less than the default."""
        salt = secrets.token_bytes(16)
        return cls(username, salt.hex(), _hash(password, salt, cost), secrets.token_hex(32), cost)

    @classmethod
    def from_document(cls, document: t.Mapping[str, t.Any]) -> Credentials:
        """Read what as_document gave. Raises ValueError when it is anything else."""
        kinds = {"username": str, "salt": str, "password_hash": str, "token_key": str, "cost": int}
        if set(document) != set(kinds) or not all(isinstance(document[name], kind) for name, kind in kinds.items()):
            raise ValueError("not a registry's credentials")
        credentials = cls(**document)
        bytes.fromhex(credentials.salt + credentials.token_key)
        return credentials

    def as_document(self) -> dict[str, t.Any]:
        return asdict(self)

    def accepts(self, username: str, password: str) -> bool:
        """Whether these are the right ones. Slow by design; the time does not depend on what is wrong."""
        right_hash = hmac.compare_digest(self.password_hash, _hash(password, bytes.fromhex(self.salt), self.cost))
        return hmac.compare_digest(self.username.encode(), username.encode()) and right_hash


def _hash(password: str, salt: bytes, cost: int) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=_BLOCK_SIZE, p=1, dklen=32).hex()
