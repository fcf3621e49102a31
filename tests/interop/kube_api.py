# SPDX-License-Identifier: GPL-3.0-or-later
"""A real kube-apiserver on its own etcd, both on loopback, with an administrator and a user who may do nothing."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from interop.peers import find
from interop.places import free_port

ADMIN, NOBODY = "admin-token", "nobody-token"
START_SECONDS, STOP_SECONDS = 60.0, 10.0
# What Flux and its tests keep in a namespace.
_HELD = (
    *(f"/api/v1/{plural}" for plural in ("secrets", "configmaps", "serviceaccounts", "resourcequotas", "services")),
    "/apis/apps/v1/deployments",
    "/apis/networking.k8s.io/v1/networkpolicies",
)
_AUDIT = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


class KubeApi:
    """Address, certificate authority and kubeconfigs of the server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port, self.etcd_port, self.peer_port = free_port(), free_port(), free_port()
        self.host = f"https://127.0.0.1:{self.port}"
        self.ca = directory / "certs" / "apiserver.crt"
        self.audit_log = directory / "audit.log"

    def kubeconfig(self, token: str = ADMIN, *, name: str = "admin") -> str:
        """The path of a kubeconfig with that token, whose one context is `name`."""
        path = self.directory / f"kubeconfig-{name}"
        cluster = {"server": self.host, "certificate-authority": str(self.ca)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        path.write_text(json.dumps(document), encoding="utf-8")
        return str(path)

    def call(self, method: str, path: str, body: t.Any = None, media_type: str = "application/json") -> t.Any:
        """One request as the administrator, without the code under test; the answer as JSON."""
        request = urllib.request.Request(  # noqa: S310  # always https
            self.host + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {ADMIN}", "Content-Type": media_type, "Accept": "application/json"},
        )
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(request, context=context, timeout=30) as response:  # noqa: S310
            return json.load(response)

    def apply(self, path: str, body: t.Any, manager: str, *, force: bool = False) -> t.Any:
        """Server-side apply as another field manager."""
        query = f"?fieldManager={manager}&force={str(force).lower()}"
        return self.call("PATCH", path + query, body, "application/apply-patch+yaml")

    def install(self, definitions: t.Iterable[t.Mapping[str, t.Any]]) -> None:
        """Install CustomResourceDefinitions and wait until their resources are served."""
        for definition in definitions:
            name = definition["metadata"]["name"]
            self.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition, "test")
        for definition in definitions:
            spec = definition["spec"]
            version = next(one["name"] for one in spec["versions"] if one["storage"])
            self._wait_for(f"/apis/{spec['group']}/{version}/{spec['names']['plural']}")

    def reset(self) -> None:
        """As a server is that was just started, but for other namespaces: no types, and no namespace flux-system.

        No controller is there, so that what a namespace holds goes, and it ends, by what is done here.
        """
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for one in self.call("GET", definitions)["items"]:
            self.call("DELETE", f"{definitions}/{one['metadata']['name']}")
        end = time.monotonic() + START_SECONDS
        while self.call("GET", definitions)["items"]:
            assert time.monotonic() < end, "the types do not end"
            time.sleep(0.1)
        if self.has("/api/v1/namespaces/flux-system"):
            for collection in _HELD:
                group, _slash, plural = collection.rpartition("/")
                self.call("DELETE", f"{group}/namespaces/flux-system/{plural}")
            self.call("DELETE", "/api/v1/namespaces/flux-system")
            final = {"metadata": {"name": "flux-system"}, "spec": {"finalizers": []}}
            self.call("PUT", "/api/v1/namespaces/flux-system/finalize", final)
            assert not self.has("/api/v1/namespaces/flux-system")

    def has(self, path: str) -> bool:
        """Whether there is an object or a resource."""
        try:
            self.call("GET", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return False
        return True

    def with_flux(self, definitions: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Flux's types and its namespace are there, made where they are not."""
        if not self.has("/apis/source.toolkit.fluxcd.io/v1/ocirepositories"):
            self.install(definitions)
        if not self.has("/api/v1/namespaces/flux-system"):
            self.call("POST", "/api/v1/namespaces", {"metadata": {"name": "flux-system"}})

    def _wait_for(self, path: str) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.call("GET", path)
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return


@contextlib.contextmanager
def kube_api(directory: Path) -> t.Iterator[KubeApi]:
    """Start both, wait until they are ready, and stop them: the API server first, or it would wait for its etcd."""
    api = KubeApi(directory)
    for program in ("etcd", "kube-apiserver"):
        find(program)  # or skip before anything runs
    with (
        process(directory, "etcd", _etcd(api)),
        process(directory, "kube-apiserver", _apiserver(api)) as server,
    ):
        _ready(api, server)
        yield api


def _ready(api: KubeApi, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            api.call("GET", "/api/v1/namespaces/default")
            return
        time.sleep(0.2)
    log = (api.directory / "kube-apiserver.log").read_text(encoding="utf-8", errors="replace")
    raise TimeoutError(f"kube-apiserver did not become ready: {log[-2000:]}")


def _etcd(api: KubeApi) -> list[str]:
    client, peer = f"http://127.0.0.1:{api.etcd_port}", f"http://127.0.0.1:{api.peer_port}"
    return [
        f"--data-dir={api.directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def _apiserver(api: KubeApi) -> list[str]:
    key, tokens = api.directory / "service-account.key", api.directory / "tokens.csv"
    generated = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(
        generated.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    policy = api.directory / "policy.json"
    policy.write_text(json.dumps(_AUDIT), encoding="utf-8")
    tokens.write_text(f"{ADMIN},admin,1,system:masters\n{NOBODY},nobody,2\n", encoding="utf-8")
    return [
        f"--etcd-servers=http://127.0.0.1:{api.etcd_port}",
        "--bind-address=127.0.0.1",
        f"--secure-port={api.port}",
        f"--cert-dir={api.directory / 'certs'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--token-auth-file={tokens}",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={api.audit_log}",
        "--audit-log-mode=blocking",
    ]


@contextlib.contextmanager
def process(
    directory: Path, program: str, arguments: list[str], **variables: str
) -> t.Iterator[subprocess.Popen[bytes]]:
    """A program that runs in `directory` with its output in a log there, until the end of the block."""
    with (directory / f"{program}.log").open("wb") as log:
        running = subprocess.Popen(
            [find(program), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory, env=variables
        )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
