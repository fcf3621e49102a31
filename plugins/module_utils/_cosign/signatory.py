# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs, as far as that is known before anything is signed: by what name, and how its signatures are found."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .policy import Keys

if t.TYPE_CHECKING:  # pragma: no cover
    from .keys import PublicKey
    from .policy import Trust
    from .signer import Signer


@dataclass(frozen=True)
class Signatory:
    """`name` is for messages. A signature is the signatory's own where `trust` says so.

    `key`, its `version` where a store has versions of it, and `public_key` (PEM) are those of a key, `identity` and
    `issuer` those of a keyless signer; None else.
    """

    name: str
    trust: Trust
    key: str | None = None
    public_key: str | None = None
    identity: str | None = None
    issuer: str | None = None
    version: str | None = None

    @classmethod
    def of_key(cls, public: PublicKey, version: str | None = None) -> Signatory:
        """Who has the private half."""
        key = public.fingerprint
        name = f"{key} (version {version} of the key)" if version else key
        return cls(name, Keys([public]), key, public.pem.decode(), version=version)

    @property
    def values(self) -> dict[str, str | None]:
        """For a task's result; the identity only where there is one."""
        keyless = {"identity": self.identity, "issuer": self.issuer} if self.identity is not None else {}
        return {"key": self.key, "key_version": self.version, "public_key": self.public_key, **keyless}


class Named(t.Protocol):
    """What knows who signs. It may know more surely after `prepare`, which is called before anything is signed."""

    @property
    def signatory(self) -> Signatory:
        """As far as it is known now; nobody is asked."""

    def prepare(self) -> None:
        """Find out for certain."""


class NamedByKey:
    """A signer's key says it all."""

    def __init__(self, signer: Signer, version: str | None = None) -> None:
        self.signatory = Signatory.of_key(signer.public, version)

    def prepare(self) -> None:
        """Nothing more is to be known."""
