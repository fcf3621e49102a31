# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests, tags, referrers and the catalogue over the wire."""

from __future__ import annotations

import hashlib
import json
import threading
import typing as t
from pathlib import Path

import pytest
from support.plain_client import OCI_INDEX, OCI_MANIFEST, PlainClient, sha256
from support.registry import RunningRegistry, running_registry

ZERO = f"sha256:{'0' * 64}"


def test_base(client: PlainClient) -> None:
    for path in ("/v2/", "/v2"):
        answer = client.call("GET", path)
        assert (answer.status, answer.json) == (200, {})
        assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert client.call("HEAD", "/v2/").status == 200
    refused = client.call("POST", "/v2/")
    assert (refused.status, refused.code, refused.headers["allow"]) == (405, "UNSUPPORTED", "GET, HEAD")


def test_the_exact_bytes_come_back(client: PlainClient) -> None:
    content = b" " + json.dumps(client.image(), indent=3).encode() + b"\n"
    digest = client.push_manifest(content, "v1")
    for reference in ("v1", digest):
        answer = client.manifest("GET", reference)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["docker-content-digest"] == digest == sha256(content)
        assert answer.headers["content-type"] == OCI_MANIFEST
        head = client.manifest("HEAD", reference)
        assert (head.status, head.headers["content-length"], head.body) == (200, str(len(content)), b"")


def test_a_tag_moves(client: PlainClient) -> None:
    first = client.push_image("v1")
    second = client.push_image("v1", annotations={"other": "yes"})
    assert client.manifest("HEAD", "v1").headers["docker-content-digest"] == second
    assert client.manifest("HEAD", first).status == 200


def test_sha512_manifests(client: PlainClient) -> None:
    content = json.dumps(client.image()).encode()
    digest = f"sha512:{hashlib.sha512(content).hexdigest()}"
    assert client.manifest("PUT", digest, content, Content_Type=OCI_MANIFEST).status == 201
    assert client.manifest("GET", digest).body == content


def test_unknown(client: PlainClient) -> None:
    for method in ("GET", "DELETE"):
        for reference in ("v1", ZERO):
            answer = client.manifest(method, reference)
            assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")
    assert client.manifest("HEAD", "v1").status == 404


def test_another_digest_is_refused(client: PlainClient) -> None:
    content = json.dumps(client.image()).encode()
    answer = client.manifest("PUT", ZERO, content, Content_Type=OCI_MANIFEST)
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert client.manifest("HEAD", ZERO).status == 404


def test_what_a_manifest_names_must_be_there(client: PlainClient) -> None:
    document = client.image()
    document["layers"].append({"mediaType": "x/y", "size": 1, "digest": ZERO})
    answer = client.manifest("PUT", "v1", json.dumps(document).encode(), Content_Type=OCI_MANIFEST)
    assert (answer.status, answer.code) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json["errors"][0]["detail"] == {"digest": ZERO}
    assert client.manifest("HEAD", "v1").status == 404


def test_a_blob_of_another_repository_does_not_count(client: PlainClient) -> None:
    content = json.dumps(client.image()).encode()
    answer = client.call("PUT", "/v2/other/manifests/v1", content, Content_Type=OCI_MANIFEST)
    assert answer.code == "MANIFEST_BLOB_UNKNOWN"


def test_an_index_names_manifests(client: PlainClient) -> None:
    child = {"mediaType": OCI_MANIFEST, "size": 1, "digest": client.push_image()}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}
    client.push_manifest(index, "all", OCI_INDEX)
    assert client.manifest("GET", "all").json == index
    index["manifests"] = [{**child, "digest": ZERO}]
    answer = client.manifest("PUT", "bad", json.dumps(index).encode(), Content_Type=OCI_INDEX)
    assert answer.code == "MANIFEST_BLOB_UNKNOWN"


def test_malformed(client: PlainClient) -> None:
    answer = client.manifest("PUT", "v1", b"{}", Content_Type=OCI_MANIFEST)
    assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")
    assert client.manifest("PUT", "-bad", b"{}", Content_Type=OCI_MANIFEST).code == "TAG_INVALID"


def test_too_large(client: PlainClient) -> None:
    answer = client.manifest("PUT", "v1", b" " * (4 * 1024 * 1024 + 1), Content_Type=OCI_MANIFEST)
    assert (answer.status, answer.code) == (413, "SIZE_INVALID")
    assert client.call("GET", "/v2/").status == 200  # the connection is still good


def test_delete(client: PlainClient) -> None:
    digest = client.push_image("v1")
    client.push_image("v2")
    assert client.manifest("DELETE", "v1").status == 202
    assert client.manifest("HEAD", "v1").status == 404
    assert client.manifest("HEAD", digest).status == 200
    assert client.manifest("DELETE", digest).status == 202
    assert client.manifest("HEAD", digest).status == 404
    assert client.call("GET", "/v2/team/app/tags/list").json == {"name": "team/app", "tags": []}


def test_tags_in_pages(client: PlainClient) -> None:
    for tag in ("b", "a", "c", "Z"):
        client.push_image(tag)
    path = "/v2/team/app/tags/list"
    assert client.call("GET", path).json == {"name": "team/app", "tags": ["Z", "a", "b", "c"]}
    seen: list[str] = []
    following = f"{path}?n=3"
    while following:
        answer = client.call("GET", following)
        seen += answer.json["tags"]
        following = _following(answer.headers)
    assert seen == ["Z", "a", "b", "c"]
    assert client.call("GET", f"{path}?n=0").json["tags"] == []
    assert client.call("GET", f"{path}?last=a").json["tags"] == ["b", "c"]
    assert client.call("GET", f"{path}?n=4").headers.get("link") is None


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "", "9999999999", "%D9%A3"])
def test_a_page_size_that_is_none(client: PlainClient, number: str) -> None:
    client.push_image("v1")
    answer = client.call("GET", "/v2/team/app/tags/list?n=" + number)
    assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")


def test_tags_of_no_repository(client: PlainClient) -> None:
    answer = client.call("GET", "/v2/team/app/tags/list")
    assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


def test_catalog(client: PlainClient) -> None:
    for name in ("c", "a/b", "a"):
        PlainClient.push_blob(_at(client, name), b"x")
    assert client.call("GET", "/v2/_catalog").json == {"repositories": ["a", "a/b", "c"]}
    answer = client.call("GET", "/v2/_catalog?n=2")
    assert answer.json == {"repositories": ["a", "a/b"]}
    assert client.call("GET", _following(answer.headers)).json == {"repositories": ["c"]}
    assert client.call("PUT", "/v2/_catalog").status == 405


def _at(client: PlainClient, repository: str) -> PlainClient:
    client.repository = repository
    return client


def _following(headers: dict[str, str]) -> str:
    link = headers.get("link", "")
    assert link == "" or link.endswith('>; rel="next"')
    return link.partition(">")[0].removeprefix("<")


def test_referrers(client: PlainClient) -> None:
    subject = {"mediaType": OCI_MANIFEST, "size": 3, "digest": client.push_image("v1")}
    path = f"/v2/team/app/referrers/{subject['digest']}"
    empty = client.call("GET", path)
    assert (empty.status, empty.headers["content-type"]) == (200, OCI_INDEX)
    assert empty.json == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}

    content = json.dumps(client.image(subject=subject, artifactType="x/a", annotations={"k": "v"})).encode()
    answer = client.manifest("PUT", sha256(content), content, Content_Type=OCI_MANIFEST)
    assert answer.headers["oci-subject"] == subject["digest"]
    other = client.push_image(subject=subject)
    listed = {entry["digest"]: entry for entry in client.call("GET", path).json["manifests"]}
    assert listed[sha256(content)] == {
        "mediaType": OCI_MANIFEST,
        "size": len(content),
        "digest": sha256(content),
        "artifactType": "x/a",
        "annotations": {"k": "v"},
    }
    assert listed[other]["artifactType"] == "application/vnd.test.config"

    filtered = client.call("GET", f"{path}?artifactType=x%2Fa")
    assert filtered.headers["oci-filters-applied"] == "artifactType"
    assert [entry["digest"] for entry in filtered.json["manifests"]] == [sha256(content)]
    assert client.call("GET", f"{path}?artifactType=none").json["manifests"] == []

    client.manifest("DELETE", other)
    assert [entry["digest"] for entry in client.call("GET", path).json["manifests"]] == [sha256(content)]


def test_referrers_in_pages(client: PlainClient) -> None:
    subject = {"mediaType": OCI_MANIFEST, "size": 3, "digest": ZERO}  # need not be there
    pushed = {client.push_image(subject=subject, artifactType="x/a", annotations={"n": str(n)}) for n in range(5)}
    seen: list[str] = []
    following = f"/v2/team/app/referrers/{ZERO}?artifactType=x/a&n=2"
    while following:
        answer = client.call("GET", following)
        assert answer.headers["oci-filters-applied"] == "artifactType"
        seen += [entry["digest"] for entry in answer.json["manifests"]]
        following = _following(answer.headers)
    assert (len(seen), set(seen)) == (5, pushed)


def test_without_the_referrers_api(tmp_path: Path) -> None:
    with running_registry(tmp_path, referrers=False) as registry:
        client = PlainClient(registry.address)
        subject = {"mediaType": OCI_MANIFEST, "size": 3, "digest": client.push_image("v1")}
        content = json.dumps(client.image(subject=subject)).encode()
        answer = client.manifest("PUT", sha256(content), content, Content_Type=OCI_MANIFEST)
        assert (answer.status, "oci-subject" in answer.headers) == (201, False)
        assert client.call("GET", f"/v2/team/app/referrers/{subject['digest']}").status == 404
        client.connection.close()
    with running_registry(tmp_path) as registry:  # turned on over the same content
        client = PlainClient(registry.address)
        found = client.call("GET", f"/v2/team/app/referrers/{subject['digest']}").json["manifests"]
        client.connection.close()
    assert [entry["digest"] for entry in found] == [sha256(content)]


def test_deleting_what_does_not_parse(client: PlainClient, registry: RunningRegistry) -> None:
    registry.store.put_manifest("team/app", sha256(b"junk"), OCI_MANIFEST, b"junk")
    assert client.manifest("GET", sha256(b"junk")).body == b"junk"
    assert client.manifest("DELETE", sha256(b"junk")).status == 202


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/", 404, "UNSUPPORTED"),
        ("/v1/", 404, "UNSUPPORTED"),
        ("/token", 404, "UNSUPPORTED"),
        ("/v2/app", 404, "UNSUPPORTED"),
        ("/v2/app/tags/all", 404, "UNSUPPORTED"),
        ("/v2//tags/list", 404, "UNSUPPORTED"),
        ("/v2/App/tags/list", 400, "NAME_INVALID"),
        ("/v2/../tags/list", 400, "NAME_INVALID"),
        ("/v2/a/%2e%2e/b/manifests/v1", 400, "NAME_INVALID"),
        ("/v2/_blobs/manifests/v1", 400, "NAME_INVALID"),
        ("/v2/app/blobs/sha256:abc", 400, "DIGEST_INVALID"),
        ("/v2/app/manifests/sha256:abc", 400, "DIGEST_INVALID"),
        ("/v2/app/referrers/latest", 400, "DIGEST_INVALID"),
        ("/v2/app/manifests/..%2f..%2fetc", 404, "UNSUPPORTED"),
        ("/v2/app/manifests/", 400, "TAG_INVALID"),
    ],
)
def test_paths_that_lead_nowhere(client: PlainClient, path: str, status: int, code: str) -> None:
    answer = client.call("GET", path)
    assert (answer.status, answer.code) == (status, code)


def test_repositories_named_like_endpoints(client: PlainClient) -> None:
    for name in ("blobs", "blobs/uploads", "tags/list", "manifests/v1", "a/referrers"):
        digest = _at(client, name).push_image("v1")
        assert client.manifest("HEAD", "v1").headers["docker-content-digest"] == digest
        assert client.call("GET", f"/v2/{name}/tags/list").json == {"name": name, "tags": ["v1"]}
        assert client.call("GET", f"/v2/{name}/referrers/{digest}").status == 200


def test_many_writers_of_one_tag(registry: RunningRegistry) -> None:
    pushed: list[str] = []

    def push(number: int) -> None:
        own = PlainClient(registry.address)
        pushed.append(own.push_image("v1", annotations={"number": str(number)}))
        own.connection.close()

    threads = [threading.Thread(target=push, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own = PlainClient(registry.address)
    answer = own.manifest("GET", "v1")
    own.connection.close()
    assert len(set(pushed)) == 8
    assert answer.headers["docker-content-digest"] in pushed
    assert sha256(answer.body) == answer.headers["docker-content-digest"]


def test_what_was_asked_is_on_record(client: PlainClient, registry: RunningRegistry) -> None:
    digest = client.push_image("v1")
    assert [seen.status for seen in registry.uploads()] == [201, 201]
    registry.requests.clear()
    client.manifest("HEAD", "v1")
    client.call("GET", f"/v2/team/app/referrers/{digest}?artifactType=x")
    expected: list[t.Any] = [
        ("HEAD", "/v2/team/app/manifests/v1", 200),
        ("GET", f"/v2/team/app/referrers/{digest}?artifactType=x", 200),
    ]
    assert registry.requests == expected
    assert registry.writes() == []
    client.manifest("DELETE", "v1")
    assert registry.writes() == [("DELETE", "/v2/team/app/manifests/v1", 202)]
