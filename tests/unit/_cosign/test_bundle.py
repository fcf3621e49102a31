# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: cosign's own, and what its readers refuse."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
import typing as t

import pytest
from support import log_entries

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle as bundles
from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle_writer
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.malformed import MalformedSignature, UnreadSignature
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signer import Material
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import EMPTY_BYTES, Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

Vectors = dict[str, t.Any]
Change = t.Callable[[dict[str, t.Any]], object]
DIGEST = "sha256:" + "a1" * 32
VECTORS = ["c3bundle", "c2bundle", "c3attest", "c3p384", "c3ed", "keyless", "keytlog"]
ATTESTATION = "https://cosign.sigstore.dev/attestation/v1"


def made(digest: str = DIGEST, annotations: dict[str, str] | None = None, key: SigningKey | None = None) -> bytes:
    statement = bundle_writer.build_statement(digest, annotations or {})
    key = key or SigningKey.generate()
    signature = key.sign(bundles.pae(bundles.PAYLOAD_TYPE, statement))
    return bundle_writer.build_bundle(statement, signature, key.material(signature))


def changed(change: Change) -> bytes:
    value = json.loads(made())
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", VECTORS)
def test_cosigns_bundles_are_read(bundle_vectors: Vectors, name: str) -> None:
    vector = bundle_vectors[name]
    for referrer in vector["referrers"]:
        bundle = bundles.parse_bundle(referrer["bundle"].encode())
        assert bundle.media_type == bundles.MEDIA_TYPE
        assert (bundle.certificate is None) is (name != "keyless")
        assert (bundle.hint is None) is (name == "keyless")
        assert bundle.tlog_entries == bundle.timestamps == (1 if name in ("keyless", "keytlog") else 0)
        statement = bundles.parse_statement(bundle.payload)
        assert statement.predicate_type == (ATTESTATION if name == "c3attest" else bundles.SIGN_PREDICATE)
        assert [subject.digest for subject in statement.subjects] == [vector["digest"]]


def test_no_vector_is_left_out(bundle_vectors: Vectors) -> None:
    assert set(bundle_vectors) == set(VECTORS)


def test_hint_names_the_key(bundle_vectors: Vectors, public_keys: dict[str, PublicKey]) -> None:
    for name, key in (("c3bundle", "cosign3"), ("c2bundle", "cosign2"), ("c3p384", "p384"), ("keytlog", "cosign3")):
        for referrer in bundle_vectors[name]["referrers"]:
            assert bundles.parse_bundle(referrer["bundle"].encode()).hint == public_keys[key].hint


def test_statements_are_the_bytes_that_cosign_signs(bundle_vectors: Vectors) -> None:
    vector = bundle_vectors["c3bundle"]
    theirs = {bundles.parse_bundle(referrer["bundle"].encode()).payload for referrer in vector["referrers"]}
    annotations: list[dict[str, str]] = [{}, {"foo": "<b>&é", "a": "b=c"}]
    assert {bundle_writer.build_statement(vector["digest"], wanted) for wanted in annotations} == theirs


def test_bundles_are_the_bytes_that_cosign_writes(bundle_vectors: Vectors) -> None:
    for referrer in bundle_vectors["c3bundle"]["referrers"]:
        theirs = referrer["bundle"].encode()
        read = bundles.parse_bundle(theirs)
        assert bundle_writer.build_bundle(read.payload, read.signature, Material(hint=read.hint or "")) == theirs


def test_referrer_says_what_cosigns_says(bundle_vectors: Vectors) -> None:
    vector = bundle_vectors["c3bundle"]
    for referrer in vector["referrers"]:
        theirs = Manifest.parse(referrer["manifest"].encode())
        subject = Descriptor(vector["media_type"], vector["digest"], vector["size"], {"not": "copied"}, "not/copied")
        config, ours = bundle_writer.build_referrer(
            referrer["bundle"].encode(),
            subject,
            bundles.SIGN_PREDICATE,
            theirs.annotations["org.opencontainers.image.created"],
        )
        assert config == EMPTY_BYTES
        assert json.loads(ours.raw) == json.loads(theirs.raw)
        assert Manifest.parse(ours.raw) == ours


def test_referrer_without_a_time() -> None:
    subject = Descriptor("application/vnd.oci.image.manifest.v1+json", DIGEST, 5)
    manifest = bundle_writer.build_referrer(b"{}", subject, bundles.SIGN_PREDICATE, None)[1]
    assert "org.opencontainers.image.created" not in manifest.annotations
    assert manifest.raw == bundle_writer.build_referrer(b"{}", subject, bundles.SIGN_PREDICATE, None)[1].raw


def test_pae_is_that_of_the_specification() -> None:
    # The example of the DSSE specification, protocol.md.
    assert bundles.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_round_trip() -> None:
    key = SigningKey.generate()
    bundle = bundles.parse_bundle(made(annotations={"a": "b"}, key=key))
    assert key.public.verify(bundle.signature, bundles.pae(bundle.payload_type, bundle.payload))
    assert bundles.parse_statement(bundle.payload) == bundles.Statement(
        bundles.SIGN_PREDICATE, (bundles.Subject(DIGEST, {"a": "b"}),)
    )


def test_what_utf8_cannot_hold_is_refused_before_signing() -> None:
    with pytest.raises(InvalidOption, match="annotations"):
        bundle_writer.build_statement(DIGEST, {"k": "\udcff"})


def url_safe(value: dict[str, t.Any]) -> None:
    envelope = value["dsseEnvelope"]
    envelope["payload"] = envelope["payload"].replace("+", "-").replace("/", "_").rstrip("=")


def snake_case(value: dict[str, t.Any]) -> None:
    value["verification_material"] = {"public_key": value.pop("verificationMaterial")["publicKey"]}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}+json;version=0.3"), id="older spelling"
        ),
        pytest.param(lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}.v0.3.1-rc1+json"), id="0.3.1-rc1"),
        pytest.param(lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}.v0.4.0-a.1+b.2+json"), id="0.4.0-a.1"),
        pytest.param(lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}.v0.3.2+json"), id="patch version"),
        pytest.param(lambda v: v["verificationMaterial"]["publicKey"].update(hint="wrong"), id="wrong hint"),
        pytest.param(lambda v: v["verificationMaterial"]["publicKey"].clear(), id="no hint"),
        pytest.param(lambda v: v["dsseEnvelope"]["signatures"][0].update(keyid=""), id="empty keyid"),
        pytest.param(lambda v: v.update(messageSignature=None), id="null is absent"),
        pytest.param(url_safe, id="URL-safe base64"),
        pytest.param(snake_case, id="original field names"),
    ],
)
def test_what_cosign_accepts_is_accepted(change: Change) -> None:
    assert bundles.parse_statement(bundles.parse_bundle(changed(change)).payload).subjects[0].digest == DIGEST


BODY: t.Final = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{}}}'
ENTRY: t.Final = {**log_entries.ENTRY, "canonicalizedBody": base64.b64encode(BODY).decode()}


def with_entries(*entries: t.Mapping[str, t.Any]) -> Change:
    return lambda value: value["verificationMaterial"].update(tlogEntries=list(entries))


def without(name: str) -> dict[str, t.Any]:
    return {key: value for key, value in ENTRY.items() if key != name}


def test_log_entries_are_read() -> None:
    assert bundles.parse_bundle(changed(with_entries(ENTRY, without("inclusionProof")))).tlog_entries == 2


def body(text: str) -> dict[str, t.Any]:
    return {**ENTRY, "canonicalizedBody": base64.b64encode(text.encode()).decode()}


def other_signer(**signer: t.Any) -> Change:
    return lambda value: value.update(verificationMaterial=signer)


# What the peers cannot read as a bundle at all: cosign 3.1.3 says that there are no signatures.
UNREADABLE: list[tuple[Change, str]] = [
    (lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}+json;version=0.1"), "not that of version 0.3"),
    (lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}+json;version=0.2"), "not that of version 0.3"),
    (lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}.v0.4+json"), "not that of version 0.3"),
    (lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE}\n"), "not that of version 0.3"),
    (lambda v: v.pop("mediaType"), "not that of version 0.3"),
    (lambda v: v.update(extra=1), "unknown field 'extra'"),
    (lambda v: v["dsseEnvelope"].update(extra=1), "unknown field 'extra'"),
    (lambda v: v.pop("verificationMaterial"), "not exactly one of publicKey and certificate"),
    (other_signer(), "not exactly one of publicKey and certificate"),
    (
        lambda v: v["verificationMaterial"].update(certificate={"rawBytes": "AA=="}),
        "not exactly one of publicKey and certificate",
    ),
    (other_signer(x509CertificateChain={"certificates": [{"rawBytes": "AA=="}]}), "a certificate chain"),
    (lambda v: v.pop("dsseEnvelope"), "not exactly one of dsseEnvelope and messageSignature"),
    (
        lambda v: v.update(messageSignature={"signature": "AA=="}),
        "not exactly one of dsseEnvelope and messageSignature",
    ),
    (lambda v: v["dsseEnvelope"].update(payload="***"), "dsseEnvelope.payload: not base64"),
    (with_entries(*[ENTRY] * 33), "more than 32 entries"),
    (with_entries(without("inclusionProof")), "no inclusion proof"),
    (with_entries(without("logId")), "incomplete entry"),
    (with_entries(without("kindVersion")), "incomplete entry"),
    (with_entries({**ENTRY, "logIndex": -1}), "incomplete entry"),
    (with_entries({**ENTRY, "inclusionProof": {}}), "without a checkpoint"),
    (with_entries(without("canonicalizedBody")), "body of a log entry"),
    (with_entries(body("{}")), "a log entry without a kind or version"),
    (with_entries(body('{"apiVersion":"0.0.2","kind":"dsse","spec":{}}')), "a log entry of an unknown kind"),
    (with_entries(body('{"apiVersion":"0.0.1","kind":"dsse"}')), "whose spec is not an object"),
    (with_entries(body('{"apiVersion":"0.0.1","kind":"dsse","spec":{}}')), "a log entry that is not complete"),
    (lambda v: v.update(mediaType=f"{bundles.MEDIA_TYPE_PREFIX}.v0.3.0-rc1+json"), "not that of version 0.3"),
    (lambda v: v["dsseEnvelope"].update(payload_type=v["dsseEnvelope"].pop("payloadType")), "unknown field"),
    (
        with_entries({**body('{"apiVersion":"9","kind":"x","spec":{}}'), "kindVersion": {"kind": "x", "version": "9"}}),
        "a log entry of an unknown kind",
    ),
]


def to_message(value: dict[str, t.Any]) -> None:
    del value["dsseEnvelope"]
    value["messageSignature"] = {"messageDigest": {"algorithm": "SHA2_256", "digest": "AA=="}, "signature": "AA=="}


# What they read, and then refuse; so it hides legacy signatures from them.
REFUSED: list[tuple[Change, str]] = [
    (to_message, "not a DSSE envelope"),
    (other_signer(certificate={}), "the certificate is empty"),
    (lambda v: v["dsseEnvelope"]["signatures"].append({"sig": "AA=="}), "not exactly one signature"),
    (lambda v: v["dsseEnvelope"]["signatures"].clear(), "not exactly one signature"),
    (lambda v: v["dsseEnvelope"]["signatures"][0].clear(), "not exactly one signature"),
    (lambda v: v["dsseEnvelope"]["signatures"][0].update(keyid="x"), "keyid"),
    (lambda v: v["dsseEnvelope"].update(payloadType="text/plain"), "payload type"),
    (lambda v: v["dsseEnvelope"].pop("payloadType"), "payload type"),
    (
        lambda v: v["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": [{}] * 33}),
        "more than 32 time stamps",
    ),
]


@pytest.mark.parametrize(("change", "reason"), UNREADABLE + REFUSED)
def test_what_cosign_refuses_is_refused(change: Change, reason: str) -> None:
    with pytest.raises(MalformedSignature, match=reason):
        bundles.parse_bundle(changed(change))


@pytest.mark.parametrize("change", [change for change, _other in UNREADABLE])
def test_what_the_peers_skip_hides_nothing(change: Change) -> None:
    assert not bundles.is_readable(changed(change))


@pytest.mark.parametrize("change", [lambda value: value, *(change for change, _other in REFUSED)])
def test_what_the_peers_read_hides_legacy_signatures(change: Change) -> None:
    assert bundles.is_readable(changed(change))


@pytest.mark.parametrize(
    ("raw", "readable"),
    [
        (b"", False),
        (b"{}", False),
        (gzip.compress(b"{}", mtime=0), False),
        (gzip.compress(b"{}", mtime=0)[:-3], False),
        # We stop where the peers read on.
        (b" " * (bundles.MAX_BUNDLE + 1), True),
        (gzip.compress(b"{}", mtime=0) * 2, True),
        (b"\x28\xb5\x2f\xfd compressed by zstd", True),
    ],
)
def test_what_we_do_not_read_may_be_readable(raw: bytes, readable: bool) -> None:
    assert bundles.is_readable(raw) is readable
    with pytest.raises(MalformedSignature):
        bundles.parse_bundle(raw)


def test_a_log_entry_that_go_reads_and_we_do_not_hides_legacy_signatures() -> None:
    raw = changed(with_entries(body('{"apiVersion":"0.0.1","kind":"rekord","spec":{}}')))
    assert bundles.is_readable(raw)
    with pytest.raises(UnreadSignature):
        bundles.parse_bundle(raw)


def test_the_kind_that_is_announced_is_compared_with_nothing() -> None:
    assert bundles.parse_bundle(changed(with_entries({**ENTRY, "kindVersion": {"kind": "x"}}))).tlog_entries == 1


def test_duplicate_fields_are_refused() -> None:
    raw = made()
    with pytest.raises(MalformedSignature, match="duplicate key 'mediaType'"):
        bundles.parse_bundle(b'{"mediaType":"x",' + raw[1:])


def test_compressed_bundle_is_read() -> None:
    raw = made()
    assert bundles.parse_bundle(gzip.compress(raw, mtime=0)) == bundles.parse_bundle(raw)


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-9], lambda data: data + b"x", lambda data: data[:20] + b"\xff" * 20, lambda data: data * 2],
)
def test_damaged_compression_is_refused(spoil: t.Callable[[bytes], bytes]) -> None:
    with pytest.raises(MalformedSignature):
        bundles.parse_bundle(spoil(gzip.compress(made())))


def test_compression_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(MalformedSignature, match="more than"):
            bundles.parse_bundle(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * bundles.MAX_BUNDLE
    finally:
        tracemalloc.stop()


def test_huge_bundle_is_refused() -> None:
    with pytest.raises(MalformedSignature, match="more than"):
        bundles.parse_bundle(b" " * (bundles.MAX_BUNDLE + 1))


def statement(**change: t.Any) -> bytes:
    value = json.loads(bundle_writer.build_statement(DIGEST, {}))
    value.update(change)
    return json.dumps({key: member for key, member in value.items() if member is not None}).encode()


def test_subjects_are_read_as_they_are() -> None:
    subject = [
        {"name": "n", "digest": {"sha512": "ab"}},
        {"digest": {"sha256": "AB"}, "annotations": {"n": 1}},
        {"uri": "u", "content": "AA==", "downloadLocation": "d", "mediaType": "m"},
    ]
    read = bundles.parse_statement(statement(subject=subject, predicate={"any": ["thing", None]})).subjects
    assert read == (bundles.Subject(None), bundles.Subject("sha256:AB", {"n": 1}), bundles.Subject(None))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "statement"),
        (b"null", "a JSON object"),
        (statement(_type="https://in-toto.io/Statement/v2"), "the type is not"),
        (statement(_type=None), "the type is not"),
        (statement(predicateType=None), "no predicateType"),
        (statement(subject=[]), "no subject"),
        (statement(subject=None), "no subject"),
        (statement(subject=[{}] * 1025), "more than 1024"),
        (statement(subject=[{"digest": {str(n): "" for n in range(33)}}]), "more than 32"),
        (statement(subject=[None]), "not an object"),
        (statement(subject=[{"digest": {"sha256": "xyz"}}]), "not hexadecimal"),
        (statement(subject=[{"digest": {"sha256": "abc"}}]), "not hexadecimal"),
        (statement(predicate="text"), "not an object"),
        (statement(extra=1), "unknown field"),
    ],
)
def test_hostile_statements(payload: bytes, reason: str) -> None:
    with pytest.raises(MalformedSignature, match=reason):
        bundles.parse_statement(payload)


def test_payload_that_is_not_a_statement_is_a_readable_bundle() -> None:
    """Only after the signature is checked does it matter what the payload says."""
    raw = changed(lambda v: v["dsseEnvelope"].update(payload=base64.b64encode(b"\xff").decode()))
    assert bundles.parse_bundle(raw).payload == b"\xff"
