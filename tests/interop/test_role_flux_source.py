# SPDX-License-Identifier: GPL-3.0-or-later
"""The role flux_source from the fleet's repository on Gitea to what real Flux controllers proved and applied."""

from __future__ import annotations

import base64
import secrets
import typing as t
import urllib.error
from pathlib import Path

import pytest
from interop.flux_cluster import Flux
from interop.gitea import PASSWORD, USER, Gitea
from interop.kube_api import KubeApi
from support.playbook import Ran, run

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.cosign import Keys
    from interop.places import Place

PLAY = """---
- hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  roles:
    - role: proven.gitops.flux_source
"""
FILE = "clusters/my-cluster/app-sync.yaml"

Object = dict[str, t.Any]


@pytest.fixture
def fleet(gitea: Gitea) -> str:
    return f"fleet-{secrets.token_hex(4)}"


@pytest.fixture
def flux(cluster: KubeApi, gitea: Gitea, fleet: str, keys: Keys) -> Flux:
    """A namespace whose Kustomization `sync` follows the fleet's repository, as bootstrap leaves it."""
    found = Flux(cluster, f"ns-{secrets.token_hex(4)}")
    found.secret("cosign-pub", {"cosign.pub": keys.public.read_bytes()})
    url = gitea.repository(fleet)
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: marker}\n"
    content = {"content": base64.b64encode(text.encode()).decode(), "message": "Begin"}
    gitea.create(f"/repos/{USER}/{fleet}/contents/clusters/my-cluster/marker.yaml", content)
    found.apply("gitrepositories", "GitRepository", {"interval": "10m", "url": url, "ref": {"branch": "main"}}, "sync")
    spec: Object = {
        "interval": "10m",
        "path": "./clusters/my-cluster",
        "prune": True,
        "targetNamespace": found.namespace,
        "sourceRef": {"kind": "GitRepository", "name": "sync"},
    }
    found.apply("kustomizations", "Kustomization", spec, "sync")
    found.settled("kustomizations", "sync")
    return found


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    tree = tmp_path / "manifests"
    tree.mkdir()
    (tree / "app.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {greeting: hello}\n")
    return tree


@pytest.fixture
def published(embedded: Place, keys: Keys, push: Push, ours: Ours) -> tuple[str, str]:
    """Repository and digest of a signed artifact."""
    reference = push(embedded)
    ours("cosign_sign", reference=reference, **keys.options)
    ours("oci_tag", reference=reference, tags=["1.0.0"])
    repository, _at, digest = reference.partition("@")
    return repository, digest


@pytest.fixture
def variables(flux: Flux, gitea: Gitea, fleet: str, published: tuple[str, str]) -> Object:
    repository, digest = published
    return {
        "flux_source_name": "app",
        "flux_source_namespace": flux.namespace,
        "flux_source_url": f"oci://{repository}",
        "flux_source_allow_loopback": True,
        "flux_source_insecure": True,
        "flux_source_kustomization": {"target_namespace": flux.namespace},
        "flux_source_digest": digest,
        "flux_source_repository": f"http://{gitea.address}/{USER}/{fleet}.git",
        "flux_source_git_username": USER,
        "flux_source_git_token": PASSWORD,
        "flux_source_sync_name": "sync",
        "flux_source_sync_namespace": flux.namespace,
        "flux_source_kubeconfig": flux.api.kubeconfig(),
        "flux_source_wait_timeout": 60,
    }


def play(tmp_path: Path, variables: Object, *arguments: str) -> Ran:
    (tmp_path / "play.yml").write_text(PLAY)
    ran = run(tmp_path / "play.yml", variables, *arguments)
    assert PASSWORD not in ran.output
    return ran


def _there(flux: Flux, path: str) -> bool:
    try:
        flux.api.call("GET", path)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return False
    return True


def test_declared_proven_applied_and_taken_away(
    flux: Flux, gitea: Gitea, fleet: str, variables: Object, tmp_path: Path
) -> None:
    config_map = f"/api/v1/namespaces/{flux.namespace}/configmaps/app"
    predicted = play(tmp_path, variables, "--check", "--diff")
    assert (predicted.code, len(predicted.changed)) == (0, 1), predicted.output
    assert gitea.read(fleet, FILE) is None

    done = play(tmp_path, variables)
    assert done.code == 0, done.output
    assert gitea.read(fleet, FILE) is not None
    source, applied = done.result("Wait until Flux has proven and applied the artifact")["resources"]
    assert (source["verified"], source["reason"], source["digest"]) == (
        True,
        "Succeeded",
        variables["flux_source_digest"],
    )
    assert (applied["ready"], applied["digest"]) == (True, variables["flux_source_digest"])
    assert _there(flux, config_map)
    for arguments in (("--check",), ()):
        again = play(tmp_path, variables, *arguments)
        assert (again.code, again.changed) == (0, []), again.output

    absent = {**variables, "flux_source_state": "absent"}
    assert len(play(tmp_path, absent, "--check").changed) == 1
    assert _there(flux, config_map)
    gone = play(tmp_path, absent)
    assert gone.code == 0, gone.output
    assert gitea.read(fleet, FILE) is None
    assert not any(
        _there(flux, path) for path in (config_map, flux.path("ocirepositories"), flux.path("kustomizations"))
    )
    for arguments in (("--check",), ()):
        again = play(tmp_path, absent, *arguments)
        assert (again.code, again.changed) == (0, []), again.output


def test_what_flux_refuses_ends_the_role_at_once(
    flux: Flux, variables: Object, embedded: Place, other_keys: Keys, push: Push, ours: Ours, tmp_path: Path
) -> None:
    """And once the artifact is signed by the right key, running again converges."""
    flux.secret("cosign-pub", {"cosign.pub": other_keys.public.read_bytes()})
    refused = play(tmp_path, variables)
    assert refused.code != 0
    result = refused.result("Wait until Flux has proven and applied the artifact")
    assert "no matching signatures" in result["msg"]
    assert result["resources"][0]["state"] == "refused"
    reference = f"{variables['flux_source_url']}@{variables['flux_source_digest']}"
    ours("cosign_sign", reference=reference, **other_keys.options)
    done = play(tmp_path, variables)
    assert done.code == 0, done.output


def test_without_waiting_only_the_repository_is_written_to(
    gitea: Gitea, fleet: str, variables: Object, tmp_path: Path
) -> None:
    given = {
        **variables,
        "flux_source_reconcile": False,
        "flux_source_kubeconfig": "/nowhere",
        "flux_source_path": "a.yaml",
    }
    assert play(tmp_path, given).code == 0
    assert gitea.read(fleet, "a.yaml") is not None
