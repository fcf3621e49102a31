# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in: passwords, tokens, their scopes and their end."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from support.plain_client import Answer, PlainClient, basic, sha256
from support.registry import RunningRegistry, running_registry

from ansible_collections.proven.gitops.plugins.module_utils._embedded import tokens
from ansible_collections.proven.gitops.plugins.module_utils._embedded.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._embedded.main import make_authenticator

GOOD = basic("ci", "pä:ss")
BAD = [
    basic("ci", "wrong"),
    basic("other", "pä:ss"),
    basic("ci", ""),
    "Basic",
    "Basic !!!",
    "Basic " + base64.b64encode(b"no colon").decode(),
    "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    "Basic " + "A" * 9000,
    "Digest x",
    "",
]


class Private(t.NamedTuple):
    registry: RunningRegistry
    client: PlainClient


@contextlib.contextmanager
def _private(tmp_path: Path, auth: str) -> t.Iterator[Private]:
    with running_registry(tmp_path, username="ci", password="pä:ss", auth=auth) as registry:
        client = PlainClient(registry.address)
        with contextlib.closing(client.connection):
            yield Private(registry, client)


@pytest.fixture
def with_basic(tmp_path: Path) -> t.Iterator[Private]:
    with _private(tmp_path, "basic") as private:
        yield private


@pytest.fixture
def with_bearer(tmp_path: Path) -> t.Iterator[Private]:
    with _private(tmp_path, "bearer") as private:
        yield private


def test_credentials_keep_no_password() -> None:
    credentials = Credentials.create("ci", "secret-canary", cost=2)
    text = json.dumps(credentials.as_document())
    assert "secret-canary" not in text + repr(credentials)
    assert credentials.accepts("ci", "secret-canary")
    assert not credentials.accepts("ci", "secret-canar")
    assert not credentials.accepts("cI", "secret-canary")
    again = Credentials.from_document(json.loads(text))
    assert again == credentials
    assert Credentials.create("ci", "secret-canary", cost=2).salt != credentials.salt


@pytest.mark.parametrize("change", [{"cost": "2"}, {"salt": "xx"}, {"username": None}, {"more": 1}])
def test_damaged_credentials(change: dict[str, t.Any]) -> None:
    document = Credentials.create("ci", "x", cost=2).as_document()
    with pytest.raises(ValueError, match=r"credentials|hexadecimal"):
        Credentials.from_document({**document, **change})


def test_no_door_is_left_open_by_mistake() -> None:
    credentials = Credentials.create("ci", "x", cost=2)
    for auth, given in (("basic", None), ("bearer", None), ("", credentials), ("Basic", credentials)):
        with pytest.raises(ValueError, match="needs credentials"):
            make_authenticator(auth, given)


@pytest.mark.parametrize("authorization", [None, *BAD])
def test_basic_refuses(with_basic: Private, authorization: str | None) -> None:
    with_basic.client.authorization = authorization
    for method, path in (("GET", "/v2/"), ("PUT", "/v2/a/manifests/v1"), ("GET", "/v2/_catalog")):
        answer = with_basic.client.call(method, path)
        assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert with_basic.registry.store.repositories() == []


def test_basic_lets_in(with_basic: Private) -> None:
    with_basic.client.authorization = GOOD
    digest = with_basic.client.push_image("v1")
    assert with_basic.client.manifest("DELETE", digest).status == 202


def test_the_slow_hash_runs_once(with_basic: Private, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    accepts = Credentials.accepts

    def count(self: Credentials, username: str, password: str) -> bool:
        asked.append(password)
        return accepts(self, username, password)

    monkeypatch.setattr(Credentials, "accepts", count)
    for authorization in (GOOD, GOOD, basic("ci", "wrong"), GOOD):
        with_basic.client.authorization = authorization
        with_basic.client.call("GET", "/v2/")
    assert asked == ["pä:ss", "wrong"]


def test_an_upload_that_is_refused_keeps_the_connection(with_basic: Private) -> None:
    answer = with_basic.client.call("POST", "/v2/a/blobs/uploads/?digest=" + sha256(b""), b"x" * 3_000_000)
    assert answer.status == 401
    assert with_basic.client.call("GET", "/v2/", Authorization=GOOD).status == 200


def _challenge(answer: Answer) -> dict[str, str]:
    assert answer.status == 401
    header = answer.headers["www-authenticate"]
    assert header.startswith("Bearer ")
    return dict(re.findall(r'(\w+)="([^"]*)"', header))


def _token(client: PlainClient, scope: str, **more: str) -> t.Any:
    query = urllib.parse.urlencode({"service": "proven.gitops", "scope": scope, **more})
    answer = client.call("GET", f"/token?{query}", Authorization=GOOD)
    assert answer.status == 200
    return answer.json


def _post(client: PlainClient, **form: str) -> Answer:
    content = urllib.parse.urlencode(form)
    return client.call("POST", "/token", content, Content_Type="application/x-www-form-urlencoded")


def test_the_bearer_flow(with_bearer: Private) -> None:
    client, registry = with_bearer.client, with_bearer.registry
    challenge = _challenge(client.call("POST", "/v2/team/app/blobs/uploads/"))
    assert challenge == {
        "realm": f"http://{registry.address}/token",
        "service": "proven.gitops",
        "scope": "repository:team/app:pull,push",
    }
    answer = _token(client, challenge["scope"])
    assert (answer["token"], answer["expires_in"]) == (answer["access_token"], 300)
    assert answer["issued_at"].endswith("Z")
    assert "refresh_token" not in answer
    client.authorization = f"Bearer {answer['token']}"
    client.push_image("v1")
    assert _challenge(client.manifest("DELETE", "v1"))["error"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/a/manifests/v1", "repository:a:pull"),
        ("HEAD", "/v2/a/blobs/x", "repository:a:pull"),
        ("GET", "/v2/a/tags/list", "repository:a:pull"),
        ("GET", "/v2/a/referrers/x", "repository:a:pull"),
        ("PUT", "/v2/a/manifests/v1", "repository:a:pull,push"),
        ("GET", "/v2/a/blobs/uploads/x", "repository:a:pull,push"),
        ("DELETE", "/v2/a/blobs/uploads/x", "repository:a:pull,push"),
        ("DELETE", "/v2/a/manifests/v1", "repository:a:delete"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/", None),
    ],
)
def test_the_scope_that_a_request_needs(with_bearer: Private, method: str, path: str, scope: str | None) -> None:
    client = with_bearer.client
    assert _challenge(client.call(method, path)).get("scope") == scope
    token = _token(client, scope or "")["token"]
    assert client.call(method, path, Authorization=f"Bearer {token}").status != 401
    if scope is not None:
        token = _token(client, scope.replace(":a:", ":b:").replace("catalog", "other"))["token"]
        refused = _challenge(client.call(method, path, Authorization=f"Bearer {token}"))
        assert refused["error"] == "insufficient_scope"


def test_several_scopes_and_what_no_resource_has(with_bearer: Private) -> None:
    client = with_bearer.client
    query = "scope=repository:a:pull&scope=repository:b:push,pull,fly&scope=nonsense&scope=repository:..:pull"
    answer = client.call("GET", f"/token?{query}", Authorization=GOOD).json
    assert answer["scope"] == "repository:a:pull repository:b:push,pull"
    everything = _token(client, "repository:team/app:*")["token"]
    client.authorization = f"Bearer {everything}"
    assert client.manifest("DELETE", client.push_image()).status == 202


def test_mounting_needs_a_scope_for_both_ends(with_bearer: Private) -> None:
    client = with_bearer.client
    both = _token(client, "repository:team/app:pull,push repository:other:pull,push")["token"]
    one = _token(client, "repository:other:pull,push")["token"]
    client.authorization = f"Bearer {both}"
    path = f"/v2/other/blobs/uploads/?mount={client.push_blob(b'x')}&from=team/app"
    assert client.call("POST", path, Authorization=f"Bearer {one}").status == 202
    assert client.call("POST", path).status == 201


@pytest.mark.parametrize("authorization", [None, *BAD])
def test_the_token_endpoint_refuses(with_bearer: Private, authorization: str | None) -> None:
    with_bearer.client.authorization = authorization
    answer = with_bearer.client.call("GET", "/token?scope=repository:a:pull")
    assert (answer.status, answer.code) == (401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_forged_and_misused_tokens(with_bearer: Private) -> None:
    client = with_bearer.client
    issued = _token(client, "repository:a:pull", offline_token="true")
    payload, _dot, signature = issued["token"].partition(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["access"][0][2].append("push")
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for token in (
        f"{forged}.{signature}",
        payload,
        f"{payload}.",
        f".{signature}",
        "x.y",
        "ä.ö",
        issued["refresh_token"],
    ):
        answer = client.call("GET", "/v2/", Authorization=f"Bearer {token}")
        assert _challenge(answer)["error"] == "invalid_token"
    assert _challenge(client.call("GET", "/v2/", Authorization=GOOD))["error"] == "invalid_token"


def test_tokens_end(with_bearer: Private) -> None:
    authenticator = with_bearer.registry.authenticator
    assert isinstance(authenticator, tokens.Bearer)
    authenticator.lifetime = -1
    token = _token(with_bearer.client, "")["token"]
    assert (
        _challenge(with_bearer.client.call("GET", "/v2/", Authorization=f"Bearer {token}"))["error"] == "invalid_token"
    )


def test_refresh_tokens(with_bearer: Private) -> None:
    client = with_bearer.client
    refresh = _token(client, "", offline_token="true")["refresh_token"]
    answer = _post(client, grant_type="refresh_token", refresh_token=refresh, scope="repository:a:pull")
    assert (answer.status, answer.json["scope"]) == (200, "repository:a:pull")
    assert answer.json["refresh_token"] == refresh
    token = answer.json["access_token"]
    assert client.call("GET", "/v2/", Authorization=f"Bearer {token}").status == 200
    for wrong in ("", "x", token):
        answer = _post(client, grant_type="refresh_token", refresh_token=wrong)
        assert (answer.status, answer.json) == (401, {"error": "invalid_grant"})


def test_the_password_grant(with_bearer: Private) -> None:
    client = with_bearer.client
    form = {"grant_type": "password", "username": "ci", "password": "pä:ss", "scope": "repository:a:pull"}
    answer = _post(client, **form)
    assert (answer.status, "refresh_token" in answer.json) == (200, False)
    assert "refresh_token" in _post(client, **form, access_type="offline").json
    assert _post(client, **{**form, "password": "wrong"}).json == {"error": "invalid_grant"}


def test_other_grants_and_methods(with_bearer: Private) -> None:
    client = with_bearer.client
    assert _post(client, grant_type="authorization_code").json == {"error": "unsupported_grant_type"}
    assert client.call("POST", "/token", b"\xff\xfe").json == {"error": "unsupported_grant_type"}
    assert client.call("POST", "/token", b"x" * 20_000).status == 413
    assert client.call("PUT", "/token").status == 405


def test_the_realm_is_where_the_client_is(with_bearer: Private) -> None:
    client = with_bearer.client
    answer = client.call("GET", "/v2/", Host="registry.example:5000")
    assert _challenge(answer)["realm"] == "http://registry.example:5000/token"
    for hostile in ('a"b', "a b", "a/b", "a\\b", "a,realm=x"):
        answer = client.call("GET", "/v2/", Host=hostile)
        assert answer.status == 400
        assert "WWW-Authenticate" not in answer.headers
