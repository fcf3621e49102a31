# SPDX-License-Identifier: GPL-3.0-or-later
"""The role flux_install on a real cluster with real controllers, and a Gitea as the git host.

The cluster of the roles goes through it all, in this order: installed, bootstrapped on top of that, taken out,
bootstrapped by the flux CLI itself and adopted.
"""

from __future__ import annotations

import base64
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from cluster.machine import PASSWORD, USER, Cluster, Gitea, Variables, eventually, gitea, need
from support.playbook import Ran

pytestmark = pytest.mark.timeout(900)

PATH = "clusters/one"
FLUX = f"{PATH}/flux-system"
PATCH = """patches:
- patch: |
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: GitRepository
    metadata: {name: flux-system, namespace: flux-system}
    spec: {interval: 2m0s}
"""


@pytest.fixture(scope="module")
def host(made: Cluster) -> t.Iterator[Gitea]:
    need("git", "ssh-keyscan")
    with gitea(made) as server:
        yield server


class Install(t.Protocol):
    def __call__(self, *arguments: str, fails: bool = False, **changes: t.Any) -> Ran: ...


@pytest.fixture
def install(made: Cluster) -> Install:
    if "LAB_FLUX_MANIFESTS" not in os.environ:
        pytest.skip("LAB_FLUX_MANIFESTS names no file with Flux's install manifests")

    def run(*arguments: str, fails: bool = False, **changes: t.Any) -> Ran:
        given: Variables = {
            "flux_install_manifests": os.environ["LAB_FLUX_MANIFESTS"],
            "flux_install_kubeconfig": str(made.kubeconfig),
        }
        given |= {f"flux_install_{name}": value for name, value in changes.items()}
        return made.play("flux_install", given, *arguments, fails=fails)

    return run


def _login(host: Gitea, repository: str) -> Variables:
    """Over HTTP with a password, which both this machine and the cluster do."""
    url = f"http://{host.address}/{USER}/{repository}.git"
    return {"repository": url, "username": USER, "token": PASSWORD, "insecure": True, "path": PATH}


def _native(host: Gitea) -> Variables:
    """This machine pushes over HTTP; the cluster gets a key of its own, and its repository from the host's API."""
    return {
        "repository": host.url("fleet"),
        "cluster_url": host.in_cluster("fleet"),
        "cluster_known_hosts": host.known_hosts(),
        "username": USER,
        "token": PASSWORD,
        "path": PATH,
        "host": "gitea",
        "host_url": f"http://127.0.0.1:{host.port}",
        "host_username": USER,
        "host_token": PASSWORD,
    }


def _result(ran: Ran) -> Variables:
    return t.cast("Variables", ran.result("Keep what was installed")["ansible_facts"]["flux_install_result"])


def _available(made: Cluster) -> set[str]:
    found = made.read("deployments", "--namespace=flux-system")["items"]
    return {one["metadata"]["name"] for one in found if one["status"].get("availableReplicas") == 1}


def test_installed_from_a_file(made: Cluster, install: Install) -> None:
    predicted = install("--check", "--diff")
    assert made.read("namespaces", "--selector=app.kubernetes.io/part-of=flux")["items"] == []
    done = install()
    assert done.changed == predicted.changed
    assert len(done.changed) == 1
    assert _available(made) == {"source-controller", "kustomize-controller"}
    assert _result(done)["version"].startswith("v2.")
    for arguments in (("--check",), ()):
        assert install(*arguments).changed == []


def test_an_operator_that_is_not_there(install: Install) -> None:
    assert "no FluxInstance in fluxcd.controlplane.io/v1" in install(method="operator", fails=True).output


def test_the_flux_cli_exports_the_same(install: Install) -> None:
    need("flux")
    components = ["source-controller", "kustomize-controller"]
    assert install(method="cli", components=components, network_policy=False).changed == []


def test_bootstrapped_with_a_key_of_its_own(made: Cluster, host: Gitea, install: Install) -> None:
    options = _native(host)
    assert install("--check", **options).changed != []
    assert host.api("GET", "/user/repos") == []
    done = install(**options)
    assert host.commits("fleet") == ["Install Flux"]
    [key] = host.api("GET", f"/repos/{USER}/fleet/keys")
    assert (key["read_only"], key["key"].split()[:2]) == (True, _result(done)["public_key"].split())
    applied = made.read("kustomization", "flux-system", "--namespace=flux-system")
    assert applied["status"]["lastAppliedRevision"] == _result(done)["revision"]
    assert made.read("gitrepository", "flux-system", "--namespace=flux-system")["spec"]["url"].startswith("ssh://")
    for arguments in (("--check",), ()):
        assert install(*arguments, **options).changed == []


def test_what_others_commit_is_applied_and_kept(made: Cluster, host: Gitea, install: Install) -> None:
    """A user's application, and a patch of Flux itself: the role leaves both as they are."""
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app, namespace: default}\n"
    content = {"content": base64.b64encode(manifest.encode()).decode(), "message": "Add app"}
    host.api("POST", f"/repos/{USER}/fleet/contents/{PATH}/app.yaml", content)
    patched = host.api("GET", f"/repos/{USER}/fleet/contents/{FLUX}/kustomization.yaml")
    text = base64.b64decode(patched["content"]).decode() + PATCH
    body = {"content": base64.b64encode(text.encode()).decode(), "message": "Patch", "sha": patched["sha"]}
    host.api("PUT", f"/repos/{USER}/fleet/contents/{FLUX}/kustomization.yaml", body)
    again = install(**_native(host))
    # Nothing, where Flux has been faster.
    assert {name.rpartition(" : ")[2] for name in again.changed} <= {"Wait until Flux has applied the commit"}
    assert made.read("configmap", "app")["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == "flux-system"
    source = made.read("gitrepository", "flux-system", "--namespace=flux-system")
    assert source["spec"]["interval"] == "2m0s"
    assert install(**_native(host)).changed == []
    assert host.commits("fleet") == ["Patch", "Add app", "Install Flux"]


def test_a_remote_that_refuses(host: Gitea, install: Install) -> None:
    host.create("guarded")
    rule = {"branch_name": "main", "enable_push": False, "rule_name": "main"}
    host.api("POST", f"/repos/{USER}/guarded/branch_protections", rule)
    refused = install(fails=True, **_login(host, "guarded"))
    failure = refused.result("Commit the components and the sync")["failure"]
    assert failure["code"] == "push_declined"
    assert host.commits("guarded") == ["Initial commit"]
    wrong = {**_login(host, "guarded"), "token": "another-password"}
    failure = install(fails=True, **wrong).result("Commit the components and the sync")["failure"]
    assert failure["code"] == "authentication_failed"


def test_taken_out(made: Cluster, host: Gitea, install: Install) -> None:
    options = {**_native(host), "state": "absent", "remove_from_repository": True}
    predicted = install("--check", **options)
    assert _available(made) != set()
    done = install(**options)
    assert done.changed == predicted.changed
    assert len(done.changed) == 3
    assert made.read("namespaces", "--selector=app.kubernetes.io/part-of=flux")["items"] == []
    assert "fluxcd.io" not in made.kubectl("get", "customresourcedefinitions")
    assert made.read("configmap", "app")["metadata"]["name"] == "app"  # what Flux has applied stays
    assert host.api("GET", f"/repos/{USER}/fleet/keys") == []
    assert host.commits("fleet")[0] == "Remove Flux"
    assert install(**options).changed == []


def test_a_cluster_without_flux(made: Cluster, tmp_path: Path) -> None:
    """The commit is made, and what it waits for cannot come: the error says what is missing."""
    fleet = tmp_path / "fleet.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(fleet)], check=True)
    given: Variables = {
        "flux_source_name": "hello",
        "flux_source_url": "oci://registry.example/manifests/hello",
        "flux_source_repository": str(fleet),
        "flux_source_kubeconfig": str(made.kubeconfig),
    }
    failure = made.play("flux_source", given, fails=True).result("Wait until Flux has the commit")["failure"]
    assert failure["code"] == "not_installed"
    assert "flux_install" in failure["message"]
    given = {
        "flux_secrets_public_keys": [{"path": str(tmp_path / "nowhere.pub")}],
        "flux_secrets_kubeconfig": str(made.kubeconfig),
    }
    refused = made.play("flux_secrets", given, fails=True)
    assert "nowhere.pub" in refused.result("Give Flux the public keys that prove")["msg"]


def test_a_cluster_that_flux_bootstrap_set_up_is_adopted(
    made: Cluster, host: Gitea, install: Install, tmp_path: Path
) -> None:
    need("flux")
    host.create("adopted")
    options = _login(host, "adopted")
    command = [
        *("flux", "bootstrap", "git", f"--url={options['repository']}", f"--username={USER}", "--token-auth"),
        *("--allow-insecure-http", "--branch=main", f"--path={PATH}", "--network-policy=false"),
        "--components=source-controller,kustomize-controller",
    ]
    environment = {**os.environ, "KUBECONFIG": str(made.kubeconfig), "GIT_PASSWORD": PASSWORD, "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    commits = host.commits("adopted")
    for arguments in (("--check",), ()):
        assert install(*arguments, **options).changed == []
    assert host.commits("adopted") == commits
    # And the other way round: what the role would have committed is what the CLI has.
    assert install(**options, commit_message="Nothing").changed == []
    # What comes from git is not applied past it.
    changed = tmp_path / "changed.yaml"
    text = Path(os.environ["LAB_FLUX_MANIFESTS"]).read_text()
    changed.write_text(text.replace("--log-level=info", "--log-level=debug"))
    assert "gets its components from git" in install(manifests=str(changed), fails=True).output
    upgraded = install(**options, manifests=str(changed))
    assert host.commits("adopted")[0] == "Install Flux"
    deployment = made.read("deployment", "source-controller", "--namespace=flux-system")
    assert "--log-level=debug" in deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert upgraded.changed != []
    eventually(lambda: install(**options, manifests=str(changed)).changed == [])
