# SPDX-License-Identifier: GPL-3.0-or-later
"""ECDSA signatures of stores that give r and s one behind the other (IEEE P1363), as the peers want them: in ASN.1."""

from __future__ import annotations

import typing as t

from .._shared.requirements import third_party

with third_party():
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Named

_LENGTH = 64  # bytes of P-256, the one curve that signs


def der(raw: bytes, named: Named) -> bytes:
    """The signature in DER; KeyStoreError where it has not the length of one."""
    if len(raw) != _LENGTH:
        raise named.bad(f"gives a signature of {len(raw)} bytes, where one by P-256 has {_LENGTH}")
    half = _LENGTH // 2
    return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
