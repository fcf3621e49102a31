# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server writes into its audit log at level Metadata: who did what, and no canary."""

from __future__ import annotations

import json
import secrets
import typing as t

import pytest
from interop.kube_api import KubeApi, kube_api
from support.canaries import Canaries

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from interop.conftest import Ours

POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


@pytest.fixture
def audited(tmp_path: Path) -> t.Iterator[KubeApi]:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={tmp_path / 'audit.log'}", "--audit-log-mode=blocking")
    with kube_api(tmp_path, *flags) as api:
        yield api


def test_the_audit_log(audited: KubeApi, ours: Ours, tmp_path: Path) -> None:
    canaries = Canaries.of_modules()
    space = f"test-{secrets.token_hex(4)}"
    audited.call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    login = {"name": "login", "registry": "ghcr.io/org", "username": "robot"}
    given: list[tuple[str, dict[str, t.Any]]] = [
        ("flux_secret", {**login, "password": canaries["PROVEN_REGISTRY_PASSWORD"].value}),
        ("flux_git_secret", {"name": "git", "token": canaries["PROVEN_FLUX_GIT_TOKEN"].value}),
    ]
    refused: dict[str, t.Any] = {
        "host": audited.host,
        "ca_cert": str(audited.ca),
        "api_key": canaries["K8S_AUTH_API_KEY"].value,
    }
    for module, options in given:
        for check in (True, False):
            ours(module, check=check, kubeconfig=audited.kubeconfig(), namespace=space, **options)
        ours(module, fails=True, namespace=space, **options, **refused)
    log = (tmp_path / "audit.log").read_text()
    events = [json.loads(line) for line in log.splitlines()]
    written = {event["objectRef"]["name"] for event in events if event["verb"] == "patch" and "objectRef" in event}
    assert {"login", "git"} <= written
    assert {event["level"] for event in events} == {"Metadata"}
    assert [event["auditID"] for event in events if canaries.found(json.dumps(event))] == []
    assert canaries.found(json.dumps(audited.call("GET", f"/api/v1/namespaces/{space}/secrets"))), "they are there"
