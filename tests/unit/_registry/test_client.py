# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and tags: what is asked, what is believed of the answer, and what None means."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    Descriptor,
)
from ansible_collections.proven.gitops.plugins.module_utils._oci.reference import InvalidReference
from ansible_collections.proven.gitops.plugins.module_utils._registry import tags as listing
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    Refused,
    Unauthorized,
    Unreachable,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import InvalidDigest, of_bytes

RAW = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {}}).encode()
DIGEST = of_bytes(RAW)
OTHER = of_bytes(b"other")
TAG = "/v2/org/app/manifests/v1"
BY_DIGEST = f"/v2/org/app/manifests/{DIGEST}"


def headers(media_type: str = MANIFEST, digest: str | None = DIGEST, **more: str) -> dict[str, str]:
    found = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in more.items()}}
    return found if digest is None else {**found, "Docker-Content-Digest": digest}


def head(wire: Wire, target: str = TAG, **more: t.Any) -> None:
    wire.expect("HEAD", target, headers=headers(Content_Length=str(len(RAW)), **more))


# resolve


@pytest.mark.parametrize(("pointer", "target"), [("v1", TAG), (DIGEST, BY_DIGEST)])
def test_resolves_by_head(wire: Wire, connect: Connect, pointer: str, target: str) -> None:
    head(wire, target)
    assert connect(wire).resolve("org/app", pointer) == Descriptor(MANIFEST, DIGEST, len(RAW))
    accepted = wire.seen[0].headers["Accept"].split(", ")
    assert accepted[:2] == [MANIFEST, INDEX]
    assert len(accepted) == 4


def test_404_is_none(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", TAG, status=404)
    assert connect(wire).resolve("org/app", "v1") is None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 200, "headers": {"Content-Type": MANIFEST, "Content-Length": "5"}},  # no digest
        {"status": 200, "headers": {"Docker-Content-Digest": DIGEST, "Content-Length": "5"}},  # no media type
        {"status": 200, "headers": headers("text/html", Content_Length="5")},
        {"status": 200, "headers": headers(Content_Length="a")},
        {"status": 405},
        {"status": 501},
        {"status": 400},
    ],
)
def test_resolves_by_get_where_head_does_not_tell(wire: Wire, connect: Connect, answer: dict[str, t.Any]) -> None:
    wire.expect("HEAD", TAG, **answer)
    wire.expect("GET", TAG, headers=headers(digest=None), body=RAW)
    assert connect(wire).resolve("org/app", "v1") == Descriptor(MANIFEST, DIGEST, len(RAW))


def test_what_a_head_cannot_say_a_get_does(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", TAG, status=418)
    wire.expect("GET", TAG, status=418, body=b'{"errors": [{"code": "TEAPOT", "message": "short and stout"}]}')
    with pytest.raises(Refused, match="TEAPOT: short and stout"):
        connect(wire).resolve("org/app", "v1")


@pytest.mark.parametrize("status", [401, 403])
def test_a_hidden_repository_is_not_an_absent_one(wire: Wire, connect: Connect, status: int) -> None:
    wire.expect("HEAD", TAG, status=status)
    with pytest.raises(Unauthorized, match="may answer so for a repository that does not exist"):
        connect(wire).resolve("org/app", "v1")


def test_a_404_after_the_login_is_an_absent_one(wire: Wire, connect: Connect) -> None:
    """Registries hide with 404 from the anonymous: with credentials, the first request is one that is never hidden."""
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    head(wire)
    found = connect(wire, LOGIN).resolve("org/app", "v1")
    assert found is not None
    assert wire.seen[1].headers["Authorization"].startswith("Basic ")


def test_an_unreachable_registry_is_not_an_empty_one(wire: Wire, connect: Connect) -> None:
    for _turn in range(3):
        wire.expect("HEAD", TAG, status=503)
    with pytest.raises(Unreachable):
        connect(wire).resolve("org/app", "v1")


@pytest.mark.fault("R5a")
@pytest.mark.parametrize("announced", ["sha256:../../x", "sha256:" + "A" * 64, "sha256:ab", "md5:" + "a" * 32, ""])
def test_a_digest_that_is_none(wire: Wire, connect: Connect, announced: str) -> None:
    """CVE-2024-3727: such text became part of paths."""
    head(wire, digest=announced)
    with pytest.raises(BadAnswer, match="not a sha256 digest"):
        connect(wire).resolve("org/app", "v1")


def test_another_digest_than_the_one_asked_for(wire: Wire, connect: Connect) -> None:
    head(wire, BY_DIGEST, digest=OTHER)
    with pytest.raises(BadAnswer, match=f"asked for the manifest {DIGEST}") as caught:
        connect(wire).resolve("org/app", DIGEST)
    assert caught.value.details["actual"] == OTHER


@pytest.mark.fault("R5a")
@pytest.mark.parametrize("pointer", ["sha256:../x", "sha512:" + "a" * 128, "v1:v2"])
def test_asks_for_no_digest_that_is_none(connect: Connect, pointer: str) -> None:
    with pytest.raises(InvalidDigest):
        connect("127.0.0.1:1").resolve("org/app", pointer)


@pytest.mark.parametrize("pointer", ["", "../../_catalog", "a b", "v1?x=y", "-x", "a" * 129])
def test_asks_for_no_tag_that_is_none(connect: Connect, pointer: str) -> None:
    with pytest.raises(InvalidReference):
        connect("127.0.0.1:1").get_manifest("org/app", pointer)


# get_manifest


@pytest.mark.parametrize(("pointer", "target"), [("v1", TAG), (DIGEST, BY_DIGEST)])
@pytest.mark.parametrize("digest", [None, DIGEST])
def test_gets_the_bytes(wire: Wire, connect: Connect, pointer: str, target: str, digest: str | None) -> None:
    wire.expect("GET", target, headers=headers(f"{MANIFEST}; charset=utf-8", digest), body=RAW)
    assert connect(wire).get_manifest("org/app", pointer) == (RAW, MANIFEST)


def test_none_on_404(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, status=404, body=b"<html>nginx</html>")
    assert connect(wire).get_manifest("org/app", "v1") is None


def test_other_bytes_than_those_asked_for(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", BY_DIGEST, headers=headers(), body=RAW + b" ")
    with pytest.raises(BadAnswer, match="the content is sha256:") as caught:
        connect(wire).get_manifest("org/app", DIGEST)
    assert caught.value.details["expected"] == DIGEST


def test_other_bytes_than_those_announced(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, headers=headers(digest=OTHER), body=RAW)
    with pytest.raises(BadAnswer, match=f"announces {OTHER}, the content is {DIGEST}"):
        connect(wire).get_manifest("org/app", "v1")


@pytest.mark.parametrize("body", [b"", b"not JSON", b"[]", b'{"a": 1, "a": 2}', b"\xff", b"[" * 100_000, b'{"a": NaN}'])
def test_a_manifest_that_is_no_json_of_one_meaning(wire: Wire, connect: Connect, body: bytes) -> None:
    wire.expect("GET", TAG, headers=headers(digest=None), body=body)
    with pytest.raises(BadAnswer):
        connect(wire).get_manifest("org/app", "v1")


@pytest.mark.fault("R7a")
@pytest.mark.parametrize("announced", ["5000000", "99999999999999999999999999999999"])
def test_an_oversize_manifest_is_not_read(wire: Wire, connect: Connect, announced: str) -> None:
    wire.expect("GET", TAG, headers=headers(Content_Length=announced), body=b"{", cut=1)
    with pytest.raises(BadAnswer, match="more than 4194304"):
        connect(wire).get_manifest("org/app", "v1")


def test_an_endless_manifest_is_cut(wire: Wire, connect: Connect) -> None:
    def endless() -> t.Iterator[bytes]:
        while True:
            yield b" " * 65536

    wire.expect("GET", TAG, headers=headers(Connection="close"), body=endless)
    with pytest.raises(BadAnswer, match="longer than 4194304"):
        connect(wire).get_manifest("org/app", "v1")


def test_a_compressed_answer_is_not_opened(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, headers=headers(Content_Encoding="gzip"), body=b"\x1f\x8b")
    with pytest.raises(BadAnswer, match="compressed"):
        connect(wire).get_manifest("org/app", "v1")


def test_a_manifest_cut_short_is_asked_for_again(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", TAG, headers=headers(), body=RAW, cut=10)
    wire.expect("GET", TAG, headers=headers(), body=RAW)
    assert connect(wire).get_manifest("org/app", "v1") == (RAW, MANIFEST)


def test_a_manifest_always_cut_short(wire: Wire, connect: Connect) -> None:
    for _turn in range(3):
        wire.expect("GET", TAG, headers=headers(), body=RAW, cut=10)
    with pytest.raises(Unreachable, match="broke off"):
        connect(wire).get_manifest("org/app", "v1")


@pytest.mark.fault("S30")
def test_an_index_that_claims_to_be_an_image(wire: Wire, connect: Connect) -> None:
    """CVE-2021-41190."""
    wire.expect("GET", TAG, headers=headers(INDEX), body=RAW)
    with pytest.raises(BadAnswer, match="is announced as"):
        connect(wire).get_manifest("org/app", "v1")


@pytest.mark.parametrize(
    ("header", "inside", "expected"),
    [
        ("application/json", DOCKER_MANIFEST, DOCKER_MANIFEST),
        (MANIFEST, None, MANIFEST),
        (MANIFEST, "application/x", MANIFEST),
        ("text/plain", None, "text/plain"),
        ("", None, ""),
        (MANIFEST, 5, MANIFEST),
    ],
)
def test_the_media_type(wire: Wire, connect: Connect, header: str, inside: object, expected: str) -> None:
    body = json.dumps({} if inside is None else {"mediaType": inside}).encode()
    wire.expect("GET", TAG, headers=headers(header, None), body=body)
    assert connect(wire).get_manifest("org/app", "v1") == (body, expected)


# put and delete


def test_puts_the_bytes_as_they_are(wire: Wire, connect: Connect) -> None:
    wire.expect(
        "PUT",
        TAG,
        status=201,
        headers={"Docker-Content-Digest": DIGEST},
        sent={"Content-Type": MANIFEST, "Content-Length": str(len(RAW))},
        sent_body=RAW,
    )
    connect(wire).put_manifest("org/app", "v1", RAW, MANIFEST)


def test_a_registry_that_stored_something_else(wire: Wire, connect: Connect) -> None:
    wire.expect("PUT", TAG, status=201, headers={"Docker-Content-Digest": OTHER})
    with pytest.raises(BadAnswer, match="announces"):
        connect(wire).put_manifest("org/app", "v1", RAW, MANIFEST)


def test_a_put_is_not_redirected(wire: Wire, connect: Connect) -> None:
    with Wire() as elsewhere:
        wire.expect("PUT", TAG, status=307, headers={"Location": f"{elsewhere.url}{TAG}"})
        with pytest.raises(BadAnswer, match="unexpected status 307"):
            connect(wire).put_manifest("org/app", "v1", RAW, MANIFEST)
    assert elsewhere.seen == []


@pytest.mark.parametrize("status", [202, 404])
def test_deletes(wire: Wire, connect: Connect, status: int) -> None:
    wire.expect("DELETE", TAG, status=status)
    connect(wire).delete_manifest("org/app", "v1")


def test_a_registry_that_does_not_delete(wire: Wire, connect: Connect) -> None:
    wire.expect("DELETE", TAG, status=405, body=b'{"errors": [{"code": "UNSUPPORTED"}]}')
    with pytest.raises(Refused, match="UNSUPPORTED"):
        connect(wire).delete_manifest("org/app", "v1")


# Tags

LIST = "/v2/org/app/tags/list"


def tags(*names: str) -> bytes:
    return json.dumps({"name": "org/app", "tags": names}).encode()


def test_lists_tags_over_pages(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", f"{LIST}?n=10", body=tags("a", "b"), headers={"Link": f'<{LIST}?n=10&last=b>; rel="next"'})
    wire.expect("GET", f"{LIST}?n=10&last=b", body=tags("b", "c"), headers={"Link": "<?last=c>; rel=next"})
    wire.expect("GET", f"{LIST}?last=c", body=b'{"name": "x", "tags": null}')
    assert list_tags(connect(wire), "org/app", 10) == ["a", "b", "c"]


def test_stops_at_the_limit(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", f"{LIST}?n=2", body=tags("a", "b", "c"), headers={"Link": f"<{LIST}?n=2&last=c>; rel=next"})
    assert list_tags(connect(wire), "org/app", 2) == ["a", "b"]


def test_no_repository_has_no_tags(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", f"{LIST}?n=1000", status=404)
    assert list_tags(connect(wire), "org/app", 5000) == []


def test_pages_that_never_end(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_PAGES", 20)
    wire.expect("GET", None, body=tags(), headers={"Link": f"<{LIST}?again>; rel=next"}, always=True)
    with pytest.raises(BadAnswer, match="more than 20 pages"):
        list_tags(connect(wire), "org/app", 10)


def test_a_page_elsewhere(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", f"{LIST}?n=10", body=tags("a"), headers={"Link": "<http://127.0.0.1:1/x>; rel=next"})
    with pytest.raises(BadAnswer, match="another host"):
        list_tags(connect(wire), "org/app", 10)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"tags": {}}', b'{"tags": ["../x"]}', b'{"tags": [null, {}]}'])
def test_what_is_no_list_of_tags(wire: Wire, connect: Connect, body: bytes) -> None:
    wire.expect("GET", f"{LIST}?n=10", body=body)
    with pytest.raises(BadAnswer):
        list_tags(connect(wire), "org/app", 10)


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Unauthorized), (400, Refused)])
def test_a_refused_list_is_no_empty_one(wire: Wire, connect: Connect, status: int, error: type[Exception]) -> None:
    wire.expect("GET", f"{LIST}?n=10", status=status)
    with pytest.raises(error):
        list_tags(connect(wire), "org/app", 10)
