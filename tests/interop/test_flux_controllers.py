# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof: what we push, sign and declare is verified by a real source-controller and applied by a real
kustomize-controller; and what is not signed is not.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.cosign import Keys
    from interop.flux_cluster import Flux
    from interop.places import Place

Object = dict[str, t.Any]


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """What the cluster gets to see."""
    tree = tmp_path / "manifests"
    tree.mkdir()
    (tree / "app.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {greeting: '${greeting}'}\n"
    )
    return tree


def _options(space: Flux, repository: str, **more: t.Any) -> Object:
    """What a task declares: a registry on this host, which is where source-controller runs here, too."""
    return {
        "target": "cluster",
        "kubeconfig": space.api.kubeconfig(),
        "namespace": space.namespace,
        "name": "app",
        "url": f"oci://{repository}",
        "allow_loopback": True,
        "insecure": True,
        **more,
    }


@pytest.mark.parametrize("form", ["bundle", "legacy"])
def test_what_we_sign_is_verified_and_applied(
    form: str, space: Flux, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    repository, _separator, digest = reference.partition("@")
    ours("cosign_sign", reference=reference, format=form, **keys.options)
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    space.secret("cosign-pub", {"cosign.pub": keys.public.read_bytes()})
    applier = {"target_namespace": space.namespace, "post_build": {"substitute": {"greeting": "hello"}}}
    options = _options(space, repository, kustomization=applier)
    assert ours("flux_oci_source", **options)["changed"]
    source = space.settled()
    assert (source["SourceVerified"]["status"], source["SourceVerified"]["reason"]) == ("True", "Succeeded")
    assert digest in source["SourceVerified"]["message"]
    applied = space.settled("kustomizations")
    assert applied["Ready"]["reason"] == "ReconciliationSucceeded"
    live = space.api.call("GET", f"/api/v1/namespaces/{space.namespace}/configmaps/app")
    assert live["data"] == {"greeting": "hello"}
    # With the controllers' own status, finalizers and defaults in it, it still is what was declared.
    assert not ours("flux_oci_source", **options)["changed"]


def test_what_nobody_signed_is_not_applied(space: Flux, embedded: Place, keys: Keys, push: Push, ours: Ours) -> None:
    reference = push(embedded)
    repository = reference.partition("@")[0]
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    space.secret("cosign-pub", {"cosign.pub": keys.public.read_bytes()})
    ours("flux_oci_source", **_options(space, repository, kustomization={}))
    source = space.settled(status="False")
    assert (source["SourceVerified"]["status"], source["SourceVerified"]["reason"]) == ("False", "VerificationError")
    assert "Ready" not in {name for name, one in space.conditions("kustomizations").items() if one["status"] == "True"}


def test_what_another_key_signed_is_not_taken_and_then_is_taken_away(
    space: Flux, embedded: Place, keys: Keys, other_keys: Keys, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    repository = reference.partition("@")[0]
    ours("cosign_sign", reference=reference, **other_keys.options)
    space.secret("cosign-pub", {"cosign.pub": keys.public.read_bytes()})
    options = _options(space, repository, ref={"digest": reference.partition("@")[2]})
    ours("flux_oci_source", **options)
    assert space.settled(status="False")["SourceVerified"]["reason"] == "VerificationError"
    gone = {**options, "state": "absent"}
    assert ours("flux_oci_source", **gone)["changed"]
    assert not ours("flux_oci_source", **gone)["changed"]
