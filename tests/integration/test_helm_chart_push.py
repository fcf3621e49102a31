# SPDX-License-Identifier: GPL-3.0-or-later
"""helm_chart_push against our own registry: plan and run, unchanged, batches, tags, and the same digest everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.charts import packed, tree
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Manifest

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]

# Promised: whatever packs this chart, on whatever machine.
CONTENT = "sha256:3e5e6f54f3a7a78864e30155ae17598763c607e4417953ff201f25a3613bff3d"


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    files = {"values.yaml": "a: 1\n", "templates/b.yaml": "kind: B\n", "README.md": "# App\n", ".helmignore": "*.bak\n"}
    return tree(tmp_path / "chart", {**files, "old.bak": ""})


@pytest.fixture
def push(run_module: RunModule, registry: RunningRegistry) -> t.Callable[..., Result]:
    def run(name: str = "app", **options: t.Any) -> Result:
        return run_module("helm_chart_push", reference=f"oci://{registry.address}/charts/{name}", **options)

    return run


def test_check_mode_predicts_and_a_second_run_changes_nothing(
    push: t.Callable[..., Result], chart: Path, registry: RunningRegistry
) -> None:
    given = {"name": "app:1.0.0", "path": str(chart)}
    planned = push(check=True, **given)
    assert not registry.writes()
    done = push(**given)
    assert (planned["changed"], done["changed"]) == (True, True)
    assert planned["artifact"] == done["artifact"]
    assert planned["diff"] == done["diff"]
    assert "app/values.yaml" in done["diff"]["after"]
    again = [push(check=check, **given) for check in (True, False)]
    assert [(one["changed"], one["artifact"]["state"]) for one in again] == [(False, "unchanged")] * 2
    assert (done["artifact"]["files"], done["artifact"]["content_digest"]) == (6, CONTENT)
    answer = client(registry.address).get_manifest("charts/app", "1.0.0")
    assert answer is not None
    assert Manifest.parse(answer[0]).digest == done["artifact"]["digest"]


def test_by_digest_then_by_tag(push: t.Callable[..., Result], chart: Path, run_module: RunModule) -> None:
    first = push(path=str(chart))["artifact"]
    assert (first["state"], first["tag"], first["version_tag"]) == ("pushed", None, "1.0.0")
    assert push(path=str(chart))["artifact"]["state"] == "unchanged"
    assert run_module("oci_tag", reference=first["reference"], tags=[first["version_tag"]])["changed"]
    assert push("app:1.0.0", path=str(chart))["artifact"]["digest"] == first["digest"]
    (chart / "values.yaml").write_text("a: 2\n")
    refused = push("app:1.0.0", path=str(chart), check=True)
    assert refused["failure"]["code"] == "tag_exists"
    by_digest = push(path=str(chart))["artifact"]
    assert (by_digest["state"], by_digest["previous_digest"]) == ("pushed", first["digest"])
    moved = push("app:1.0.0", path=str(chart), move=True)
    assert (moved["changed"], moved["artifact"]["digest"]) == (True, by_digest["digest"])


def test_many_at_once_and_no_failure_hides_another(
    run_module: RunModule, registry: RunningRegistry, chart: Path, tmp_path: Path
) -> None:
    file = tmp_path / "app.tgz"
    file.write_bytes(packed())
    broken = tree(tmp_path / "broken", {"values.yaml": "a: ["})
    where = f"{registry.address}/charts"
    charts = [
        {"reference": f"{where}/app:1.0.0", "path": str(chart), "annotations": {"b": "2"}},
        {"reference": f"{where}/broken/app", "path": str(broken)},
        {"reference": f"{where}/file/app:1.0.0", "path": str(file)},
    ]
    done = run_module("helm_chart_push", charts=charts, annotations={"a": "1"})
    assert [one["state"] for one in done["artifacts"]] == ["pushed", "failed", "pushed"]
    assert done["artifacts"][0]["annotations"].items() >= {"a": "1", "b": "2"}.items()
    assert done["failure"]["code"] == "batch_failed"
    assert "values.yaml: " in done["msg"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "other", "path": "CHART"}, "a repository that ends in the chart's name, /app"),
        ({"name": "app:2.0.0", "path": "CHART"}, "the chart's version as its tag, 1.0.0"),
        ({"name": f"app@sha256:{'a' * 64}", "path": "CHART"}, "a digest is what a push results in"),
        ({"path": "CHART", "url": "https://x/a.tgz"}, "exactly one of path, url and repo_url"),
        ({}, "exactly one of path, url and repo_url"),
        ({"path": "CHART", "version": "1.0.0"}, "version: it belongs to repo_url"),
        ({"path": "CHART", "sha256": "a" * 64}, "is a directory that is packed here"),
        ({"path": "CHART", "provenance": True}, "is a directory that is packed here"),
        ({"path": "CHART", "keyring": "/x"}, "set provenance as well"),
        ({"path": "CHART", "annotations": {"org.opencontainers.image.title": "x"}}, "follows from the chart"),
        ({"path": "CHART", "created": "yesterday"}, "RFC 3339"),
        ({"path": "CHART", "repo_username": "me"}, "belong together"),
        ({"path": "/nonexistent"}, "No such file"),
        ({"url": "https://me:pw@x/a.tgz", "sha256": "a" * 64}, "without a login in it"),
        ({"url": "https://x/a.tgz", "sha256": "abc"}, "64 hexadecimal digits"),
    ],
)
def test_wrong_options_are_named_before_anything_is_sent(
    push: t.Callable[..., Result], registry: RunningRegistry, chart: Path, options: dict[str, t.Any], said: str
) -> None:
    given = {key: str(chart) if value == "CHART" else value for key, value in options.items()}
    result = push(**given)
    assert result["failed"]
    assert said in result["msg"]
    assert not registry.requests


def test_the_time_of_creation(push: t.Callable[..., Result], chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "org.opencontainers.image.created"
    first = push("app:1.0.0", path=str(chart))["artifact"]
    assert key not in first["annotations"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert push("app:1.0.0", path=str(chart))["artifact"]["state"] == "unchanged"
    new = push("app:1.0.0", path=str(chart), move=True, created="2026-01-01T00:00:00Z")["artifact"]
    assert (new["state"], new["annotations"][key]) == ("pushed", "2026-01-01T00:00:00Z")
    (chart / "values.yaml").write_text("a: 3\n")
    assert push("app:1.0.0", path=str(chart), move=True)["artifact"]["annotations"][key] == "2023-11-14T22:13:20Z"


_SCRIPT = """
import json, os, sys
os.umask(0o077)
from ansible_collections.proven.gitops.plugins.module_utils._artifact.compress import Compressor
from ansible_collections.proven.gitops.plugins.module_utils._oci.reference import Reference
from ansible_collections.proven.gitops.plugins.module_utils._tasks.helm.chart_form import ChartForm
from ansible_collections.proven.gitops.plugins.module_utils._tasks.helm.chart_source import Directory
form = ChartForm(Reference.parse("registry.example/charts/app"), Directory(sys.argv[1]))
layer = form.pack(Compressor(int(sys.argv[2])), lambda piece: None)
print(json.dumps([layer.content_digest, form.manifest(layer, None).digest]))
"""


def test_the_digest_is_the_same_everywhere(chart: Path, tmp_path: Path) -> None:
    """In another directory, time zone, locale and umask, by more threads, at another time."""
    other = Path(shutil.copytree(chart, tmp_path / "elsewhere" / "x"))
    for path in other.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (time.time() - 9_999, 0))
    found = set()
    for directory, threads, zone in [(chart, "1", "UTC"), (other, "4", "Asia/Kolkata")]:
        environment = {
            **os.environ,
            "TZ": zone,
            "LC_ALL": "C",
            "PYTHONHASHSEED": threads,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-c", _SCRIPT, str(directory), threads]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.add(tuple(json.loads(done.stdout)))
    [(content, _digest)] = found
    assert content == CONTENT
