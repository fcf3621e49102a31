# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a key pair in cosign's format, once.

The private key comes first and the public key can always be made from it, so a run that is killed anywhere leaves what
the next one completes. When a pair is replaced, the old public key goes before the new private key comes: the two
never belong to different pairs.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, field, replace

from ..._cosign.keys import PublicKey
from ..._cosign.pem import UnreadableKey
from ..._cosign.signing_key import SigningKey
from ..._registry.locks import exclusive
from ..._shared.errors import GitopsError, InvalidOption
from ..._shared.files import FileAppeared
from .._case import Outcome
from . import key_files, key_reading

Regenerate = t.Literal["never", "public_key", "always"]
Step = t.Literal["keep", "make", "replace"]

_PUBLIC_MODE = 0o644
_UNREADABLE = "a file that is not a public key"


class OtherPublicKey(GitopsError):
    """The file of the public key holds something else than the public half of the private key."""

    code = "other_public_key"


@dataclass(frozen=True)
class Request:
    """Where the pair is to be. `access` is that of the private key, whose owner the public key gets as well."""

    path: str
    public_path: str
    passphrase: bytes = field(repr=False)
    access: key_files.Access
    regenerate: Regenerate = "never"


@dataclass(frozen=True)
class Plan:
    """What is there (`key`, and in `found` what the public key's file says of itself) and what is to be done."""

    key: SigningKey | None
    private: Step
    public: Step
    found: str | None
    drift: tuple[str, ...]  # of the private key's mode and owner, a few words each

    @property
    def changes(self) -> bool:
        """Whether a file would be written, or its mode or owner set."""
        return bool(self.drift) or (self.private, self.public) != ("keep", "keep")


class KeyPair:
    """The use-case of cosign_keypair."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def plan(self) -> Plan:
        """Everything that can be wrong is found here, before anything is written."""
        request = self._request
        if os.path.realpath(request.path) == os.path.realpath(request.public_path):
            raise InvalidOption("public_key_path", "the same file as path")
        found = key_reading.read_if_present(request.path, "path")
        key: SigningKey | None = None
        private: Step = "make"
        if found is not None and request.regenerate == "always":
            private = "replace"
        elif found is not None:
            key, private = SigningKey.load(found, request.passphrase, f"path: {request.path}"), "keep"
        if private != "keep":
            key_files.check_writable(request.path, "path")
        public, said = self._plan_public(key)
        drift = request.access.differences(request.path) if private == "keep" else []
        return Plan(key, private, public, said, tuple(drift))

    def _plan_public(self, key: SigningKey | None) -> tuple[Step, str | None]:
        request = self._request
        content = key_reading.read_if_present(request.public_path, "public_key_path")
        said = None if content is None else fingerprint(content)
        if key is not None and said == key.public.fingerprint:
            return "keep", said
        if content is not None and request.regenerate == "never":
            raise OtherPublicKey(
                f"public_key_path: {request.public_path} is {said}, and does not belong to the private key"
                f" {request.path}{'' if key else ', which does not exist'}; remove it, or say with regenerate what may"
                " be replaced",
                public_key_path=request.public_path,
            )
        key_files.check_writable(request.public_path, "public_key_path")
        return ("make" if content is None else "replace"), said

    def predict(self, plan: Plan) -> Outcome:
        """What would be made or replaced."""
        return self._outcome(plan, plan.key, would=True)

    def apply(self, plan: Plan) -> Outcome:
        """Carry the plan out. What another process made in the meantime is taken as it is, never replaced."""
        if not plan.changes:
            return self._outcome(plan, plan.key)
        with exclusive(f"key pair {os.path.realpath(self._request.path)}"):
            if plan.private == "make":
                plan = self.plan()
            try:
                key = self._write(plan)
            except FileAppeared:  # on another host, where the directory is shared
                plan = self.plan()
                key = self._write(plan)
        return self._outcome(plan, key)

    def _write(self, plan: Plan) -> SigningKey:
        request = self._request
        key = plan.key or SigningKey.generate()
        with contextlib.ExitStack() as stack:
            put_private, put_public = None, None
            if plan.private != "keep":
                content = key.encrypted_pem(request.passphrase)
                put_private = stack.enter_context(key_files.staged_key(request.path, content, request.access))
            if plan.public != "keep":
                access = replace(request.access, mode=_PUBLIC_MODE)
                put_public = stack.enter_context(key_files.staged_key(request.public_path, key.public.pem, access))
            if put_private is not None:
                if plan.private == "replace":
                    key_files.remove(request.public_path)
                put_private(exclusive=plan.private == "make")
                key_files.sync_directory(os.path.dirname(request.path))
            if put_public is not None:
                put_public()
                key_files.sync_directory(os.path.dirname(request.public_path))
        if plan.drift:
            request.access.impose(request.path)
        return key

    def _outcome(self, plan: Plan, key: SigningKey | None, *, would: bool = False) -> Outcome:
        request = self._request
        public = key.public if key is not None else None
        return Outcome(
            changed=plan.changes,
            values={
                "path": request.path,
                "public_key_path": request.public_path,
                "public_key": None if public is None else public.pem.decode(),
                "fingerprint": None if public is None else public.fingerprint,
                "type": "ecdsa-p256" if public is None else public.kind,
                "key_version": None,
            },
            actions=_actions(request, plan, would),
            diff=_diff(request, plan),
            warnings=_warnings(request, plan, key),
        )


def fingerprint(content: bytes) -> str:
    """That of a public key's file, or what it is instead."""
    try:
        return PublicKey.load(content, "public key").fingerprint
    except UnreadableKey:
        return _UNREADABLE


def _warnings(request: Request, plan: Plan, key: SigningKey | None) -> list[str]:
    warnings = [f"{request.path}: {key.refusal}"] if key is not None and key.refusal else []
    if plan.private != "keep" and request.passphrase.endswith(b"\n"):
        warnings.append(
            "passphrase: it ends with a newline, which everybody who uses the key will have to give as well"
        )
    return warnings


def _actions(request: Request, plan: Plan, would: bool) -> list[str]:
    done = {"make": "would make" if would else "made", "replace": "would replace" if would else "replaced"}
    actions = [f"{'would change' if would else 'changed'} {words} of {request.path}" for words in plan.drift]
    if plan.private != "keep":
        actions.append(f"{done[plan.private]} the private key {request.path}")
    if plan.public != "keep":
        actions.append(f"{done[plan.public]} the public key {request.public_path}")
    return actions


def _diff(request: Request, plan: Plan) -> dict[str, str]:
    """The pair before and after, without key material."""
    known = plan.key.public.fingerprint if plan.key is not None else "a new key"
    before = {"make": "absent", "replace": "an older key", "keep": known}[plan.private]
    drift = f" ({', '.join(plan.drift)})" if plan.drift else ""
    return {
        "before": f"{request.path}: {before}\n{request.public_path}: {plan.found or 'absent'}\n",
        "after": f"{request.path}: {known}{drift}\n{request.public_path}: {known}\n",
    }
