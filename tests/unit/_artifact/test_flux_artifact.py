# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pushed, byte for byte, and what of others is taken for it."""

from __future__ import annotations

import gzip
import hashlib
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._artifact.annotations import CONTENT, CREATED
from ansible_collections.proven.gitops.plugins.module_utils._artifact.compress import Compressor
from ansible_collections.proven.gitops.plugins.module_utils._artifact.flux_artifact import (
    CONFIG,
    CONFIG_BYTES,
    CONFIG_TYPE,
    LAYER_TYPE,
    adoptable,
    manifest,
    pack,
)
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.layer import Layer
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree, UnreadableTree
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    DOCKER_MANIFEST,
    Descriptor,
    MalformedManifest,
    Manifest,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

Json = dict[str, t.Any]
DIGEST = "sha256:" + "ab" * 32
LAYER = Layer(Descriptor(LAYER_TYPE, DIGEST, 123), "sha256:" + "cd" * 32, 456)
WANTED = {
    "org.opencontainers.image.revision": "main@sha1:0",
    "org.opencontainers.image.source": "https://example.com/r",
}
TIME = "2026-01-02T03:04:05Z"


def flux(config: bytes = CONFIG_BYTES, annotations: t.Mapping[str, str] | None = None) -> Json:
    """A manifest as the flux CLI writes it (ggcr's order of keys)."""
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": CONFIG_TYPE, "size": len(config), "digest": of_bytes(config)},
        "layers": [{"mediaType": LAYER_TYPE, "size": 123, "digest": DIGEST}],
        "annotations": dict(sorted({CREATED: TIME, **WANTED, **(annotations or {})}.items())),
    }


def found(value: Json) -> Manifest:
    return Manifest.parse(go_json(value))


def go_json(value: Json) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


class TestPack:
    def test_one_layer(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"x" * 3_000_000)
        pieces: list[bytes] = []
        with Compressor(2) as compressor:
            layer = pack(Tree(str(tmp_path), Ignore()), compressor, pieces.append)
        data = b"".join(pieces)
        assert layer.descriptor == Descriptor(LAYER_TYPE, of_bytes(data), len(data))
        assert layer.content_size == len(gzip.decompress(data)) == 1024 + 3_000_320 + 1024
        assert layer.content_digest == of_bytes(gzip.decompress(data))

    @pytest.mark.parametrize("threads", [1, 2])
    def test_errors_of_either_side_come_through(self, tmp_path: Path, threads: int) -> None:
        (tmp_path / "a").write_bytes(b"x" * 3_000_000)
        (tmp_path / "b\n").write_bytes(b"x")

        def full(_piece: bytes) -> t.NoReturn:
            raise OSError("no space left")

        with Compressor(threads) as compressor:
            with pytest.raises(UnreadableTree, match="control character"):
                pack(Tree(str(tmp_path), Ignore()), compressor, lambda _piece: None)
            with pytest.raises(OSError, match="no space left"):
                pack(Tree(str(tmp_path), Ignore()), compressor, full)


class TestManifest:
    def test_config_is_that_of_flux_2_9(self) -> None:
        assert CONFIG.digest == "sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"
        assert (CONFIG.size, CONFIG.media_type) == (115, "application/vnd.cncf.flux.config.v1+json")

    def test_bytes(self) -> None:
        made = manifest(LAYER, WANTED)
        assert made.raw == (
            b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
            b'"config":{"mediaType":"application/vnd.cncf.flux.config.v1+json","size":115,'
            b'"digest":"sha256:5b943e2b943f6c81dbbd4e2eca5121f4fcc39139e3d1219d6d89bd925b77d9fe"},'
            b'"layers":[{"mediaType":"application/vnd.cncf.flux.content.v1.tar+gzip","size":123,'
            b'"digest":"sha256:' + b"ab" * 32 + b'"}],'
            b'"annotations":{"gitops.proven/content-digest":"sha256:' + b"cd" * 32 + b'",'
            b'"org.opencontainers.image.revision":"main@sha1:0",'
            b'"org.opencontainers.image.source":"https://example.com/r"}}'
        )
        assert made.digest == f"sha256:{hashlib.sha256(made.raw).hexdigest()}"

    def test_the_order_of_annotations_changes_nothing(self) -> None:
        assert manifest(LAYER, dict(reversed(WANTED.items()))).raw == manifest(LAYER, WANTED).raw


class TestAdoptable:
    def test_our_own(self) -> None:
        made = manifest(LAYER, WANTED)
        assert adoptable(made, WANTED) is None
        assert adoptable(Manifest.parse(made.raw), WANTED) is None
        stamped = {**WANTED, CREATED: TIME}
        assert adoptable(manifest(LAYER, stamped), stamped) is None
        assert adoptable(manifest(LAYER, stamped), WANTED) is None
        assert adoptable(manifest(LAYER, {}), {}) is None

    def test_of_flux_2_9(self) -> None:
        assert adoptable(found(flux()), WANTED) is None
        assert adoptable(found(flux()), {**WANTED, CREATED: TIME}) is None

    def test_of_flux_2_10(self) -> None:
        config = CONFIG_BYTES.replace(b"0001-01-01T00:00:00Z", TIME.encode())
        assert adoptable(found(flux(config)), WANTED) is None
        assert (
            adoptable(found(flux(config.replace(b"2026", b"2027"))), WANTED) == "its config is not one that Flux writes"
        )

    def test_of_flux_2_8_only_by_who_has_read_the_layer(self) -> None:
        config = (
            f'{{"architecture":"","created":"{TIME}","history":[{{"created":"0001-01-01T00:00:00Z"}}],"os":"",'
            f'"rootfs":{{"type":"layers","diff_ids":["{DIGEST}"]}},"config":{{}}}}'
        ).encode()
        assert len(config) == 233
        assert adoptable(found(flux(config)), WANTED, DIGEST) is None
        assert adoptable(found(flux(config)), WANTED) == "its config is not one that Flux writes"
        assert adoptable(found(flux(config)), WANTED, LAYER.content_digest) == "its config is not one that Flux writes"

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"mediaType": DOCKER_MANIFEST}, "it is not a Flux artifact"),
            (
                {"config": {**CONFIG.as_json(), "mediaType": "application/vnd.oci.image.config.v1+json"}},
                "it is not a Flux artifact",
            ),
            ({"layers": []}, "it does not have the one layer"),
            ({"layers": flux()["layers"] * 2}, "it does not have the one layer"),
            ({"layers": [{**flux()["layers"][0], "mediaType": LAYER_TYPE + "x"}]}, "it does not have the one layer"),
            ({"subject": {"mediaType": "a/b", "digest": DIGEST, "size": 1}}, "it refers to another artifact"),
            ({"artifactType": "a/b"}, "it refers to another artifact"),
            ({"foreign": 1}, "its manifest is not written as Flux writes it"),
            ({"layers": [{**flux()["layers"][0], "urls": ["https://evil"]}]}, "its manifest is not written as"),
            ({"layers": [{**flux()["layers"][0], "data": "eA=="}]}, "its manifest is not written as"),
            ({"layers": [{**flux()["layers"][0], "annotations": {"a": "b"}}]}, "its manifest is not written as"),
            ({"layers": [{**flux()["layers"][0], "artifactType": "a/b"}]}, "its manifest is not written as"),
            ({"config": {**CONFIG.as_json(), "platform": {"os": "x"}}}, "its manifest is not written as"),
            ({"config": {**CONFIG.as_json(), "digest": DIGEST}}, "its config is not one that Flux writes"),
        ],
    )
    def test_what_else_is_in_it(self, change: Json, reason: str) -> None:
        said = adoptable(found({**flux(), **change}), WANTED)
        assert said
        assert said.startswith(reason)

    @pytest.mark.parametrize(
        ("annotations", "wanted", "differing"),
        [
            ({"evil": "x"}, WANTED, "evil"),
            ({}, {**WANTED, "more": "x"}, "more"),
            ({}, {**WANTED, "org.opencontainers.image.revision": "other"}, "org.opencontainers.image.revision"),
            ({}, {}, "org.opencontainers.image.revision, org.opencontainers.image.source"),
            ({CREATED: "2026-01-02T03:04:06Z"}, {**WANTED, CREATED: TIME}, CREATED),
            ({"n" * 1000: "x"}, WANTED, "n" * 300),
        ],
    )
    def test_other_annotations(self, annotations: dict[str, str], wanted: dict[str, str], differing: str) -> None:
        assert adoptable(found(flux(annotations=annotations)), wanted) == f"its annotations differ: {differing}"

    def test_as_go_and_as_we_escape(self) -> None:
        wanted = {**WANTED, "query": "<a&b> \u00e9"}
        assert b"\\u0026" in found(flux(annotations=wanted)).raw
        assert adoptable(found(flux(annotations=wanted)), wanted) is None
        assert adoptable(manifest(LAYER, wanted), wanted) is None

    @pytest.mark.fault("A10")
    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param(go_json(flux()) + b" " * 100_000, id="blanks behind"),
            pytest.param(json.dumps(flux()).encode(), id="blanks between"),
            pytest.param(go_json(flux()).replace(b"main", b"\\u006dain"), id="an escape"),
            pytest.param(go_json(dict(reversed(flux().items()))), id="another order"),
            pytest.param(go_json(flux()).replace(b":115,", b":115.0,"), id="another number"),
        ],
    )
    def test_what_the_json_hides(self, raw: bytes) -> None:
        try:
            read = Manifest.parse(raw)
        except MalformedManifest:
            return
        assert adoptable(read, WANTED) == "its manifest is not written as Flux writes it"

    def test_a_claim_of_content_is_neither_asked_for_nor_believed(self) -> None:
        assert adoptable(found(flux(annotations={CONTENT: "sha256:lie"})), WANTED) is None
