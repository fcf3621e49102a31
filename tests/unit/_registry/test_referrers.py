# SPDX-License-Identifier: GPL-3.0-or-later
"""Listing referrers: an error is never "there are none" (facts/faults.md R16, R17)."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.wire import Wire
from support.wire_client import Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    EMPTY,
    EMPTY_BYTES,
    INDEX,
    MANIFEST,
    Descriptor,
    Manifest,
    build_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry import referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    NotFound,
    Refused,
    Unauthorized,
    Unreachable,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import DIRECTORY_VARIABLE
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import (
    Referrers,
    list_referrers,
    listings,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import InvalidDigest

SUBJECT = Descriptor.of(MANIFEST, b"the subject")
API = f"/v2/a/referrers/{SUBJECT.digest}"
TAG = f"/v2/a/manifests/sha256-{SUBJECT.digest[7:]}"
CONFIG = Descriptor.of(EMPTY, EMPTY_BYTES)
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "locks"))


def referrer(number: int, artifact_type: str | None = BUNDLE) -> Manifest:
    annotations = {"number": str(number)}
    return Manifest.build(CONFIG, [CONFIG], annotations=annotations, subject=SUBJECT, artifact_type=artifact_type)


def entry(number: int) -> Descriptor:
    return Descriptor(MANIFEST, referrer(number).digest, len(referrer(number).raw), {"number": str(number)}, BUNDLE)


def index(wire: Wire, target: str, *entries: Descriptor, **headers: str) -> None:
    wire.expect("GET", target, headers={"Content-Type": INDEX, **headers}, body=build_index(entries))


def no_api(wire: Wire) -> None:
    wire.expect("GET", API, status=404)


def ask(registry: Registry) -> Referrers:
    return list_referrers(registry, "a", SUBJECT.digest)


# Listing


def test_asks_the_api(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", API, headers={"Content-Type": INDEX}, body=build_index([entry(1)]), sent={"Accept": INDEX})
    assert ask(connect(wire)) == Referrers((entry(1),), True)


def test_none_by_the_api_is_none(wire: Wire, connect: Connect) -> None:
    index(wire, API, **{"Content-Type": f"{INDEX}; charset=utf-8"})
    assert ask(connect(wire)) == Referrers((), True)


def test_reads_all_pages(wire: Wire, connect: Connect) -> None:
    index(wire, API, entry(1), Link=f'<{API}?next=2>; rel="next"')
    index(wire, f"{API}?next=2", entry(2))
    assert ask(connect(wire)).entries == (entry(1), entry(2))


@pytest.mark.fault("R17")
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404},
        {"status": 400, "body": b"<html>"},
        {"status": 405},
        {"status": 406},
        {"status": 501},
        {"status": 303, "headers": {"Location": "https://github.com/-/v2/packages"}},
        {"status": 302, "headers": {"Location": "/login"}},
        {"status": 200, "headers": {"Content-Type": "text/html"}, "body": b"<html>"},
        {"status": 200, "body": b"{}"},
    ],
    ids=lambda answer: str(answer["status"]),
)
def test_where_there_is_no_api_the_tag_answers(wire: Wire, connect: Connect, answer: dict[str, t.Any]) -> None:
    wire.expect("GET", API, **answer)
    index(wire, TAG, entry(1))
    found = ask(connect(wire))
    assert (found.entries, found.api) == ((entry(1),), False)


def test_neither_api_nor_tag(wire: Wire, connect: Connect) -> None:
    no_api(wire)
    wire.expect("GET", TAG, status=404)
    assert ask(connect(wire)) == Referrers((), False)


def test_a_mirror_that_redirects_is_followed(connect: Connect) -> None:
    with Wire() as wire, Wire() as mirror:
        wire.expect("GET", API, status=307, headers={"Location": f"{mirror.url}/proxy{API}"})
        index(mirror, f"/proxy{API}", entry(1))
        assert ask(connect(wire)) == Referrers((entry(1),), True)


@pytest.mark.fault("R16b")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 429}, Unreachable),
        ({"status": 500}, Unreachable),
        ({"status": 503}, Unreachable),
        ({"reset": True}, Unreachable),
        ({"status": 401}, Unauthorized),
        ({"status": 403}, Unauthorized),
        ({"status": 418}, Refused),
    ],
    ids=["429", "500", "503", "reset", "401", "403", "418"],
)
@pytest.mark.parametrize("at", ["api", "tag"])
def test_an_error_is_never_none(
    wire: Wire, connect: Connect, answer: dict[str, t.Any], error: type[Exception], at: str
) -> None:
    """giantswarm/retagger#1239: a throttled listing was reported as "no signatures"."""
    if at == "tag":
        no_api(wire)
    wire.expect("GET", API if at == "api" else TAG, always=True, **answer)
    with pytest.raises(error):
        ask(connect(wire, retries=1))


@pytest.mark.fault("R16b")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"schemaVersion": 2}',
        b'{"schemaVersion": 2, "manifests": {}}',
        b'{"schemaVersion": 2, "manifests": [{"mediaType": "x", "size": 1, "digest": "sha256:../x"}]}',
        b'{"schemaVersion": 2, "manifests": [], "layers": []}',
        b'{"schemaVersion": 2, "manifests": [], "manifests": []}',
        b" " * (4 * 1024 * 1024 + 1),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("at", ["api", "tag"])
def test_an_answer_that_is_no_index(wire: Wire, connect: Connect, body: bytes, at: str) -> None:
    if at == "tag":
        no_api(wire)
    wire.expect("GET", API if at == "api" else TAG, headers={"Content-Type": INDEX}, body=body)
    with pytest.raises(BadAnswer):
        ask(connect(wire))


def test_an_image_under_the_fallback_tag(wire: Wire, connect: Connect) -> None:
    no_api(wire)
    wire.expect("GET", TAG, headers={"Content-Type": MANIFEST}, body=referrer(1).raw)
    with pytest.raises(BadAnswer):
        ask(connect(wire))


@pytest.mark.fault("R16d")
@pytest.mark.parametrize("at", ["api", "tag"])
def test_too_many_to_be_meant_well(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    monkeypatch.setattr(referrers, "MAX_ENTRIES", 2)
    if at == "tag":
        no_api(wire)
    index(wire, API if at == "api" else TAG, entry(1), entry(2), entry(3))
    with pytest.raises(BadAnswer, match="more than 2"):
        ask(connect(wire))


@pytest.mark.fault("R16d")
def test_pages_without_end(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "_PAGES", 3)
    more = {"Content-Type": INDEX, "Link": f"<{API}>; rel=next"}
    wire.expect("GET", API, headers=more, body=build_index([]), always=True)
    with pytest.raises(BadAnswer, match="more than 3 pages"):
        ask(connect(wire))


@pytest.mark.fault("R16b")
def test_a_second_page_that_fails(wire: Wire, connect: Connect) -> None:
    index(wire, API, entry(1), Link=f"<{API}?2>; rel=next")
    wire.expect("GET", f"{API}?2", status=404)
    with pytest.raises(NotFound):
        ask(connect(wire))


def test_a_digest_that_is_none(connect: Connect) -> None:
    with pytest.raises(InvalidDigest):
        list_referrers(connect("127.0.0.1:1"), "a", "sha256:../../x")


# Where the first listing may not be the last


def told(registry: Registry) -> Registry:
    """One that has said of another digest that it has no API."""
    registry.without_api.add(("b", SUBJECT.digest))
    return registry


def test_what_has_an_api_is_listed_once(wire: Wire, connect: Connect) -> None:
    index(wire, API, entry(1))
    assert list(listings(connect(wire), "a", SUBJECT.digest)) == [(entry(1),)]


def test_an_answer_that_there_is_no_api_is_remembered_for_the_registry(wire: Wire, connect: Connect) -> None:
    registry = connect(wire)
    no_api(wire)
    index(wire, TAG, entry(1))
    assert list(listings(registry, "a", SUBJECT.digest)) == [(entry(1),)]
    wire.check()
    index(wire, TAG.replace("/a/", "/b/"), entry(2))
    assert next(listings(registry, "b", SUBJECT.digest)) == (entry(2),)


def test_whoever_has_not_found_it_asks_the_api_all_the_same(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, status=404)
    index(wire, API, entry(1))
    assert list(listings(told(connect(wire)), "a", SUBJECT.digest)) == [(), (entry(1),)]


def test_no_api_there_either(wire: Wire, connect: Connect) -> None:
    index(wire, TAG, entry(1))
    no_api(wire)
    index(wire, TAG, entry(1))
    registry = told(connect(wire))
    assert list(listings(registry, "a", SUBJECT.digest)) == [(entry(1),)]
    assert list(listings(registry, "a", SUBJECT.digest)) == [(entry(1),)]


@pytest.mark.fault("R16a")
def test_an_api_that_cannot_be_asked_is_no_end_of_the_list(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, status=404)
    wire.expect("GET", API, status=503)
    listed = listings(told(connect(wire, retries=0)), "a", SUBJECT.digest)
    assert next(listed) == ()
    with pytest.raises(Unreachable, match="503"):
        next(listed)
