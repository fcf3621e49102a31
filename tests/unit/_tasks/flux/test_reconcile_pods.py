# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kustomization whose pods do not run: their own reason, in the progress at once and in the failure."""

from __future__ import annotations

import typing as t

import pytest
from support.flux_api import FluxApi
from support.flux_case import Case, FakeClock, failure, run, target
from support.flux_status import recorded
from support.told import Told

Object = dict[str, t.Any]
APPLIERS = "kustomizations"
PULL = 'Back-off pulling image "ghcr.io/o/hello:1"'
WORDS = f"Deployment hello/hello: pod hello-1: ImagePullBackOff: ghcr.io/o/hello:1: {PULL}"


def _workload() -> Object:
    spec = {"selector": {"matchLabels": {"app": "hello"}}}
    return {"kind": "Deployment", "metadata": {"name": "hello", "namespace": "hello"}, "spec": spec}


def _pod() -> Object:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": PULL}}
    container = {"name": "web", "image": "ghcr.io/o/hello:1", "state": state}
    metadata = {"name": "hello-1", "namespace": "hello"}
    return {"kind": "Pod", "metadata": metadata, "status": {"containerStatuses": [container]}}


def _applied(state: str) -> Object:
    found = recorded(state, APPLIERS)
    found["status"]["inventory"] = {"entries": [{"id": "hello_hello_apps_Deployment", "v": "v1"}]}
    return found


@pytest.fixture
def api() -> t.Iterator[FluxApi]:
    with FluxApi() as running:
        running.put(_workload(), _pod())
        yield running


def test_a_pod_that_cannot_pull_its_image(api: FluxApi) -> None:
    told = Told()
    case = Case(api, FakeClock(), told)
    api.put(_applied("health in progress"))
    outcome = run(case(target("Kustomization"), request="never", timeout=25.0))
    code, message = failure(outcome)
    assert code == "timed_out"
    assert f"not ready within 25 s: {WORDS}" in message
    assert message.count("Running health checks") == 1
    assert message.count(PULL) == 1
    first = told.phases[-1].waits[0]
    assert (first[0], first[1], first[3]) == ("Kustomization flux-system/app", WORDS, 25.0)
    [found] = outcome.values["resources"]
    assert found["message"] == WORDS


def test_a_health_check_that_failed(api: FluxApi) -> None:
    api.put(_applied("unhealthy"))
    code, message = failure(run(Case(api, FakeClock())(target("Kustomization"), request="never")))
    assert code == "not_ready"
    assert "HealthCheckFailed: health check failed after 30.030894956s" in message
    assert message.endswith(WORDS)


def test_what_is_checked_without_being_applied(api: FluxApi) -> None:
    value = recorded("unhealthy", APPLIERS)
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "hello", "name": "hello"}
    value["spec"]["healthChecks"] = [named, {**named, "namespace": "../x"}, "x"]
    api.put(value)
    assert failure(run(Case(api, FakeClock())(target("Kustomization"), request="never")))[1].endswith(WORDS)


def test_pods_that_may_not_be_seen_hide_nothing(api: FluxApi) -> None:
    api.put(_applied("unhealthy"))
    api.objects.pop("deployments/hello")
    _code, message = failure(run(Case(api, FakeClock())(target("Kustomization"), request="never")))
    assert message.endswith("[Deployment/kapps3/web status: 'InProgress']")


def test_what_is_ready_is_not_looked_into(api: FluxApi) -> None:
    api.put(_applied("applied"))
    assert run(Case(api, FakeClock())(target("Kustomization"), request="never")).failure is None
    assert not any("deployments" in one.target for one in api.seen)
