# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source as manifests."""

from __future__ import annotations

import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.manifest_yaml import dump
from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.render import keys, manifests
from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.source import declare
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

STORY = """\
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata:
  name: cert-manager
  namespace: flux-system
spec:
  url: oci://ghcr.io/org/manifests/cert-manager
  interval: 5m
  ref:
    semver: "*"
  secretRef:
    name: ghcr-auth
  verify:
    provider: cosign
    secretRef:
      name: cosign-pub
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: cert-manager
  namespace: flux-system
spec:
  sourceRef:
    kind: OCIRepository
    name: cert-manager
  interval: 1h
  timeout: 5m
  path: .
  prune: true
  wait: true
"""

ADDRESS = {"name": "cert-manager", "url": "oci://ghcr.io/org/manifests/cert-manager"}


def _declared(unverified: bool = False, **options: t.Any) -> list[dict[str, t.Any]]:
    return manifests(declare({**ADDRESS, **options}, unverified=unverified))


def test_the_story_of_the_guide_needs_nothing_but_a_name_an_address_and_a_login() -> None:
    assert dump(_declared(secret_ref="ghcr-auth", kustomization={})) == STORY


SOURCE_OPTIONS: dict[str, t.Any] = {
    "namespace": "apps",
    "labels": {"b": "2", "a": "1"},
    "annotations": {"x/y": "z"},
    "ref": {"semver": ">=1.0", "semver_filter": "^v"},
    "interval": "10m",
    "timeout": "90s",
    "layer_selector": {"media_type": "application/x", "operation": "extract"},
    "ignore": "*.md\n",
    "provider": "aws",
    "secret_ref": "s1",
    "service_account_name": "sa",
    "cert_secret_ref": "s2",
    "proxy_secret_ref": "s3",
    "insecure": False,
    "suspend": True,
    "verify": {
        "provider": "cosign",
        "match_oidc_identity": [{"issuer": "^i$", "subject": "^s$"}],
        "trusted_root_secret_ref": "s4",
    },
}
SOURCE_SPEC = {
    "url": ADDRESS["url"],
    "interval": "10m",
    "timeout": "90s",
    "ref": {"semver": ">=1.0", "semverFilter": "^v"},
    "layerSelector": {"mediaType": "application/x", "operation": "extract"},
    "ignore": "*.md\n",
    "provider": "aws",
    "secretRef": {"name": "s1"},
    "serviceAccountName": "sa",
    "certSecretRef": {"name": "s2"},
    "proxySecretRef": {"name": "s3"},
    "insecure": False,
    "suspend": True,
    "verify": {
        "provider": "cosign",
        "matchOIDCIdentity": [{"issuer": "^i$", "subject": "^s$"}],
        "trustedRootSecretRef": {"name": "s4"},
    },
}
KUSTOMIZATION_OPTIONS: dict[str, t.Any] = {
    "name": "app",
    "namespace": "apps",
    "labels": {"a": "b"},
    "annotations": {"c": "d"},
    "interval": "30m",
    "retry_interval": "2m",
    "timeout": "3m",
    "path": "./deploy",
    "prune": False,
    "wait": False,
    "force": True,
    "suspend": False,
    "service_account_name": "sa",
    "target_namespace": "web",
    "depends_on": [{"name": "base", "namespace": "infra"}, {"name": "other"}],
    "health_checks": [{"api_version": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "web"}],
    "post_build": {
        "substitute": {"b": "2", "a": "1"},
        "substitute_from": [{"kind": "ConfigMap", "name": "vars", "optional": True}],
    },
}
KUSTOMIZATION_SPEC = {
    "sourceRef": {"kind": "OCIRepository", "name": "cert-manager", "namespace": "flux-system"},
    "interval": "30m",
    "retryInterval": "2m",
    "timeout": "3m",
    "path": "./deploy",
    "prune": False,
    "wait": False,
    "force": True,
    "suspend": False,
    "serviceAccountName": "sa",
    "targetNamespace": "web",
    "dependsOn": [{"name": "base", "namespace": "infra"}, {"name": "other"}],
    "healthChecks": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "web"}],
    "postBuild": {
        "substitute": {"a": "1", "b": "2"},
        "substituteFrom": [{"kind": "ConfigMap", "name": "vars", "optional": True}],
    },
}


def test_every_field_has_its_name_in_the_api() -> None:
    (source,) = _declared(**SOURCE_OPTIONS)
    assert list(source["metadata"]["labels"]) == ["a", "b"]
    assert source["metadata"]["namespace"] == "apps"
    assert source["metadata"]["annotations"] == {"x/y": "z"}
    assert source["spec"] == SOURCE_SPEC


def test_every_field_of_the_kustomization_has_its_name_in_the_api() -> None:
    _other, applier = _declared(kustomization=KUSTOMIZATION_OPTIONS)
    metadata = {"name": "app", "namespace": "apps", "labels": {"a": "b"}, "annotations": {"c": "d"}}
    assert applier["metadata"] == metadata
    assert applier["spec"] == KUSTOMIZATION_SPEC


def test_verification_is_left_out_only_when_said() -> None:
    assert "verify" not in _declared(unverified=True)[0]["spec"]
    assert _declared(verify={"provider": "cosign"})[0]["spec"]["verify"]["secretRef"] == {"name": "cosign-pub"}


def test_a_named_identity_replaces_the_default_key() -> None:
    (source,) = _declared(verify={"match_oidc_identity": [{"issuer": "^i$", "subject": "^s$"}]})
    assert "secretRef" not in source["spec"]["verify"]


def test_a_reference_replaces_the_default_range() -> None:
    assert _declared(ref={"tag": "v1"})[0]["spec"]["ref"] == {"tag": "v1"}
    assert _declared(ref={})[0]["spec"]["ref"] == {"semver": "*"}


def test_objects_are_named_before_they_are_rendered() -> None:
    source = declare({**ADDRESS, "kustomization": {"namespace": "apps"}}, unverified=False)
    assert keys(source) == [ObjectId.of(manifest) for manifest in manifests(source)]
    assert [str(key) for key in keys(source)] == [
        "OCIRepository flux-system/cert-manager",
        "Kustomization apps/cert-manager",
    ]
