# SPDX-License-Identifier: GPL-3.0-or-later
"""An unchanged tree: neither uploaded nor compressed nor downloaded, and nobody else's word taken for it."""

from __future__ import annotations

import gzip
import time
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, old_config, put
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._artifact import compress
from ansible_collections.proven.gitops.plugins.module_utils._artifact.annotations import CONTENT, CREATED
from ansible_collections.proven.gitops.plugins.module_utils._artifact.contents import Contents
from ansible_collections.proven.gitops.plugins.module_utils._artifact.flux_artifact import (
    CONFIG_BYTES,
)
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Response
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.ledger import Ledger

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]

FILES = {"a.yaml": b"kind: A\n", "sub/b.yaml": b"kind: B\n"}
REVISION = {"org.opencontainers.image.revision": "main@sha1:1"}


class Case:
    """`case()` pushes the tree; it notes what was compressed, and what the registry was asked."""

    def __init__(self, run_module: RunModule, registry: RunningRegistry, tmp_path: Path) -> None:
        self.registry = registry
        self.cache = tmp_path / "cache"
        self.tree = tmp_path / "manifests"
        (self.tree / "sub").mkdir(parents=True)
        for name, content in FILES.items():
            (self.tree / name).write_bytes(content)
        self.compressed = 0
        self._run_module = run_module

    def __call__(self, **options: t.Any) -> Result:
        self.registry.requests.clear()
        self.compressed = 0
        defaults = {
            "reference": f"oci://{self.registry.address}/team/app:v1",
            "path": str(self.tree),
            "revision": "main@sha1:1",
            "cache_dir": str(self.cache),
        }
        given = {name: value for name, value in {**defaults, **options}.items() if value is not None}
        return self._run_module("oci_push", **given)

    @property
    def asked(self) -> list[str]:
        """What was asked of the registry: method and last part of the path."""
        return [f"{seen.method} {seen.target.rsplit('/', 2)[1]}" for seen in self.registry.requests]

    def entries(self) -> list[Path]:
        return list((self.cache / "layers").iterdir()) if (self.cache / "layers").exists() else []


@pytest.fixture
def case(run_module: RunModule, registry: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    case, deflate = Case(run_module, registry, tmp_path), compress._deflate

    def counted(block: bytes, dictionary: bytes, last: bool) -> bytes:
        case.compressed += len(block)
        return deflate(block, dictionary, last)

    monkeypatch.setattr(compress, "_deflate", counted)
    return case


def test_one_request_and_no_compression(case: Case) -> None:
    first = case()
    assert first["changed"]
    assert case.compressed
    for check in (True, False):
        again = case(check=check)
        assert not again["changed"]
        expected = {**first["artifact"], "state": "unchanged", "previous_digest": first["artifact"]["digest"]}
        assert again["artifact"] == expected
        assert (case.asked, case.compressed) == (["GET manifests"], 0)


def test_the_same_with_another_tag_to_compare_with(case: Case) -> None:
    first = case()
    by_digest = case(reference=f"oci://{case.registry.address}/team/app", compare_with="v1")
    assert by_digest["artifact"]["digest"] == first["artifact"]["digest"]
    assert (by_digest["changed"], case.compressed, case.registry.writes()) == (False, 0, [])


def test_hosts_with_different_compressors_change_nothing_in_turn(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer's digest depends on the compressor; what the layers hold does not, and that decides."""
    first = case()["artifact"]
    for level in (1, 9, 5):
        monkeypatch.setattr(compress, "LEVEL", level)
        for cache in ("", str(case.cache), f"{case.cache}-of-another-host"):
            again = case(cache_dir=cache)
            assert (again["changed"], again["artifact"]["digest"]) == (False, first["digest"])
            assert case.registry.writes() == []


def test_check_mode_notes_nothing(case: Case) -> None:
    case(check=True)
    assert not case.cache.exists()
    case(cache_dir="")
    assert not case.cache.exists()
    assert not case(check=True)["changed"]
    assert case.compressed
    assert not case.cache.exists()


def test_the_default_place_is_the_users_cache(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    case(cache_dir=None)
    case(cache_dir=None)
    assert case.compressed == 0
    assert len(list((tmp_path / "xdg" / "proven-gitops" / "layers").iterdir())) == 1
    monkeypatch.setenv("PROVEN_CACHE_DIR", "")  # unset, as every empty variable
    case(cache_dir=None)
    assert case.compressed == 0


def test_without_a_ledger_the_layer_is_compared_and_then_remembered(case: Case) -> None:
    case(cache_dir="")
    assert not case()["changed"]
    assert case.compressed
    assert case.registry.writes() == []
    assert not case()["changed"]
    assert case.compressed == 0


@pytest.mark.parametrize("old", [False, True])
def test_what_was_adopted_is_read_once(case: Case, old: bool) -> None:
    layer, created = flux_tar(FILES), "2026-01-01T00:00:00Z"
    contents = Contents(case(check=True)["artifact"]["content_digest"], of_bytes(gzip.decompress(layer)))
    config = old_config(created, contents.diff_id) if old else CONFIG_BYTES
    theirs = put(case.registry.address, "team/app", "v1", [layer], {**REVISION, CREATED: created}, config=config)
    first = case()
    assert (first["artifact"]["state"], "GET blobs" in case.asked) == ("adopted", True)
    assert Ledger(str(case.cache / "layers")).find(of_bytes(layer)) == contents
    again = case()
    assert (again["artifact"]["state"], again["artifact"]["digest"]) == ("adopted", theirs.digest)
    assert (case.asked, case.compressed) == (["GET manifests"], 0)
    if old:  # the ledger says which tar is in the layer; a config that says otherwise is still not theirs
        lying = old_config(created, of_bytes(b"another"))
        put(case.registry.address, "team/app", "v1", [layer], {**REVISION, CREATED: created}, config=lying)
        assert case(move=True)["changed"]


@pytest.mark.parametrize("change", ["content", "name", "revision"])
def test_a_change_is_seen(case: Case, change: str) -> None:
    first = case()
    if change == "content":
        (case.tree / "a.yaml").write_bytes(b"kind: X\n")
    elif change == "name":
        (case.tree / "a.yaml").rename(case.tree / "c.yaml")
    options = {"revision": "2"} if change == "revision" else {}
    for check in (True, False):
        changed = case(move=True, check=check, **options)
        assert changed["artifact"]["state"] == "pushed"
        assert changed["artifact"]["previous_digest"] == first["artifact"]["digest"]
    assert not case(**options)["changed"]
    assert case.compressed == 0


def test_a_claim_in_an_annotation_is_not_taken_for_knowledge(case: Case) -> None:
    """Whoever may push can write any content digest beside any layer; what is unchanged here gets signed."""
    honest = case()
    evil = flux_tar({"a.yaml": b"kind: Evil\n"})
    claimed = {**REVISION, CONTENT: honest["artifact"]["content_digest"]}
    forged = put(case.registry.address, "team/app", "v1", [evil], claimed)
    done = case(move=True)
    assert done["artifact"]["state"] == "pushed"
    assert done["artifact"]["digest"] == honest["artifact"]["digest"]
    assert done["artifact"]["previous_digest"] == forged.digest
    assert Ledger(str(case.cache / "layers")).find(of_bytes(evil)) is None


@pytest.mark.parametrize("open_to_others", ["directory", "entry"])
def test_a_ledger_that_others_can_write_to_is_not_believed(case: Case, open_to_others: str) -> None:
    """Somebody else on this host says of an evil layer that it holds our tree."""
    honest = case()["artifact"]
    layers = case.cache / "layers"
    evil = flux_tar({"a.yaml": b"kind: Evil\n"})
    Ledger(str(layers)).note({of_bytes(evil): Contents(honest["content_digest"], honest["content_digest"])})
    put(case.registry.address, "team/app", "v1", [evil], {**REVISION, CONTENT: honest["content_digest"]})
    opened = layers if open_to_others == "directory" else layers / of_bytes(evil).partition(":")[2]
    opened.chmod(0o777)
    done = case(move=True)
    assert (done["artifact"]["state"], done["artifact"]["digest"]) == ("pushed", honest["digest"])
    warned = [text for text in done.get("warnings", []) if str(case.cache) in str(text)]
    assert bool(warned) is (open_to_others == "directory")


def test_many_at_once(case: Case, run_module: RunModule, tmp_path: Path) -> None:
    artifacts = []
    for number in range(20):
        tree = tmp_path / f"tree-{number}"
        tree.mkdir()
        (tree / "a.yaml").write_text(f"number: {number}\n")
        artifacts.append({"reference": f"oci://{case.registry.address}/team/app-{number}:v1", "path": str(tree)})
    options: dict[str, t.Any] = {"artifacts": artifacts, "cache_dir": str(case.cache), "concurrency": 8}
    assert len(run_module("oci_push", **options)["actions"]) == 20
    case.registry.requests.clear()
    case.compressed = 0
    again = run_module("oci_push", **options)
    assert not again["changed"]
    assert (case.asked, case.compressed) == (["GET manifests"] * 20, 0)
    found = client(case.registry.address).get_manifest("team/app-7", "v1")
    assert found is not None
    assert of_bytes(found[0]) == again["artifacts"][7]["digest"]


class Throttle(Hook):
    """A registry that says 429 to the first request of each kind, and how long to wait."""

    def __init__(self) -> None:
        self.refused: dict[str, float] = {}
        self.pauses: list[float] = []

    def before(self, request: t.Any) -> Response | None:
        kind = f"{request.method} {request.target.rsplit('/', 2)[1]}"
        if kind not in self.refused:
            self.refused[kind] = time.monotonic()
            return Response(429, {"Retry-After": "1"}, b"slowly")
        if self.refused[kind]:
            self.pauses.append(time.monotonic() - self.refused[kind])
            self.refused[kind] = 0.0
        return None


def test_a_registry_that_is_busy_is_obeyed(case: Case) -> None:
    case.registry.hooks.append(throttle := Throttle())
    assert case()["changed"]
    assert len(throttle.pauses) >= 3
    case.registry.hooks.append(again := Throttle())
    unchanged = case()
    assert (unchanged["changed"], case.compressed) == (False, 0)
    assert case.asked == ["GET manifests"] * 2
    assert min(throttle.pauses + again.pauses) >= 1
