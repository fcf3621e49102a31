# SPDX-License-Identifier: GPL-3.0-or-later
"""What others put beside an artifact hides no more from us than it does from Flux, and never makes it "unsigned"."""

from __future__ import annotations

import base64
import json
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.registry import RunningRegistry, registry, running_registry
from support.signing import Key, artifact, keys, plant_raw, sign, verdict, verify

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle, bundle_writer, simple_signing
from ansible_collections.proven.gitops.plugins.module_utils._cosign.log_entry import check_body
from ansible_collections.proven.gitops.plugins.module_utils._cosign.malformed import UnreadSignature
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signer import Material
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import INDEX, MANIFEST
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.formats import FORMATS
from ansible_collections.proven.gitops.plugins.module_utils._tasks.signing.signatures import Stored

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["keys", "registry"]


class Serves(Hook):
    """A registry that serves a manifest which none that checks would take."""

    def __init__(self, raw: bytes, media_type: str) -> None:
        self._raw, self._media_type = raw, media_type

    def before(self, request: Request) -> Response | None:
        found = request.method in ("GET", "HEAD") and request.target.endswith(f"/manifests/{of_bytes(self._raw)}")
        return Response(200, {"Content-Type": self._media_type}, self._raw) if found else None


def foreign_bundle(key: Key, reference: str, body: bytes) -> bytes:
    """A stranger's bundle with a log entry of this body."""
    statement = bundle_writer.build_statement(reference.partition("@")[2], {})
    signature = key.signing.sign(bundle.pae(bundle.PAYLOAD_TYPE, statement))
    value = json.loads(bundle_writer.build_bundle(statement, signature, key.signing.material(signature)))
    value["verificationMaterial"]["tlogEntries"] = [
        {
            "logIndex": 1,
            "logId": {"keyId": "AA=="},
            "kindVersion": {},
            "inclusionProof": {"checkpoint": {"envelope": "x"}},
            "canonicalizedBody": base64.b64encode(body).decode(),
        }
    ]
    return json.dumps(value).encode()


READ = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{}}}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}', "verified"),  # skipped, so the legacy one counts
        (b'{"apiVersion":"0.0.1","kind":"dsse","spec":"x"}', "verified"),
        (READ, "wrong_key"),  # read, so it hides the legacy one
        (READ.replace(b'"spec"', b'"more":1e ,"spec"'), "malformed"),  # which Go may read
        (b'{"apiVersion":"0.0.1","kind":"dsse","spec":1,"spec":{"proposedContent":{}}}', "malformed"),
    ],
)
def test_a_strangers_bundle_hides_what_it_hides_from_flux(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...], body: bytes, expected: str
) -> None:
    reference = artifact(registry)
    sign(run_module, reference, keys[0], format="legacy")
    plant_raw(registry, reference, foreign_bundle(keys[1], reference, body))
    assert verdict(run_module, reference, keys[0]) == "verified"
    assert verdict(run_module, reference, keys[0], flux_version="2.9") == expected


def test_a_layer_of_another_media_type_is_a_signature_as_well(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]
) -> None:
    """cosign and Flux judge every layer of the image under the tag."""
    reference = artifact(registry)
    sign(run_module, reference, keys[0], format="legacy")
    tag, remote = simple_signing.tag_for(reference.partition("@")[2]), client(registry.address)
    raw, media_type = t.cast("tuple[bytes, str]", remote.get_manifest("team/app", tag))
    remote.put_manifest("team/app", tag, raw.replace(simple_signing.MEDIA_TYPE.encode(), b"text/plain"), media_type)
    assert verdict(run_module, reference, keys[0]) == "verified"
    assert verdict(run_module, reference, keys[1]) == "wrong_key"


@pytest.mark.parametrize("media_type", [MANIFEST, INDEX])
def test_a_document_of_two_kinds_is_neither_signed_nor_proven_nor_tagged(
    run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...], media_type: str
) -> None:
    """CVE-2021-41190: one client reads an image, another an index of something else."""
    answer = client(registry.address).get_manifest("team/app", artifact(registry).partition("@")[2])
    value = json.loads(t.cast("tuple[bytes, str]", answer)[0])
    del value["mediaType"]
    value["manifests"] = []
    raw = json.dumps(value).encode()
    registry.hooks.append(Serves(raw, media_type))
    reference = f"{registry.address}/team/app@{of_bytes(raw)}"
    assert verify(run_module, reference, keys[0])["verdicts"][0]["verdict"] == "malformed"
    signed = sign(run_module, reference, keys[0])
    tagged = run_module("oci_tag", reference=f"oci://{reference}", tags=["v1"])
    for result in (signed, tagged):
        assert result["failed"]
        assert result["failure"]["code"] == "malformed_manifest"
        assert not result["changed"]


def test_nonsense_in_the_place_of_bundles_leaves_the_other_format(
    run_module: RunModule, tmp_path: Path, keys: tuple[Key, ...]
) -> None:
    """Whoever may push can put an image under the fallback tag: never "unsigned", and legacy signers go on."""
    with running_registry(tmp_path, referrers=False) as registry:
        reference = artifact(registry)
        digest, remote = reference.partition("@")[2], client(registry.address)
        raw, media_type = t.cast("tuple[bytes, str]", remote.get_manifest("team/app", digest))
        remote.put_manifest("team/app", digest.replace(":", "-"), raw, media_type)
        assert verdict(run_module, reference, keys[0]) == "unreachable"
        signed = sign(run_module, reference, keys[0], format="legacy")
        assert signed["changed"]
        assert "cannot be told what it finds" in str(signed["warnings"])
        assert verdict(run_module, reference, keys[0]) == "verified"
        assert verdict(run_module, reference, keys[1]) == "unreachable"
        assert verdict(run_module, reference, keys[0], flux_version="2.9") == "unreachable"
        assert verdict(run_module, reference, keys[0], flux_version="2.7") == "verified"
        info = run_module("oci_artifact_info", reference=f"oci://{reference}")
        assert [one["format"] for one in info["artifacts"][0]["signatures"]] == ["bundle", "legacy"]
        assert "manifests is not a list" in info["artifacts"][0]["signatures"][0]["fault"]


@pytest.mark.parametrize(
    "statement",
    [
        b'{"_type":"x","subject":[{"digest":{"sha256":"%s"}}]}' % (b"ab" * 5_000_000),
        b'{"predicate":{"x":[%s0]}}' % (b"[]," * 3_000_000),
    ],
)
def test_what_nobody_has_proven_costs_little_to_list(statement: bytes) -> None:
    raw = bundle_writer.build_bundle(statement, b"x", Material())
    tracemalloc.start()
    try:
        FORMATS["bundle"].claims(Stored("sha256:" + "a1" * 32, raw))
        assert tracemalloc.get_traced_memory()[1] < 6 * len(raw)
    finally:
        tracemalloc.stop()


def test_many_values_in_a_bundle_or_a_log_entry_are_not_read() -> None:
    many = b'{"x":[%s0]}' % (b"[]," * 3_000_000)
    for read in (lambda: bundle.parse_bundle(many), lambda: check_body(many)):
        tracemalloc.start()
        try:
            with pytest.raises(UnreadSignature, match="more than 100000 values"):
                read()
            assert tracemalloc.get_traced_memory()[1] < len(many)
        finally:
            tracemalloc.stop()
