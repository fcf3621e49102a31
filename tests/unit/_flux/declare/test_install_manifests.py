# SPDX-License-Identifier: GPL-3.0-or-later
"""Install manifests as data. tests/interop has Flux's own."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare import install_manifests
from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.install_manifests import (
    images,
    load,
    version_of,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

LABELS = "labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/version: v2.9.5}"
INSTANCE = "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\n"
DEPLOYMENT = f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: source-controller, namespace: flux-system, {LABELS}}}
spec: {{template: {{spec: {{containers: [{{name: manager, image: "ghcr.io/fluxcd/source-controller:v1"}}]}}}}}}
"""
DEFINITION = f"""apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gitrepositories.source.toolkit.fluxcd.io, {LABELS}}}
spec:
  group: source.toolkit.fluxcd.io
  scope: Namespaced
  names: {{kind: GitRepository, plural: gitrepositories}}
  versions: [{{name: v1}}, {{name: v1beta2}}]
"""
SERVICE = f"apiVersion: v1\nkind: Service\nmetadata: {{name: source-controller, namespace: flux-system, {LABELS}}}\n"
NAMESPACE = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: flux-system, {LABELS}}}\n"
DOCUMENTS = ("# nothing\n", INSTANCE, DEPLOYMENT, SERVICE, DEFINITION, NAMESPACE)
ALL = "---\n".join(DOCUMENTS)


def test_the_order_is_one_in_which_they_can_be_applied() -> None:
    kinds = [one["kind"] for one in load(ALL, "src")]
    assert kinds == ["Namespace", "CustomResourceDefinition", "Service", "Deployment", "FluxInstance"]


def test_what_they_are() -> None:
    found = load(ALL, "src")
    assert version_of(found) == "v2.9.5"
    assert [images(one) for one in found if one["kind"] == "Deployment"] == [["ghcr.io/fluxcd/source-controller:v1"]]
    assert images(found[0]) == []
    assert str(ObjectId.of(found[0])) == "Namespace flux-system"
    assert str(ObjectId.of(found[2])) == "Service flux-system/source-controller"
    assert ObjectId.of(found[4]).group == "fluxcd.controlplane.io"


@pytest.mark.parametrize("text", [DEPLOYMENT, DEFINITION, INSTANCE])
def test_any_of_these_is_of_flux(text: str) -> None:
    assert len(load(text, "src")) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds nothing of Flux"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "holds nothing of Flux"),
        ("apiVersion: x.notfluxcd.io/v1\nkind: X\nmetadata: {name: x}\n", "holds nothing of Flux"),
        ("a: [", "is not valid YAML"),
        ("--- !!python/object/apply:os.system [id]\n", "is not valid YAML"),
        ("just text", "no Kubernetes object"),
        ("kind: X\nmetadata: {name: x}", "no Kubernetes object"),
        ("apiVersion: v1\nkind: X\nmetadata: {}", "no Kubernetes object"),
        ("apiVersion: v1\nkind: [X]\nmetadata: {name: x}", "no Kubernetes object"),
        (f"{INSTANCE}---\n{INSTANCE}", "FluxInstance flux-system/flux is there twice"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidOption, match=f"src: .*{reason}"):
        load(text, "src")


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_manifests, "MAX_LENGTH", 10)
    with pytest.raises(InvalidOption, match="larger than 10"):
        load(ALL, "content")


def test_without_labels_there_is_no_version() -> None:
    assert version_of(load(INSTANCE, "src")) == ""
