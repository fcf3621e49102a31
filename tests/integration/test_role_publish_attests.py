# SPDX-License-Identifier: GPL-3.0-or-later
"""The role publish with statements and a gate: a tag is set only when what was asked for has been said."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.playbook import ROOT, Ran, run
from support.predicates import PREDICATES
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags

__all__ = ["registry"]
PASSPHRASE = "canary-passphrase"
CLEAN = {"properties": {"scanner": {"properties": {"result": {"properties": {"critical": {"maxItems": 0}}}}}}}


@pytest.fixture
def variables(tmp_path: Path, registry: RunningRegistry) -> dict[str, t.Any]:
    """One artifact, a key that signs, and another that attests; the scan in a file finds something critical."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.yaml").write_text("kind: A\n")
    for name in ("sign", "attest"):
        key = SigningKey.generate()
        (tmp_path / f"{name}.key").write_bytes(key.encrypted_pem(PASSPHRASE.encode()))
        (tmp_path / f"{name}.pub").write_bytes(key.public.pem)
    (tmp_path / "scan.json").write_text(json.dumps(PREDICATES["vuln"]))
    return {
        "publish_artifacts": [{"reference": f"oci://{registry.address}/app", "tag": "v1.0.0", "path": "tree"}],
        "publish_base_dir": str(tmp_path),
        "publish_privatekey_path": "sign.key",
        "publish_privatekey_passphrase": PASSPHRASE,
        "publish_attest_privatekey_path": "attest.key",
        "publish_attestations": [
            {"predicate_type": "vuln", "predicate_path": "scan.json"},
            {"predicate_type": "https://example.com/reviewed/v1", "predicate": {"by": ["alice"]}},
        ],
        "publish_never_lower": True,
    }


def publish(variables: dict[str, t.Any], *arguments: str) -> Ran:
    return run(ROOT / "playbooks" / "publish.yml", variables, *arguments)


def test_a_gate_that_does_not_pass_keeps_the_tag_away(variables: dict[str, t.Any], registry: RunningRegistry) -> None:
    variables["publish_gate"] = [{"predicate_type": "vuln"}, {"predicate_type": "vuln", "predicate_schema": CLEAN}]
    refused = publish(variables)
    assert refused.code != 0, refused
    assert "the policy refuses the predicate" in refused.output
    assert "v1.0.0" not in _all(registry)
    variables["publish_gate"] = [
        {"predicate_type": "vuln", "public_keys": [{"path": "attest.pub"}, {"path": "sign.pub"}]}  # below the base
    ]
    assert publish(variables).code == 0
    assert "v1.0.0" in _all(registry)
    again = publish(variables)
    assert (again.code, again.changed) == (0, [])


def _all(registry: RunningRegistry) -> list[str]:
    return list_tags(client(registry.address), "app", 10)
