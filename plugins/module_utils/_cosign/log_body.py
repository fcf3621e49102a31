# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a log's entry is about one signature: content, bytes and signer (CVE-2022-36056, CVE-2026-22703).

That the log vouches for the entry is proven elsewhere. Sources as in log_entry.py.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, field

from .._shared import base64, shapes, strict_json


@dataclass(frozen=True)
class Logged:
    """A signature over `data`; `payload` is what is inside, where that is a DSSE envelope.

    `verifier` is the DER of the certificate, or of the key, `pem` the same as a PEM file.
    """

    signature: bytes
    data: bytes = field(repr=False)
    payload: bytes | None = field(repr=False)
    verifier: bytes
    pem: bytes


def difference(body: bytes, logged: Logged) -> str:
    """In what the entry is about something else, as part of a sentence; empty where it is about this signature."""
    try:
        value = strict_json.load_object(body, "the body of the entry")
        kind, version, spec = (value.get(name) for name in ("kind", "apiVersion", "spec"))
        read = _READERS.get((kind, version))
        if read is None:
            return f"of the kind {shapes.text(kind)[:50]} {shapes.text(version)[:20]}"
        digests, signature, verifiers = read(shapes.mapping(spec), logged)
    except (strict_json.MalformedJson, base64.NotBase64, ValueError) as error:
        return f"not readable: {error}"
    if not digests:
        return "about another content"
    if signature != logged.signature:
        return "about another signature"
    return "" if verifiers else "by another signer"


Read = tuple[bool, bytes, bool]  # whether digest, and whether signer are the same, with the signature between


def _dsse(spec: dict[str, t.Any], logged: Logged) -> Read:
    signatures = shapes.mappings(spec.get("signatures"))
    if len(signatures) != 1:
        raise ValueError(f"{len(signatures)} signatures")
    same = spec.get("payloadHash") == _hash(logged.payload or b"") and logged.payload is not None
    return same, base64.decode(signatures[0].get("signature")), _is_pem(signatures[0].get("verifier"), logged)


def _hashedrekord(spec: dict[str, t.Any], logged: Logged) -> Read:
    same = shapes.at(spec, "data", "hash") == _hash(logged.data)
    pem = shapes.at(spec, "signature", "publicKey", "content")
    return same, base64.decode(shapes.at(spec, "signature", "content")), _is_pem(pem, logged)


def _hashedrekord_v2(spec: dict[str, t.Any], logged: Logged) -> Read:
    inner = shapes.mapping(spec.get("hashedRekordV002"))
    wanted = {"algorithm": "SHA2_256", "digest": base64.encode(hashlib.sha256(logged.data).digest())}
    verifier = shapes.mapping(shapes.at(inner, "signature", "verifier"))
    raw = [shapes.at(verifier, kind, "rawBytes") for kind in ("x509Certificate", "publicKey") if kind in verifier]
    signer = len(raw) == 1 and base64.decode(raw[0]) == logged.verifier
    return inner.get("data") == wanted, base64.decode(shapes.at(inner, "signature", "content")), signer


_READERS: dict[tuple[t.Any, t.Any], t.Callable[[dict[str, t.Any], Logged], Read]] = {
    ("dsse", "0.0.1"): _dsse,
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
}


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def _is_pem(text: object, logged: Logged) -> bool:
    return base64.decode(text).split() == logged.pem.split()
