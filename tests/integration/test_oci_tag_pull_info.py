# SPDX-License-Identifier: GPL-3.0-or-later
"""oci_tag, oci_pull and oci_artifact_info against the embedded registry."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, put
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import FREE

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["registry"]

FILES = {"a.yaml": b"kind: A\n", "sub/b.yaml": b"kind: B\n"}


@pytest.fixture
def pushed(registry: RunningRegistry) -> str:
    """An artifact by digest, without a tag."""
    manifest = put(registry.address, "team/app", "", [flux_tar(FILES)], {"org.opencontainers.image.revision": "r1"})
    return f"{registry.address}/team/app@{manifest.digest}"


def tag_of(registry: RunningRegistry, tag: str) -> str | None:
    found = client(registry.address).resolve("team/app", tag)
    return found.digest if found else None


class TestTag:
    def test_four_ways(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        options: dict[str, t.Any] = {"reference": f"oci://{pushed}", "tags": ["v1", "latest"]}
        predicted = run_module("oci_tag", check=True, **options)
        assert predicted["changed"]
        assert not registry.writes()[-1].target.endswith("/manifests/v1")
        done = run_module("oci_tag", **options)
        assert done["changed"]
        assert done["diff"] == predicted["diff"]
        assert done["artifacts"][0]["tags_set"] == ["v1", "latest"]
        assert tag_of(registry, "v1") == tag_of(registry, "latest") == pushed.partition("@")[2]
        for check in (True, False):
            assert not run_module("oci_tag", check=check, **options)["changed"]

    def test_by_another_tag(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        run_module("oci_tag", reference=pushed, tags=["v1"])
        assert run_module("oci_tag", reference=f"{registry.address}/team/app:v1", tags=["stable"])["changed"]
        assert tag_of(registry, "stable") == pushed.partition("@")[2]

    def test_moves_only_when_told(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        other = put(registry.address, "team/app", "v1", [flux_tar({"x": b"y"})], {})
        refused = run_module("oci_tag", reference=pushed, tags=["v1"])
        assert refused["failure"]["code"] == "tag_exists"
        assert tag_of(registry, "v1") == other.digest
        assert run_module("oci_tag", reference=pushed, tags=["v1"], move=True)["changed"]
        assert tag_of(registry, "v1") == pushed.partition("@")[2]

    def test_what_does_not_exist(self, run_module: RunModule, registry: RunningRegistry) -> None:
        missing = f"{registry.address}/team/app@sha256:{'0' * 64}"
        assert run_module("oci_tag", reference=missing, tags=["v1"], check=True)["changed"], (
            "an earlier task may push it"
        )
        assert run_module("oci_tag", reference=missing, tags=["v1"])["failure"]["code"] == "not_found"
        by_tag = run_module("oci_tag", reference=f"{registry.address}/team/app:v9", tags=["v1"], check=True)
        assert by_tag["failure"]["code"] == "not_found"

    def test_a_batch(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        missing = f"{registry.address}/team/app@sha256:{'0' * 64}"
        result = run_module(
            "oci_tag",
            artifacts=[{"reference": missing, "tags": ["v1"]}, {"reference": pushed, "tags": ["v2"]}],
        )
        assert result["failed"]
        assert result["changed"]
        assert tag_of(registry, "v2") is not None

    def test_a_bad_tag_stops_everything(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        result = run_module("oci_tag", reference=pushed, tags=["good", "not good"])
        assert result["failure"]["details"]["option"] == "tags"
        assert tag_of(registry, "good") is None


class TestPull:
    def test_four_ways(self, run_module: RunModule, pushed: str, tmp_path: Path) -> None:
        out = tmp_path / "out"
        options: dict[str, t.Any] = {"reference": pushed, "dest": str(out)}
        assert run_module("oci_pull", check=True, **options)["changed"]
        assert not out.exists()
        done = run_module("oci_pull", **options)
        assert done["changed"]
        assert {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()} == FILES
        for check in (True, False):
            assert not run_module("oci_pull", check=check, **options)["changed"]
        (out / "a.yaml").write_text("edited")
        (out / "own.yaml").write_text("stays")
        mended = run_module("oci_pull", **options)
        assert mended["artifacts"][0]["written"] == ["a.yaml"]
        assert (out / "a.yaml").read_bytes() == FILES["a.yaml"]
        assert (out / "own.yaml").exists()

    def test_never_through_a_link(self, run_module: RunModule, pushed: str, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "sub").symlink_to(tmp_path / "elsewhere")
        result = run_module("oci_pull", reference=pushed, dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "unwritable_file"
        assert os.listdir(tmp_path / "elsewhere") == []
        assert not (tmp_path / "out" / "a.yaml").exists(), "nothing is written before all is known to be safe"

    def test_a_link_in_the_place_of_a_file_is_replaced(
        self, run_module: RunModule, pushed: str, tmp_path: Path
    ) -> None:
        (tmp_path / "victim").write_text("untouched")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a.yaml").symlink_to(tmp_path / "victim")
        assert run_module("oci_pull", reference=pushed, dest=str(tmp_path / "out"))["changed"]
        assert (tmp_path / "victim").read_text() == "untouched"
        assert (tmp_path / "out" / "a.yaml").read_bytes() == FILES["a.yaml"]

    def test_a_directory_in_the_place_of_a_file(self, run_module: RunModule, pushed: str, tmp_path: Path) -> None:
        (tmp_path / "out" / "a.yaml").mkdir(parents=True)
        result = run_module("oci_pull", reference=pushed, dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "unwritable_file"
        assert os.listdir(tmp_path / "out") == ["a.yaml"]

    def test_a_name_that_is_too_long_is_found_before_anything_is_written(
        self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path
    ) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in ("a", "n" * 300):
                archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        put(registry.address, "team/long", "v1", [gzip.compress(buffer.getvalue())], {})
        result = run_module("oci_pull", reference=f"{registry.address}/team/long:v1", dest=str(tmp_path))
        assert result["failure"]["code"] == "unsafe_archive"
        assert not (tmp_path / "a").exists()

    def test_what_is_too_large_is_not_asked_for(
        self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path
    ) -> None:
        """Its descriptor says so before the first byte."""
        manifest = put(registry.address, "team/big", "v1", [b"x" * (FREE + 1001)], {})
        registry.requests.clear()
        reference = f"{registry.address}/team/big@{manifest.digest}"
        result = run_module("oci_pull", reference=reference, dest=str(tmp_path / "out"), max_size=1000)
        assert "is 16778217 bytes long, more than 16778216" in result["msg"]
        assert [seen.target for seen in registry.requests if "/blobs/" in seen.target] == []

    @pytest.mark.fault("A12")
    @pytest.mark.parametrize("name", [".git/config", "sub/.GIT/hooks/post-checkout", "git~1/config", ".git. /config"])
    def test_into_gits_own_directory(
        self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path, name: str
    ) -> None:
        """What is written there, the next `git status` runs."""
        put(registry.address, "team/git", "v1", [flux_tar({"a.yaml": b"", name: b"[core]\n\tfsmonitor = evil\n"})], {})
        result = run_module("oci_pull", reference=f"{registry.address}/team/git:v1", dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "unsafe_archive"
        assert "git's own directory" in result["msg"]
        assert not (tmp_path / "out").exists()

    @pytest.mark.fault("A5")
    def test_names_that_differ_in_case_only(
        self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On a file system that ignores case the second would replace the first, unseen; here it is played."""
        put(registry.address, "team/both", "v1", [flux_tar({"A": b"one", "a": b"two"})], {})
        result = run_module("oci_pull", reference=f"{registry.address}/team/both:v1", dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "unsafe_archive"
        assert not (tmp_path / "out").exists()
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a").write_bytes(b"one")
        put(registry.address, "team/case", "v1", [flux_tar({"A": b"two"})], {})
        link = os.link
        monkeypatch.setattr(os, "link", lambda source, name, **more: link(source, name.lower(), **more))
        result = run_module("oci_pull", reference=f"{registry.address}/team/case:v1", dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "file_appeared"
        assert (tmp_path / "out" / "a").read_bytes() == b"one"
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]

    @pytest.mark.parametrize("name", ["../evil", "/evil", "sub/../../evil", "a\\b"])
    def test_names_that_lead_out(
        self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path, name: str
    ) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("good"), io.BytesIO())
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        put(registry.address, "team/evil", "v1", [gzip.compress(buffer.getvalue())], {})
        result = run_module("oci_pull", reference=f"{registry.address}/team/evil:v1", dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "unsafe_archive"
        assert not (tmp_path / "out").exists()

    def test_limits(self, run_module: RunModule, registry: RunningRegistry, pushed: str, tmp_path: Path) -> None:
        dest = str(tmp_path / "out")
        put(registry.address, "team/bomb", "v1", [flux_tar({"big": bytes(32 << 20)})], {})
        bomb = run_module("oci_pull", reference=f"{registry.address}/team/bomb:v1", dest=dest, max_size=1 << 20)
        assert bomb["failure"]["code"] == "unsafe_archive"
        assert run_module("oci_pull", reference=pushed, dest=dest, max_entries=2)["failure"]["code"] == "unsafe_archive"

    def test_bytes_that_are_not_their_digest(
        self, run_module: RunModule, registry: RunningRegistry, pushed: str, tmp_path: Path
    ) -> None:
        info = run_module("oci_artifact_info", reference=pushed)["artifacts"][0]
        stored = Path(registry.store.blob_path(info["layers"][0]["digest"]))
        stored.write_bytes(stored.read_bytes()[:-1] + b"x")
        result = run_module("oci_pull", reference=pushed, dest=str(tmp_path / "out"))
        assert result["failure"]["code"] == "bad_answer"
        assert not (tmp_path / "out").exists()

    def test_what_cannot_be_unpacked(
        self, run_module: RunModule, registry: RunningRegistry, pushed: str, tmp_path: Path
    ) -> None:
        put(registry.address, "team/other", "v1", [b"text"], {}, layer_type="text/plain")
        dest = str(tmp_path / "out")
        other = run_module("oci_pull", reference=f"{registry.address}/team/other:v1", dest=dest)
        assert other["failure"]["code"] == "not_unpackable"
        missing = run_module("oci_pull", reference=f"{registry.address}/team/none:v1", dest=dest)
        assert missing["failure"]["code"] == "not_found"
        (tmp_path / "file").write_text("")
        taken = run_module("oci_pull", reference=pushed, dest=str(tmp_path / "file"))
        assert taken["failure"]["details"]["option"] == "dest"


class TestInfo:
    def test_an_artifact(self, run_module: RunModule, registry: RunningRegistry, pushed: str) -> None:
        run_module("oci_tag", reference=pushed, tags=["v1", "v2"])
        result = run_module("oci_artifact_info", reference=f"{registry.address}/team/app:v1")
        assert not result["changed"]
        info = result["artifacts"][0]
        assert info["exists"]
        assert info["reference"] == pushed
        assert info["tags"] == ["v1", "v2"]
        assert info["revision"] == "r1"
        assert info["signatures"] == []

    def test_what_is_not_there(self, run_module: RunModule, registry: RunningRegistry) -> None:
        result = run_module("oci_artifact_info", references=[f"{registry.address}/team/none:v1"])
        assert not result.get("failed", False)
        assert result["artifacts"] == [{"asked": f"{registry.address}/team/none:v1", "exists": False, "tags": []}]

    def test_a_registry_that_is_down_is_a_failure(self, run_module: RunModule) -> None:
        result = run_module("oci_artifact_info", reference="127.0.0.1:1/team/app:v1", retries=0)
        assert result["failure"]["code"] == "unreachable"
