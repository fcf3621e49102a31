# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds pods up, as kubelet, scheduler and quota say it."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube import pods
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

Object = dict[str, t.Any]
HELLO = ObjectId("apps/v1", "Deployment", "hello", "hello")
WORKLOAD = {"spec": {"selector": {"matchLabels": {"app": "hello"}}}}
PULL = 'Back-off pulling image "ghcr.io/o/hello:1": ErrImagePull: not found'
PULLING = {"waiting": {"reason": "ImagePullBackOff", "message": PULL}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
NO_NODE = "0/1 nodes are available: 1 Insufficient cpu."
QUOTA = 'pods "hello-1" is forbidden: exceeded quota: small, requested: pods=1'


def _pod(state: Object | None = None, *, name: str = "hello-1", last: Object | None = None, **status: t.Any) -> Object:
    container = {"name": "web", "image": "ghcr.io/o/hello:1", "state": state or {}, "lastState": last or {}}
    return {"metadata": {"name": name}, "status": {"containerStatuses": [container] if state else [], **status}}


def _condition(kind: str, status: str, reason: str, message: str) -> list[Object]:
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        (_pod(PULLING), f"ImagePullBackOff: ghcr.io/o/hello:1: {PULL}"),
        (
            _pod(BACK_OFF, last={"terminated": {"reason": "Error", "exitCode": 3, "message": "no config"}}),
            "CrashLoopBackOff: container web ended with exit code 3: no config",
        ),
        (
            _pod({"terminated": {"reason": "OOMKilled", "exitCode": 137}}),
            "OOMKilled: container web ended with exit code 137",
        ),
        (
            _pod(phase="Pending", conditions=_condition("PodScheduled", "False", "Unschedulable", NO_NODE)),
            f"Unschedulable: {NO_NODE}",
        ),
        (
            _pod(phase="Failed", reason="Evicted", message="The node was low on memory."),
            "Evicted: The node was low on memory.",
        ),
        (_pod({"waiting": {"reason": "ContainerCreating"}}), ""),
        (_pod({"running": {"startedAt": "x"}}), ""),
        (_pod({"terminated": {"reason": "Completed", "exitCode": 0}}), ""),
        (_pod({"waiting": {"reason": "InvalidImageName", "message": "x" * 2000}}), None),
    ],
)
def test_the_reason_of_a_pod(pod: Object, reason: str | None) -> None:
    found = pods.pod_trouble(pod)
    assert found == reason if reason is not None else len(found) == 300


def test_an_init_container_comes_first() -> None:
    pod = _pod({"waiting": {"reason": "PodInitializing"}})
    pod["status"]["initContainerStatuses"] = [{"name": "a", "image": "i", "state": PULLING}]
    assert pods.pod_trouble(pod).startswith("ImagePullBackOff: i: ")


def _serve(wire: Wire, workload: Object, *listed: Object) -> None:
    wire.expect("GET", "/apis/apps/v1/namespaces/hello/deployments/hello", body=json.dumps(workload).encode())
    if "status" not in workload:
        wire.expect("GET", body=json.dumps({"items": list(listed)}).encode())


def test_several_pods_of_one_trouble_are_one(wire: Wire, client: KubeClient) -> None:
    _serve(wire, WORKLOAD, _pod(PULLING), _pod(PULLING, name="hello-2"), _pod({"running": {}}, name="hello-3"))
    assert pods.held_up(client, [HELLO]) == (
        f"Deployment hello/hello: pod hello-1: ImagePullBackOff: ghcr.io/o/hello:1: {PULL}"
    )


def test_a_quota_leaves_no_pods_to_ask(wire: Wire, client: KubeClient) -> None:
    failure = _condition("ReplicaFailure", "True", "FailedCreate", QUOTA)
    _serve(wire, {**WORKLOAD, "status": {"conditions": failure}})
    assert pods.held_up(client, [HELLO]) == f"Deployment hello/hello: FailedCreate: {QUOTA}"


def test_what_may_not_be_seen_is_no_trouble(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", status=403, body=b"{}")
    assert pods.held_up(client, [HELLO]) == ""
    wire.expect("GET", body=json.dumps(WORKLOAD).encode())
    wire.expect("GET", status=403, body=b"{}")
    assert pods.held_up(client, [HELLO]) == ""


def test_the_failed_pods_of_a_job_that_is_complete_are_passed_over(wire: Wire, client: KubeClient) -> None:
    done = {**WORKLOAD, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    wire.expect("GET", body=json.dumps(done).encode())
    assert pods.held_up(client, [ObjectId("batch/v1", "Job", "hello", "once")]) == ""
