# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_sync and flux_git_secret on a real kube-apiserver with Flux's own definitions, and held against the flux CLI."""

from __future__ import annotations

import base64
import json
import subprocess
import typing as t
import urllib.error

import pytest
import yaml
from interop.flux_manifests import flux_definitions
from interop.kube_api import NOBODY, KubeApi

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare import sync as flux_sync

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from interop.conftest import Ours
    from interop.peers import Cli

URL = "https://git.example.com/fleet/clusters.git"
HOSTS = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SOURCES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/flux-system"
APPLIERS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system"
SECRET = "/api/v1/namespaces/flux-system/secrets/flux-system"
Object = dict[str, t.Any]


@pytest.fixture(scope="module")
def definitions() -> list[Object]:
    return flux_definitions()


@pytest.fixture
def api(server: KubeApi, definitions: list[Object]) -> KubeApi:
    """Without what the test before left."""
    server.with_flux(definitions)
    for path in (SOURCES, APPLIERS, SECRET):
        if _found(server, path) is not None:
            server.call("DELETE", path)
    return server


class Run(t.Protocol):
    def __call__(self, *, fails: bool = False, check: bool = False, **options: t.Any) -> Object: ...


@pytest.fixture
def sync(api: KubeApi, ours: Ours) -> Run:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Object:
        given = {"target": "cluster", "kubeconfig": api.kubeconfig(), "url": URL, "path": "clusters/one", **options}
        return ours("flux_sync", fails=fails, check=check, **given)

    return run


@pytest.fixture
def secret(api: KubeApi, ours: Ours) -> Run:
    def run(*, fails: bool = False, check: bool = False, **options: t.Any) -> Object:
        result = ours("flux_git_secret", fails=fails, check=check, kubeconfig=api.kubeconfig(), **options)
        assert "canary" not in json.dumps(result)
        assert "PRIVATE KEY" not in json.dumps(result)
        return result

    return run


def _found(api: KubeApi, path: str) -> Object | None:
    try:
        return t.cast("Object", api.call("GET", path))
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def _data(api: KubeApi) -> dict[str, bytes]:
    live = _found(api, SECRET) or {}
    return {name: base64.b64decode(value) for name, value in (live.get("data") or {}).items()}


@pytest.mark.parametrize(
    ("branch", "path", "interval"),
    [
        ("main", "clusters/one", "1m"),
        ("release/1.x", "./clusters/my cluster", "90s"),
        ("1.0", "1.0", "1h30m"),
        ("y", "on", "1500ms"),
        ("0x1f", "clusters/übung", "24h"),
        ("a#b", "a#b/c", "10m"),
        ("null", "~", "45s"),
        ("1e3", "1e3", "1h"),
        ("feature-1_2", "-x", "2m"),
        ("@next", "a 'quoted' b", "2m"),
        ("#1", "a #b", "2m"),
        ("!x", "a/b%20c", "2m"),
        ("2026-11-22", "2026", "2m"),
        ("1_000", ".5", "2m"),
        ("+1", "a,b", "2m"),
        ("0o17", "&a", "2m"),
        ("1.x", "`a`", "2m"),
        ("release-1.10", "{a}", "2m"),
        (".inf", "a;b", "2m"),
        ("1e4", "|", "2m"),
        ("%a", ">", "2m"),
        ("'", '"', "2m"),
        ("a'b", 'a"b', "2m"),
    ],
)
def test_the_flux_cli_means_and_writes_the_same(flux: Cli, branch: str, path: str, interval: str) -> None:
    declared = flux_sync.declare(URL, branch, path, interval, "flux-system", "flux-system")
    [text] = [one for name, one in flux_sync.files(declared).items() if name.endswith("gotk-sync.yaml")]
    source = (
        "create",
        "source",
        "git",
        "flux-system",
        f"--url={URL}",
        f"--branch={branch}",
        "--secret-ref=flux-system",
    )
    exported = flux(*source, f"--interval={interval}", "--export")
    applier = ("create", "kustomization", "flux-system", "--source=GitRepository/flux-system", "--prune=true")
    exported += "\n" + flux(*applier, f"--path=./{declared.path}", "--interval=10m", "--export")
    documents = [document.strip() for document in text.split("---\n")[1:]]
    theirs = [document.strip() for document in exported.split("---\n")[1:]]
    assert documents == theirs
    assert list(yaml.safe_load_all(text)) == flux_sync.manifests(declared)


def test_sync_check_run_check_run(api: KubeApi, sync: Run) -> None:
    predicted = sync(check=True)
    assert (predicted["changed"], _found(api, SOURCES)) == (True, None)
    done = sync()
    assert (done["actions"], done["resources"]) == (predicted["actions"], predicted["resources"])
    for path, manifest in zip((SOURCES, APPLIERS), done["manifests"], strict=True):
        live = _found(api, path)
        assert live is not None
        assert live["spec"].items() >= manifest["spec"].items()
    for check in (True, False):
        again = sync(check=check)
        assert (again["changed"], again["diff"]) == (False, [])


def test_sync_leaves_what_the_repository_patches(api: KubeApi, sync: Run) -> None:
    sync()
    patch = {"spec": {"interval": "5m0s", "timeout": "90s"}}
    api.call("PATCH", f"{SOURCES}?fieldManager=kustomize-controller", patch, "application/merge-patch+json")
    assert not sync()["changed"]
    live = _found(api, SOURCES)
    assert live is not None
    assert live["spec"]["interval"] == "5m0s"


def test_sync_follows_to_another_repository(api: KubeApi, sync: Run) -> None:
    done = sync()
    for path, manifest in zip((SOURCES, APPLIERS), done["manifests"], strict=True):
        api.apply(path, manifest, "kustomize-controller", force=True)
    moved: Object = {"url": "ssh://git@git.example.com/fleet/other.git"}
    predicted = sync(check=True, **moved)
    assert predicted["actions"] == ["update GitRepository flux-system/flux-system"]
    assert sync(**moved)["changed"]
    assert not sync(**moved)["changed"]


def test_sync_takes_nothing_from_a_stranger(api: KubeApi, sync: Run) -> None:
    done = sync()
    api.apply(
        SOURCES,
        {**done["manifests"][0], "spec": {**done["manifests"][0]["spec"], "url": "https://o.x/y"}},
        "argocd",
        force=True,
    )
    refused = sync(fails=True)
    assert refused["failure"]["details"]["fields"] == {".spec.url": "argocd"}
    assert sync(force_conflicts=True)["changed"]
    assert not sync()["changed"]


def test_sync_does_not_move_to_another_path_by_itself(api: KubeApi, sync: Run) -> None:
    sync()
    for check in (True, False):
        refused = sync(path="clusters/two", check=check, fails=True)
        assert refused["failure"]["code"] == "conflict"
        assert "force_path" in refused["msg"]
    assert sync(path="clusters/two", force_path=True)["actions"] == ["update Kustomization flux-system/flux-system"]


def test_sync_without_flux(server: KubeApi, ours: Ours) -> None:
    server.reset()
    options: Object = {"target": "cluster", "kubeconfig": server.kubeconfig(), "url": URL}
    assert any("no GitRepository" in str(one) for one in ours("flux_sync", check=True, **options)["warnings"])
    refused = ours("flux_sync", fails=True, **options)
    assert refused["failure"]["code"] == "not_installed"


def test_a_login(api: KubeApi, secret: Run) -> None:
    options: Object = {"username": "fleet", "token": "canary-token\n"}
    predicted = secret(check=True, **options)
    assert (predicted["changed"], _found(api, SECRET)) == (True, None)
    done = secret(**options)
    assert (done["actions"], done["secret"], done["diff"]) == (
        predicted["actions"],
        predicted["secret"],
        predicted["diff"],
    )
    assert _data(api) == {"username": b"fleet", "password": b"canary-token"}
    for check in (True, False):
        assert not secret(check=check, **options)["changed"]
    changed = secret(username="fleet", token="canary-other")
    assert "password: (hidden) (another one)" in changed["diff"][0]["after"]
    assert _data(api)["password"] == b"canary-other"


@pytest.mark.parametrize("algorithm", ["ecdsa", "ed25519", "rsa"])
def test_a_key_that_is_made_in_the_cluster(api: KubeApi, secret: Run, algorithm: str) -> None:
    options: Object = {"type": "ssh", "known_hosts": HOSTS, "key_algorithm": algorithm}
    predicted = secret(check=True, **options)
    assert (predicted["public_key"], _found(api, SECRET)) == (None, None)
    done = secret(**options)
    assert done["actions"] == predicted["actions"]
    data = _data(api)
    assert (data["identity.pub"].decode().strip(), data["known_hosts"].decode()) == (done["public_key"], f"{HOSTS}\n")
    for check in (True, False):
        again = secret(check=check, **options)
        assert (again["changed"], again["public_key"]) == (False, done["public_key"])
    assert secret(type="ssh", known_hosts=f"{HOSTS}\nother ssh-rsa AAAA")["public_key"] == done["public_key"]


def test_a_key_that_is_given(api: KubeApi, secret: Run, tmp_path: Path) -> None:
    key, hosts = tmp_path / "id", tmp_path / "known_hosts"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    hosts.write_text(HOSTS)
    options: Object = {"type": "ssh", "known_hosts_path": str(hosts), "privatekey_path": str(key)}
    done = secret(**options)
    public = (tmp_path / "id.pub").read_text().split()
    assert done["public_key"].split() == public[:2]
    assert not secret(**options)["changed"]
    by_content: Object = {"type": "ssh", "known_hosts": HOSTS, "privatekey_content": key.read_text()}
    assert not secret(**by_content)["changed"]


def test_what_flux_bootstrap_made_is_adopted(api: KubeApi, secret: Run) -> None:
    body = {"metadata": {"name": "flux-system"}, "stringData": {"username": "git", "password": "canary-token"}}
    api.call("POST", "/api/v1/namespaces/flux-system/secrets?fieldManager=flux", body)
    before = _found(api, SECRET)
    assert not secret(token="canary-token")["changed"]
    assert _found(api, SECRET) == before
    assert secret(token="canary-other")["changed"]


def test_what_others_manage(api: KubeApi, secret: Run) -> None:
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "flux-system", "namespace": "flux-system"}}
    api.apply(SECRET, {**theirs, "data": {"password": base64.b64encode(b"x").decode()}}, "external-secrets")
    refused = secret(token="canary-token", fails=True)
    assert refused["failure"]["code"] == "conflict"
    assert "external-secrets" in refused["msg"]
    assert secret(token="canary-token", force_conflicts=True)["changed"]


def test_a_secret_that_goes(api: KubeApi, secret: Run) -> None:
    assert not secret(state="absent")["changed"]
    secret(token="canary-token")
    assert secret(state="absent", check=True)["actions"] == ["delete Secret flux-system/flux-system"]
    assert secret(state="absent")["changed"]
    assert _found(api, SECRET) is None


def test_a_namespace_that_is_missing(secret: Run) -> None:
    options: Object = {"token": "canary-token", "namespace": "not-yet"}
    assert any("no namespace not-yet" in str(one) for one in secret(check=True, **options)["warnings"])
    assert secret(fails=True, **options)["failure"]["code"] == "no_namespace"


def test_who_may_not(api: KubeApi, ours: Ours) -> None:
    nobody = api.kubeconfig(NOBODY, name="nobody")
    refused = ours("flux_git_secret", fails=True, kubeconfig=nobody, token="canary-token")
    assert refused["failure"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({}, "token"),
        ({"token": "canary", "username": "a:b"}, "username"),
        ({"token": "canary", "ca_path": "/nowhere"}, "ca_path"),
        ({"token": "canary", "name": "Not_A_Name"}, "name"),
        ({"token": "canary", "namespace": "a.b"}, "namespace"),
        ({"type": "ssh"}, "known_hosts"),
        ({"type": "ssh", "known_hosts": "nothing"}, "known_hosts"),
        ({"type": "ssh", "known_hosts_path": "/nowhere"}, "known_hosts_path"),
        ({"type": "ssh", "known_hosts": HOSTS, "privatekey_path": "/nowhere"}, "privatekey_path"),
        ({"type": "ssh", "known_hosts": HOSTS, "privatekey_content": "canary\nkey"}, "privatekey_content"),
    ],
)
def test_bad_options(secret: Run, options: Object, option: str) -> None:
    assert secret(fails=True, **options)["failure"]["details"]["option"] == option
