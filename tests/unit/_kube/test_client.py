# SPDX-License-Identifier: GPL-3.0-or-later
"""The client on a scripted wire. Answers are what kube-apiserver 1.36 gave."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube import errors, transport
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import Address, KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

APP = Address(ObjectId("source.toolkit.fluxcd.io/v1", "OCIRepository", "flux-system", "app"), "ocirepositories")
PATH = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/app"
APPLY = f"{PATH}?fieldManager=proven.gitops&fieldValidation=Strict&force=false"
MANIFEST = {"kind": "OCIRepository", "spec": {"url": "oci://x.y/z"}}
SENT = {"Authorization": "Bearer t0ken", "Accept": "application/json"}


def _status(code: int, message: str = "", **details: t.Any) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "details": details, "code": code}).encode()


GONE = _status(404, 'ocirepositories.source.toolkit.fluxcd.io "app" not found', name="app", kind="ocirepositories")


def test_reads_an_object(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, body=b'{"kind":"OCIRepository"}', sent=SENT)
    assert client.get(APP) == {"kind": "OCIRepository"}


@pytest.mark.parametrize(
    ("address", "path", "text"),
    [
        (Address(ObjectId("v1", "Secret", "web", "s"), "secrets"), "/api/v1/namespaces/web/secrets/s", "Secret web/s"),
        (Address(ObjectId("v1", "Namespace", "", "web"), "namespaces"), "/api/v1/namespaces/web", "Namespace web"),
    ],
)
def test_the_core_and_the_cluster(wire: Wire, client: KubeClient, address: Address, path: str, text: str) -> None:
    wire.expect("GET", path, body=b"{}")
    assert client.get(address) == {}
    assert str(address) == text


def test_no_object_is_no_error(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, status=404, body=GONE)
    assert client.get(APP) is None


def test_applies_on_the_server(wire: Wire, client: KubeClient) -> None:
    body = b'{"kind":"OCIRepository","spec":{"url":"oci://x.y/z"}}'
    typed = {**SENT, "Content-Type": "application/apply-patch+yaml"}
    wire.expect("PATCH", f"{APPLY}&dryRun=All", body=b'{"a":1}', sent=typed, sent_body=body)
    wire.expect("PATCH", APPLY, status=201, body=b'{"a":2}', sent=typed, sent_body=body)
    wire.expect("PATCH", APPLY.replace("force=false", "force=true"), body=b'{"a":3}')
    assert client.apply(APP, MANIFEST, dry_run=True, force=False) == {"a": 1}
    assert client.apply(APP, MANIFEST, dry_run=False, force=False) == {"a": 2}
    assert client.apply(APP, MANIFEST, dry_run=False, force=True) == {"a": 3}


def test_deletes_the_object_that_was_looked_at(wire: Wire, client: KubeClient) -> None:
    base = b'{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"u-1"}'
    wire.expect("DELETE", PATH, body=b"{}", sent_body=base + b',"dryRun":["All"]}')
    wire.expect("DELETE", PATH, body=b"{}", sent_body=base + b"}")
    wire.expect("DELETE", PATH, status=404, body=GONE)
    client.delete(APP, "u-1", dry_run=True)
    client.delete(APP, "u-1", dry_run=False)
    client.delete(APP, "u-1", dry_run=False)


CONFLICT = _status(
    409,
    "Apply failed with 1 conflict",
    causes=[{"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.interval"}],
)
REFUSALS: list[tuple[int, bytes, type[errors.KubeError], str]] = [
    (401, _status(401, "Unauthorized"), errors.Unauthorized, "the option api_key"),
    (403, _status(403, 'User "x" cannot patch resource'), errors.Forbidden, 'User "x" cannot patch resource'),
    (404, b"404 page not found\n", errors.NotInstalled, "install Flux 2.6"),
    (404, _status(404, "the server could not find the requested resource"), errors.NotInstalled, "no OCIRepository"),
    (404, _status(404, "no", name="flux-system", kind="namespaces"), errors.NoNamespace, "no namespace flux-system"),
    (409, CONFLICT, errors.Conflict, ".spec.interval (by kubectl); change them there, or set force_conflicts"),
    (409, CONFLICT.replace(b"kubectl", b"kustomize-controller"), errors.Conflict, "git repository"),
    (409, _status(409, "the UID in the precondition does not match"), errors.Conflict, "changed meanwhile"),
    (422, _status(422, "spec.interval: Invalid value"), errors.Rejected, "spec.interval: Invalid value"),
    (415, b"", errors.Rejected, "HTTP 415"),
    (500, _status(500, ".spec.x: field not declared in schema"), errors.Rejected, "field not declared"),
    (500, _status(500, "etcd is sad"), errors.Unreachable, "etcd is sad"),
    (302, b"", errors.BadAnswer, "answers 302"),
    (200, b"<html>", errors.BadAnswer, "Kubernetes API"),
    (200, b"[]", errors.BadAnswer, "Kubernetes API"),
    (200, b'{"a":1,"a":2}', errors.BadAnswer, "duplicate key"),
]


@pytest.mark.parametrize(("status", "body", "kind", "text"), REFUSALS)
def test_says_what_went_wrong_and_what_to_do(
    wire: Wire, client: KubeClient, status: int, body: bytes, kind: type[errors.KubeError], text: str
) -> None:
    wire.expect("PATCH", APPLY, status=status, body=body, headers={"Location": "http://192.0.2.1/"})
    with pytest.raises(errors.KubeError) as caught:
        client.apply(APP, MANIFEST, dry_run=False, force=False)
    assert caught.value.__class__ is kind
    assert text in caught.value.message
    assert "t0ken" not in caught.value.message
    assert caught.value.details["host"] == wire.url


def test_a_server_cannot_repeat_our_token(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, status=403, body=_status(403, "no t0ken for you"))
    with pytest.raises(errors.Forbidden, match=r"no \*\*\* for you"):
        client.get(APP)


def test_a_conflict_lists_fields_and_managers(wire: Wire, client: KubeClient) -> None:
    wire.expect("PATCH", APPLY, status=409, body=CONFLICT)
    with pytest.raises(errors.Conflict) as caught:
        client.apply(APP, MANIFEST, dry_run=False, force=False)
    assert caught.value.details["fields"] == {".spec.interval": "kubectl"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"details": "x"}',
        b'{"details": {"causes": "x"}}',
        b'{"details": {"causes": ["x"]}}',
        b'{"message": 1, "reason": []}',
        b'{"message": "a\\u0000\\u001b[31mb"}',
        b"\xff",
    ],
)
def test_an_odd_status_is_still_an_error(wire: Wire, client: KubeClient, body: bytes) -> None:
    wire.expect("GET", PATH, status=403, body=body)
    with pytest.raises(errors.Forbidden) as caught:
        client.get(APP)
    assert "\x1b" not in caught.value.message


def test_tries_again_when_the_server_is_busy(wire: Wire, client: KubeClient, pauses: list[float]) -> None:
    wire.expect("GET", PATH, status=503)
    wire.expect("GET", PATH, status=429, headers={"Retry-After": "7"})
    wire.expect("GET", PATH, body=b"{}")
    assert client.get(APP) == {}
    assert pauses == [pytest.approx(0.625, abs=0.13), 7.0]


def test_gives_up_after_three_attempts(wire: Wire, client: KubeClient, pauses: list[float]) -> None:
    for _each in range(3):
        wire.expect("GET", PATH, status=503, headers={"Retry-After": "soon"})
    with pytest.raises(errors.Unreachable, match="503 Service Unavailable"):
        client.get(APP)
    assert pauses == [pytest.approx(0.625, abs=0.13), pytest.approx(1.125, abs=0.13)]


def test_does_not_wait_an_hour_because_it_was_told_to(wire: Wire, client: KubeClient, pauses: list[float]) -> None:
    wire.expect("GET", PATH, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.Unreachable, match="429 Too Many Requests; it asks to wait 3600 s"):
        client.get(APP)
    assert pauses == []


def test_a_connection_that_breaks_is_tried_again(wire: Wire, client: KubeClient) -> None:
    wire.expect("PATCH", APPLY, reset=True)
    wire.expect("PATCH", APPLY, body=b'{"a":1}')
    assert client.apply(APP, MANIFEST, dry_run=False, force=False) == {"a": 1}


def test_an_answer_that_is_cut_short_is_no_answer(wire: Wire, client: KubeClient) -> None:
    for _each in range(3):
        wire.expect("GET", PATH, body=b'{"a":1}', cut=3)
    with pytest.raises(errors.Unreachable):
        client.get(APP)


def test_an_endless_answer_is_refused(wire: Wire, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_LIMIT", 1000)
    wire.expect("GET", PATH, body=b"x" * 1001)
    with pytest.raises(errors.BadAnswer, match="more than 1000"):
        client.get(APP)


def test_a_redirect_is_not_followed(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, status=307, headers={"Location": f"{wire.url}/elsewhere"})
    with pytest.raises(errors.BadAnswer, match="answers 307"):
        client.get(APP)
