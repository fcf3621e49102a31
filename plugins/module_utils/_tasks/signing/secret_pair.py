# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the key pair of a Secret, for cosign_keypair."""

from __future__ import annotations

import typing as t

from ..._cosign.signing_key import SigningKey
from ..._kms.store import StoredKey
from ..._kube import secrets
from ..._kube.apply import Planner, Rule
from .key_secret import KEY, PASSWORD, PUBLIC

if t.TYPE_CHECKING:  # pragma: no cover
    from .key_secret import KeySecret


class SecretPair:
    """A Pair in a Secret, whose own password opens its key."""

    def __init__(self, secret: KeySecret, passphrase: bytes) -> None:
        self._secret = secret
        self._passphrase = passphrase
        self.named = secret.named

    def public_key(self) -> StoredKey:
        """The public half of the private key in it."""
        held = self._secret.key_file()
        return StoredKey(SigningKey.load(held.private, held.passphrase or b"", held.where).public)

    def creator(self) -> t.Callable[[], None]:
        """What makes the Secret, with a new key; what another process made by then is kept."""
        secret = self._secret
        secret.register(self._passphrase.decode("utf-8", "surrogateescape"))

        def create() -> None:
            key = SigningKey.generate()
            values = {
                KEY: key.encrypted_pem(self._passphrase),
                PUBLIC: key.public.pem,
                PASSWORD: self._passphrase,
            }
            secret.register(values[KEY].decode())
            planner = Planner(secret.client, Rule())
            live = planner.live(secret.id)
            if live is None:
                step = planner.plan_one(secrets.manifest(secret.id, "Opaque", values), live)
                if step.blocked:
                    raise step.blocked
                planner.carry_out([step])

        return create
