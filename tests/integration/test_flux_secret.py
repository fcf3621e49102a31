# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_secret on a scripted API server over real sockets. The real one is in tests/interop."""

from __future__ import annotations

import base64
import copy
import json
import typing as t
from pathlib import Path

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

MODULE = "flux_secret"
BASE = "/api/v1/namespaces/flux-system/secrets"
APPLY = "?fieldManager=proven.gitops&fieldValidation=Strict&force=false"
DRY = f"{APPLY}&dryRun=All"
PASSWORD = "canary-password"

Object = dict[str, t.Any]
Run = t.Callable[..., Object]


@pytest.fixture(scope="module")
def pems() -> list[str]:
    return [SigningKey.generate().public.pem.decode() for _each in range(2)]


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def secret(run_module: Run, wire: Wire) -> Run:
    def run(name: str = "cosign-pub", **options: t.Any) -> Object:
        return run_module(MODULE, name=name, host=wire.url, api_key="canary-token", request_timeout=5, **options)

    return run


def _json(value: t.Any) -> bytes:
    return json.dumps(value).encode()


def _missing(name: str = "cosign-pub", kind: str = "secrets") -> bytes:
    return _json({"kind": "Status", "message": "not found", "details": {"name": name, "kind": kind}})


def _live(data: t.Mapping[str, str | bytes], kind: str = "Opaque", manager: str = "proven.gitops") -> Object:
    """A Secret as the server returns it."""
    values = {name: text if isinstance(text, bytes) else text.encode() for name, text in data.items()}
    owned = {"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {f"f:{name}": {} for name in data}}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "uid": "u-1", "managedFields": [owned]},
        "type": kind,
        "data": {name: base64.b64encode(value).decode() for name, value in values.items()},
    }


def _sent(wire: Wire, number: int = -1) -> Object:
    return t.cast("Object", json.loads(wire.seen[number].body))


def test_new_keys(secret: Run, wire: Wire, pems: list[str], tmp_path: Path) -> None:
    (tmp_path / "next.pem").write_text(pems[1])
    keys = [{"content": pems[0]}, {"path": str(tmp_path / "next.pem")}]
    live = _live({"cosign.pub": pems[0], "next.pub": pems[1]})
    for check in (True, False):
        wire.expect("GET", f"{BASE}/cosign-pub", status=404, body=_missing())
        wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", status=201, body=_json(live))
        if not check:
            wire.expect("PATCH", f"{BASE}/cosign-pub{APPLY}", status=201, body=_json(live))
        done = secret(public_keys=keys, check=check)
        assert done["changed"], done
        assert done["actions"] == ["create Secret flux-system/cosign-pub"]
        assert (done["secret"]["type"], done["secret"]["change"]) == ("Opaque", "created")
        assert set(done["secret"]["data"]) == {"cosign.pub", "next.pub"}
        [diff] = [done["diff"]]
        assert diff["before"] == ""
        assert done["secret"]["data"]["next.pub"] in diff["after"]
    for check in (True, False):
        wire.expect("GET", f"{BASE}/cosign-pub", body=_json(live))
        wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", body=_json(live))
        again = secret(public_keys=keys, check=check)
        assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ({"content": "private"}, "only public keys go to a cluster"),
        ({"content": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}, "public key is damaged"),
        ({"name": "cosign.pem", "content": "good"}, "must end in .pub"),
        ({"name": "a/b.pub", "content": "good"}, "not a key of a Secret"),
        ({"path": "/nowhere/cosign.pub"}, "does not exist"),
    ],
)
def test_what_is_no_public_key(secret: Run, pems: list[str], key: Object, reason: str) -> None:
    private = SigningKey.generate().encrypted_pem(b"x").decode()
    text = {"private": private, "good": pems[0]}.get(key.get("content", ""), key.get("content"))
    failed = secret(public_keys=[{**key, "content": text} if text else key])
    assert failed["failure"]["code"] == "invalid_option"
    assert reason in failed["msg"]
    secrets = [line for line in private.splitlines() if "-----" not in line]
    assert not [line for line in secrets if line in json.dumps(failed)]


def test_refused_before_anything_is_sent(secret: Run, pems: list[str]) -> None:
    same = [{"content": pems[0]}, {"content": pems[1]}]
    assert "is there twice" in secret(public_keys=same)["msg"]
    assert "public_keys: is empty" in secret(public_keys=[])["msg"]
    assert "password belongs to it" in secret(registry="ghcr.io", username="me")["msg"]
    assert "username belongs to it" in secret(registry="ghcr.io", password=PASSWORD)["msg"]
    assert "colon" in secret(registry="ghcr.io", username="a:b", password=PASSWORD)["msg"]
    assert "without a tag" in secret(registry="ghcr.io/app:1", username="a", password=PASSWORD)["msg"]
    assert "no credentials" in secret(registry="ghcr.io")["msg"]
    assert "name: " in secret(name="Not_A_Name", registry="ghcr.io")["msg"]
    assert "flux_version" in secret(public_keys=[{"content": pems[0]}], flux_version="x")["msg"]


def test_a_key_that_goes(secret: Run, wire: Wire, pems: list[str]) -> None:
    old, new = _live({"cosign.pub": pems[0]}), _live({"cosign.pub": pems[1]})
    # A warning stays for the life of a process.
    for version, warned in (("2.10", False), ("2.9", True), (None, True)):
        wire.expect("GET", f"{BASE}/cosign-pub", body=_json(old))
        wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", body=_json(new))
        done = secret(public_keys=[{"content": pems[1]}], check=True, flux_version=version)
        assert done["secret"]["change"] == "updated"
        assert any("does not verify again" in str(text) for text in done.get("warnings", [])) is warned


def test_a_key_of_somebody_else_is_not_overlooked(secret: Run, wire: Wire, pems: list[str]) -> None:
    live = _live({"cosign.pub": pems[0], "theirs.pub": pems[1]})
    wire.expect("GET", f"{BASE}/cosign-pub", body=_json(live))
    wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", body=_json(live))
    failed = secret(public_keys=[{"content": pems[0]}])
    assert failed["failure"]["code"] == "conflict"
    assert "theirs.pub" in failed["msg"]


def test_what_cosign_put_there_is_adopted(secret: Run, wire: Wire, pems: list[str]) -> None:
    """`cosign generate-key-pair k8s://…` also leaves the private key."""
    theirs = {"cosign.pub": pems[0].replace("\n", "\r\n"), "cosign.key": PASSWORD, "cosign.password": PASSWORD}
    live = _live(theirs, manager="cosign")
    wire.expect("GET", f"{BASE}/cosign-pub", body=_json(live))
    wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", body=_json(_live(theirs)))
    done = secret(public_keys=[{"content": pems[0]}], check=True)
    assert done["secret"]["change"] == "updated"
    assert _sent(wire)["data"]["cosign.pub"] == live["data"]["cosign.pub"]
    assert any("cosign.key, cosign.password" in str(text) for text in done["warnings"])
    assert PASSWORD not in json.dumps(done)


def test_a_login(secret: Run, wire: Wire) -> None:
    options = {"name": "ghcr-auth", "registry": "ghcr.io/org", "username": "me", "password": PASSWORD}
    login = {"username": "me", "password": PASSWORD, "auth": base64.b64encode(f"me:{PASSWORD}".encode()).decode()}
    kind = "kubernetes.io/dockerconfigjson"
    live = _live({".dockerconfigjson": json.dumps({"auths": {"ghcr.io/org": login}}, indent=2)}, kind)
    wire.expect("GET", f"{BASE}/ghcr-auth", status=404, body=_missing("ghcr-auth"))
    wire.expect("PATCH", f"{BASE}/ghcr-auth{DRY}", status=201, body=_json(live))
    wire.expect("PATCH", f"{BASE}/ghcr-auth{APPLY}", status=201, body=_json(live))
    done = secret(**options)
    sent = _sent(wire)
    assert sent["type"] == kind
    assert json.loads(base64.b64decode(sent["data"][".dockerconfigjson"])) == {"auths": {"ghcr.io/org": login}}
    assert done["diff"]["after"] == ".dockerconfigjson: ghcr.io/org as me, password (hidden)\n"
    _hides(done, login["auth"])
    # As the flux CLI writes it, with blanks: the same login.
    wire.expect("GET", f"{BASE}/ghcr-auth", body=_json(live))
    wire.expect("PATCH", f"{BASE}/ghcr-auth{DRY}", body=_json(live))
    assert not secret(**options)["changed"]


def test_another_password_is_seen_as_one(secret: Run, wire: Wire) -> None:
    def live(password: str) -> Object:
        entry = {"username": "me", "password": password, "auth": ""}
        return _live({".dockerconfigjson": json.dumps({"auths": {"ghcr.io": entry}})})

    wire.expect("GET", f"{BASE}/ghcr-auth", body=_json(live("old-password")))
    wire.expect("PATCH", f"{BASE}/ghcr-auth{DRY}", body=_json(live(PASSWORD)))
    done = secret("ghcr-auth", registry="ghcr.io", username="me", password=PASSWORD, check=True)
    assert done["changed"]
    assert done["diff"]["after"].endswith("(another one)\n")
    assert "old-password" not in json.dumps(done)
    _hides(done)


def _hides(done: Object, *more: str) -> None:
    whole = json.dumps(done)
    for text in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), "canary-token", *more):
        assert text not in whole


@pytest.mark.parametrize(("registry", "server"), [("docker.io", "https://index.docker.io/v1/"), ("r:5000", "r:5000")])
def test_only_this_registrys_entry_of_dockers_file(
    secret: Run, wire: Wire, tmp_path: Path, registry: str, server: str
) -> None:
    def auth(text: str) -> Object:
        return {"auth": base64.b64encode(text.encode()).decode()}

    config = {"auths": {"localhost:5000": auth(f"me:{PASSWORD}"), "other.example": auth("you:other-password")}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    answer = _live({".dockerconfigjson": "{}"}, "kubernetes.io/dockerconfigjson")
    wire.expect("GET", f"{BASE}/ghcr-auth", status=404, body=_missing("ghcr-auth"))
    wire.expect("PATCH", f"{BASE}/ghcr-auth{DRY}", status=201, body=_json(answer))
    given = {"registry": registry, "credentials_from": "localhost:5000", "docker_config": str(tmp_path)}
    done = secret("ghcr-auth", check=True, **given)
    assert done["changed"], done
    auths = json.loads(base64.b64decode(_sent(wire)["data"][".dockerconfigjson"]))["auths"]
    assert list(auths) == [server]
    assert (auths[server]["username"], auths[server]["password"]) == ("me", PASSWORD)
    _hides(done)


def test_an_identity_token_is_no_password(secret: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {"identitytoken": PASSWORD}}}))
    failed = secret("ghcr-auth", registry="ghcr.io", docker_config=str(tmp_path))
    assert "only a token" in failed["msg"]
    _hides(failed)


@pytest.mark.parametrize("given", [{}, {"username": "me", "password": PASSWORD}])
def test_a_configuration_that_is_not_there(secret: Run, tmp_path: Path, given: Object) -> None:
    failed = secret("ghcr-auth", registry="ghcr.io", docker_config=str(tmp_path / "none"), **given)
    assert failed["msg"] == f"docker_config: {tmp_path / 'none'} does not exist"
    _hides(failed)


def test_absent(secret: Run, wire: Wire, pems: list[str]) -> None:
    for check in (True, False):
        wire.expect("GET", f"{BASE}/cosign-pub", body=_json(_live({"cosign.pub": pems[0]})))
        wire.expect("DELETE", f"{BASE}/cosign-pub", body=b"{}")
        if not check:
            wire.expect("DELETE", f"{BASE}/cosign-pub", body=b"{}")
        gone = secret(state="absent", check=check)
        assert (gone["changed"], gone["secret"]["change"]) == (True, "deleted")
        assert "uid" not in json.dumps(gone["diff"])
    wire.expect("GET", f"{BASE}/cosign-pub", status=404, body=_missing())
    assert not secret(state="absent")["changed"]


def test_a_namespace_that_is_missing(secret: Run, wire: Wire, pems: list[str]) -> None:
    for check in (True, False):
        wire.expect("GET", f"{BASE}/cosign-pub", status=404, body=_missing())
        wire.expect("PATCH", f"{BASE}/cosign-pub{DRY}", status=404, body=_missing("flux-system", "namespaces"))
        done = secret(public_keys=[{"content": pems[0]}], check=check)
        if check:
            assert done["changed"]
            assert any("no namespace flux-system" in str(text) for text in done["warnings"])
        else:
            assert done["failure"]["code"] == "no_namespace"


def test_one_that_is_being_deleted(secret: Run, wire: Wire, pems: list[str]) -> None:
    live = copy.deepcopy(_live({"cosign.pub": pems[0]}))
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    wire.expect("GET", f"{BASE}/cosign-pub", body=_json(live))
    assert "is being deleted" in secret(public_keys=[{"content": pems[0]}])["msg"]
    wire.expect("GET", f"{BASE}/cosign-pub", body=_json(live))
    assert not secret(state="absent")["changed"]
