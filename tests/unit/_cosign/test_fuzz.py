# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes over the wire gets a verdict, never an exception, and never VERIFIED without a signature."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.json_fuzz import json_values, mutate

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle as bundles
from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle_writer, simple_signing_writer
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.pem import UnreadableKey, read_pem
from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import Keys
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.simple_signing import SIGNATURE_ANNOTATION
from ansible_collections.proven.gitops.plugins.module_utils._cosign.verdicts import Verdict, judge_bundle, judge_legacy

KEY = SigningKey.generate()
KEYS = Keys([KEY.public])
DIGEST = "sha256:" + "a1" * 32
PAYLOAD = simple_signing_writer.build_payload("h.example/r", DIGEST, {"a": "b"})
STATEMENT = bundle_writer.build_statement(DIGEST, {"a": "b"})
SIGNATURE = KEY.sign(bundles.pae(bundles.PAYLOAD_TYPE, STATEMENT))
BUNDLE = bundle_writer.build_bundle(STATEMENT, SIGNATURE, KEY.material(SIGNATURE))

quick = settings(max_examples=100)

words = st.sampled_from(
    [
        "critical", "optional", "identity", "docker-reference", "image", "docker-manifest-digest", "type",
        "mediaType", "verificationMaterial", "publicKey", "hint", "dsseEnvelope", "payload", "payloadType",
        "signatures", "sig", "tlogEntries", "certificate", "_type", "subject", "digest", "sha256", "predicateType",
        "predicate", "annotations", bundles.MEDIA_TYPE, bundles.PAYLOAD_TYPE, bundles.SIGN_PREDICATE, DIGEST, "AA==",
    ]
)  # fmt: skip
values = json_values(words, max_leaves=20)


def splice(raw: bytes, where: int, new: bytes, cut: int) -> bytes:
    where %= len(raw) + 1
    return raw[:where] + new + raw[where + cut :]


def check_bundle(raw: bytes) -> Verdict:
    finding = judge_bundle(raw, DIGEST, KEYS, {"a": "b"})
    json.dumps([finding.reason, finding.annotations, finding.predicate_type]).encode()
    finding.reason.encode()
    return finding.verdict


def check_legacy(payload: bytes, signature: str | None) -> Verdict:
    beside = {} if signature is None else {SIGNATURE_ANNOTATION: signature}
    finding = judge_legacy(payload, beside, DIGEST, KEYS, {"a": "b"})
    json.dumps([finding.reason, finding.annotations]).encode()
    finding.reason.encode()
    return finding.verdict


def refusal(read: t.Callable[[], object]) -> str:
    """The message of the one error that reading may raise."""
    try:
        read()
    except UnreadableKey as error:
        return error.message
    return "key: read"


@pytest.mark.fault("P4")
@quick
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_anything_as_a_bundle(raw: bytes) -> None:
    assert check_bundle(raw) is Verdict.MALFORMED


@pytest.mark.fault("P4")
@quick
@given(st.integers(min_value=0), values)
def test_a_bundle_with_one_value_replaced(where: int, new: t.Any) -> None:
    raw = mutate(BUNDLE, where, new)
    if check_bundle(raw) is Verdict.VERIFIED:  # only the hint may be anything, for nothing trusts it
        envelope = json.loads(raw)["dsseEnvelope"]
        assert base64.b64decode(envelope["payload"]) == STATEMENT


@pytest.mark.fault("P4")
@quick
@given(st.integers(min_value=0), st.binary(max_size=4), st.integers(min_value=0, max_value=4))
def test_a_bundle_with_a_splice(where: int, new: bytes, cut: int) -> None:
    raw = splice(BUNDLE, where, new, cut)
    if check_bundle(raw) is Verdict.VERIFIED:
        assert bundles.parse_bundle(raw).payload == STATEMENT


@pytest.mark.fault("P12")
@quick
@given(st.integers(min_value=0), values)
def test_a_validly_signed_statement_with_one_value_replaced(where: int, new: t.Any) -> None:
    statement = mutate(STATEMENT, where, new)
    signature = KEY.sign(bundles.pae(bundles.PAYLOAD_TYPE, statement))
    raw = bundle_writer.build_bundle(statement, signature, KEY.material(signature))
    if check_bundle(raw) is Verdict.VERIFIED:
        value = json.loads(statement)
        assert value["subject"][0]["digest"]["sha256"] == DIGEST.partition(":")[2]
        assert value["subject"][0]["annotations"]["a"] == "b"
        assert value["predicateType"] == bundles.SIGN_PREDICATE


@pytest.mark.fault("P3")
@quick
@given(st.integers(min_value=0), values)
def test_a_validly_signed_payload_with_one_value_replaced(where: int, new: t.Any) -> None:
    payload = mutate(PAYLOAD, where, new)
    verdict = check_legacy(payload, base64.b64encode(KEY.sign(payload)).decode())
    if verdict is Verdict.VERIFIED:
        value = json.loads(payload)
        assert value["critical"]["image"]["docker-manifest-digest"] == DIGEST
        assert value["optional"]["a"] == "b"


@pytest.mark.fault("P3")
@quick
@given(st.binary(max_size=200), st.none() | st.text(max_size=20) | st.binary(max_size=80).map(base64.b64encode))
def test_anything_as_a_payload(payload: bytes, signature: str | bytes | None) -> None:
    text = signature.decode() if isinstance(signature, bytes) else signature
    assert check_legacy(payload, text) in (Verdict.MALFORMED, Verdict.WRONG_KEY)


@pytest.mark.fault("P5")
@quick
@given(st.integers(min_value=0), st.binary(max_size=4), st.integers(min_value=0, max_value=4))
def test_a_public_key_with_a_splice(where: int, new: bytes, cut: int) -> None:
    pem = splice(KEY.public.pem, where, new, cut)
    assert refusal(lambda: PublicKey.load(pem, "key")).startswith("key: ")


@pytest.mark.fault("P5")
@quick
@given(st.binary(max_size=300))
def test_anything_as_a_key_file(data: bytes) -> None:
    pem = b"-----BEGIN X-----\n" + data + b"-----END X-----\n"
    assert refusal(lambda: read_pem(pem, "key")).startswith("key: ")
