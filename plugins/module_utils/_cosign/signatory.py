# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs, as far as that is known before anything is signed: by what name, and how its signatures are found."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .policy import Keys

if t.TYPE_CHECKING:  # pragma: no cover
    from .keys import PublicKey
    from .policy import Trust
    from .signer import Signer


@dataclass(frozen=True)
class Signatory:
    """`name` is for messages. A signature is the signatory's own where `trust` says so.

    `key` and `public_key` (PEM) are those of a key, and `version` is the one that signs, where its store has versions;
    `identity` and `issuer` those of a keyless signer; None else.
    """

    name: str
    trust: Trust
    key: str | None = None
    public_key: str | None = None
    identity: str | None = None
    issuer: str | None = None
    version: str | None = None

    @classmethod
    def of_key(cls, public: PublicKey, version: str = "") -> Signatory:
        """Who has the private half."""
        name = f"{public.fingerprint} (version {version} of the key)" if version else public.fingerprint
        return cls(name, Keys([public]), public.fingerprint, public.pem.decode(), version=version or None)

    def trusting(self, trust: Trust) -> Signatory:
        """The same, whose signatures have to satisfy more."""
        return replace(self, trust=trust)

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

    def __init__(self, signer: Signer) -> None:
        self.signatory = Signatory.of_key(signer.public)

    def prepare(self) -> None:
        """Nothing more is to be known."""
