# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster, with which credentials."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import typing as t
from pathlib import Path

import pytest
from support.certificates import Authority
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube import errors
from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess, Connection, connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import Address, KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

APP = Address(ObjectId("source.toolkit.fluxcd.io/v1", "OCIRepository", "flux-system", "app"), "ocirepositories")


def _connect(**options: t.Any) -> Connection:
    return connect(ClusterAccess(**options), lambda secret: None)


def _client(connection: Connection) -> KubeClient:
    return KubeClient(Transport(connection, wait=lambda seconds: None))


def _kubeconfig(path: Path, server: str, user: dict[str, t.Any], name: str = "one", **cluster: t.Any) -> str:
    document = {
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return str(path)


def test_reads_a_kubeconfig(wire: Wire, tmp_path: Path) -> None:
    path = _kubeconfig(tmp_path / "config", wire.url, {"token": "from-file"})
    seen: list[str] = []
    connection = connect(ClusterAccess(kubeconfig=path), seen.append)
    wire.expect("GET", sent={"Authorization": "Bearer from-file"}, body=b"{}")
    _client(connection).get(APP)
    assert connection.origin == f"the kubeconfig {path}"
    assert set(seen) == {"from-file"}


def test_options_stand_above_the_kubeconfig(wire: Wire, tmp_path: Path) -> None:
    path = _kubeconfig(tmp_path / "config", "http://192.0.2.1", {"token": "from-file"})
    wire.expect("GET", sent={"Authorization": "Bearer mine"}, body=b"{}")
    _client(_connect(kubeconfig=path, host=wire.url, api_key="mine")).get(APP)


def test_finds_the_kubeconfig_as_kubectl_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default = Path(os.environ["HOME"]) / ".kube" / "config"
    _kubeconfig(default, "https://default.example", {})
    assert _connect().host == "https://default.example"
    one = _kubeconfig(tmp_path / "one", "https://one.example", {})
    two = _kubeconfig(tmp_path / "two", "https://two.example", {}, name="two")
    monkeypatch.setenv("KUBECONFIG", f"{one}:{two}")
    assert _connect().host == "https://one.example"
    assert _connect(context="two").host == "https://two.example"
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}:{two}:{one}")
    assert _connect().host == "https://two.example"
    assert _connect(kubeconfig=two).host == "https://two.example"


def test_a_host_alone_needs_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _kubeconfig(tmp_path / "config", "https://elsewhere.example", {"token": "not-for-you"})
    monkeypatch.setenv("KUBECONFIG", path)
    connection = _connect(host="https://192.0.2.1:6443")
    assert connection.headers() == {}
    assert connection.origin == "no credentials"


def test_in_a_pod_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("from-pod")
    authority.write_text(Authority(tmp_path).certificate.read_text())
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    seen: list[str] = []
    connection = connect(ClusterAccess(), seen.append)
    assert connection.host == "https://10.96.0.1:443"
    assert connection.headers()["authorization"].lower() == "bearer from-pod"
    assert set(seen) == {"from-pod"}
    assert connection.origin == "the service account of this pod"


def test_credentials_from_a_program(wire: Wire, tmp_path: Path) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-program"},
    }
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", f"print({json.dumps(json.dumps(credential))})"],
        "interactiveMode": "Never",
    }
    path = _kubeconfig(tmp_path / "config", wire.url, {"exec": command})
    wire.expect("GET", sent={"Authorization": "Bearer from-program"}, body=b"{}")
    _client(_connect(kubeconfig=path)).get(APP)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _tls(authority: Authority, *, clients: bool = False) -> ssl.SSLContext:
    pair = authority.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.privatekey)
    if clients:
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_trusts_the_given_authority(authority: Authority) -> None:
    with Wire(_tls(authority)) as wire:
        wire.expect("GET", body=b"{}")
        _client(_connect(host=wire.url, ca_cert=str(authority.certificate))).get(APP)


def test_trusts_nobody_else(authority: Authority) -> None:
    with Wire(_tls(authority)) as wire, pytest.raises(errors.Unreachable, match=r"not trusted.*ca_cert"):
        _client(_connect(host=wire.url, api_key="never-sent")).get(APP)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_trusts_anybody_only_when_told(authority: Authority) -> None:
    with Wire(_tls(authority)) as wire:
        wire.expect("GET", body=b"{}")
        _client(_connect(host=wire.url, validate_certs=False)).get(APP)


def test_shows_a_client_certificate(authority: Authority) -> None:
    pair = authority.client()
    options = {"ca_cert": str(authority.certificate), "client_cert": str(pair.certificate)}
    with Wire(_tls(authority, clients=True)) as wire:
        wire.expect("GET", body=b"{}")
        connection = _connect(host=wire.url, client_key=str(pair.privatekey), **options)
        _client(connection).get(APP)
        assert connection.origin == "the option client_cert"


def test_a_client_certificate_that_is_missing(authority: Authority) -> None:
    with (
        Wire(_tls(authority, clients=True)) as wire,
        pytest.raises(errors.Unreachable, match=r"TLS: |closed|reset"),
    ):
        _client(_connect(host=wire.url, ca_cert=str(authority.certificate))).get(APP)


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(errors.Unreachable, match=f"127.0.0.1:{port}: connection refused.*right cluster"):
        _client(_connect(host=f"http://127.0.0.1:{port}")).get(APP)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(errors.Unreachable, match="does not resolve"):
        _client(_connect(host="https://cluster.invalid")).get(APP)


def test_a_server_that_says_nothing(wire: Wire) -> None:
    def nothing() -> t.Iterator[bytes]:
        wire.wait(30)
        yield b""

    wire.expect("GET", body=nothing, always=True)
    with pytest.raises(errors.Unreachable, match=r"no answer for 0\.2 s"):
        _client(_connect(host=wire.url, timeout=0.2)).get(APP)


BAD_FILES: list[tuple[str, str]] = [
    ("", "empty"),
    ("{", "not valid YAML"),
    ("token: hunter2\n  : [", "not valid YAML"),
    ("- a", "cannot be used"),
    ('{"contexts": [], "clusters": [], "users": []}', "current-context"),
    ('{"current-context": "a", "contexts": [], "clusters": [], "users": []}', "name a"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_FILES)
def test_a_kubeconfig_that_cannot_be_used(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InvalidOption) as caught:
        _connect(kubeconfig=str(path))
    assert caught.value.message.startswith("kubeconfig: ")
    assert reason in caught.value.message
    assert "hunter2" not in caught.value.message


def test_several_kubeconfigs_without_a_current_context(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_text('{"contexts": [], "clusters": [], "users": []}')
    with pytest.raises(InvalidOption, match=r"^kubeconfig: .*current-context"):
        _connect(kubeconfig=":".join(map(str, paths)))


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    path = _kubeconfig(tmp_path / "config", "https://one.example", {})
    with pytest.raises(InvalidOption, match=r"^context: .*name other"):
        _connect(kubeconfig=path, context="other")


def test_no_cluster_at_all() -> None:
    with pytest.raises(InvalidOption, match="no cluster is named"):
        _connect()


@pytest.mark.parametrize("option", ["kubeconfig", "ca_cert", "client_cert"])
def test_a_file_that_is_not_there(option: str) -> None:
    with pytest.raises(InvalidOption, match=f"^{option}: /nowhere"):
        _connect(host="https://192.0.2.1", **{option: "/nowhere"})


def test_a_key_without_its_certificate(authority: Authority) -> None:
    with pytest.raises(InvalidOption, match=r"^client_key: "):
        _connect(host="https://192.0.2.1", client_key=str(authority.client().privatekey))


def test_a_client_certificate_with_anothers_key(authority: Authority) -> None:
    certificate, key = authority.client("a").certificate, authority.client("b").privatekey
    with pytest.raises(InvalidOption, match=r"^client_cert: .*key values mismatch"):
        _connect(host="https://192.0.2.1", client_cert=str(certificate), client_key=str(key))


def test_a_file_that_is_no_certificate(tmp_path: Path) -> None:
    path = tmp_path / "ca"
    path.write_text("no certificate")
    with pytest.raises(InvalidOption, match=r"^ca_cert: "):
        _connect(host="https://192.0.2.1", ca_cert=str(path))


@pytest.mark.parametrize(
    "host",
    [
        "192.0.2.1",
        "ftp://192.0.2.1",
        "https://",
        "https://a:b@192.0.2.1",
        "https://h:99999",
        "https://h/?x",
        "https://[x",
    ],
)
def test_an_address_that_is_none(host: str) -> None:
    with pytest.raises(InvalidOption, match=r"^host: "):
        _connect(host=host)


def test_credentials_do_not_travel_in_clear_text() -> None:
    with pytest.raises(InvalidOption, match="plain HTTP"):
        _connect(host="http://192.0.2.1", api_key="secret")
    assert _connect(host="http://192.0.2.1").host == "http://192.0.2.1"
    assert _connect(host="http://localhost:8001/", api_key="secret").host == "http://localhost:8001"


def test_secrets_are_not_in_a_repr(wire: Wire) -> None:
    access = ClusterAccess(host=wire.url, api_key="hunter2")
    assert "hunter2" not in repr(access)
    assert "hunter2" not in repr(connect(access, lambda secret: None))


@pytest.mark.parametrize("ending", ["\n", "\r\n", " "])
def test_a_token_that_ends_in_a_line_break(wire: Wire, tmp_path: Path, ending: str) -> None:
    """As slurp, a multi-line credential and a tokenFile give it."""
    wire.expect("GET", sent={"Authorization": "Bearer canary"}, body=b"{}")
    _client(_connect(host=wire.url, api_key=f"canary{ending}")).get(APP)
    token = tmp_path / "token"
    token.write_text(f"canary{ending}")
    path = _kubeconfig(tmp_path / "config", wire.url, {"tokenFile": str(token)})
    wire.expect("GET", sent={"Authorization": "Bearer canary"}, body=b"{}")
    _client(_connect(kubeconfig=path)).get(APP)


def test_a_token_that_no_header_holds_is_not_shown(wire: Wire) -> None:
    for token in ("can\nary", "canaryü"):
        with pytest.raises(InvalidOption, match="api_key") as refused:
            _connect(host=wire.url, api_key=token)
        assert "ary" not in refused.value.message.replace("api_key", "")


@pytest.mark.parametrize(
    "proxy", ["http://user:PW#x@host:1", "http://user:P/W@host:1", "http://u:PW@h:99999", "u:PW@h:x"]
)
def test_a_proxy_that_cannot_be_read_is_not_shown(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    with pytest.raises(InvalidOption, match=r"^proxy: ") as refused:
        _connect(host="https://192.0.2.1", proxy=proxy)
    assert "PW" not in refused.value.message
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(InvalidOption, match=r"^proxy: "):
        _connect(host="https://192.0.2.1")
