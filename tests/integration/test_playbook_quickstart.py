# SPDX-License-Identifier: GPL-3.0-or-later
"""The quickstart, from nothing to the evidence and away again."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from support.playbook import ROOT, Ran, run

if t.TYPE_CHECKING:
    from conftest import RunModule

pytestmark = pytest.mark.timeout(600)  # whole plays, one after the other
DECLARED = "clusters/my-cluster/my-app-2-sync.yaml"


@pytest.fixture
def home(tmp_path: Path, run_module: RunModule) -> t.Iterator[Path]:
    """Where the quickstart keeps everything; its registry is gone afterwards, whatever happens."""
    yield tmp_path / "quickstart"
    run_module("oci_registry", data_dir=str(tmp_path / "quickstart" / "registry"), state="absent")


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    directory = tmp_path / "My app_2"
    directory.mkdir()
    (directory / "a.yaml").write_text("kind: A\n")
    return directory


def quickstart(home: Path, manifests: Path, *arguments: str, **variables: str) -> Ran:
    given = {"quickstart_dir": str(home), "quickstart_manifests": str(manifests), **variables}
    return run(ROOT / "playbooks" / "quickstart.yml", given, *arguments)


def committed(home: Path, *arguments: str) -> str:
    command = ["git", "-C", str(home / "fleet.git"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_from_nothing(home: Path, manifests: Path) -> None:
    planned = quickstart(home, manifests, "--check")
    assert planned.code == 0, planned.output
    assert "would push" in planned.output
    assert not home.exists()

    first = quickstart(home, manifests)
    assert first.code == 0, first.output
    evidence = (home / "evidence.txt").read_text()
    digest = first.result("Push by digest what the tags do not have already")["artifact"]["digest"]
    commit = first.result("Commit the declaration to the fleet's repository")["revision"]
    for word in (digest, commit, "verified", "bundle", "oci://127.0.0.1:", DECLARED):
        assert word in evidence
    source, kustomization = yaml.safe_load_all(committed(home, "show", f"main:{DECLARED}"))
    assert source["spec"]["verify"] == {"provider": "cosign", "secretRef": {"name": "cosign-pub"}}
    assert kustomization["spec"]["sourceRef"] == {"kind": "OCIRepository", "name": "my-app-2"}

    again = quickstart(home, manifests)
    assert again.code == 0, again.output
    assert again.changed == []
    assert (home / "evidence.txt").read_text() == evidence
    assert committed(home, "rev-list", "--count", "main").strip() == "1"


@pytest.mark.slow
def test_a_second_version_and_a_tag_that_stays(home: Path, manifests: Path) -> None:
    assert quickstart(home, manifests).code == 0
    (manifests / "a.yaml").write_text("kind: B\n")
    refused = quickstart(home, manifests)
    assert refused.code != 0
    assert "tag_exists" in refused.output
    second = quickstart(home, manifests, quickstart_tag="1.0.1")
    assert second.code == 0, second.output
    assert ":1.0.1" in (home / "evidence.txt").read_text()
