# SPDX-License-Identifier: GPL-3.0-or-later
"""Annotations and lists on a scripted wire."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube import client as client_module
from ansible_collections.proven.gitops.plugins.module_utils._kube import errors
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import Address, KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

VERSION = "source.toolkit.fluxcd.io/v1"
APP = Address(ObjectId(VERSION, "OCIRepository", "flux-system", "app"), "ocirepositories")
EVERYWHERE = Address(ObjectId(VERSION, "OCIRepository", "", ""), "ocirepositories")
ALL = "/apis/source.toolkit.fluxcd.io/v1/ocirepositories?limit=250"
INSIDE = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories"


def _status(code: int, message: str = "", **details: t.Any) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "details": details, "code": code}).encode()


def _page(*names: str, token: object = None) -> bytes:
    listed = [{"metadata": {"name": name}} for name in names]
    return json.dumps({"items": listed, "metadata": {"continue": token} if token is not None else {}}).encode()


def _names(client: KubeClient, collection: Address, **options: t.Any) -> list[str]:
    return [one["metadata"]["name"] for one in client.find(collection, **options)]


def test_annotates_as_itself_and_touches_nothing_else(wire: Wire, client: KubeClient) -> None:
    typed = {"Content-Type": "application/merge-patch+json"}
    body = b'{"metadata":{"annotations":{"a/b":"1"}}}'
    wire.expect("PATCH", f"{APP.path}?fieldManager=proven.gitops&dryRun=All", body=b'{"a":1}', sent=typed)
    wire.expect("PATCH", f"{APP.path}?fieldManager=proven.gitops", body=b'{"a":2}', sent=typed, sent_body=body)
    assert client.annotate(APP, {"a/b": "1"}, dry_run=True) == {"a": 1}
    assert client.annotate(APP, {"a/b": "1"}, dry_run=False) == {"a": 2}


def test_what_is_gone_is_not_annotated(wire: Wire, client: KubeClient) -> None:
    wire.expect("PATCH", status=404, body=_status(404, name="app"))
    assert client.annotate(APP, {"a": "1"}, dry_run=False) is None
    wire.expect("PATCH", status=403, body=_status(403, "no"))
    with pytest.raises(errors.Forbidden, match="OCIRepository flux-system/app: not allowed to patch"):
        client.annotate(APP, {"a": "1"}, dry_run=False)


def test_lists_page_by_page(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", ALL, body=_page("a", "b", token="n+1"))
    wire.expect("GET", f"{ALL}&continue=n%2B1", body=_page("c", token=""))
    assert _names(client, EVERYWHERE) == ["a", "b", "c"]


def test_lists_what_is_asked_for(wire: Wire, client: KubeClient) -> None:
    wire.expect(
        "GET", f"{INSIDE}?limit=250&fieldSelector=metadata.name%3Dapp&labelSelector=a%3Db%2C%21c", body=_page("app")
    )
    assert _names(client, APP, label_selector="a=b,!c") == ["app"]


def test_a_list_of_nothing(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", ALL, body=b'{"items": null}')
    assert _names(client, EVERYWHERE) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{}", "no list of objects"),
        (b'{"items": "x"}', "no list of objects"),
        (b'{"items": ["x"]}', "no list of objects"),
        (b'{"items": [], "metadata": []}', "its metadata is no object"),
        (b'{"items": [{"metadata": {"labels": 5}}]}', "its metadata.labels is no map of texts"),
        (b'{"items": [{"metadata": {"name": 5}}]}', "its metadata.name is no text"),
        (b'{"items": [{"metadata": {"finalizers": "x"}}]}', "its metadata.finalizers is no list"),
    ],
)
def test_an_odd_list_is_no_empty_one(wire: Wire, client: KubeClient, body: bytes, reason: str) -> None:
    wire.expect("GET", ALL, body=body)
    with pytest.raises(errors.BadAnswer, match=reason):
        _names(client, EVERYWHERE)


def test_an_endless_list_is_refused(wire: Wire, client: KubeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_PAGES", 3)
    wire.expect("GET", always=True, body=_page("a", token="x"))
    with pytest.raises(errors.BadAnswer, match="a list of ocirepositories that does not end"):
        _names(client, EVERYWHERE)


def test_a_list_of_a_kind_that_is_not_there(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", ALL, status=404, body=b"404 page not found\n")
    with pytest.raises(errors.NotInstalled, match=r"OCIRepository \*: .*install Flux"):
        _names(client, EVERYWHERE)
