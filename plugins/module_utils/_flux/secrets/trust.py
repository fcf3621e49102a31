# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret that a source trusts, as far as anybody may see it: which public keys are in it, and when it changed.

Source: source-controller, docs/spec/v1/ocirepositories.md: every data key that ends in `.pub` is a public key, and any
one of them may have signed; one that cannot be parsed fails the verification, whenever it is looked at first.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._cosign.keys import PublicKey
from ..._cosign.pem import UnreadableKey
from ..._shared import base64
from ..rules.rule import Finding

if t.TYPE_CHECKING:  # pragma: no cover
    from ..status.conditions import Object

SUFFIX = ".pub"
_OPTION = "verify.secret_ref"


@dataclass(frozen=True)
class TrustedKey:
    """One entry of the Secret: `fingerprint` and `kind` of the key, or the `fault` that it has."""

    name: str
    fingerprint: str = ""
    kind: str = ""
    fault: str = ""

    def as_value(self) -> dict[str, str | None]:
        """As a task returns it."""
        return {
            "name": self.name,
            "fingerprint": self.fingerprint or None,
            "kind": self.kind or None,
            "fault": self.fault or None,
        }


@dataclass(frozen=True)
class Trust:
    """The Secret. `present` is None where one may not read it. `changed` is when it was written last, RFC 3339."""

    present: bool | None
    keys: tuple[TrustedKey, ...] = ()
    changed: str = ""

    def describe(self) -> list[dict[str, str | None]] | None:
        """Its public keys as a task returns them; None where it could not be read."""
        return [key.as_value() for key in self.keys] if self.present else None

    def findings(self, name: str) -> t.Iterator[Finding]:
        """Why Flux cannot verify with it."""
        if self.present is None:
            yield Finding("keys-unread", "note", _OPTION, f"the Secret {name} may not be read with these credentials")
        elif not self.present:
            yield Finding("keys-missing", "error", _OPTION, f"there is no Secret {name}, so Flux refuses everything")
        elif not self.keys:
            text = f"no key of the Secret {name} ends in {SUFFIX}, so Flux finds no public key and refuses everything"
            yield Finding("keys-missing", "error", _OPTION, text)
        for key in self.keys:
            if key.fault:
                yield Finding("key-unusable", "error", _OPTION, f"{name}: {key.name}: {key.fault}")


def read(secret: Object | None) -> Trust:
    """A Secret as the API server returns it, or None where there is none. Nothing but public keys is looked at."""
    if secret is None:
        return Trust(False)
    data = secret.get("data")
    entries = sorted(data.items()) if isinstance(data, dict) else []
    listed = tuple(_key(name, text) for name, text in entries if name.endswith(SUFFIX))
    return Trust(True, listed, _changed(secret))


def _key(name: str, text: object) -> TrustedKey:
    try:
        pem = base64.decode(text if isinstance(text, str) else "")
        key = PublicKey.load(pem, name)
    except base64.NotBase64:
        return TrustedKey(name, fault="it is not valid base64")
    except UnreadableKey as error:
        return TrustedKey(name, fault=error.message.removeprefix(f"{name}: "))
    fault = "" if key.flux_verifiable else key.flux_reason
    return TrustedKey(name, key.fingerprint, key.kind, fault)


def _changed(secret: Object) -> str:
    """When somebody last wrote it: Kubernetes notes that for each field manager."""
    metadata = secret.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    entries = metadata.get("managedFields")
    times = [one.get("time") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    times.append(metadata.get("creationTimestamp"))
    return max((time for time in times if isinstance(time, str)), default="")
