# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures made by hand, each wrong (or merely unusual) in one way. Nothing of ours makes them but the key."""

from __future__ import annotations

import base64
import gzip
import json
import typing as t
from dataclasses import dataclass, field

from interop.stored import BUNDLE, Document, Stored, compact

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.cosign import Format

ELSEWHERE = "sha256:" + "a1" * 32
SIGN = "https://sigstore.dev/cosign/sign/v1"
Signer = t.Callable[[bytes], bytes]


@dataclass(frozen=True)
class Scene:
    """An artifact, the key that should have signed it, and another one."""

    stored: Stored
    sign: Signer
    sign_as_other: Signer


@dataclass(frozen=True)
class Case:
    """What is planted, our verdict on it, and which versions of cosign take it for a signature nevertheless."""

    form: Format
    plant: t.Callable[[Scene], object]
    verdict: str
    accepted_by: frozenset[int] = field(default_factory=frozenset)


BOTH: t.Final = frozenset({2, 3})


def payload(digest: object, **more: t.Any) -> Document:
    """What a legacy signature is over."""
    critical = {
        "identity": {"docker-reference": "127.0.0.1/app"},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return {"critical": {**critical, **more}, "optional": None}


def statement(digest: str, **more: t.Any) -> Document:
    """What a bundle's signature is over."""
    subject = [{"digest": {"sha256": digest.removeprefix("sha256:")}, "annotations": {}}]
    kind = {"_type": "https://in-toto.io/Statement/v1", "predicateType": SIGN}
    return {**kind, "subject": subject, "predicate": {}, **more}


def bundle(said: bytes | Document, sign: Signer, kind: str = "application/vnd.in-toto+json") -> Document:
    """A bundle around a statement."""
    body = said if isinstance(said, bytes) else compact(said)
    signature = sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(body), body))
    envelope = {"payload": _text(body), "payloadType": kind, "signatures": [{"sig": _text(signature)}]}
    material = {"publicKey": {"hint": "whatever"}}
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _good(scene: Scene, **more: t.Any) -> Document:
    return bundle(statement(scene.stored.digest, **more), scene.sign)


def _envelope(scene: Scene, **more: t.Any) -> Document:
    good = _good(scene)
    return {**good, "dsseEnvelope": {**good["dsseEnvelope"], **more}}


def _signed(make: t.Callable[[Scene], bytes | Document]) -> t.Callable[[Scene], object]:
    """Plant the payload that `make` gives, signed by the right key."""

    def plant(scene: Scene) -> None:
        made = make(scene)
        raw = made if isinstance(made, bytes) else compact(made)
        scene.stored.plant_signature(raw, scene.sign(raw))

    return plant


def _said(make: t.Callable[[Scene], bytes | Document]) -> t.Callable[[Scene], object]:
    """Plant a bundle with the statement that `make` gives, signed by the right key."""
    return lambda scene: scene.stored.plant_bundle(bundle(make(scene), scene.sign))


def _planted(make: t.Callable[[Scene], bytes | Document]) -> t.Callable[[Scene], object]:
    """Plant the bundle that `make` gives."""
    return lambda scene: scene.stored.plant_bundle(make(scene))


def _other_legacy_key(scene: Scene) -> None:
    raw = compact(payload(scene.stored.digest))
    scene.stored.plant_signature(raw, scene.sign_as_other(raw))


def _changed_payload(scene: Scene) -> None:
    raw = compact(payload(scene.stored.digest))
    scene.stored.plant_signature(raw, scene.sign(compact(payload(ELSEWHERE))))


def _changed_statement(scene: Scene) -> Document:
    here, there = _good(scene), bundle(statement(ELSEWHERE), scene.sign)
    return {**here, "dsseEnvelope": {**there["dsseEnvelope"], "payload": here["dsseEnvelope"]["payload"]}}


def _raw_signature(**layer: t.Any) -> t.Callable[[Scene], object]:
    def plant(scene: Scene) -> None:
        raw = compact(payload(scene.stored.digest))
        scene.stored.plant_signature(raw, scene.sign(raw), **layer)

    return plant


def _replaced(old: bytes, new: bytes) -> t.Callable[[Scene], object]:
    """A good bundle with other bytes in one place."""

    def plant(scene: Scene) -> None:
        raw = compact(_good(scene))
        assert old in raw
        scene.stored.plant_bundle(raw.replace(old, new, 1))

    return plant


def _twice(scene: Scene) -> bytes:
    wrong = f'"docker-manifest-digest":"{ELSEWHERE}",'.encode()
    return compact(payload(scene.stored.digest)).replace(
        b'"docker-manifest-digest"', wrong + b'"docker-manifest-digest"'
    )


def _message_signature(scene: Scene) -> Document:
    good = _good(scene)
    del good["dsseEnvelope"]
    digest = bytes.fromhex(scene.stored.digest[7:])
    said = {"algorithm": "SHA2_256", "digest": _text(digest)}
    raw = scene.stored.raw(scene.stored.digest)
    return {**good, "messageSignature": {"messageDigest": said, "signature": _text(scene.sign(raw))}}


def _url_safe(scene: Scene) -> Document:
    good = _good(scene)
    envelope = good["dsseEnvelope"]
    changed = {"payload": envelope["payload"].replace("+", "-").replace("/", "_")}
    signature = envelope["signatures"][0]["sig"].replace("+", "-").replace("/", "_").rstrip("=")
    return {**good, "dsseEnvelope": {**envelope, **changed, "signatures": [{"sig": signature}]}}


def _two_subjects(scene: Scene) -> Document:
    mine = statement(scene.stored.digest)
    return {**mine, "subject": [statement(ELSEWHERE)["subject"][0], {**mine["subject"][0], "name": "app"}]}


def _many(scene: Scene) -> None:
    """A good signature among more than cosign would ever look at (CVE-2023-46737)."""
    _raw_signature()(scene)
    document = json.loads(scene.stored.raw(scene.stored.signature_tag))
    document["layers"] *= 1001
    scene.stored.client.push_manifest(document, scene.stored.signature_tag)


LEGACY = {
    "nothing": Case("legacy", lambda _scene: None, "unsigned"),
    "another key": Case("legacy", _other_legacy_key, "wrong_key"),
    "copied from another digest": Case("legacy", _signed(lambda _scene: payload(ELSEWHERE)), "tampered"),
    "changed payload": Case("legacy", _changed_payload, "wrong_key"),
    "no signature": Case("legacy", _raw_signature(annotations={}), "malformed"),
    "not base64": Case(
        "legacy", _raw_signature(annotations={"dev.cosignproject.cosign/signature": "%%%"}), "malformed"
    ),
    "not JSON": Case("legacy", _signed(lambda _scene: b"signed, me"), "malformed"),
    "an array": Case("legacy", _signed(lambda scene: compact([payload(scene.stored.digest)])), "malformed"),
    "a list of digests": Case("legacy", _signed(lambda scene: payload([scene.stored.digest])), "malformed"),
    "capitals": Case("legacy", _signed(lambda scene: payload(scene.stored.digest.upper())), "malformed"),
    "no digest": Case("legacy", _signed(lambda _scene: payload("")), "malformed"),
    "more behind it": Case("legacy", _signed(lambda scene: compact(payload(scene.stored.digest)) + b"{}"), "malformed"),
    "too many": Case("legacy", _many, "malformed"),
    # Stricter than cosign: what two readers could take for different things.
    "another type": Case(
        "legacy", _signed(lambda scene: payload(scene.stored.digest, type="a shopping list")), "malformed", BOTH
    ),
    "a digest twice": Case("legacy", _signed(_twice), "malformed", BOTH),
    "unknown members": Case("legacy", _signed(lambda scene: payload(scene.stored.digest, x=1)), "malformed", BOTH),
}
BUNDLES = {
    "nothing": Case("bundle", lambda _scene: None, "unsigned"),
    "another key": Case(
        "bundle", _planted(lambda scene: bundle(statement(scene.stored.digest), scene.sign_as_other)), "wrong_key"
    ),
    "pointed at another digest": Case("bundle", _said(lambda _scene: statement(ELSEWHERE)), "tampered"),
    "changed statement": Case("bundle", _planted(_changed_statement), "wrong_key"),
    "no envelope": Case("bundle", _planted(_message_signature), "malformed"),
    "another payload type": Case(
        "bundle", _planted(lambda scene: bundle(statement(scene.stored.digest), scene.sign, "text/plain")), "malformed"
    ),
    "two signatures": Case(
        "bundle",
        _planted(lambda scene: _envelope(scene, signatures=_good(scene)["dsseEnvelope"]["signatures"] * 2)),
        "malformed",
    ),
    "a key id": Case("bundle", _replaced(b'{"sig":', b'{"keyid":"x","sig":'), "malformed"),
    "version 0.1": Case(
        "bundle", _planted(lambda scene: {**_good(scene), "mediaType": BUNDLE.replace(".v0.3", ".v0.1")}), "malformed"
    ),
    "an unknown field": Case("bundle", _planted(lambda scene: {**_good(scene), "x": 1}), "malformed"),
    "a field twice": Case("bundle", _replaced(b'"payloadType":', b'"payloadType":"x","payloadType":'), "malformed"),
    "not JSON": Case("bundle", _planted(lambda _scene: b"signed, me"), "malformed"),
    "no statement": Case("bundle", _said(lambda _scene: b'{"signed":"me"}'), "malformed"),
    "no subject": Case("bundle", _said(lambda scene: statement(scene.stored.digest, subject=[])), "malformed"),
    # Stricter than cosign and Flux: any statement of the right key counts as a signature there.
    "another predicate": Case(
        "bundle", _said(lambda scene: statement(scene.stored.digest, predicateType="https://x/y")), "unsigned", BOTH
    ),
}
UNUSUAL = {
    "a wrong hint": Case("bundle", _planted(_good), "verified", BOTH),
    "another spelling of the type": Case(
        "bundle",
        _planted(lambda scene: {**_good(scene), "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.3"}),
        "verified",
        BOTH,
    ),
    "compressed": Case("bundle", _planted(lambda scene: gzip.compress(compact(_good(scene)))), "verified", BOTH),
    "URL-safe base64": Case("bundle", _planted(_url_safe), "verified", BOTH),
    "names of the original": Case(
        "bundle",
        _replaced(b'"verificationMaterial":{"publicKey"', b'"verification_material":{"public_key"'),
        "verified",
        BOTH,
    ),
    "two subjects": Case("bundle", _said(_two_subjects), "verified", BOTH),
    "another artifact type": Case(
        "bundle",
        lambda scene: scene.stored.plant_bundle(_good(scene), artifactType="application/vnd.oci.empty.v1+json"),
        "verified",
        BOTH,
    ),
    "no artifact type": Case(
        "bundle", lambda scene: scene.stored.plant_bundle(_good(scene), artifactType=None), "verified", BOTH
    ),
    "white space": Case(
        "bundle", _planted(lambda scene: json.dumps(_good(scene), indent=2).encode()), "verified", BOTH
    ),
    "another repository's name": Case(
        "legacy",
        _signed(lambda scene: payload(scene.stored.digest, identity={"docker-reference": "example.com/b"})),
        "verified",
        BOTH,
    ),
}
