# SPDX-License-Identifier: GPL-3.0-or-later
"""oci_push against the embedded registry: every operation four times, every refusal entered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, put
from support.file_trees import manifests_in
from support.registry import RunningRegistry, registry, running_registry

from ansible_collections.proven.gitops.plugins.module_utils._artifact.annotations import CONTENT, CREATED
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return manifests_in(tmp_path)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "build" / "collections")}


def four_ways(run_module: RunModule, registry: RunningRegistry, **options: t.Any) -> Result:
    """Check mode, run, check mode again, run again; the run's result."""
    before = len(registry.writes())
    predicted = run_module("oci_push", check=True, **options)
    assert predicted["changed"], predicted
    assert len(registry.writes()) == before
    done = run_module("oci_push", **options)
    assert done["changed"], done
    assert done["artifact"]["digest"] == predicted["artifact"]["digest"]
    assert done["diff"] == predicted["diff"]
    after = len(registry.writes())
    assert after > before
    for check in (True, False):
        again = run_module("oci_push", check=check, **options)
        assert not again["changed"], again
        assert again["actions"] == []
        assert again["artifact"]["digest"] == done["artifact"]["digest"]
    assert len(registry.writes()) == after
    return done


def test_by_digest(run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
    done = four_ways(run_module, registry, reference=f"oci://{registry.address}/team/app", path=str(tree))
    assert list_tags(client(registry.address), "team/app", 10) == []
    assert done["artifact"]["reference"] == f"{registry.address}/team/app@{done['artifact']['digest']}"


def test_by_tag_with_annotations(run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
    done = four_ways(
        run_module,
        registry,
        reference=f"oci://{registry.address}/team/app:v1",
        path=str(tree),
        source="https://example.com/fleet",
        revision="v1@sha1:abc",
        annotations={"with": "an=equals=sign"},
        created="2026-11-22T12:00:00Z",
    )
    found = client(registry.address).get_manifest("team/app", "v1")
    assert found is not None
    annotations = json.loads(found[0])["annotations"]
    assert annotations == {
        "org.opencontainers.image.source": "https://example.com/fleet",
        "org.opencontainers.image.revision": "v1@sha1:abc",
        "org.opencontainers.image.created": "2026-11-22T12:00:00Z",
        "with": "an=equals=sign",
        CONTENT: done["artifact"]["content_digest"],
    }


def test_compare_with_a_tag(run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
    options: dict[str, t.Any] = {
        "reference": f"oci://{registry.address}/team/app",
        "path": str(tree),
        "revision": "1",
        "compare_with": "v1",
    }
    first = run_module("oci_push", **options)
    run_module("oci_tag", reference=first["artifact"]["reference"], tags=["v1"])
    assert run_module("oci_push", **options)["artifact"]["state"] == "unchanged"
    changed = run_module("oci_push", **{**options, "revision": "2"})
    assert changed["changed"]
    assert changed["artifact"]["previous_digest"] == first["artifact"]["digest"]


def test_one_file(run_module: RunModule, registry: RunningRegistry, tree: Path, tmp_path: Path) -> None:
    reference = f"oci://{registry.address}/team/file:v1"
    four_ways(run_module, registry, reference=reference, path=str(tree / "a.yaml"))
    run_module("oci_pull", reference=reference, dest=str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.yaml"]


def test_a_tag_is_moved_only_when_told(run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
    options: dict[str, t.Any] = {"reference": f"oci://{registry.address}/team/app:v1", "path": str(tree)}
    first = run_module("oci_push", **options)["artifact"]["digest"]
    (tree / "a.yaml").write_text("kind: Changed\n")
    for check in (True, False):
        refused = run_module("oci_push", check=check, **options)
        assert refused["failed"]
        assert refused["failure"]["code"] == "tag_exists"
        assert "move" in refused["msg"]
    found = client(registry.address).resolve("team/app", "v1")
    assert found is not None
    assert found.digest == first
    moved = run_module("oci_push", **options, move=True)
    assert moved["changed"]
    assert moved["artifact"]["previous_digest"] == first


def test_one_failure_does_not_hide_the_others(run_module: RunModule, registry: RunningRegistry, tree: Path) -> None:
    put(registry.address, "team/taken", "v1", [flux_tar({"x": b"y"})], {})
    result = run_module(
        "oci_push",
        revision="r",
        artifacts=[
            {"reference": f"oci://{registry.address}/team/one:v1", "path": str(tree)},
            {"reference": f"oci://{registry.address}/team/taken:v1", "path": str(tree)},
            {"reference": f"oci://{registry.address}/team/two:v1", "path": str(tree), "revision": "own"},
        ],
    )
    assert result["failed"]
    assert result["changed"]
    assert [item["state"] for item in result["artifacts"]] == ["pushed", "failed", "pushed"]
    assert result["failure"]["code"] == "batch_failed"
    assert "team/taken:v1" in result["msg"]
    assert result["artifacts"][2]["annotations"]["org.opencontainers.image.revision"] == "own"
    assert list_tags(client(registry.address), "team/two", 10) == ["v1"]


def test_the_epoch_is_stamped_on_what_is_new_only(
    run_module: RunModule, registry: RunningRegistry, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, t.Any] = {"reference": f"oci://{registry.address}/team/app:v1", "path": str(tree)}
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763812800")
    first = run_module("oci_push", **options)
    assert first["artifact"]["annotations"][CREATED] == "2025-11-22T12:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    assert not run_module("oci_push", **options)["changed"]


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"path": "/nonexistent"}, "path"),
        ({"path": "EMPTY"}, "path"),
        ({"path": "/dev/null"}, "path"),
        ({"reference": "oci://127.0.0.1:1/App"}, "reference"),
        ({"reference": "https://127.0.0.1:1/app"}, "reference"),
        ({"reference": "app:v1"}, "reference"),
        ({"reference": "oci://127.0.0.1:1/app@sha256:" + "0" * 64}, "reference"),
        ({"reference": "oci://127.0.0.1:1/app:bad!tag"}, "reference"),
        ({"compare_with": "bad tag"}, "compare_with"),
        ({"reference": "oci://127.0.0.1:1/app:v1", "compare_with": "v0"}, "compare_with"),
        ({"annotations": {"version": 1.1}}, "annotations"),
        ({"created": "yesterday"}, "created"),
        ({"created": "2026-11-22"}, "created"),
        ({"revision": "1", "annotations": {"org.opencontainers.image.revision": "2"}}, "annotations"),
    ],
)
def test_bad_input_is_named_before_anything_is_sent(
    run_module: RunModule, tree: Path, tmp_path: Path, change: dict[str, t.Any], option: str
) -> None:
    (tmp_path / "empty" / "nothing").mkdir(parents=True)
    options: dict[str, t.Any] = {"reference": "oci://127.0.0.1:1/app", "path": str(tree), **change}
    if options["path"] == "EMPTY":
        options["path"] = str(tmp_path / "empty")
    result = run_module("oci_push", **options)
    assert result["failed"]
    assert result["failure"]["code"] == "invalid_option", result
    assert result["failure"]["details"]["option"] == option
    assert result["msg"].startswith(option)


def test_a_registry_that_is_down(run_module: RunModule, tree: Path) -> None:
    started = time.monotonic()
    result = run_module("oci_push", reference="oci://127.0.0.1:1/app", path=str(tree), retries=1)
    assert result["failed"]
    assert result["failure"]["code"] == "unreachable"
    assert "127.0.0.1:1" in result["msg"]
    assert " s)" in result["msg"], "the time spent is named"
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_credentials(run_module: RunModule, tree: Path, tmp_path: Path, auth: t.Literal["basic", "bearer"]) -> None:
    with running_registry(tmp_path / "registry", username="ci", password="canary-in-a-mine", auth=auth) as private:
        options: dict[str, t.Any] = {"reference": f"oci://{private.address}/team/app:v1", "path": str(tree)}
        anonymous = run_module("oci_push", **options)
        assert anonymous["failure"]["code"] == "unauthorized"
        assert "anonymous" in anonymous["msg"]
        wrong = run_module("oci_push", **options, username="ci", password="wrong-canary-word")
        assert wrong["failure"]["code"] == "unauthorized"
        assert "option username" in wrong["msg"]
        assert "wrong-canary-word" not in json.dumps(wrong["msg"])
        done = run_module("oci_push", **options, username="ci", password="canary-in-a-mine")
        assert done["changed"]


def test_links_are_skipped_or_resolved_but_never_lead_out(
    run_module: RunModule, registry: RunningRegistry, tree: Path, tmp_path: Path
) -> None:
    (tree / "link.yaml").symlink_to("a.yaml")
    options: dict[str, t.Any] = {"reference": f"oci://{registry.address}/team/app", "path": str(tree)}
    skipped = run_module("oci_push", **options)
    resolved = run_module("oci_push", **options, resolve_symlinks=True)
    assert skipped["artifact"]["content_digest"] != resolved["artifact"]["content_digest"]
    (tmp_path / "secret").write_text("outside")
    (tree / "out.yaml").symlink_to(tmp_path / "secret")
    assert run_module("oci_push", **options, resolve_symlinks=True)["failed"]
    assert not run_module("oci_push", **options).get("failed", False)


# A process is accounted with the memory of the one that forked it, so a small one has to stand between pytest and it.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
"""


def test_a_tree_of_one_gibibyte_in_less_than_96_mebibytes(registry: RunningRegistry, tmp_path: Path) -> None:
    """The module's own process, start to end, as the system counts its memory."""
    root = tmp_path / "large"
    root.mkdir()
    for number in range(64):
        with open(root / f"{number:02}.bin", "wb") as sparse:
            sparse.write(os.urandom(1 << 14))
            sparse.truncate(16 << 20)
    module = "ansible_collections.proven.gitops.plugins.modules.oci_push"
    arguments = {"reference": f"oci://{registry.address}/team/large:v1", "path": str(root), "concurrency": 4}
    output = tmp_path / "output"
    with open(output, "wb") as sink:
        process = subprocess.run(
            [sys.executable, "-c", MEASURE, sys.executable, "-m", module],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode(),
            stdout=sink,
            stderr=subprocess.PIPE,
            env=environment(),
            check=True,
        )
    result = json.loads(output.read_bytes())
    assert result["changed"], result
    assert result["artifact"]["content_size"] > 1 << 30
    assert 16 < int(process.stderr.split()[-1]) / 1024 < 96


def test_annotations_are_unicode_text(run_module: RunModule, tree: Path) -> None:
    result = run_module("oci_push", reference="127.0.0.1:1/app", path=str(tree), annotations={"a": "\ud800"})
    assert result["failure"]["details"]["option"] == "annotations"


def test_yaml_that_does_not_parse_is_warned_about(
    run_module: RunModule, registry: RunningRegistry, tmp_path: Path
) -> None:
    """Not refused: the tree may hold what Flux never reads. Without news nothing is read again."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "broken.yaml").write_text("kind: A\nname: x: y\n")
    options: dict[str, t.Any] = {"reference": f"oci://{registry.address}/app:v1", "path": str(tmp_path / "tree")}
    warned = f"{registry.address}/app:v1: not valid YAML, so Flux cannot apply it: broken.yaml:2: "
    for check in (True, False):
        result = run_module("oci_push", check=check, diff=False, **options)
        assert result["changed"]
        assert warned in str(result["warnings"])
    assert not run_module("oci_push", diff=False, **options)["changed"]
