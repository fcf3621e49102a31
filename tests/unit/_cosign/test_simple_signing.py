# SPDX-License-Identifier: GPL-3.0-or-later
"""The legacy format: cosign's own bytes, and what must not pass for a payload."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.malformed import MalformedSignature
from ansible_collections.proven.gitops.plugins.module_utils._cosign.simple_signing import (
    MAX_PAYLOAD,
    MAX_SIGNATURE,
    MEDIA_TYPE,
    SIGNATURE_ANNOTATION,
    parse_payload,
    parse_signature,
    tag_for,
)
from ansible_collections.proven.gitops.plugins.module_utils._cosign.simple_signing_writer import (
    LegacySignature,
    build_image,
    build_payload,
)
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import InvalidDigest, of_bytes
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

Vectors = dict[str, t.Any]
DIGEST = "sha256:" + "a1" * 32
# What `cosign sign -a` was given for each payload of the vectors.
ANNOTATIONS: dict[str, list[dict[str, str]]] = {
    "c3legacy": [{}, {"foo": "<b>&é", "a": "b=c"}],
    "c2legacy": [{}, {"env": "prod"}],
    "c3p384": [{}],
    "c3ed": [{}],
}


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_payloads_are_the_bytes_that_cosign_signs(legacy_vectors: Vectors, name: str) -> None:
    vector = legacy_vectors[name]
    built = [build_payload(vector["name"], vector["digest"], wanted).decode() for wanted in ANNOTATIONS[name]]
    assert built == vector["payloads"]


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_cosigns_payloads_are_read(legacy_vectors: Vectors, name: str) -> None:
    vector = legacy_vectors[name]
    for payload, wanted in zip(vector["payloads"], ANNOTATIONS[name], strict=True):
        claim = parse_payload(payload.encode())
        assert (claim.digest, claim.identity, claim.annotations) == (vector["digest"], vector["name"], wanted)


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_image_is_the_one_that_cosign_writes(legacy_vectors: Vectors, name: str) -> None:
    vector = legacy_vectors[name]
    theirs = Manifest.parse(vector["manifest"].encode())
    config, ours = build_image(theirs.layers)
    assert config.decode() == vector["config"]
    assert ours.raw.decode() == vector["manifest"]


def test_layer_of_a_signature() -> None:
    layer = LegacySignature.of(b"payload", b"\x00\x01").layer
    assert layer == Descriptor(MEDIA_TYPE, of_bytes(b"payload"), 7, {SIGNATURE_ANNOTATION: "AAE="})


def test_tag() -> None:
    assert tag_for(DIGEST) == f"sha256-{'a1' * 32}.sig"
    with pytest.raises(InvalidDigest):
        tag_for("sha256:../../x")


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("ghcr.io/org/app", "ghcr.io/org/app"),
        ("docker.io/library/nginx", "index.docker.io/library/nginx"),
        ("docker.io/nginx", "index.docker.io/library/nginx"),
        ("index.docker.io/org/app", "index.docker.io/org/app"),
        ("localhost:5000/a/b/c", "localhost:5000/a/b/c"),
    ],
)
def test_identity_of_docker_hub(name: str, identity: str) -> None:
    assert parse_payload(build_payload(name, DIGEST, {})).identity == identity


def test_go_escapes() -> None:
    odd = '<>&\u2028\u2029"\\\n\t\b\f\x01\x7fé☃😀'
    raw = build_payload("h.example/r", DIGEST, {"k": odd})
    text = raw.decode()
    escaped = r"\u003c\u003e\u0026\u2028\u2029\"\\\n\t\b\f\u0001"
    assert f'{{"k":"{escaped}\x7fé☃😀"}}' in text
    assert parse_payload(raw).annotations == {"k": odd}


def test_annotations_are_sorted_as_go_sorts_them() -> None:
    names = ["b", "a", "é", "A", "😀", "\uffff"]
    value = json.loads(build_payload("h.example/r", DIGEST, dict.fromkeys(names, "")))
    assert list(value["optional"]) == sorted(names, key=lambda name: name.encode())


def test_what_utf8_cannot_hold_is_refused_before_signing() -> None:
    with pytest.raises(InvalidOption, match="annotations: not valid Unicode"):
        build_payload("h.example/r", DIGEST, {"k": "\udcff"})
    with pytest.raises(InvalidDigest):
        build_payload("h.example/r", "latest", {})


def changed(change: t.Callable[[t.Any], object]) -> bytes:
    value = json.loads(build_payload("h.example/r", DIGEST, {"k": "v"}))
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "payload", id="empty"),
        pytest.param(b"{}", "critical is not an object", id="nothing in it"),
        pytest.param(b"[]", "a JSON object is expected", id="a list"),
        pytest.param(build_payload("h.example/r", DIGEST, {}) + b"x", "payload", id="trailing garbage"),
        pytest.param(build_payload("h.example/r", DIGEST, {}) + b"{}", "payload", id="two documents"),
        pytest.param(
            b'{"critical":{},' + build_payload("h.example/r", DIGEST, {})[1:], "duplicate", id="duplicate key"
        ),
        pytest.param(changed(lambda v: v["critical"].update(type="atomic container signature")), "type", id="type"),
        pytest.param(changed(lambda v: v["critical"].pop("type")), "type", id="no type"),
        pytest.param(changed(lambda v: v["critical"].update(extra=1)), "unknown member 'extra'", id="unknown member"),
        pytest.param(changed(lambda v: v.update(Critical={})), "unknown member 'Critical'", id="another case"),
        pytest.param(
            changed(lambda v: v["critical"]["image"].update({"docker-manifest-digest": [DIGEST]})),
            "not a sha256 digest",
            id="list of digests",
        ),
        pytest.param(
            changed(lambda v: v["critical"]["image"].update({"docker-manifest-digest": DIGEST.upper()})),
            "not a sha256 digest",
            id="upper case digest",
        ),
        pytest.param(
            changed(lambda v: v["critical"]["image"].update({"docker-manifest-digest": "sha256:../../etc"})),
            "not a sha256 digest",
            id="a path as digest",
        ),
        pytest.param(changed(lambda v: v["critical"]["image"].clear()), "not a sha256 digest", id="no digest"),
        pytest.param(
            changed(lambda v: v["critical"]["identity"].update({"docker-reference": 1})), "string", id="identity"
        ),
        pytest.param(changed(lambda v: v.update(optional=[])), "optional is not an object", id="optional"),
        pytest.param(b'{"critical":"\\ud800"}', "surrogates", id="a lone surrogate"),
        pytest.param(b" " * (MAX_PAYLOAD + 1), "more than", id="huge"),
        pytest.param(b'{"a":' * 50000, "payload", id="deep"),
    ],
)
def test_hostile_payloads(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedSignature, match=reason):
        parse_payload(raw)


def test_a_signature_may_have_line_breaks() -> None:
    """As `base64` writes it without `-w0`."""
    assert parse_signature("AAE\nCAw==\r\n") == b"\0\1\2\3"


@pytest.mark.parametrize("text", [None, "", "*", "AAE", "A" * (MAX_SIGNATURE + 4), "AA E=", "é"])
def test_what_is_no_signature(text: str | None) -> None:
    with pytest.raises(MalformedSignature):
        parse_signature(text)
