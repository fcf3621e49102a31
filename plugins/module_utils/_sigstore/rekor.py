# SPDX-License-Identifier: GPL-3.0-or-later
"""Rekor, in both versions: a signature's entry in a transparency log.

Sources: rekor, openapi.yaml, and pkg/types/{dsse,hashedrekord}; rekor-tiles, CLIENTS.md and api/proto/rekor/v2;
sigstore/protobuf-specs, sigstore_rekor.proto.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass, field

from .._cosign import protojson as pj
from .._cosign.bundle import PAYLOAD_TYPE, pae
from .._cosign.bundle_schema import TLOG_ENTRY
from .._shared import base64, shapes, strict_json
from .service import CONFLICT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.keys import PublicKey
    from .service import Service

Entry = t.Mapping[str, t.Any]  # a TransparencyLogEntry as JSON
_UUID = re.compile(r"/([0-9a-f]{64}|[0-9a-f]{80})\Z")
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class Signed:
    """What is to be logged: the bytes that were signed, by whom, and with what.

    `payload` is what is inside of a DSSE envelope, None for bytes that were signed as they are. `details` names the
    kind of key as sigstore_common.proto does.
    """

    data: bytes = field(repr=False)
    signature: bytes
    payload: bytes | None = field(repr=False)
    certificate: bytes | None  # DER; None for a key
    public_key: bytes  # DER
    pem: bytes  # of the certificate, or else of the key
    details: str = "PKIX_ECDSA_P256_SHA_256"


class AlreadyLogged(Exception):
    """The log has this very signature, and does not say where."""


_DETAILS = {
    "ecdsa-p256": "PKIX_ECDSA_P256_SHA_256",
    **{f"rsa-{bits}": f"PKIX_RSA_PKCS1V15_{bits}_SHA256" for bits in (2048, 3072, 4096)},
}


def key_details(key: PublicKey) -> str:
    """What kind of key it is, and with which hash it signs, as sigstore_common.proto names it."""
    return _DETAILS[key.kind]


def payload_of(data: bytes) -> bytes | None:
    """The statement in DSSE's encoding of it; None for bytes that are no such encoding."""
    head = pae(PAYLOAD_TYPE, b"")[:-2]
    if not data.startswith(head):
        return None
    _length, _space, payload = data[len(head) :].partition(b" ")
    return payload if pae(PAYLOAD_TYPE, payload) == data else None


def add(service: Service, version: int, signed: Signed) -> Entry:
    """The entry of a signature, new or (on a repeated request) the one that is there; AlreadyLogged on Rekor v2."""
    return _add_v1(service, signed) if version == 1 else _add_v2(service, signed)


def _add_v2(service: Service, signed: Signed) -> Entry:
    verifier: dict[str, t.Any] = (
        {"publicKey": {"rawBytes": base64.encode(signed.public_key)}}
        if signed.certificate is None
        else {"x509Certificate": {"rawBytes": base64.encode(signed.certificate)}}
    )
    request = {
        "hashedRekordRequestV002": {
            "digest": base64.encode(hashlib.sha256(signed.data).digest()),
            "signature": {
                "content": base64.encode(signed.signature),
                "verifier": {**verifier, "keyDetails": signed.details},
            },
        }
    }
    reply = service.post("/api/v2/log/entries", strict_json.compact(request), _JSON)
    if reply.status == CONFLICT:
        raise AlreadyLogged
    if not 200 <= reply.status < 300:
        raise service.refused(reply)
    try:
        entry = pj.loads(reply.body, TLOG_ENTRY, "the entry")
    except pj.MalformedMessage as error:
        raise service.bad(error.message) from None
    return _written(service, entry)


def _add_v1(service: Service, signed: Signed) -> Entry:
    reply = service.post("/api/v1/log/entries", strict_json.compact(_proposed(signed)), _JSON)
    if reply.status == CONFLICT:  # an answer was lost, and the request came again: it is logged
        found = _UUID.search(reply.headers.get("Location", ""))
        if found is None:
            raise service.refused(reply)
        reply = service.get(f"/api/v1/log/entries/{found[1]}")
    if not 200 <= reply.status < 300:
        raise service.refused(reply)
    entries = shapes.mappings(list(service.object(reply).values()))
    if len(entries) != 1:
        raise service.bad(f"{len(entries)} entries, where one was asked for")
    return _written(service, _of_v1(service, entries[0]))


def _proposed(signed: Signed) -> dict[str, t.Any]:
    verifier = base64.encode(signed.pem)
    if signed.payload is None:
        spec: dict[str, t.Any] = {
            "signature": {"content": base64.encode(signed.signature), "publicKey": {"content": verifier}},
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(signed.data).hexdigest()}},
        }
        return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
    envelope = {
        "payload": base64.encode(signed.payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64.encode(signed.signature)}],
    }
    proposed = {"envelope": strict_json.compact(envelope).decode(), "verifiers": [verifier]}
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": proposed}}


def _of_v1(service: Service, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """An entry of Rekor v1 as the message that a bundle holds."""
    proof = shapes.mapping(shapes.at(entry, "verification", "inclusionProof"))
    try:
        body = base64.decode(entry.get("body", ""))
        said = strict_json.load_object(body, "the body of the entry")
        return {
            "logIndex": shapes.number(entry.get("logIndex"), -1),
            "logId": {"keyId": bytes.fromhex(shapes.text(entry.get("logID")))},
            "kindVersion": {"kind": shapes.text(said.get("kind")), "version": shapes.text(said.get("apiVersion"))},
            "integratedTime": shapes.number(entry.get("integratedTime")),
            "inclusionPromise": {
                "signedEntryTimestamp": base64.decode(shapes.at(entry, "verification", "signedEntryTimestamp"))
            },
            "inclusionProof": {
                "logIndex": shapes.number(proof.get("logIndex"), -1),
                "rootHash": bytes.fromhex(shapes.text(proof.get("rootHash"))),
                "treeSize": shapes.number(proof.get("treeSize"), -1),
                "hashes": [bytes.fromhex(shapes.text(one)) for one in proof.get("hashes") or []],
                "checkpoint": {"envelope": proof.get("checkpoint")},
            },
            "canonicalizedBody": body,
        }
    except (ValueError, TypeError, base64.NotBase64, strict_json.MalformedJson):
        raise service.bad("an entry that cannot be read") from None


def _written(service: Service, entry: dict[str, t.Any]) -> Entry:
    """As protobuf's JSON has it: integers as text, bytes in base64."""
    envelope = shapes.at(entry, "inclusionProof", "checkpoint", "envelope")
    if not shapes.at(entry, "logId", "keyId") or not isinstance(envelope, str) or not envelope:
        raise service.bad("an entry without a proof that it is in the log")
    return t.cast("Entry", _json(entry))


def _json(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {name: _json(member) for name, member in value.items() if member not in (b"", None)}
    if isinstance(value, list):
        return [_json(member) for member in value]
    if isinstance(value, bytes):
        return base64.encode(value)
    return str(value) if isinstance(value, int) else value
