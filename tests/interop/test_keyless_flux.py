# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyless signatures of ours, proven by a real source-controller with the trusted root of a private Sigstore."""

from __future__ import annotations

import re
import typing as t

import pytest
from support.private_sigstore import ME

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.flux_cluster import Flux
    from interop.places import Place
    from support.private_sigstore import Sigstore

YOU = "you@lab.example"


def _declare(ours: Ours, space: Flux, sigstore: Sigstore, repository: str, *people: str) -> t.Any:
    issuer = f"^{re.escape(sigstore.issuer)}$"
    verify = {
        "match_oidc_identity": [{"issuer": issuer, "subject": f"^{re.escape(who)}$"} for who in people],
        "trusted_root_secret_ref": "sigstore-root",
    }
    kubeconfig = space.api.kubeconfig()
    root: dict[str, t.Any] = {
        "name": "sigstore-root",
        "namespace": space.namespace,
        "trusted_root": str(sigstore.trusted_root),
    }
    ours("flux_secret", kubeconfig=kubeconfig, **root)
    options: dict[str, t.Any] = {
        "target": "cluster",
        "kubeconfig": kubeconfig,
        "namespace": space.namespace,
        "name": "app",
        "url": f"oci://{repository}",
        "allow_loopback": True,
        "insecure": True,
        "flux_version": "2.9",
        "verify": verify,
    }
    assert ours("flux_oci_source", **options)["changed"]


def _signed(ours: Ours, push: Push, place: Place, sigstore: Sigstore, *, v1: bool = False) -> str:
    reference = push(place)
    ours("cosign_sign", reference=reference, **sigstore.signing(v1=v1))
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    return reference.partition("@")[0]


@pytest.mark.parametrize("v1", [False, True], ids=["rekor2", "rekor1"])
def test_flux_proves_one_of_several_identities(
    v1: bool, sigstore: Sigstore, space: Flux, embedded: Place, push: Push, ours: Ours
) -> None:
    """Which are one pattern there, since it takes no more for bundles."""
    repository = _signed(ours, push, embedded, sigstore, v1=v1)
    _declare(ours, space, sigstore, repository, YOU, ME)
    source = space.settled()["SourceVerified"]
    assert (source["status"], source["reason"]) == ("True", "Succeeded")
    found = ours("flux_source_info", kubeconfig=space.api.kubeconfig(), namespace=space.namespace)
    [shown] = found["sources"]
    assert shown["trusted_root_secret"] == "sigstore-root"
    assert len(shown["identities"]) == 1


def test_flux_refuses_another_identity(
    sigstore: Sigstore, space: Flux, embedded: Place, push: Push, ours: Ours
) -> None:
    repository = _signed(ours, push, embedded, sigstore)
    _declare(ours, space, sigstore, repository, YOU)
    source = space.settled(status="False")["SourceVerified"]
    assert (source["status"], source["reason"]) == ("False", "VerificationError")
    assert "no matching CertificateIdentity found" in source["message"]
    as_flux = ours(
        "cosign_verify",
        reference=f"{repository}:1.0.0",
        report_only=True,
        flux_version="2.9",
        **sigstore.verifying(YOU),
    )
    assert as_flux["verdicts"][0]["verdict"] == "wrong_identity"
