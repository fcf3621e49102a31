# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a key where it is kept, once: in a key store, or in a Secret of a cluster. It is never replaced there."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ..._kms.errors import NoSuchKey
from ..._registry.locks import exclusive
from .._case import Outcome
from . import key_files, key_reading
from .keypair import OtherPublicKey, fingerprint

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._kms.store import Named, StoredKey


class Pair(t.Protocol):
    """What holds the key, or will: see Store."""

    named: Named

    def public_key(self) -> StoredKey:
        """The key that is there; NoSuchKey where there is none."""

    def creator(self) -> t.Callable[[], None]:
        """What makes the key. A KeyStoreError where this store, or this URI, cannot have one made."""


@dataclass(frozen=True)
class Plan:
    """The key that is there, or what makes one; and whether the file of the public key is to be written.

    `found` says what that file holds; None where there is none.
    """

    key: StoredKey | None
    create: t.Callable[[], None] | None
    write: bool
    found: str | None


class StoredPair:
    """The use-case of cosign_keypair with a URI. `public_path` is a file for the public key, if any."""

    def __init__(self, pair: Pair, public_path: str | None, access: key_files.Access, *, replace: bool) -> None:
        self._pair = pair
        self._public_path = public_path
        self._access = access
        self._replace = replace

    def plan(self) -> Plan:
        """Everything that can be wrong is found here, before anything is made."""
        key, create = self._look(), None
        if key is None:
            create = self._pair.creator()
        path, said = self._public_path, None
        if path is None:
            return Plan(key, create, False, None)
        content = key_reading.read_if_present(path, "public_key_path")
        said = None if content is None else fingerprint(content)
        write = key is None or said != key.public.fingerprint
        if write and content is not None and not self._replace:
            raise OtherPublicKey(
                f"public_key_path: {path} is {said}, and does not belong to {self._pair.named.uri}"
                f"{'' if key else ', which does not exist'}; remove it, or say regenerate: public_key",
                public_key_path=path,
            )
        if write:
            key_files.check_writable(path, "public_key_path")
        return Plan(key, create, write, said)

    def predict(self, plan: Plan) -> Outcome:
        """What would be made and written."""
        return self._outcome(plan, plan.key, "would make", "would write")

    def apply(self, plan: Plan) -> Outcome:
        """Make the key unless another process of this host has, then write the file of its public half."""
        key = plan.key
        with exclusive(f"key {self._pair.named.uri}"):
            if plan.create is not None:
                key = self._look()  # another process of this host may have been faster
                if key is None:
                    plan.create()
            stored = key or self._pair.public_key()
            if self._public_path is not None and plan.write:
                with key_files.staged_key(self._public_path, stored.public.pem, self._access) as put:
                    put()
                key_files.sync_directory(os.path.dirname(self._public_path))
        return self._outcome(plan, stored, "made", "wrote")

    def _look(self) -> StoredKey | None:
        try:
            return self._pair.public_key()
        except NoSuchKey:
            return None

    def _outcome(self, plan: Plan, key: StoredKey | None, made: str, wrote: str) -> Outcome:
        uri, path = self._pair.named.uri, self._public_path
        public = key.public if key else None
        found = (plan.key.public.fingerprint if plan.key else "absent", plan.found or "absent")
        after = public.fingerprint if public else "a new key"
        places = [uri, *([path] if path else [])]
        actions = [f"{made} the key {uri}"] if plan.create else []
        actions += [f"{wrote} the public key {path}"] if plan.write else []
        return Outcome(
            changed=bool(actions),
            values={
                "path": None,
                "public_key_path": path,
                "public_key": public.pem.decode() if public else None,
                "fingerprint": public.fingerprint if public else None,
                "type": public.kind if public else "ecdsa-p256",
                "key_version": (key.version if key else "") or None,
            },
            actions=actions,
            diff={
                "before": "".join(f"{place}: {said}\n" for place, said in zip(places, found, strict=False)),
                "after": "".join(f"{place}: {after}\n" for place in places),
            },
            warnings=[f"{uri}: {public.signing_refusal}"] if public and public.signing_refusal else [],
        )
