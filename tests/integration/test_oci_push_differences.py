# SPDX-License-Identifier: GPL-3.0-or-later
"""oci_push where something is there already: what is adopted, what differs, and what is not believed."""

from __future__ import annotations

import gzip
import hashlib
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, old_config, put
from support.file_trees import MANIFESTS, manifests_in
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._artifact.annotations import CONTENT, CREATED

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return manifests_in(tmp_path)


def commented(gzipped: bytes) -> bytes:
    """The same content behind a comment, which no reader shows."""
    return gzipped[:3] + b"\x10" + gzipped[4:10] + b"hidden" * 200_000 + b"\0" + gzipped[10:]


class TestWhatIsSaid:
    """What was packed, what was left out, and why a tag is not moved."""

    def push(self, run_module: RunModule, registry: RunningRegistry, tree: Path, **options: t.Any) -> Result:
        options = {"reference": f"oci://{registry.address}/team/app:v1", "revision": "A", **options}
        return run_module("oci_push", path=str(tree), **options)

    def test_the_annotation_that_differs(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
        first = self.push(run_module, registry, tree)["artifact"]
        for check in (True, False):
            refused = self.push(run_module, registry, tree, revision="B", check=check)
            assert refused["failure"]["code"] == "tag_exists"
            assert (
                "v1 has the same files, but the annotation org.opencontainers.image.revision (A → B) differs."
                " Use another tag, or move=true." in refused["msg"]
            )
        other = self.push(run_module, registry, tree, reference=f"oci://{registry.address}/team/app", revision="B")
        tagged = run_module("oci_tag", reference=other["artifact"]["reference"], tags=["v1"])
        assert "the annotation org.opencontainers.image.revision (A → B) differs" in tagged["msg"]
        assert tagged["failure"]["details"]["digest"] == first["digest"]
        (tree / "a.yaml").write_bytes(b"kind: X\n")
        assert "has other files. Use another tag" in self.push(run_module, registry, tree)["msg"]
        assert "other files, and the annotation" in self.push(run_module, registry, tree, revision="B")["msg"]

    def test_how_much_was_packed_and_what_was_not(
        self, run_module: RunModule, registry: RunningRegistry, tree: Path
    ) -> None:
        (tree / "library").symlink_to("/usr/share")
        (tree / "latest").symlink_to("a.yaml")
        for state in ("pushed", "unchanged", "unchanged"):
            done = self.push(run_module, registry, tree)
            artifact = done["artifact"]
            assert (artifact["state"], artifact["files"]) == (state, len(MANIFESTS))
            assert artifact["links_left_out"] == ["latest", "library"]
            warning = "left out, as Flux leaves them out: latest, library (leads out of the tree)."
            assert warning in str(done["warnings"])
        quiet = self.push(run_module, registry, tree, ignore=["/l*"])["artifact"]
        assert (quiet["state"], quiet["links_left_out"]) == ("unchanged", [])

    def test_a_diff_names_the_files(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
        came = self.push(run_module, registry, tree, diff=True)["diff"]
        assert "absent" in came["before"]
        assert all(f"  {name} (" in came["after"] for name in MANIFESTS)
        (tree / "a.yaml").write_bytes(b"kind: X\n")
        (tree / "new.yaml").write_bytes(b"")
        (tree / "sub" / "b.yaml").unlink()
        for check in (True, False):
            found = self.push(run_module, registry, tree, diff=True, check=check, move=True)["diff"]
            names = [[line.split()[0] for line in found[side].splitlines()[1:]] for side in ("before", "after")]
            assert names == [["a.yaml", "sub/b.yaml"], ["a.yaml", "new.yaml"]]
        assert not self.push(run_module, registry, tree, diff=True)["diff"]["after"]

    def test_a_diff_of_what_cannot_be_read(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
        put(registry.address, "team/app", "v1", [b"no gzip"], {})
        found = self.push(run_module, registry, tree, diff=True, move=True)
        assert found["changed"]
        assert len(found["diff"]["after"].splitlines()) == 1


class TestAdoption:
    """What another tool pushed is adopted when it is exactly what we would have made, and never otherwise."""

    REVISION: t.ClassVar = {"org.opencontainers.image.revision": "main@sha1:1"}

    def push(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> Result:
        reference = f"oci://{registry.address}/team/app:v1"
        return run_module("oci_push", reference=reference, path=str(tree), revision="main@sha1:1", move=True)

    def test_same_content(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
        theirs = put(
            registry.address,
            "team/app",
            "v1",
            [flux_tar(MANIFESTS)],
            {**self.REVISION, CREATED: "2026-01-01T00:00:00Z"},
        )
        done = self.push(run_module, registry, tree)
        assert not done["changed"]
        assert done["artifact"]["state"] == "adopted"
        assert done["artifact"]["digest"] == theirs.digest

    def test_same_content_by_flux_before_2_9(
        self, run_module: RunModule, registry: RunningRegistry, tree: Path
    ) -> None:
        """Those versions put the time and the digest of the uncompressed layer into the config."""
        layer, created = flux_tar(MANIFESTS), "2026-01-01T00:00:00Z"
        diff_id = "sha256:" + hashlib.sha256(gzip.decompress(layer)).hexdigest()
        annotations = {**self.REVISION, CREATED: created}
        theirs = put(registry.address, "team/app", "v1", [layer], annotations, config=old_config(created, diff_id))
        done = self.push(run_module, registry, tree)
        assert (done["changed"], done["artifact"]["digest"]) == (False, theirs.digest)
        lying = old_config(created, "sha256:" + "0" * 64)
        theirs = put(registry.address, "team/app", "v1", [layer], annotations, config=lying)
        assert self.push(run_module, registry, tree)["artifact"]["digest"] != theirs.digest

    @pytest.mark.parametrize(
        ("layers", "annotations", "more"),
        [
            pytest.param([flux_tar({**MANIFESTS, "a.yaml": b"kind: X\n"})], {}, {}, id="another content"),
            pytest.param([flux_tar({**MANIFESTS, "c.yaml": b""})], {}, {}, id="one file more"),
            pytest.param([flux_tar({"a.yaml": MANIFESTS["a.yaml"]})], {}, {}, id="one file less"),
            pytest.param([flux_tar(MANIFESTS)], {"foreign": "annotation"}, {}, id="a foreign annotation"),
            pytest.param([flux_tar(MANIFESTS)], {"org.opencontainers.image.revision": "2"}, {}, id="another revision"),
            pytest.param([flux_tar(MANIFESTS), flux_tar(MANIFESTS)], {}, {}, id="two layers"),
            pytest.param([flux_tar(MANIFESTS)], {}, {"layer_type": "application/x"}, id="another layer type"),
            pytest.param([flux_tar(MANIFESTS)], {}, {"config_type": "application/x"}, id="another config type"),
            pytest.param([flux_tar(MANIFESTS) + flux_tar({"x": b""})], {}, {}, id="a second archive behind the first"),
            pytest.param([b"no gzip"], {}, {}, id="no archive"),
            pytest.param([commented(flux_tar(MANIFESTS))], {}, {}, id="a comment in the gzip"),
            pytest.param([flux_tar(MANIFESTS, mode=0o4755)], {}, {}, id="a set-user-id bit"),
            pytest.param([gzip.compress(gzip.decompress(flux_tar(MANIFESTS)))], {}, {}, id="another gzip"),
        ],
    )
    def test_not_the_same(
        self,
        run_module: RunModule,
        registry: RunningRegistry,
        tree: Path,
        layers: list[bytes],
        annotations: dict[str, str],
        more: dict[str, t.Any],
    ) -> None:
        theirs = put(registry.address, "team/app", "v1", layers, {**self.REVISION, **annotations}, **more)
        done = self.push(run_module, registry, tree)
        assert done["artifact"]["state"] == "pushed"
        assert done["artifact"]["digest"] != theirs.digest

    def test_a_size_that_is_a_lie(self, run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
        honest = self.push(run_module, registry, tree)["artifact"]
        raw, media_type = t.cast("tuple[bytes, str]", client(registry.address).get_manifest("team/app", "v1"))
        size = b'"size":%d' % honest["layer_size"]
        assert size in raw
        client(registry.address).put_manifest("team/app", "v1", raw.replace(size, size + b"0"), media_type)
        done = run_module(
            "oci_push",
            reference=f"oci://{registry.address}/team/app:v1",
            path=str(tree),
            revision="main@sha1:1",
            move=True,
            cache_dir="",
        )
        assert (done["artifact"]["state"], done["artifact"]["digest"]) == ("pushed", honest["digest"])

    def test_a_recorded_content_digest_is_not_believed(
        self, run_module: RunModule, registry: RunningRegistry, tree: Path
    ) -> None:
        honest = run_module("oci_push", reference=f"oci://{registry.address}/team/other", path=str(tree), check=True)
        claimed = {**self.REVISION, CONTENT: honest["artifact"]["content_digest"]}
        evil = put(registry.address, "team/app", "v1", [flux_tar({"a.yaml": b"kind: Evil\n"})], claimed)
        done = self.push(run_module, registry, tree)
        assert done["artifact"]["state"] == "pushed"
        assert done["artifact"]["digest"] != evil.digest
