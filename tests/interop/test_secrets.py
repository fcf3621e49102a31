# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real API server writes into its audit log at level Metadata: who did what, and no canary."""

from __future__ import annotations

import json
import secrets
import typing as t

from support.canaries import Canaries

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours
    from interop.kube_api import KubeApi


def test_the_audit_log(server: KubeApi, ours: Ours) -> None:
    canaries = Canaries.of_modules()
    space = f"test-{secrets.token_hex(4)}"
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    login = {"name": "login", "registry": "ghcr.io/org", "username": "robot"}
    given: list[tuple[str, dict[str, t.Any]]] = [
        ("flux_secret", {**login, "password": canaries["PROVEN_REGISTRY_PASSWORD"].value}),
        ("flux_git_secret", {"name": "git", "token": canaries["PROVEN_FLUX_GIT_TOKEN"].value}),
    ]
    refused: dict[str, t.Any] = {
        "host": server.host,
        "ca_cert": str(server.ca),
        "api_key": canaries["K8S_AUTH_API_KEY"].value,
    }
    for module, options in given:
        for check in (True, False):
            ours(module, check=check, kubeconfig=server.kubeconfig(), namespace=space, **options)
        ours(module, fails=True, namespace=space, **options, **refused)
    log = server.audit_log.read_text()
    events = [json.loads(line) for line in log.splitlines()]
    written = {event["objectRef"]["name"] for event in events if event["verb"] == "patch" and "objectRef" in event}
    assert {"login", "git"} <= written
    assert {event["level"] for event in events} == {"Metadata"}
    assert [event["auditID"] for event in events if canaries.found(json.dumps(event))] == []
    assert canaries.found(json.dumps(server.call("GET", f"/api/v1/namespaces/{space}/secrets"))), "they are there"
