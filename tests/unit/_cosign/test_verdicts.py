# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: the peers' own signatures pass, and each known attack gets its name."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle as bundles
from ansible_collections.proven.gitops.plugins.module_utils._cosign import (
    bundle_writer,
    policy,
    simple_signing_writer,
    verdicts,
)
from ansible_collections.proven.gitops.plugins.module_utils._cosign import simple_signing as legacy
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signer import Material
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.verdicts import (
    Finding,
    Verdict,
    describe,
    signers,
)
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Manifest

Vectors = dict[str, t.Any]
Keys = dict[str, PublicKey]
DIGEST = "sha256:" + "a1" * 32
OTHER = "sha256:" + "b2" * 32


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def judge_legacy(
    payload: bytes,
    signature: str | None,
    digest: str,
    keys: t.Sequence[PublicKey],
    wanted: dict[str, str],
    **beside: str,
) -> Finding:
    annotations = {} if signature is None else {legacy.SIGNATURE_ANNOTATION: signature}
    annotations |= {f"dev.sigstore.cosign/{name}": text for name, text in beside.items()}
    return verdicts.judge_legacy(payload, annotations, digest, policy.Keys(keys), wanted)


def judge_bundle(
    raw: bytes,
    digest: str,
    keys: t.Sequence[PublicKey],
    wanted: dict[str, str],
    predicate: str | None = bundles.SIGN_PREDICATE,
) -> Finding:
    return verdicts.judge_bundle(raw, digest, policy.Keys(keys), wanted, predicate)


class Anybody(policy.AnyOf):
    """So many signers, whoever they are."""

    def __init__(self, count: int = 1) -> None:
        self._count = count

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return len(set(signers)) >= self._count


def overall(findings: t.Sequence[Finding], count: int = 1) -> Verdict:
    return verdicts.overall(findings, Anybody(count))


def sign_legacy(key: SigningKey, payload: bytes) -> tuple[bytes, str]:
    return payload, b64(key.sign(payload))


def sign_bundle(key: SigningKey, payload: bytes, payload_type: str = bundles.PAYLOAD_TYPE) -> bytes:
    signature = key.sign(bundles.pae(payload_type, payload))
    return bundle_writer.build_bundle(payload, signature, key.material(signature))


def of_legacy(vectors: Vectors, name: str) -> list[tuple[bytes, str]]:
    manifest = Manifest.parse(vectors[name]["manifest"].encode())
    return [
        (payload.encode(), layer.annotations[legacy.SIGNATURE_ANNOTATION])
        for payload, layer in zip(vectors[name]["payloads"], manifest.layers, strict=True)
    ]


# -- what cosign signed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key"), [("c3legacy", "cosign3"), ("c2legacy", "cosign2")])
def test_cosigns_legacy_signatures_verify(legacy_vectors: Vectors, public_keys: Keys, name: str, key: str) -> None:
    digest = legacy_vectors[name]["digest"]
    for payload, signature in of_legacy(legacy_vectors, name):
        finding = judge_legacy(payload, signature, digest, list(public_keys.values()), {})
        assert (finding.verdict, finding.key) == (Verdict.VERIFIED, public_keys[key].fingerprint)
        assert finding.format == "legacy"


@pytest.mark.parametrize(("name", "key"), [("c3bundle", "cosign3"), ("c2bundle", "cosign2"), ("keytlog", "cosign3")])
def test_cosigns_bundles_verify(bundle_vectors: Vectors, public_keys: Keys, name: str, key: str) -> None:
    vector = bundle_vectors[name]
    for referrer in vector["referrers"]:
        finding = judge_bundle(referrer["bundle"].encode(), vector["digest"], list(public_keys.values()), {})
        assert (finding.verdict, finding.key) == (Verdict.VERIFIED, public_keys[key].fingerprint)
        assert (finding.format, finding.predicate_type) == ("bundle", bundles.SIGN_PREDICATE)


def test_cosigns_annotations_are_found(legacy_vectors: Vectors, bundle_vectors: Vectors, public_keys: Keys) -> None:
    wanted, key = {"foo": "<b>&é"}, [public_keys["cosign3"]]
    found = [
        judge_legacy(*stored, legacy_vectors["c3legacy"]["digest"], key, wanted)
        for stored in of_legacy(legacy_vectors, "c3legacy")
    ]
    vector = bundle_vectors["c3bundle"]
    found += [judge_bundle(r["bundle"].encode(), vector["digest"], key, wanted) for r in vector["referrers"]]
    assert sorted(f.verdict for f in found) == [Verdict.VERIFIED] * 2 + [Verdict.WRONG_IDENTITY] * 2
    assert all(f.annotations == {"foo": "<b>&é", "a": "b=c"} for f in found if f.verdict is Verdict.VERIFIED)


@pytest.mark.parametrize(("name", "key", "trap"), [("c3p384", "p384", "SHA-384"), ("c3ed", "ed25519", "Ed25519ph")])
def test_hash_trap_is_refused_as_by_cosign(
    legacy_vectors: Vectors, bundle_vectors: Vectors, public_keys: Keys, name: str, key: str, trap: str
) -> None:
    """cosign 3.1.3 itself refuses what it signed with these keys."""
    payload, signature = of_legacy(legacy_vectors, name)[0]
    found = [judge_legacy(payload, signature, legacy_vectors[name]["digest"], [public_keys[key]], {})]
    vector = bundle_vectors[name]
    found += [judge_bundle(r["bundle"].encode(), vector["digest"], [public_keys[key]], {}) for r in vector["referrers"]]
    for finding in found:
        assert (finding.verdict, finding.key) == (Verdict.WRONG_KEY, None)
        assert f"by the given key {public_keys[key].fingerprint}" in finding.reason
        assert trap in finding.reason


def test_attestation_is_no_signature(bundle_vectors: Vectors, public_keys: Keys) -> None:
    """CVE-2022-35929: a statement of another type must not count."""
    vector, keys = bundle_vectors["c3attest"], list(public_keys.values())
    for referrer in vector["referrers"]:
        raw = referrer["bundle"].encode()
        finding = judge_bundle(raw, vector["digest"], keys, {})
        assert finding.verdict is Verdict.UNSIGNED
        assert "attestation/v1" in finding.reason
        assert finding.key is not None
        # Flux takes any statement for a signature.
        assert judge_bundle(raw, vector["digest"], keys, {}, predicate=None).verdict is Verdict.VERIFIED
        assert judge_bundle(raw, OTHER, keys, {}).verdict is Verdict.TAMPERED


def test_keyless_bundle_is_by_no_key(bundle_vectors: Vectors, public_keys: Keys) -> None:
    vector = bundle_vectors["keyless"]
    raw = vector["referrers"][0]["bundle"].encode()
    finding = judge_bundle(raw, vector["digest"], list(public_keys.values()), {})
    assert finding.verdict is Verdict.WRONG_KEY
    assert "keyless" in finding.reason


# -- attacks --------------------------------------------------------------------------------------------------------


def test_signature_moved_to_another_digest(ours: SigningKey) -> None:
    """A `.sig` image or a bundle copied from a digest that is signed to one that is not (CVE-2026-31830)."""
    stored = sign_legacy(ours, simple_signing_writer.build_payload("h.example/r", OTHER, {}))
    bundle = sign_bundle(ours, bundle_writer.build_statement(OTHER, {}))
    for finding in (judge_legacy(*stored, DIGEST, [ours.public], {}), judge_bundle(bundle, DIGEST, [ours.public], {})):
        assert finding.verdict is Verdict.TAMPERED
        assert finding.key == ours.public.fingerprint
        assert OTHER in finding.reason
        assert DIGEST in finding.reason


def test_moved_signature_of_a_stranger_is_a_strangers(ours: SigningKey, stranger: SigningKey) -> None:
    """Nothing is believed that no given key signed: not that it was moved, either."""
    stored = sign_legacy(stranger, simple_signing_writer.build_payload("h.example/r", OTHER, {}))
    bundle = sign_bundle(stranger, bundle_writer.build_statement(OTHER, {}))
    for finding in (judge_legacy(*stored, DIGEST, [ours.public], {}), judge_bundle(bundle, DIGEST, [ours.public], {})):
        assert (finding.verdict, finding.key) == (Verdict.WRONG_KEY, None)
        assert finding.reason == "not by the given key"


def test_payload_changed_after_signing(ours: SigningKey) -> None:
    payload, signature = sign_legacy(ours, simple_signing_writer.build_payload("h.example/r", OTHER, {}))
    swapped = payload.replace(OTHER.encode(), DIGEST.encode())
    assert judge_legacy(swapped, signature, DIGEST, [ours.public], {}).verdict is Verdict.WRONG_KEY
    value = json.loads(sign_bundle(ours, bundle_writer.build_statement(OTHER, {})))
    value["dsseEnvelope"]["payload"] = b64(bundle_writer.build_statement(DIGEST, {}))
    assert judge_bundle(json.dumps(value).encode(), DIGEST, [ours.public], {}).verdict is Verdict.WRONG_KEY


def test_signature_of_one_format_is_none_in_the_other(ours: SigningKey) -> None:
    payload, signature = sign_legacy(ours, simple_signing_writer.build_payload("h.example/r", DIGEST, {}))
    as_bundle = bundle_writer.build_bundle(payload, base64.b64decode(signature), Material())
    assert judge_bundle(as_bundle, DIGEST, [ours.public], {}).verdict is Verdict.WRONG_KEY
    statement = bundle_writer.build_statement(DIGEST, {})
    encoded = bundles.pae(bundles.PAYLOAD_TYPE, statement)
    finding = judge_legacy(encoded, b64(ours.sign(encoded)), DIGEST, [ours.public], {})
    assert finding.verdict is Verdict.MALFORMED


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"not JSON", id="unparsable payload that is validly signed (CVE-2026-39395)"),
        pytest.param(b'{"critical":{"type":"other"},"optional":null}', id="another type"),
        pytest.param(simple_signing_writer.build_payload("h.example/r", DIGEST, {}) + b"\n{}", id="two payloads"),
    ],
)
def test_signed_nonsense_is_malformed(ours: SigningKey, payload: bytes) -> None:
    finding = judge_legacy(*sign_legacy(ours, payload), DIGEST, [ours.public], {})
    assert (finding.verdict, finding.key) == (Verdict.MALFORMED, ours.public.fingerprint)
    finding = judge_bundle(sign_bundle(ours, payload), DIGEST, [ours.public], {})
    assert (finding.verdict, finding.key) == (Verdict.MALFORMED, ours.public.fingerprint)


@pytest.mark.parametrize("signature", [None, "", "***", "AAAA"])
def test_what_is_no_signature(ours: SigningKey, signature: str | None) -> None:
    payload = simple_signing_writer.build_payload("h.example/r", DIGEST, {})
    finding = judge_legacy(payload, signature, DIGEST, [ours.public], {})
    assert finding.verdict is (Verdict.WRONG_KEY if signature == "AAAA" else Verdict.MALFORMED)


def test_bundle_that_breaks_a_rule_is_malformed_even_by_the_right_key(ours: SigningKey) -> None:
    value = json.loads(sign_bundle(ours, bundle_writer.build_statement(DIGEST, {})))
    value["dsseEnvelope"]["signatures"] *= 2
    finding = judge_bundle(json.dumps(value).encode(), DIGEST, [ours.public], {})
    assert (finding.verdict, finding.reason) == (Verdict.MALFORMED, "bundle: not exactly one signature")


def test_certificate_beside_a_valid_signature_is_not_by_the_key(ours: SigningKey) -> None:
    """Not even if the key would verify it: cosign and Flux take the certificate's word then, and refuse."""
    value = json.loads(sign_bundle(ours, bundle_writer.build_statement(DIGEST, {})))
    value["verificationMaterial"] = {"certificate": {"rawBytes": b64(b"not a certificate")}}
    assert judge_bundle(json.dumps(value).encode(), DIGEST, [ours.public], {}).verdict is Verdict.WRONG_KEY


def test_hint_is_not_trusted(ours: SigningKey, stranger: SigningKey) -> None:
    value = json.loads(sign_bundle(stranger, bundle_writer.build_statement(DIGEST, {})))
    value["verificationMaterial"]["publicKey"]["hint"] = ours.public.hint
    assert judge_bundle(json.dumps(value).encode(), DIGEST, [ours.public], {}).verdict is Verdict.WRONG_KEY


# -- subjects and annotations ---------------------------------------------------------------------------------------


def statement_of(*subjects: dict[str, t.Any]) -> bytes:
    value = json.loads(bundle_writer.build_statement(DIGEST, {}))
    value["subject"] = list(subjects)
    return json.dumps(value).encode()


def test_any_subject_may_be_the_digest_and_the_first_that_is_decides(ours: SigningKey) -> None:
    hexadecimal = DIGEST.partition(":")[2]
    other, first, second = (
        {"digest": {"sha256": "00"}, "annotations": {"a": "right"}},
        {"digest": {"sha256": hexadecimal}, "annotations": {"a": "right"}},
        {"digest": {"sha256": hexadecimal}, "annotations": {"a": "wrong"}},
    )
    for subjects, verdict in (
        ((other, first), Verdict.VERIFIED),
        ((other, second, first), Verdict.WRONG_IDENTITY),
        ((other,), Verdict.TAMPERED),
        (({"digest": {"sha512": "00"}},), Verdict.TAMPERED),
        (({"digest": {"sha256": hexadecimal.upper()}},), Verdict.TAMPERED),
        (({"name": DIGEST},), Verdict.TAMPERED),
    ):
        bundle = sign_bundle(ours, statement_of(*subjects))
        assert judge_bundle(bundle, DIGEST, [ours.public], {"a": "right"}).verdict is verdict


@pytest.mark.parametrize(
    ("signed", "wanted", "reason"),
    [
        ({}, {"env": "prod"}, "valid, but without the annotation 'env'"),
        ({"env": "test"}, {"env": "prod"}, "valid, but the annotation 'env' is 'test', not 'prod'"),
        ({"env": "prod", "more": "x"}, {"env": "prod"}, "valid"),
        ({"env": "prod"}, {}, "valid"),
    ],
)
def test_annotations_are_a_subset(
    ours: SigningKey, signed: dict[str, str], wanted: dict[str, str], reason: str
) -> None:
    stored = sign_legacy(ours, simple_signing_writer.build_payload("h.example/r", DIGEST, signed))
    bundle = sign_bundle(ours, bundle_writer.build_statement(DIGEST, signed))
    for finding in (
        judge_legacy(*stored, DIGEST, [ours.public], wanted),
        judge_bundle(bundle, DIGEST, [ours.public], wanted),
    ):
        assert finding.reason == reason
        assert finding.verdict is (Verdict.VERIFIED if reason == "valid" else Verdict.WRONG_IDENTITY)
        assert finding.annotations == signed


@pytest.mark.parametrize("value", [1, True, None, ["1"], {"1": 1}])
def test_annotation_of_another_type_is_not_equal(ours: SigningKey, value: object) -> None:
    payload = json.loads(simple_signing_writer.build_payload("h.example/r", DIGEST, {}))
    payload["optional"] = {"n": value}
    stored = sign_legacy(ours, json.dumps(payload).encode())
    assert judge_legacy(*stored, DIGEST, [ours.public], {"n": str(value)}).verdict is Verdict.WRONG_IDENTITY


def test_any_of_several_keys(ours: SigningKey, stranger: SigningKey) -> None:
    stored = sign_legacy(ours, simple_signing_writer.build_payload("h.example/r", DIGEST, {}))
    finding = judge_legacy(*stored, DIGEST, [stranger.public, ours.public], {})
    assert (finding.verdict, finding.key) == (Verdict.VERIFIED, ours.public.fingerprint)
    finding = judge_legacy(*stored, DIGEST, [stranger.public, SigningKey.generate().public], {})
    assert finding.reason == "not by any of the 2 given keys"


def test_near_miss_of_a_p256_key() -> None:
    native = ec.generate_private_key(ec.SECP256R1())
    payload = simple_signing_writer.build_payload("h.example/r", DIGEST, {})
    signature = b64(native.sign(payload, ec.ECDSA(hashes.SHA384())))
    finding = judge_legacy(payload, signature, DIGEST, [SigningKey(native).public], {})
    assert finding.verdict is Verdict.WRONG_KEY
    assert "another hash than SHA-256" in finding.reason


# -- the verdict on all ---------------------------------------------------------------------------------------------


def finding(verdict: Verdict, key: str | None = None) -> Finding:
    return Finding(verdict, "bundle", "", key)


REFUSALS = [
    Verdict.UNREACHABLE,
    Verdict.NOT_FOUND,
    Verdict.TAMPERED,
    Verdict.MALFORMED,
    Verdict.WRONG_IDENTITY,
    Verdict.WRONG_KEY,
    Verdict.UNSIGNED,
]


def test_no_findings_are_unsigned() -> None:
    assert overall([]) is Verdict.UNSIGNED


@pytest.mark.parametrize("position", range(len(REFUSALS)))
def test_the_gravest_refusal_speaks_for_all(position: int) -> None:
    occurred = [finding(verdict) for verdict in reversed(REFUSALS[position:])]
    assert overall(occurred) is REFUSALS[position]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_one_valid_signature_is_enough(refusal: Verdict) -> None:
    assert overall([finding(refusal), finding(Verdict.VERIFIED, "k")]) is Verdict.VERIFIED


def test_threshold_counts_distinct_keys() -> None:
    """CVE-2026-49834: one signer counted many times."""
    twice = [finding(Verdict.VERIFIED, "a"), finding(Verdict.VERIFIED, "a")]
    assert overall(twice, 2) is Verdict.WRONG_KEY
    assert overall([*twice, finding(Verdict.VERIFIED, "b")], 2) is Verdict.VERIFIED
    assert overall([*twice, finding(Verdict.TAMPERED, "b")], 2) is Verdict.TAMPERED
    assert overall([*twice, finding(Verdict.UNSIGNED, "b")], 2) is Verdict.WRONG_KEY
    assert signers([*twice, finding(Verdict.TAMPERED, "b")]) == ("a",)


def test_valid_by_no_named_key_counts_for_nothing() -> None:
    assert overall([finding(Verdict.VERIFIED, None)]) is Verdict.WRONG_KEY


def test_every_verdict_is_described() -> None:
    sentences = {describe(verdict) for verdict in Verdict}
    assert len(sentences) == len(Verdict) == 8
    assert json.dumps({"v": Verdict.WRONG_KEY}) == '{"v": "wrong_key"}'
