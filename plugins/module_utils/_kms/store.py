# SPDX-License-Identifier: GPL-3.0-or-later
"""A key that stays where it is kept: what every kind of store can do, and how one is reached."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._cosign.keys import PublicKey
from .._cosign.pem import UnreadableKey, write_pem
from .._http.settings import HttpSettings
from .._shared.errors import InvalidOption
from .._shared.scrub import keep_to_ourselves
from .errors import BadAnswer

_NO_SETTINGS = HttpSettings()


@dataclass(frozen=True)
class Access:
    """How a task reaches key stores, where the store's own variables do not say it.

    `address` and `token` are those of Vault or OpenBao, `pin` and `module_path` of a PKCS#11 token.
    """

    address: str = ""
    token: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    module_path: str = ""
    http: HttpSettings = _NO_SETTINGS
    register_secret: t.Callable[[str], None] = field(default=keep_to_ourselves, repr=False)


@dataclass(frozen=True)
class Named:
    """The URI of a key, as `option` gave it: its scheme, and what follows that. `shown` has no secret in it."""

    option: str
    scheme: str
    rest: str = field(repr=False)
    shown: str = ""

    @property
    def uri(self) -> str:
        """The URI that may be seen."""
        return self.shown or f"{self.scheme}{self.rest}"

    @property
    def where(self) -> str:
        """How a message begins."""
        return f"{self.option}: {self.uri}"

    def invalid(self, reason: str) -> InvalidOption:
        """The error for a URI, or what belongs to it, that cannot be used."""
        return InvalidOption(self.option, f"{self.uri[:300]}: {reason}")

    def bad(self, what: str) -> BadAnswer:
        """The error for an answer of the store that is not as it must be."""
        return BadAnswer(f"{self.where}: the key store {what}", key=self.uri)

    def load(self, pem: bytes) -> PublicKey:
        """The public key that the store gave; BadAnswer where it is none."""
        return self._usable(lambda: PublicKey.load(pem, "the key"))

    def load_der(self, der: bytes, label: str = "PUBLIC KEY") -> PublicKey:
        """As `load`, from DER of the kind that a PEM block with this label has."""
        return self.load(write_pem(label, der))

    def load_key(self, key: object) -> PublicKey:
        """As `load`, from a key of the library."""
        return self._usable(lambda: PublicKey.of(key, "the key"))

    def _usable(self, read: t.Callable[[], PublicKey]) -> PublicKey:
        try:
            return read()
        except UnreadableKey as error:
            raise self.bad(f"gives no usable public key: {error.message}") from None


@dataclass(frozen=True)
class StoredKey:
    """The public half, and the version of the key that it belongs to; empty where the store knows no versions.

    `refusal` says why the store does not sign with it as the peers verify, in half a sentence; empty when it does.
    """

    public: PublicKey
    version: str = ""
    refusal: str = ""


class Store(t.Protocol):
    """One key in a store, from several threads at once. Every method raises KeyStoreError's kinds."""

    named: Named

    def public_key(self) -> StoredKey:
        """The key, of the version that sign() takes from then on. NoSuchKey where there is none."""

    def sign(self, digest: bytes) -> bytes:
        """A signature over a SHA-256 digest: ECDSA in ASN.1 DER, RSA as PKCS#1 v1.5."""

    def creator(self) -> t.Callable[[], None]:
        """What makes an ECDSA P-256 key. InvalidOption, before that, where it is not for us to do."""
