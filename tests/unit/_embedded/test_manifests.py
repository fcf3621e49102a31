# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry reads out of a manifest, and which it refuses."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._embedded.manifests import (
    OCI_INDEX,
    OCI_MANIFEST,
    parse_manifest,
)
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
IMAGE: dict[str, t.Any] = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": {"mediaType": "application/x-config", "digest": A, "size": 2},
    "layers": [{"digest": B, "size": 1}],
}


def _bytes(**changes: t.Any) -> bytes:
    return json.dumps({key: value for key, value in {**IMAGE, **changes}.items() if value is not ...}).encode()


def test_an_image() -> None:
    manifest = parse_manifest(_bytes(), OCI_MANIFEST)
    assert manifest.children == (A, B)
    assert manifest.subject is None
    assert manifest.descriptor(C, 7) == {
        "mediaType": OCI_MANIFEST,
        "digest": C,
        "size": 7,
        "artifactType": "application/x-config",
    }


def test_a_referrer() -> None:
    content = _bytes(artifactType="x/y", subject={"digest": C, "size": 3}, annotations={"k": "v"})
    manifest = parse_manifest(content, f"{OCI_MANIFEST}; charset=utf-8")
    assert manifest.subject == C
    described = manifest.descriptor(A, 7)
    assert (described["artifactType"], described["annotations"]) == ("x/y", {"k": "v"})


def test_layers_that_live_elsewhere_need_not_be_here() -> None:
    content = _bytes(layers=[{"digest": B, "urls": ["https://example.org/b"]}, {"digest": C}])
    assert parse_manifest(content, OCI_MANIFEST).children == (A, C)


def test_null_is_an_empty_list() -> None:
    assert parse_manifest(_bytes(layers=None), OCI_MANIFEST).children == (A,)


def test_an_index_has_no_artifact_type_of_a_config() -> None:
    content = json.dumps({"schemaVersion": 2, "manifests": [{"digest": A}], "annotations": None}).encode()
    manifest = parse_manifest(content, OCI_INDEX)
    assert manifest.children == (A,)
    assert manifest.descriptor(B, 1) == {"mediaType": OCI_INDEX, "digest": B, "size": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"schemaVersion":2,"schemaVersion":2}', "given twice"),
        (b"[]", "the manifest is not an object"),
        (_bytes(schemaVersion=1), "schemaVersion"),
        (_bytes(schemaVersion=...), "schemaVersion"),
        (_bytes(mediaType=OCI_INDEX), "disagree"),
        (_bytes(config=...), "config is not an object"),
        (_bytes(config=None), "config is not an object"),
        (_bytes(config={}), "config has no"),
        (_bytes(config={"digest": 1}), "config has no"),
        (_bytes(layers=...), "layers is not an array"),
        (_bytes(layers={}), "layers is not an array"),
        (_bytes(layers=["x"]), "layers is not an object"),
        (_bytes(layers=[{"digest": "sha256:../x"}]), "layers has no"),
        (_bytes(subject="x"), "subject is not an object"),
        (_bytes(subject={"digest": "x"}), "subject has no"),
        (_bytes(annotations={"k": 1}), "annotations are not strings"),
        (_bytes(annotations=[]), "annotations is not an object"),
    ],
)
def test_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ApiError, match=reason) as caught:
        parse_manifest(content, OCI_MANIFEST)
    assert caught.value.code == "MANIFEST_INVALID"


@pytest.mark.parametrize("media_type", ["", "application/json", "application/vnd.docker.distribution.manifest.v1+json"])
def test_unknown_media_types(media_type: str) -> None:
    with pytest.raises(ApiError, match="Content-Type"):
        parse_manifest(_bytes(), media_type)
