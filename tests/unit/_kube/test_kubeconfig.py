# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubeconfig says beside server and token: on the wire, or refused by name, and never dropped."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube.access import ClusterAccess, Connection, connect
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import Address, KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Transport
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

APP = Address(ObjectId("v1", "Secret", "web", "s"), "secrets")
VERSION = "client.authentication.k8s.io/v1"
Object = dict[str, t.Any]


def _document(server: str, user: Object | None, **cluster: t.Any) -> Object:
    users = [{"name": "me", "user": user}] if user is not None else []
    return {
        "clusters": [{"name": "one", "cluster": {"server": server, **cluster}}],
        "users": users,
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "me"}}],
        "current-context": "one",
    }


@pytest.fixture
def given(tmp_path: Path, request: pytest.FixtureRequest) -> t.Callable[[Object], t.Any]:
    """A kubeconfig as a file's path, or as it is."""

    def give(document: Object) -> t.Any:
        if request.param == "data":
            return document
        path = tmp_path / "config"
        path.write_text(json.dumps(document))
        return str(path)

    return give


both = pytest.mark.parametrize("given", ["file", "data"], indirect=True)
Give = t.Callable[[Object], t.Any]


def _connect(kubeconfig: t.Any, seen: list[str] | None = None, **options: t.Any) -> Connection:
    return connect(
        ClusterAccess(kubeconfig=kubeconfig, timeout=5, **options), (seen if seen is not None else []).append
    )


def _get(connection: Connection) -> None:
    KubeClient(Transport(connection, wait=lambda seconds: None)).get(APP)


@both
def test_who_acts_as_somebody_else_says_so(wire: Wire, given: Give) -> None:
    user = {
        "token": "t0ken",
        "as": "jane",
        "as-uid": "u-1",
        "as-groups": ["developers", "admins", "system:x, y"],
        "as-user-extra": {"Scopes": ["view", "edit"], "acme.com/project": ["p"]},
    }
    wire.expect("GET", body=b"{}")
    _get(_connect(given(_document(wire.url, user))))
    headers = wire.seen[0].headers
    assert headers["Authorization"] == "Bearer t0ken"
    assert (headers["Impersonate-User"], headers["Impersonate-Uid"]) == ("jane", "u-1")
    assert sorted(headers.get_all("Impersonate-Group") or []) == ["admins", "developers", "system:x, y"]
    assert sorted(headers.get_all("Impersonate-Extra-scopes") or []) == ["edit", "view"]
    assert headers.get_all("Impersonate-Extra-acme.com%2Fproject") == ["p"]


@both
def test_a_token_of_the_task_acts_as_somebody_else_too(wire: Wire, given: Give) -> None:
    wire.expect("GET", body=b"{}", sent={"Authorization": "Bearer mine", "Impersonate-User": "jane"})
    _get(_connect(given(_document(wire.url, {"as": "jane"})), api_key="mine"))


@both
@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"as-groups": ["a"]}, "as-groups of the user me needs a user in as"),
        ({"as-uid": "1", "as-user-extra": {"a": ["b"]}}, "as-uid, as-user-extra of the user me needs"),
        ({"as": "j\u00e4ne"}, "as of the user me has a value that is no text"),
        ({"as": "a\r\nAuthorization: x"}, "as of the user me has a value that is no text"),
        ({"as": ["jane"]}, "as of the user me has a value that is no text"),
        ({"as": "jane", "as-groups": "admins"}, "as-groups of the user me is no list"),
        ({"as": "jane", "as-groups": [5]}, "as-groups of the user me has a value"),
        ({"as": "jane", "as-user-extra": ["a"]}, "as-user-extra of the user me is no map"),
        ({"as": "jane", "as-tenant": "x"}, "as-tenant of the user me is not known here"),
    ],
)
def test_what_cannot_be_said_is_refused(given: Give, user: Object, reason: str) -> None:
    with pytest.raises(InvalidOption, match=f"^kubeconfig: .*{reason}"):
        _connect(given(_document("https://192.0.2.1", {"token": "x", **user})))


def _plugin(code: str, **more: t.Any) -> Object:
    return {"exec": {"apiVersion": VERSION, "command": sys.executable, "args": ["-c", code], **more}}


@both
@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (
            {"exec": {"apiVersion": VERSION, "command": "no-such-plugin"}},
            "the exec plugin no-such-plugin, .* is not there",
        ),
        ({"exec": {"apiVersion": VERSION, "command": "./no-such-plugin"}}, "the exec plugin ./no-such-plugin, "),
        ({"exec": {"apiVersion": VERSION}}, "has no command"),
        (_plugin("import sys; sys.exit('canary-output')"), "the exec plugin .*python.* gave none: .*exit code 1$"),
        (_plugin("print('canary-output')"), "gave none: its answer is no ExecCredential"),
        (_plugin("print('{}')"), "gave none: its answer is no ExecCredential"),
        ({"auth-provider": {"name": "oidc", "config": {"id-token": "canary-output"}}}, "auth-provider gave none"),
        ({"auth-provider": {"name": "azure"}}, "auth-provider gave none"),
    ],
)
def test_nobody_goes_on_as_anonymous(given: Give, user: Object, reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason) as caught:
        _connect(given(_document("https://192.0.2.1", user)))
    assert "canary-output" not in caught.value.message
    assert (
        _connect(given(_document("https://192.0.2.1", user)), api_key="mine").headers()["authorization"]
        == "Bearer mine"
    )


@both
def test_a_user_who_is_nowhere(given: Give) -> None:
    with pytest.raises(InvalidOption, match="the context one is for the user me, who is not in it"):
        _connect(given(_document("https://192.0.2.1", None)))


def test_a_plugin_beside_its_kubeconfig(wire: Wire, tmp_path: Path) -> None:
    status = {"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": "from-plugin"}}
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(status)}'\n")
    program.chmod(0o700)
    path = tmp_path / "config"
    path.write_text(json.dumps(_document(wire.url, {"exec": {"apiVersion": VERSION, "command": "./plugin"}})))
    wire.expect("GET", body=b"{}", sent={"Authorization": "Bearer from-plugin"})
    _get(_connect(str(path)))


def test_what_is_secret_in_a_mapping_is_known_before_anything_fails() -> None:
    seen: list[str] = []
    user: Object = {
        "token": "canary-1",
        "password": "canary-2",
        "client-key-data": "Y2FuYXJ5LTM=",
        "auth-provider": {"name": "oidc", "config": {"refresh-token": "canary-4", "client-id": "public"}},
        "exec": {"env": [{"name": "VAULT_TOKEN", "value": "canary-5"}, {"name": "REGION", "value": "north"}]},
    }
    with pytest.raises(InvalidOption):
        _connect({"users": [{"name": "me", "user": user}]}, seen)
    assert {"canary-1", "canary-2", "Y2FuYXJ5LTM=", "canary-4", "canary-5"} <= set(seen)
    assert not {"north", "public"} & set(seen)


def test_a_list_passes_over_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(_document("https://192.0.2.7", {"token": "x"})))
    assert _connect(f"{tmp_path / 'missing'}:{path}").host == "https://192.0.2.7"
    with pytest.raises(InvalidOption, match=r"^kubeconfig: .*missing is not there"):
        _connect(f"{tmp_path / 'missing'}:{tmp_path / 'other'}")


@both
@pytest.mark.parametrize("proxy", ["socks5://192.0.2.9:1080", "http://192.0.2.9:3128"])
def test_the_proxy_of_a_kubeconfig_with_any_version_of_the_client(given: Give, proxy: str) -> None:
    document = _document("https://192.0.2.1", {"token": "x"}, **{"proxy-url": proxy})
    if proxy.startswith("http:"):
        assert _connect(given(document)).settings.proxy == proxy
        return
    with pytest.raises(InvalidOption, match=r"proxy-url.*socks"):
        _connect(given(document))
