# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_workload_info on a scripted API server over real sockets."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire

APP = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/app"
DEPLOYMENT = "/apis/apps/v1/namespaces/web/deployments/front"
PODS = "/api/v1/namespaces/web/pods?limit=250&labelSelector=app%3Dfront%2Ctier+in+%28a%2Cb%29%2C%21old"
SERVICE = "/api/v1/namespaces/web/services/http:front:http/proxy/healthz"
DIGEST = "sha256:" + "a" * 64
SELECTOR = {
    "matchLabels": {"app": "front"},
    "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "old", "operator": "DoesNotExist"},
    ],
}
QUESTION = {"namespace": "web", "service": "front", "port": "http", "path": "/healthz"}

Object = dict[str, t.Any]
Run = t.Callable[..., Object]


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def look(run_module: Run, wire: Wire) -> Run:
    def run(**options: t.Any) -> Object:
        access = {"host": wire.url, "api_key": "canary-token", "request_timeout": 5}
        return run_module("flux_workload_info", **{"name": "app", **access, **options})

    return run


def _json(value: t.Any) -> bytes:
    return json.dumps(value).encode()


def _applied(*identifiers: str) -> bytes:
    listed = [{"id": one, "v": "v1"} for one in identifiers]
    return _json({"status": {"lastAppliedRevision": f"1.0.0@{DIGEST}", "inventory": {"entries": listed}}})


def _pod(name: str, ready: str = "True", phase: str = "Running", **metadata: str) -> Object:
    container = {"name": "c", "image": "img:1", "imageID": "img@sha256:1", "ready": ready == "True", "restartCount": 2}
    status = {"phase": phase, "conditions": [{"type": "Ready", "status": ready}], "containerStatuses": [container]}
    return {"metadata": {"name": name, **metadata}, "status": status}


def test_what_runs_and_what_it_answers(look: Run, wire: Wire) -> None:
    wire.expect("GET", APP, body=_applied("web_front_apps_Deployment", "web_front__Service", "_web__Namespace"))
    wire.expect("GET", DEPLOYMENT, body=_json({"spec": {"selector": SELECTOR}}))
    leaving = _pod("c", "False", deletionTimestamp="2026-01-01T00:00:00Z")
    wire.expect("GET", PODS, body=_json({"items": [_pod("b"), _pod("a", "False", "Succeeded"), leaving]}))
    wire.expect("GET", SERVICE, body=b"hello\n")
    found = look(requests=[QUESTION], check=True)
    assert (found["changed"], found["running"], found["digest"]) == (False, True, DIGEST), found
    [workload] = found["workloads"]
    assert (workload["kind"], workload["name"], workload["ready"]) == ("Deployment", "front", True)
    assert [pod["name"] for pod in workload["pods"]] == ["a", "b"]
    container = {"name": "c", "image": "img:1", "image_id": "img@sha256:1", "ready": True, "restarts": 2}
    assert workload["pods"][1]["containers"] == [container]
    assert found["answers"] == [{**QUESTION, "status": 200, "body": "hello\n", "reason": None}]
    assert "canary-token" not in json.dumps({key: value for key, value in found.items() if key != "invocation"})


@pytest.mark.parametrize("pods", [[], [_pod("a"), _pod("b", "False")]], ids=["none", "one is not ready"])
def test_what_does_not_run(look: Run, wire: Wire, pods: list[Object]) -> None:
    wire.expect("GET", APP, body=_applied("web_front_apps_Deployment"))
    wire.expect("GET", DEPLOYMENT, body=_json({"spec": {"selector": SELECTOR}}))
    wire.expect("GET", PODS, body=_json({"items": pods}))
    found = look()
    assert (found["running"], found["workloads"][0]["ready"]) == (False, False)


def test_a_workload_that_is_gone_and_a_service_that_does_not_answer(look: Run, wire: Wire) -> None:
    missing = _json({"kind": "Status", "details": {"name": "front", "kind": "deployments"}})
    for _turn in range(2):
        wire.expect("GET", APP, body=_applied("web_front_apps_Deployment"))
        wire.expect("GET", DEPLOYMENT, status=404, body=missing)
        wire.expect("GET", SERVICE, status=404, body=b"no such page")
        found = look(requests=[QUESTION])
        assert (found["running"], found["workloads"][0]["pods"]) == (False, [])
        assert (found["answers"][0]["status"], found["answers"][0]["body"]) == (404, "no such page")


def test_no_kustomization(look: Run, wire: Wire) -> None:
    wire.expect("GET", APP, status=404, body=_json({"details": {"name": "app", "kind": "kustomizations"}}))
    assert look()["failure"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"namespace": "../x"}, "requests[0].namespace"),
        ({"service": "a/b"}, "requests[0].service"),
        ({"port": "80/x"}, "requests[0].port"),
        ({"path": "/../../secrets"}, "requests[0].path"),
        ({"path": "/a?b"}, "requests[0].path"),
    ],
)
def test_no_request_leads_elsewhere(look: Run, change: Object, option: str) -> None:
    assert look(requests=[{**QUESTION, **change}])["msg"].startswith(f"{option}: ")
