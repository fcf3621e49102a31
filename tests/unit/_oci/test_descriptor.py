# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors, manifests and indexes from hostile JSON, and the bytes of our own."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    EMPTY,
    EMPTY_BYTES,
    INDEX,
    MANIFEST,
    Descriptor,
    MalformedManifest,
    Manifest,
    build_index,
    check_kind,
    parse_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes
from ansible_collections.proven.gitops.plugins.module_utils._shared.strict_json import MalformedJson

Json = dict[str, t.Any]
DIGEST = "sha256:" + "ab" * 32
BLOB: Json = {"mediaType": "a/b", "digest": DIGEST, "size": 5}
IMAGE: Json = {"schemaVersion": 2, "mediaType": MANIFEST, "config": BLOB, "layers": [BLOB]}
LIST: Json = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [BLOB]}

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a/b", DIGEST, MANIFEST, INDEX]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*IMAGE, *BLOB, "manifests", "subject", "annotations"]), inner, max_size=6)
    ),
    max_leaves=15,
)


def raw(value: t.Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.fault("P11")
@given(_JSON, st.sampled_from(["", "config", "layers", "subject", "annotations", "mediaType", "schemaVersion"]))
@settings(max_examples=120, deadline=None)
def test_any_document_is_read_or_refused(value: t.Any, field: str) -> None:
    for parse, valid in ((Manifest.parse, IMAGE), (parse_index, LIST)):
        document = {**valid, field: value} if field else value
        try:
            found = parse(raw(document), "it")
        except (MalformedManifest, MalformedJson):
            continue
        if isinstance(found, Manifest):
            again = Manifest.build(found.config, found.layers, annotations=found.annotations, subject=found.subject)
            assert (again.layers, again.annotations) == (found.layers, found.annotations)


class TestDescriptor:
    def test_all_fields(self) -> None:
        value = {**BLOB, "annotations": {"a": "b"}, "artifactType": "c/d", "platform": {"os": "x"}, "urls": []}
        assert Descriptor.parse(value, "it") == Descriptor("a/b", DIGEST, 5, {"a": "b"}, "c/d")
        assert Descriptor.of(EMPTY, EMPTY_BYTES).digest.startswith(
            "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77"
        )

    def test_key_order_is_that_of_the_peers(self) -> None:
        descriptor = Descriptor("a/b", DIGEST, 5, {"a": "b"}, "c/d")
        assert list(descriptor.as_json()) == ["mediaType", "size", "digest", "annotations", "artifactType"]
        assert Descriptor("a/b", DIGEST, 5).as_json() == {"mediaType": "a/b", "size": 5, "digest": DIGEST}

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"mediaType": None}, "mediaType is missing"),
            ({"mediaType": ""}, "mediaType is missing"),
            ({"mediaType": ["a/b"]}, "mediaType is missing"),
            ({"size": None}, "size is not a number"),
            ({"size": -1}, "size is not a number"),
            ({"size": True}, "size is not a number"),
            ({"size": 5.0}, "size is not a number"),
            ({"size": "5"}, "size is not a number"),
            ({"size": 2**63}, "size is not a number"),
            ({"digest": None}, "is not a sha256 digest"),
            ({"digest": "sha256:../../x"}, "is not a sha256 digest"),
            ({"digest": DIGEST.upper()}, "is not a sha256 digest"),
            ({"annotations": []}, "not a map of strings"),
            ({"annotations": {"a": 1}}, "not a map of strings"),
            ({"annotations": {"a": None}}, "not a map of strings"),
            ({"artifactType": 1}, "artifactType is not a string"),
            ({"Digest": DIGEST}, "'Digest' differs from a known one only in case"),
            ({"\u017fize": 6}, "only in case"),
        ],
    )
    def test_what_is_malformed(self, change: Json, reason: str) -> None:
        with pytest.raises(MalformedManifest, match=reason) as caught:
            Descriptor.parse({**BLOB, **change}, "layer 0")
        assert caught.value.message.startswith("layer 0: ")

    @pytest.mark.parametrize("value", [None, [], "a", 5])
    def test_an_object(self, value: object) -> None:
        with pytest.raises(MalformedManifest, match="it: a descriptor is an object"):
            Descriptor.parse(value, "it")


class TestManifest:
    def test_bytes(self) -> None:
        config, layer = Descriptor.of("c/c", b"{}"), Descriptor.of("l/l", b"x", {"z": "1", "a": "2"})
        subject = Descriptor("s/s", DIGEST, 7)
        made = Manifest.build(config, [layer], annotations={"b": "é", "a": "<"}, subject=subject, artifact_type="t/t")
        assert (
            made.raw
            == (
                '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"t/t",'
                '"config":{"mediaType":"c/c","size":2,'
                '"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},'
                '"layers":[{"mediaType":"l/l","size":1,'
                '"digest":"sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",'
                '"annotations":{"z":"1","a":"2"}}],'
                f'"subject":{{"mediaType":"s/s","size":7,"digest":"{DIGEST}"}},"annotations":{{"a":"<","b":"é"}}}}'
            ).encode()
        )
        assert made.digest == of_bytes(made.raw)
        assert Manifest.parse(made.raw) == made
        assert made.descriptor == Descriptor(MANIFEST, made.digest, len(made.raw), {}, "t/t")

    def test_absent_parts_are_absent(self) -> None:
        made = Manifest.build(Descriptor("c/c", DIGEST, 1), [])
        assert list(json.loads(made.raw)) == ["schemaVersion", "mediaType", "config", "layers"]
        assert Manifest.parse(made.raw) == made

    @pytest.mark.parametrize("change", [{"mediaType": None}, {"subject": None, "annotations": None}])
    def test_null_is_absent(self, change: Json) -> None:
        found = Manifest.parse(raw({**IMAGE, **change}))
        assert (found.media_type, found.subject, found.annotations) == (MANIFEST, None, {})

    def test_docker_is_read(self) -> None:
        assert Manifest.parse(raw({**IMAGE, "mediaType": DOCKER_MANIFEST})).media_type == DOCKER_MANIFEST

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"schemaVersion": 1}, "schemaVersion is not 2"),
            ({"schemaVersion": 2.0}, "schemaVersion is not 2"),
            ({"schemaVersion": "2"}, "schemaVersion is not 2"),
            ({"schemaVersion": None}, "schemaVersion is not 2"),
            ({"layers": None}, "layers is not a list"),
            ({"layers": {}}, "layers is not a list"),
            ({"layers": [None]}, "layer 0: a descriptor is an object"),
            ({"layers": [BLOB, {}]}, "layer 1: mediaType is missing"),
            ({"config": None}, "config: a descriptor is an object"),
            ({"subject": {}}, "subject: mediaType is missing"),
            ({"artifactType": {}}, "artifactType is not a string"),
            ({"annotations": {"a": ["b"]}}, "not a map of strings"),
            ({"manifests": []}, "both an image and an index"),
            ({"manifests": None}, "both an image and an index"),
            ({"mediaType": INDEX}, "mediaType is not that of an image"),
            ({"mediaType": DOCKER_INDEX}, "mediaType is not that of an image"),
            ({"mediaType": ""}, "mediaType is not that of an image"),
            ({"mediaType": "text/plain"}, "mediaType is not that of an image"),
            ({"mediaType": [MANIFEST]}, "mediaType is not that of an image"),
            ({"Layers": []}, "'Layers' differs"),
            ({"CONFIG": BLOB}, "'CONFIG' differs"),
            ({"layer\u017f": []}, "only in case"),
            ({"Manifests": []}, "'Manifests' differs"),
            ({"annotationS": {}}, "'annotationS' differs"),
        ],
    )
    def test_what_is_malformed(self, change: Json, reason: str) -> None:
        with pytest.raises(MalformedManifest, match=reason):
            Manifest.parse(raw({**IMAGE, **change}))

    def test_an_index_is_no_manifest(self) -> None:
        with pytest.raises(MalformedManifest, match="an index, where an image manifest is expected"):
            Manifest.parse(raw(LIST))

    def test_one_reading(self) -> None:
        twice = raw(IMAGE).replace(b'"layers"', b'"layers": [], "layers"')
        with pytest.raises(MalformedJson, match="duplicate key 'layers'"):
            Manifest.parse(twice)


class TestIndex:
    def test_sorted_by_digest(self) -> None:
        first, second = Descriptor("a/a", "sha256:" + "0" * 64, 1, {}, "t/t"), Descriptor("a/a", DIGEST, 2)
        data = build_index([second, first])
        assert data == build_index([first, second])
        assert parse_index(data) == (first, second)
        assert data.startswith(
            b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{'
        )
        assert parse_index(build_index([])) == ()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"manifests": None}, "manifests is not a list"),
            ({"manifests": [1]}, "manifest 0: a descriptor is an object"),
            ({"layers": []}, "both an image and an index"),
            ({"config": {}}, "both an image and an index"),
            ({"mediaType": MANIFEST}, "mediaType is not that of an index"),
            ({"mediaType": DOCKER_MANIFEST}, "mediaType is not that of an index"),
            ({"schemaVersion": None}, "schemaVersion"),
            ({"ManifestS": []}, "only in case"),
        ],
    )
    def test_what_is_malformed(self, change: Json, reason: str) -> None:
        with pytest.raises(MalformedManifest, match=reason):
            parse_index(raw({**LIST, **change}))

    def test_a_manifest_is_no_index(self) -> None:
        with pytest.raises(MalformedManifest, match="manifests is not a list"):
            parse_index(raw(IMAGE))

    def test_docker_is_read(self) -> None:
        assert parse_index(raw({**LIST, "mediaType": DOCKER_INDEX})) == (Descriptor("a/b", DIGEST, 5),)
        check_kind({**LIST, "mediaType": None}, "it")
