# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules with secrets, by what they talk to: which tasks, and where each canary has to arrive."""

from __future__ import annotations

import base64
import contextlib
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from support import charts, secret_signers
from support.git_server import Bare, git_http_server
from support.registry import running_registry
from support.secret_plays import Case, Echo, Evidence, Options, Place
from support.ssh_server import ssh_server
from support.wire import Seen, Step, Wire

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

USER = "robot"
DIGEST = f"sha256:{'a' * 64}"
KNOWN_HOST = "host.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
FILES = [{"path": "clusters/one/app.yaml", "content": "a: 1\n"}]
KUBERNETES: dict[str, Options] = {
    "flux_components": {"state": "absent"},
    "flux_git_secret": {"state": "absent"},
    "flux_oci_source": {"target": "cluster", "name": "app", "url": "oci://ghcr.io/org/app"},
    "flux_reconcile": {"name": "app"},
    "flux_secret": {"state": "absent", "name": "login"},
    "flux_source_info": {"name": "app"},
    "flux_sync": {"target": "cluster", "url": "https://git.example/fleet.git"},
    "flux_workload_info": {"name": "app"},
}


@dataclass
class Group:
    """`check` says that the canaries were where they belong."""

    cases: list[Case]
    check: t.Callable[[Evidence], None]


def _heard(echo: Echo, *names: str) -> t.Callable[[Evidence], None]:
    def check(seen: Evidence) -> None:
        missing = set(names) - set(seen.found(echo.heard))
        assert not missing, echo.heard

    return check


def _registry_tasks(place: Place, digest: str) -> dict[str, tuple[str, Options]]:
    """Each module that asks a registry, with what it needs beside the login."""
    passphrase = place.secret("cosign_sign", "privatekey_passphrase")
    key = SigningKey.generate()
    pem = place.canaries.add("COSIGN_PRIVATE_KEY", key.encrypted_pem(passphrase.encode()).decode())
    tree = place.given / "tree"
    tree.mkdir()
    (tree / "a.yaml").write_text("kind: A\n")
    by_key = {"privatekey_content": pem, "privatekey_passphrase": passphrase}
    return {
        "oci_push": (":v1", {"path": str(tree)}),
        "helm_chart_push": (":1.0.0", {"path": str(charts.tree(place.given / "chart"))}),
        "cosign_sign": (digest, by_key),
        "cosign_attest": (digest, {**secret_signers.STATEMENT, **by_key}),
        "cosign_verify": (digest, {"public_keys": [{"content": key.public.pem.decode()}]}),
        "oci_tag": (digest, {"tags": ["stable"]}),
        "oci_artifact_info": (":v1", {}),
        "oci_pull": (":v1", {"dest": str(place.work / "pulled")}),
    }


def registry(place: Place, stack: contextlib.ExitStack) -> Group:
    """With a password, at a registry that takes it, and at one that does not."""
    password = place.secret("oci_push", "password")
    login = {"username": USER, "password": password, "retries": 0}
    good = stack.enter_context(running_registry(place.directory, username=USER, password=password, auth="bearer"))
    echo = stack.enter_context(Echo("Basic"))
    digest = "@{{ result_0_run.artifact.digest }}"
    tasks = _registry_tasks(place, digest)
    cases = [
        Case(module, {"reference": f"{good.address}/team/app{version}", **own, **login})
        for module, (version, own) in tasks.items()
    ]
    cases += [
        Case(module, {"reference": f"{echo.host}/team/app{tasks[module][0]}", **tasks[module][1], **login}, fails=True)
        for module in ("oci_push", "cosign_sign")
    ]
    fulcio = stack.enter_context(Echo())
    cases += secret_signers.keyless(place, fulcio, f"{good.address}/team/app{digest}", login)

    def check(seen: Evidence) -> None:
        _heard(echo, "PROVEN_REGISTRY_PASSWORD")(seen)
        _heard(fulcio, "SIGSTORE_ID_TOKEN")(seen)

    return Group(cases, check)


def key_stores(place: Place, stack: contextlib.ExitStack) -> Group:
    """With the token of a Vault, which repeats it."""
    echo = stack.enter_context(Echo())
    return Group(secret_signers.key_store(place, echo), _heard(echo, "VAULT_TOKEN"))


def chart_repository(place: Place, stack: contextlib.ExitStack) -> Group:
    """With the login of a chart repository, at a server that repeats it."""
    echo = stack.enter_context(Echo("Basic"))
    login = {"repo_username": "me", "repo_password": place.secret("helm_chart_push", "repo_password"), "retries": 0}
    chart = {"reference": "127.0.0.1:9/team/app", "repo_url": echo.url, "name": "app", "version": "1.0.0"}
    case = Case("helm_chart_push", {**chart, "sha256": "a" * 64, **login}, fails=True)
    return Group([case], _heard(echo, "PROVEN_CHART_REPO_PASSWORD"))


def registry_token(place: Place, stack: contextlib.ExitStack) -> Group:
    """With an identity token, at a token server that repeats it."""
    token = place.secret("oci_push", "identity_token")
    echo = stack.enter_context(Echo("Bearer"))
    cases = [
        Case(
            module,
            {"reference": f"{echo.host}/team/app{version}", **own, "identity_token": token, "retries": 0},
            fails=True,
        )
        for module, (version, own) in _registry_tasks(place, f"@{DIGEST}").items()
    ]
    return Group(cases, _heard(echo, "PROVEN_REGISTRY_IDENTITY_TOKEN"))


def local(place: Place, stack: contextlib.ExitStack) -> Group:
    """A key pair, and a registry that outlives its task."""
    passphrase, password = place.secret("cosign_keypair", "passphrase"), place.secret("oci_registry", "password")
    other = place.given / "other.key"
    other.write_bytes(SigningKey.generate().encrypted_pem(b"another"))
    data, login = {"data_dir": str(place.work / "registry")}, {"username": USER, "password": password}
    cases = [
        Case("cosign_keypair", {"path": str(place.work / "own.key"), "passphrase": passphrase}),
        Case("cosign_keypair", {"path": str(other), "passphrase": passphrase}, fails=True),
        Case("oci_registry", {**data, **login}),
        Case("oci_registry", {**data, **login, "state": "stopped"}),
    ]

    def check(seen: Evidence) -> None:
        assert any(b"registry" in process.command for process in seen.processes if process.ours)

    del stack
    return Group(cases, check)


def git(place: Place, stack: contextlib.ExitStack) -> Group:
    """Over HTTP and SSH, and the API of a host."""
    token = place.secret("git_publish", "token")
    served = place.served
    served.mkdir()
    bare = Bare.create(served / "fleet.git", {"README.md": "hello\n"})
    http = stack.enter_context(git_http_server(served, users={"git": token}))
    ssh = stack.enter_context(ssh_server(place.given))
    key = place.canaries.add("PROVEN_GIT_PRIVATEKEY_CONTENT", ssh.privatekey.read_text())
    echo = stack.enter_context(Echo())
    host = {"provider": "gitea", "url": echo.url, "owner": "fleet", "name": "clusters"}
    files = [{"path": "b.yaml", "content": "b: 1\n"}]
    login = {"privatekey_content": key, "known_hosts": ssh.known_hosts}
    cases = [
        Case("git_publish", {"repository": http.url("fleet.git"), "files": FILES, "token": token}),
        Case("git_publish", {"repository": f"{echo.url}/fleet.git", "files": FILES, "token": token}, fails=True),
        Case("git_publish", {"repository": ssh.url(bare.path), "files": files, **login}),
        Case("git_publish", {"repository": ssh.url(served / "none.git"), "files": files, **login}, fails=True),
        Case("git_host_repository", {**host, "token": place.secret("git_host_repository", "token")}, fails=True),
    ]

    def check(seen: Evidence) -> None:
        _heard(echo, "PROVEN_GIT_TOKEN", "PROVEN_GIT_HOST_TOKEN")(seen)
        assert "git-receive-pack" in str(ssh.commands)
        assert "\nSSH_ASKPASS_REQUIRE=never" in seen.started, "the programs on PATH are recorded"
        assert seen.repositories.count("[core]") > 2, "the task's own repositories are seen, too"

    return Group(cases, check)


class Accepting(Wire):
    """An API server where nothing is there yet, and everything may be made."""

    def take(self, seen: Seen) -> Step | None:
        kind, name = seen.target.partition("?")[0].split("/")[-2:]
        details = {"name": name, "kind": kind}
        status, body = 404, json.dumps({"kind": "Status", "message": "not found", "details": details}).encode()
        if seen.target == "/api/v1":
            resource = {"name": "secrets", "kind": "Secret", "namespaced": True, "verbs": ["get", "patch"]}
            status, body = 200, json.dumps({"kind": "APIResourceList", "resources": [resource]}).encode()
        elif seen.method == "PATCH":
            value = json.loads(seen.body)
            value["metadata"] |= {"uid": "u", "resourceVersion": "1"}
            status, body = 201, json.dumps(value).encode()
        self.seen.append(seen)
        return Step(seen.method, None, status, {"Content-Type": "application/json"}, body, {}, None)


def kubernetes(place: Place, stack: contextlib.ExitStack) -> Group:
    """Every module that talks to an API server, and Secrets that are made there."""
    api = stack.enter_context(Accepting())
    echo = stack.enter_context(Echo())
    token = {"api_key": place.secret("flux_secret", "api_key")}
    git_token = place.secret("flux_git_secret", "token")
    with ssh_server(place.given) as ssh:  # which makes keys
        key = place.canaries.add("PROVEN_FLUX_GIT_PRIVATEKEY_CONTENT", ssh.privatekey.read_text())
    password = place.secret("flux_secret", "password")
    login = {"name": "login", "registry": "ghcr.io/org", "username": USER, "password": password}
    secret: list[tuple[str, Options]] = [
        ("flux_secret", login),
        ("flux_git_secret", {"token": git_token}),
        ("flux_git_secret", {"type": "ssh", "privatekey_content": key, "known_hosts": KNOWN_HOST}),
    ]
    cases = [Case(module, {**own, **token, "host": api.url}) for module, own in secret]
    cases += [Case(module, {**own, **token, "host": echo.url}, fails=True) for module, own in KUBERNETES.items()]
    cases += [Case(module, {**own, **token, "host": echo.url}, fails=True) for module, own in secret]

    def check(seen: Evidence) -> None:
        _heard(echo, "K8S_AUTH_API_KEY")(seen)
        made = b"".join(one.body for one in api.seen)
        names = ["PROVEN_REGISTRY_PASSWORD", "PROVEN_FLUX_GIT_TOKEN", "PROVEN_FLUX_GIT_PRIVATEKEY_CONTENT"]
        assert set(names) <= set(seen.found(made)), "the Secrets hold what they are for"

    return Group(cases, check)


def files(place: Place, stack: contextlib.ExitStack) -> Group:
    """What no option holds: configurations of docker and kubectl, the programs that they name, and an address."""
    echo = stack.enter_context(Echo())
    add = place.canaries.add
    auth = base64.b64encode(f"{USER}:{add('docker auth')}".encode()).decode()
    inline = base64.b64encode(f"{USER}:{add('DOCKER_AUTH_CONFIG')}".encode()).decode()
    docker = {"auths": {echo.host: {"auth": auth}}}
    helped = {"credHelpers": {echo.host: "canary"}}
    place.variables["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"other.example": {"auth": inline}}})
    plugin = _programs(place, echo.host)
    image = {"reference": f"{echo.host}/team/app:v1", "retries": 0}
    app = {"name": "app"}
    address = f"http://ann:{quote(add('address'), safe='')}@{echo.host}/fleet.git"
    token = {"token": add("kubeconfig token")}
    cases = [
        Case(
            "oci_artifact_info", {**image, "docker_config": str(place.write("docker/config.json", docker))}, fails=True
        ),
        Case(
            "oci_pull",
            {**image, "dest": str(place.work / "out"), "docker_config": str(place.write("helped/config.json", helped))},
            fails=True,
        ),
        Case("flux_source_info", {**app, "kubeconfig": _kubeconfig(place, echo.url, token, "token")}, fails=True),
        Case(
            "flux_workload_info",
            {**app, "kubeconfig": _kubeconfig(place, echo.url, {"exec": plugin}, "plugin")},
            fails=True,
        ),
        Case("git_publish", {"repository": address, "files": FILES}, fails=True, invalid=True),
    ]

    def check(seen: Evidence) -> None:
        _heard(echo, "docker auth", "docker helper", "kubeconfig token", "kubernetes plugin")(seen)
        for program in place.programs:
            assert f"\n{program}\n" in f"\n{seen.started}", "it was started, and what it was told is known"

    return Group(cases, check)


def _programs(place: Place, host: str) -> Options:
    """A credential helper of docker, and a plugin of kubectl as a kubeconfig names it."""
    add = place.canaries.add
    said = json.dumps({"ServerURL": host, "Username": USER, "Secret": add("docker helper")})
    status = {"token": add("kubernetes plugin")}
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    plugin = {"apiVersion": credential["apiVersion"], "command": "kube-canary", "interactiveMode": "Never"}
    place.programs |= {
        "docker-credential-canary": _program(place, "helper", said),
        "kube-canary": _program(place, "plugin", json.dumps(credential)),
    }
    return plugin


def _program(place: Place, name: str, output: str) -> Path:
    """A program that says that, and takes what it is told on standard input."""
    script = place.write(f"programs/{name}", f"#!/bin/sh\ncat '{place.write(f'{name}.json', output)}'\n")
    script.chmod(0o700)
    return script


def _kubeconfig(place: Place, server: str, user: Options, name: str) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    return str(place.write(f"kubeconfig-{name}", document))


GROUPS: dict[str, t.Callable[[Place, contextlib.ExitStack], Group]] = {
    "registry": registry,
    "registry-token": registry_token,
    "chart-repository": chart_repository,
    "key-stores": key_stores,
    "local": local,
    "git": git,
    "kubernetes": kubernetes,
    "files": files,
}
