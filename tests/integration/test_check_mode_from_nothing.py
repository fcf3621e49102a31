# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode where an earlier task would start the registry: a prediction with a warning, and no more than that."""

from __future__ import annotations

import socket
import typing as t
from pathlib import Path

import pytest
from support import charts
from support.playbook import ROOT, run
from support.signing import PASSPHRASE, Key, keys

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["keys"]

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def address() -> t.Iterator[str]:
    """An address that nothing listens at, and that nothing else can take."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.fixture(params=["push", "push with a tag", "chart", "sign", "attest", "tag"])
def task(
    request: pytest.FixtureRequest, address: str, tmp_path: Path, keys: tuple[Key, ...]
) -> tuple[str, dict[str, t.Any]]:
    """A module with its options, and what it would do."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.yaml").write_text("kind: A\n")
    push: dict[str, t.Any] = {"path": str(tmp_path / "tree"), "reference": f"oci://{address}/app"}
    signed = {
        "reference": f"{address}/app@{DIGEST}",
        "privatekey_path": keys[0].path,
        "privatekey_passphrase": PASSPHRASE,
    }
    tasks: dict[str, tuple[str, dict[str, t.Any]]] = {
        "push": ("oci_push", push),
        "push with a tag": ("oci_push", {**push, "reference": f"oci://{address}/app:v1"}),
        "chart": (
            "helm_chart_push",
            {"path": str(charts.tree(tmp_path / "chart")), "reference": f"oci://{address}/app"},
        ),
        "sign": ("cosign_sign", signed),
        "attest": ("cosign_attest", {**signed, "predicate_type": "custom", "predicate": {"a": "b"}}),
        "tag": ("oci_tag", {"reference": f"oci://{address}/app@{DIGEST}", "tags": ["v1"]}),
    }
    return tasks[request.param]


def test_it_is_predicted_and_a_run_fails(
    task: tuple[str, dict[str, t.Any]], address: str, run_module: RunModule
) -> None:
    name, options = task
    predicted = run_module(name, check=True, retries=0, **options)
    assert not predicted.get("failed", False), predicted
    assert predicted["changed"]
    assert len(predicted["actions"]) == 1
    assert f"a run would fail now: registry {address}: connection refused" in str(predicted["warnings"])
    failed = run_module(name, retries=0, **options)
    assert failed["failed"]
    assert not failed["changed"]
    assert failed["failure"]["code"] == "unreachable"


def test_a_tag_of_nothing_cannot_be_predicted(address: str, run_module: RunModule) -> None:
    failed = run_module("oci_tag", check=True, retries=0, reference=f"oci://{address}/app:v1", tags=["v2"])
    assert failed["failure"]["code"] == "unreachable"


@pytest.mark.fault("R16a")
def test_a_verdict_is_never_predicted(address: str, run_module: RunModule, keys: tuple[Key, ...]) -> None:
    public = [{"path": keys[0].pub}]
    reference = f"{address}/app@{DIGEST}"
    failed = run_module(
        "cosign_verify", check=True, retries=0, reference=reference, public_keys=public, report_only=True
    )
    assert failed["failed"]
    assert failed["verdicts"][0]["verdict"] == "unreachable"


@pytest.mark.slow
def test_the_role_publish_before_key_and_registry(address: str, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.yaml").write_text("kind: A\n")
    variables = {
        "publish_artifacts": [{"reference": f"oci://{address}/app", "tag": "1.0.0", "path": str(tmp_path / "tree")}],
        "publish_privatekey_path": str(tmp_path / "cosign.key"),
        "publish_privatekey_passphrase": "",
    }
    predicted = run(ROOT / "playbooks" / "publish.yml", variables, "--check")
    assert predicted.code == 0, predicted.output
    assert len(predicted.changed) == 3
