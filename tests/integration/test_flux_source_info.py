# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_source_info as a task: an API server with recorded objects over real sockets. The real one: tests/interop."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from support.flux_api import FluxApi
from support.flux_status import FIRST, recorded

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

MODULE = "flux_source_info"
TOKEN, PRIVATE = "canary-token", "canary-private-key"

Object = dict[str, t.Any]


class Info(t.Protocol):
    def __call__(self, *, check: bool = False, **options: t.Any) -> Object: ...


@pytest.fixture
def api() -> t.Iterator[FluxApi]:
    with FluxApi() as running:
        yield running


@pytest.fixture
def info(run_module: t.Callable[..., Object], api: FluxApi) -> Info:
    def run(*, check: bool = False, **options: t.Any) -> Object:
        return run_module(MODULE, check=check, host=api.url, api_key=TOKEN, request_timeout=5, **options)

    return run


def _secret(**data: bytes) -> Object:
    encoded = {name.replace("_", "."): base64.b64encode(value).decode() for name, value in data.items()}
    metadata = {"name": "cosign-pub", "namespace": "flux-system", "creationTimestamp": "2000-01-01T00:00:00Z"}
    return {"kind": "Secret", "metadata": metadata, "data": encoded}


def _controller(version: str) -> Object:
    labels = {"app.kubernetes.io/version": version}
    return {"kind": "Deployment", "metadata": {"name": "sc", "namespace": "flux-system", "labels": labels}}


def test_all_sources(api: FluxApi, info: Info) -> None:
    key = SigningKey.generate().public
    api.put(
        recorded("verified"),
        recorded("unverified", name="open"),
        recorded("unsigned", name="bad"),
        _secret(cosign_pub=key.pem, cosign_key=PRIVATE.encode()),
        _controller("v2.9.5"),
    )
    done = info()
    assert not done["changed"]
    assert done["flux_version"] == "2.9.5"
    assert [(one["name"], one["verdict"]) for one in done["sources"]] == [
        ("app", "verified"),
        ("open", "off"),
        ("bad", "refused"),
    ]
    assert done["verdicts"] == {"verified": 1, "refused": 1, "not_enforced": 0, "unknown": 0, "off": 1}
    app = done["sources"][0]
    assert (app["digest"], app["verifies_again"]) == (FIRST, False)
    assert app["public_keys"] == [
        {"name": "cosign.pub", "fingerprint": key.fingerprint, "kind": "ecdsa-p256", "fault": None}
    ]
    assert [one["rule"] for one in app["findings"]] == ["keys-not-watched"]
    # Two sources name the same Secret: it is read once, and nothing private of it is repeated.
    assert sum("/secrets/" in seen.target for seen in api.seen) == 1
    shown = json.dumps({name: text for name, text in done.items() if name != "invocation"})
    assert TOKEN not in shown
    assert PRIVATE not in shown
    assert base64.b64encode(PRIVATE.encode()).decode() not in shown


def test_check_mode_is_the_same(api: FluxApi, info: Info) -> None:
    api.put(recorded("verified"))
    first, second = info(check=True, public_keys=False), info(public_keys=False)
    assert first["sources"] == second["sources"]
    assert {seen.method for seen in api.seen} == {"GET"}


def test_one_by_its_name(api: FluxApi, info: Info) -> None:
    api.put(recorded("verified"), recorded("unverified", name="open", namespace="apps"))
    assert [one["name"] for one in info(name="open")["sources"]] == ["open"]
    assert [one["name"] for one in info(namespace="apps")["sources"]] == ["open"]
    assert info(name="open", namespace="flux-system")["sources"] == []


def test_selectors_are_the_servers_own(api: FluxApi, info: Info) -> None:
    info(label_selector="team=a,!x", namespace="apps")
    target = next(seen.target for seen in api.seen if "ocirepositories" in seen.target)
    assert target.endswith("/namespaces/apps/ocirepositories?limit=250&labelSelector=team%3Da%2C%21x")


def test_other_kinds(api: FluxApi, info: Info) -> None:
    api.put(recorded("unsigned", "gitrepositories"), recorded("verified"))
    done = info(kinds=["GitRepository", "OCIRepository", "GitRepository"], public_keys=False)
    assert [(one["kind"], one["verdict"]) for one in done["sources"]] == [
        ("GitRepository", "refused"),
        ("OCIRepository", "verified"),
    ]


def test_a_secret_that_is_missing_or_not_to_be_read(api: FluxApi, info: Info, monkeypatch: pytest.MonkeyPatch) -> None:
    api.put(recorded("verified"))
    missing = info()["sources"][0]
    assert missing["public_keys"] is None
    assert "keys-missing" in [one["rule"] for one in missing["findings"]]
    take = api.take

    def forbid(seen: t.Any) -> t.Any:
        if "/secrets/" in seen.target or "/deployments" in seen.target:
            api.faults.insert(0, (403, {"kind": "Status", "message": "no"}))
        return take(seen)

    monkeypatch.setattr(api, "take", forbid)
    done = info()
    assert "keys-unread" in [one["rule"] for one in done["sources"][0]["findings"]]
    assert done["flux_version"] is None
    assert not done.get("failed")


@pytest.mark.parametrize("label", ["", "latest", "v2"])
def test_a_version_that_is_none(api: FluxApi, info: Info, label: str) -> None:
    api.put(recorded("verified"), _controller(label))
    assert info(public_keys=False)["flux_version"] is None
    assert info(public_keys=False, flux_version="2.10")["flux_version"] == "2.10.0"


def test_a_cluster_without_flux(api: FluxApi, info: Info) -> None:
    api.faults = [(404, {})]
    predicted = info(check=True)
    assert predicted["sources"] == []
    assert any("install Flux" in str(text) for text in predicted["warnings"])
    api.faults = [(404, {})]
    assert info()["failure"]["code"] == "not_installed"


WRONG: list[tuple[Object, str]] = [
    ({"name": "A"}, "name: 'A'"),
    ({"name": ""}, "name: ''"),
    ({"namespace": "a.b"}, "namespace: 'a.b'"),
    ({"kinds": []}, "kinds: is empty"),
    ({"kinds": ["Bucket"]}, "kinds"),
    ({"flux_version": "2"}, "flux_version"),
]


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_a_wrong_option_is_found_before_anything_is_sent(api: FluxApi, info: Info, options: Object, text: str) -> None:
    failed = info(**options)
    assert failed["failed"]
    assert text in failed["msg"]
    assert api.seen == []


def test_who_may_not_list(api: FluxApi, info: Info) -> None:
    api.faults = [(403, {"kind": "Status", "message": 'User "x" cannot list resource "ocirepositories"'})]
    failed = info()
    assert failed["failure"]["code"] == "forbidden"
    assert "not allowed to list" in failed["msg"]
