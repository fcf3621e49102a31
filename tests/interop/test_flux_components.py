# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_components with Flux's own install manifests on a real kube-apiserver.

It runs nothing: no controller makes a Deployment available, so that waiting is tested by what it says.
"""

from __future__ import annotations

import json
import typing as t
import urllib.error

import pytest
import yaml
from interop.flux_manifests import flux_manifests
from interop.kube_api import NOBODY, KubeApi

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from interop.conftest import Ours

MODULE = "flux_components"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MARK = f"{DEFINITIONS}/gitrepositories.source.toolkit.fluxcd.io"
SYNC = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system"
DEPLOYMENT = "/apis/apps/v1/namespaces/flux-system/deployments/source-controller"
Object = dict[str, t.Any]


@pytest.fixture
def api(server: KubeApi, ours: Ours) -> KubeApi:
    """Without what the test before left, but for the namespace: no controller is there to end one."""
    options: Object = {"state": "absent", "keep_namespace": True, "wait_timeout": 30, "force_conflicts": True}
    ours(MODULE, kubeconfig=server.kubeconfig(), **options)
    operator = f"{DEFINITIONS}/fluxinstances.fluxcd.controlplane.io"
    if _found(server, operator):
        server.call("DELETE", operator)
    return server


@pytest.fixture
def manifests() -> Path:
    return flux_manifests()


class Install(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Object: ...


@pytest.fixture
def install(api: KubeApi, manifests: Path, ours: Ours) -> Install:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Object:
        given = {"kubeconfig": api.kubeconfig(), "src": str(manifests), "wait": False, **options}
        given = {key: value for key, value in given.items() if value is not None}
        return ours(MODULE, fails=fails, check=check, **given)

    return run


def _found(api: KubeApi, path: str) -> Object | None:
    try:
        return t.cast("Object", api.call("GET", path))
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def _patch(api: KubeApi, path: str, body: Object, manager: str = "test") -> Object:
    return t.cast("Object", api.call("PATCH", f"{path}?fieldManager={manager}", body, "application/merge-patch+json"))


def _deployment(manifests: Path) -> Object:
    """source-controller's."""
    documents = [one for one in yaml.safe_load_all(manifests.read_text()) if one and one["kind"] == "Deployment"]
    return t.cast("Object", next(one for one in documents if one["metadata"]["name"] == "source-controller"))


def _sync(api: KubeApi) -> None:
    """What a bootstrapped Flux leaves: a Kustomization that has applied the components, and says so on them."""
    spec = {
        "interval": "10m",
        "path": "./x",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
    }
    body = {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "spec": spec}
    api.apply(SYNC, {**body, "metadata": {"name": "flux-system", "namespace": "flux-system"}}, "flux")
    labels = {f"kustomize.toolkit.fluxcd.io/{name}": "flux-system" for name in ("name", "namespace")}
    _patch(api, MARK, {"metadata": {"labels": labels}}, "kustomize-controller")
    status = {"status": {"lastAppliedRevision": "main@sha1:1"}}
    api.call("PATCH", f"{SYNC}/status", status, "application/merge-patch+json")


def test_check_run_check_run(api: KubeApi, install: Install, manifests: Path) -> None:
    predicted = install(check=True)
    assert predicted["changed"]
    assert _found(api, DEPLOYMENT) is None
    done = install()
    assert (done["actions"], done["resources"]) == (predicted["actions"], predicted["resources"])
    assert {one["change"] for one in done["resources"] if one["kind"] != "Namespace"} == {"created"}
    documents = [one for one in yaml.safe_load_all(manifests.read_text()) if one]
    assert len(done["resources"]) == len(documents)
    assert done["version"].startswith("v2.")
    assert (done["previous_version"], done["synced"]) == (None, False)
    assert [one["name"] for one in done["components"]] == ["source-controller", "kustomize-controller"]
    live = _found(api, DEPLOYMENT)
    assert live is not None
    assert {one["manager"] for one in live["metadata"]["managedFields"]} == {"proven.gitops"}
    for check in (True, False):
        again = install(check=check)
        assert (again["changed"], again["actions"], again["previous_version"]) == (False, [], done["version"])


def test_a_change_shows_what_changes(api: KubeApi, install: Install, manifests: Path) -> None:
    install()
    changed = manifests.read_text().replace("--log-level=info", "--log-level=debug")
    predicted = install(check=True, src=None, content=changed)
    assert predicted["actions"] == [
        f"update Deployment flux-system/{name}" for name in ("source-controller", "kustomize-controller")
    ]
    assert "--log-level=info" in predicted["diff"][0]["before"]
    assert "--log-level=debug" in predicted["diff"][0]["after"]
    assert install(src=None, content=changed)["diff"] == predicted["diff"]
    assert not install(src=None, content=changed)["changed"]


def test_what_the_flux_cli_installed_is_adopted(api: KubeApi, install: Install, manifests: Path) -> None:
    documents = [one for one in yaml.safe_load_all(manifests.read_text()) if one]
    install()
    for one in documents:
        if one["kind"] == "Deployment":
            path = DEPLOYMENT.replace("source-controller", one["metadata"]["name"])
            api.apply(path, one, "flux", force=True)
            _patch(api, path, {"metadata": {"managedFields": [{}]}})
            api.apply(path, one, "flux", force=True)
    before = _found(api, DEPLOYMENT)
    assert not install()["changed"]
    assert _found(api, DEPLOYMENT) == before
    changed = manifests.read_text().replace("--log-level=info", "--log-level=debug")
    assert install(src=None, content=changed)["changed"]  # what a person did by hand is taken over without asking


def test_what_others_manage_is_a_conflict(api: KubeApi, install: Install, manifests: Path) -> None:
    install()
    theirs = _deployment(manifests)
    theirs["spec"]["replicas"] = 3
    api.apply(DEPLOYMENT, theirs, "somebody", force=True)
    for check in (True, False):
        refused = install(check=check, fails=True)
        assert refused["failure"]["code"] == "conflict"
        assert refused["failure"]["details"]["fields"][".spec.replicas"] == "somebody"
    assert install(force_conflicts=True)["actions"] == ["update Deployment flux-system/source-controller"]


def test_a_flux_that_gets_its_components_from_git(api: KubeApi, install: Install, manifests: Path) -> None:
    install()
    _sync(api)
    document = _deployment(manifests)
    api.apply(DEPLOYMENT, document, "kustomize-controller", force=True)
    same = install()
    assert (same["synced"], same["changed"]) == (True, False)
    changed = manifests.read_text().replace("--log-level=info", "--log-level=debug")
    refused = install(src=None, content=changed, fails=True)
    assert refused["failure"]["code"] == "conflict"
    assert "flux_install_repository" in refused["msg"]
    kept = install(src=None, content=changed, when_synced="keep")
    assert (kept["changed"], kept["synced"], kept["resources"]) == (False, True, [])


def test_a_second_flux_and_one_of_another_tool(api: KubeApi, install: Install) -> None:
    install()
    assert "installed in the namespace flux-system" in install(namespace="other", fails=True)["msg"]
    assert "namespace flux-system" in install(state="absent", src=None, namespace="other", fails=True)["msg"]
    _patch(api, MARK, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}})
    cases: list[Object] = [{}, {"state": "absent", "src": None}]
    for options in cases:
        assert "managed by Helm" in install(fails=True, **options)["msg"]
    assert not install(force_conflicts=True)["changed"]


def test_going_back_is_warned_of(install: Install, manifests: Path) -> None:
    done = install()
    older = manifests.read_text().replace(
        f"app.kubernetes.io/version: {done['version']}", "app.kubernetes.io/version: v2.7.0"
    )
    warnings = [str(one) for one in install(check=True, src=None, content=older)["warnings"]]
    assert any("does not support going back" in one for one in warnings)
    assert any("was not tried with this collection" in one for one in warnings)


def test_waiting_says_what_holds_it_up(api: KubeApi, install: Install) -> None:
    refused = install(wait=True, wait_timeout=10, fails=True)  # the new types have to be served before that
    assert refused["failure"]["code"] == "not_ready"
    assert refused["changed"]
    assert set(refused["failure"]["details"]["waiting"]) == {
        f"Deployment flux-system/{name}" for name in ("source-controller", "kustomize-controller")
    }
    container = {"name": "manager", "image": "ghcr.io/fluxcd/source-controller:none"}
    labels = {"app": "source-controller"}
    pod = {"metadata": {"name": "x", "labels": labels}, "spec": {"containers": [container]}}
    api.call("POST", "/api/v1/namespaces/flux-system/pods", pod)
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "not found"}}
    status = {**container, "ready": False, "restartCount": 0, "imageID": "", "state": waiting}
    body = {"status": {"containerStatuses": [status]}}
    api.call("PATCH", "/api/v1/namespaces/flux-system/pods/x/status", body, "application/merge-patch+json")
    refused = install(wait=True, wait_timeout=1, fails=True)
    assert not refused["changed"]
    assert "pod x: ErrImagePull: ghcr.io/fluxcd/source-controller:none: not found" in refused["msg"]
    for name in ("source-controller", "kustomize-controller"):
        path = DEPLOYMENT.replace("source-controller", name)
        generation = t.cast("Object", _found(api, path))["metadata"]["generation"]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), 1)
        _patch(api, f"{path}/status", {"status": {"observedGeneration": generation, **counts}})
    assert not install(wait=True, wait_timeout=1)["changed"]


def test_absent(api: KubeApi, install: Install) -> None:
    install()
    _sync(api)
    _patch(api, SYNC, {"metadata": {"finalizers": ["finalizers.fluxcd.io"]}})
    api.call("POST", "/api/v1/namespaces/flux-system/configmaps", {"metadata": {"name": "applied"}})
    options: Object = {"state": "absent", "src": None, "keep_namespace": True, "wait_timeout": 30}
    predicted = install(check=True, **options)
    assert _found(api, DEPLOYMENT) is not None
    done = install(**options)
    assert (done["changed"], done["actions"]) == (True, predicted["actions"])
    assert done["actions"][0] == "release Kustomization flux-system/flux-system"
    assert done["previous_version"].startswith("v2.")
    left = api.call("GET", DEFINITIONS)["items"] + api.call("GET", "/apis/apps/v1/deployments")["items"]
    assert left == []
    assert _found(api, "/api/v1/namespaces/flux-system/configmaps/applied") is not None
    for check in (True, False):
        assert not install(check=check, **options)["changed"]


def test_absent_with_its_namespace(api: KubeApi, ours: Ours, manifests: Path) -> None:
    api.reset()
    # What the API server takes to end its types, with some to spare.
    options: Object = {"kubeconfig": api.kubeconfig(), "wait_timeout": 15}
    predicted = ours(MODULE, src=str(manifests), check=True, wait=False, **options)
    assert (predicted["changed"], _found(api, "/api/v1/namespaces/flux-system")) == (True, None)
    done = ours(MODULE, src=str(manifests), wait=False, **options)
    assert {one["change"] for one in done["resources"]} == {"created"}
    refused = ours(MODULE, state="absent", fails=True, **options)  # no controller is there to end it
    assert "Namespace flux-system is still there" in refused["msg"]
    api.reset()


def test_removal_that_was_broken_off(api: KubeApi, install: Install) -> None:
    install()
    api.call("DELETE", DEPLOYMENT)
    api.call("DELETE", MARK)
    options: Object = {"state": "absent", "src": None, "keep_namespace": True, "wait_timeout": 30}
    assert "delete Deployment flux-system/kustomize-controller" in install(**options)["actions"]
    assert not install(**options)["changed"]


INSTANCE = """apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata: {name: flux, namespace: flux-system}
spec: {distribution: {version: 2.x, registry: ghcr.io/fluxcd}}
"""
OPERATOR = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: fluxinstances.fluxcd.controlplane.io}
spec:
  group: fluxcd.controlplane.io
  scope: Namespaced
  names: {kind: FluxInstance, listKind: FluxInstanceList, plural: fluxinstances, singular: fluxinstance}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: v1
kind: Namespace
metadata: {name: flux-system}
---
"""


def test_an_operator_and_its_instance(api: KubeApi, install: Install) -> None:
    predicted = install(check=True, src=None, content=INSTANCE)
    assert any("no FluxInstance in fluxcd.controlplane.io/v1" in str(one) for one in predicted["warnings"])
    refused = install(src=None, content=INSTANCE, fails=True)
    assert refused["failure"]["code"] == "not_installed"
    done = install(src=None, content=OPERATOR + INSTANCE, wait=True, wait_timeout=1, fails=True)
    assert "FluxInstance flux-system/flux is not ready yet" in done["msg"]
    path = "/apis/fluxcd.controlplane.io/v1/namespaces/flux-system/fluxinstances/flux"
    ready = {"type": "Ready", "status": "True", "observedGeneration": 2, "reason": "Succeeded", "message": "ok"}
    _patch(api, path, {"status": {"conditions": [ready]}})
    assert not install(src=None, content=INSTANCE, wait=True, wait_timeout=5)["changed"]
    gone = install(src=None, content=INSTANCE, state="absent")
    assert gone["actions"] == ["delete FluxInstance flux-system/flux"]
    assert not install(src=None, content=INSTANCE, state="absent")["changed"]


def test_who_may_not_and_which_cluster(api: KubeApi, install: Install) -> None:
    refused = install(kubeconfig=api.kubeconfig(NOBODY, name="nobody"), fails=True)
    assert refused["failure"]["code"] == "forbidden"
    refused = install(kubeconfig=api.kubeconfig("wrong-token", name="wrong"), fails=True)
    assert refused["failure"]["code"] == "unauthorized"
    assert "wrong-token" not in json.dumps(refused)
    refused = install(kubeconfig="/nowhere", fails=True)
    assert refused["failure"]["details"]["option"] == "kubeconfig"
    refused = install(kubeconfig=None, host="https://127.0.0.1:9", fails=True)
    assert refused["failure"]["code"] == "unreachable"


def test_a_secret_in_manifests_is_not_shown(api: KubeApi, install: Install) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: pull, namespace: default}\nstringData: {x: canary}\n---\n"
    done = install(src=None, content=secret + OPERATOR)
    assert "(hidden)" in json.dumps(done["diff"])
    assert "canary" not in json.dumps(done)
