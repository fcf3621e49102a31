# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof: what we push, sign and declare is verified by a real source-controller and applied by a real
kustomize-controller; and what is not signed is not.
"""

from __future__ import annotations

import base64
import contextlib
import time
import typing as t
from pathlib import Path

import pytest
from interop.flux_manifests import flux_definitions
from interop.kube_api import KubeApi, kube_api, process
from interop.places import free_port

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.cosign import Keys
    from interop.places import Place

SECONDS = 30.0
Object = dict[str, t.Any]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[KubeApi]:
    """An API server with both controllers as plain processes."""
    definitions = flux_definitions()
    directory = tmp_path_factory.mktemp("cluster")
    with contextlib.ExitStack() as stack:
        api = stack.enter_context(kube_api(directory))
        api.install(definitions)
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": "flux-system"}})
        for program, arguments in _controllers(directory):
            variables = {"KUBECONFIG": api.kubeconfig(), "RUNTIME_NAMESPACE": "flux-system", "HOME": str(directory)}
            stack.enter_context(process(directory, program, arguments, **variables))
        yield api


def _controllers(directory: Path) -> list[tuple[str, list[str]]]:
    storage = f"127.0.0.1:{free_port()}"
    source = [
        f"--storage-path={directory / 'storage'}",
        f"--storage-addr={storage}",
        f"--storage-adv-addr={storage}",
        "--max-retry-delay=1s",
    ]
    (directory / "storage").mkdir()
    both = ["--watch-all-namespaces=true", "--enable-leader-election=false", "--log-level=info"]
    return [
        (program, [*own, *both, f"--metrics-addr=127.0.0.1:{free_port()}", f"--health-addr=127.0.0.1:{free_port()}"])
        for program, own in (("source-controller", source), ("kustomize-controller", ["--max-retry-delay=1s"]))
    ]


@pytest.fixture
def namespace(cluster: KubeApi, tmp_path: Path) -> str:
    name = tmp_path.name.replace("_", "-").lower()[:50]
    cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


def _secret(cluster: KubeApi, namespace: str, keys: Keys) -> None:
    data = {"cosign.pub": base64.b64encode(keys.public.read_bytes()).decode()}
    document: Object = {"metadata": {"name": "cosign-pub"}, "data": data}
    cluster.call("POST", f"/api/v1/namespaces/{namespace}/secrets", document)


def _conditions(cluster: KubeApi, namespace: str, resource: str) -> dict[str, Object]:
    group = "kustomize" if resource == "kustomizations" else "source"
    live = cluster.call("GET", f"/apis/{group}.toolkit.fluxcd.io/v1/namespaces/{namespace}/{resource}/app")
    generation = live["metadata"]["generation"]
    found = live.get("status", {}).get("conditions", [])
    return {one["type"]: one for one in found if one.get("observedGeneration") == generation}


def _settled(cluster: KubeApi, namespace: str, resource: str = "ocirepositories", status: str = "True") -> Object:
    """The conditions, once Ready has that status for this generation."""
    end = time.monotonic() + SECONDS
    while True:
        conditions = _conditions(cluster, namespace, resource)
        if conditions.get("Ready", {}).get("status") == status:
            return conditions
        assert time.monotonic() < end, conditions
        time.sleep(0.2)


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """What the cluster gets to see."""
    tree = tmp_path / "manifests"
    tree.mkdir()
    (tree / "app.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {greeting: '${greeting}'}\n"
    )
    return tree


def _options(cluster: KubeApi, namespace: str, repository: str, **more: t.Any) -> Object:
    """What a task declares: a registry on this host, which is where source-controller runs here, too."""
    return {
        "target": "cluster",
        "kubeconfig": cluster.kubeconfig(),
        "namespace": namespace,
        "name": "app",
        "url": f"oci://{repository}",
        "allow_loopback": True,
        "insecure": True,
        **more,
    }


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_what_we_sign_is_verified_and_applied(
    form: str, cluster: KubeApi, namespace: str, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    repository, _separator, digest = reference.partition("@")
    ours("cosign_sign", reference=reference, format=form, **keys.options)
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    _secret(cluster, namespace, keys)
    applier = {"target_namespace": namespace, "post_build": {"substitute": {"greeting": "hello"}}}
    options = _options(cluster, namespace, repository, kustomization=applier)
    assert ours("flux_oci_source", **options)["changed"]
    source = _settled(cluster, namespace)
    assert (source["SourceVerified"]["status"], source["SourceVerified"]["reason"]) == ("True", "Succeeded")
    assert digest in source["SourceVerified"]["message"]
    applied = _settled(cluster, namespace, "kustomizations")
    assert applied["Ready"]["reason"] == "ReconciliationSucceeded"
    live = cluster.call("GET", f"/api/v1/namespaces/{namespace}/configmaps/app")
    assert live["data"] == {"greeting": "hello"}
    # With the controllers' own status, finalizers and defaults in it, it still is what was declared.
    assert not ours("flux_oci_source", **options)["changed"]


def test_what_nobody_signed_is_not_applied(
    cluster: KubeApi, namespace: str, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    repository = reference.partition("@")[0]
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    _secret(cluster, namespace, keys)
    ours("flux_oci_source", **_options(cluster, namespace, repository, kustomization={}))
    source = _settled(cluster, namespace, status="False")
    assert (source["SourceVerified"]["status"], source["SourceVerified"]["reason"]) == ("False", "VerificationError")
    assert "Ready" not in {
        name for name, one in _conditions(cluster, namespace, "kustomizations").items() if one["status"] == "True"
    }


def test_what_another_key_signed_is_not_taken_and_then_is_taken_away(
    cluster: KubeApi, namespace: str, embedded: Place, keys: Keys, other_keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    repository = reference.partition("@")[0]
    ours("cosign_sign", reference=reference, **other_keys.options)
    _secret(cluster, namespace, keys)
    options = _options(cluster, namespace, repository, ref={"digest": reference.partition("@")[2]})
    ours("flux_oci_source", **options)
    assert _settled(cluster, namespace, status="False")["SourceVerified"]["reason"] == "VerificationError"
    gone = {**options, "state": "absent"}
    assert ours("flux_oci_source", **gone)["changed"]
    assert not ours("flux_oci_source", **gone)["changed"]
