# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server with Flux's source- and kustomize-controller beside it, all as plain processes on loopback."""

from __future__ import annotations

import base64
import contextlib
import time
import typing as t
from pathlib import Path

from interop.flux_manifests import flux_definitions
from interop.kube_api import KubeApi, kube_api, process
from interop.places import free_port

SECONDS = 30.0
Object = dict[str, t.Any]
GROUPS = {"kustomizations": "kustomize.toolkit.fluxcd.io/v1"}
SOURCES = "source.toolkit.fluxcd.io/v1"


@contextlib.contextmanager
def flux_cluster(directory: Path) -> t.Iterator[KubeApi]:
    """Both controllers, with a retry within a second of what failed."""
    definitions = flux_definitions()
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
    ]
    (directory / "storage").mkdir()
    both = [
        "--watch-all-namespaces=true",
        "--enable-leader-election=false",
        "--log-level=info",
        "--max-retry-delay=1s",
        "--requeue-dependency=1s",
    ]
    return [
        (program, [*own, *both, f"--metrics-addr=127.0.0.1:{free_port()}", f"--health-addr=127.0.0.1:{free_port()}"])
        for program, own in (("source-controller", source), ("kustomize-controller", []))
    ]


class Flux:
    """One namespace of the cluster, as an administrator with kubectl would see it."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        api.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    def path(self, plural: str, name: str = "app") -> str:
        """Of an object in the API."""
        return f"/apis/{GROUPS.get(plural, SOURCES)}/namespaces/{self.namespace}/{plural}/{name}"

    def secret(self, name: str, data: t.Mapping[str, bytes], kind: str = "Opaque") -> None:
        """Make or replace a Secret."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        body: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "data": encoded}
        collection = f"/api/v1/namespaces/{self.namespace}/secrets"
        with contextlib.suppress(OSError):
            self.api.call("DELETE", f"{collection}/{name}")
        self.api.call("POST", collection, body)

    def grant(self, user: str, rules: list[Object]) -> None:
        """Give somebody rights in this namespace."""
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        group = "rbac.authorization.k8s.io"
        subject, role = (
            {"kind": "User", "name": user, "apiGroup": group},
            {"kind": "Role", "name": user, "apiGroup": group},
        )
        self.api.call("POST", f"{rbac}/roles", {"metadata": {"name": user}, "rules": rules})
        binding = {"metadata": {"name": user}, "subjects": [subject], "roleRef": role}
        self.api.call("POST", f"{rbac}/rolebindings", binding)

    def apply(self, plural: str, kind: str, spec: t.Mapping[str, t.Any], name: str = "app") -> Object:
        """Make or change an object as somebody who is not the code under test."""
        metadata = {"name": name, "namespace": self.namespace}
        body = {"apiVersion": GROUPS.get(plural, SOURCES), "kind": kind, "metadata": metadata, "spec": spec}
        return t.cast("Object", self.api.apply(self.path(plural, name), body, "test", force=True))

    def get(self, plural: str, name: str = "app") -> Object:
        """The object as it is."""
        return t.cast("Object", self.api.call("GET", self.path(plural, name)))

    def conditions(self, plural: str = "ocirepositories", name: str = "app") -> dict[str, Object]:
        """Those that were set for the object's present generation."""
        live = self.get(plural, name)
        found = live.get("status", {}).get("conditions", [])
        return {one["type"]: one for one in found if one.get("observedGeneration") == live["metadata"]["generation"]}

    def settled(self, plural: str = "ocirepositories", name: str = "app", status: str = "True") -> dict[str, Object]:
        """The conditions, once Ready has that status for this generation."""
        end = time.monotonic() + SECONDS
        while True:
            conditions = self.conditions(plural, name)
            if conditions.get("Ready", {}).get("status") == status:
                return conditions
            assert time.monotonic() < end, conditions
            time.sleep(0.1)
