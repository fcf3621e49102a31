# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs over the wire: every way to upload, to read and to refuse."""

from __future__ import annotations

import hashlib
import threading
import typing as t

import pytest
from support.plain_client import PlainClient, sha256
from support.registry import RunningRegistry

from ansible_collections.proven.gitops.plugins.module_utils._embedded import uploads as uploads_module
from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError
from ansible_collections.proven.gitops.plugins.module_utils._embedded.store import Store

CONTENT = b"0123456789"
DIGEST = sha256(CONTENT)
UPLOADS = "/v2/team/app/blobs/uploads/"


def _start(client: PlainClient) -> str:
    answer = client.call("POST", UPLOADS)
    assert answer.status == 202
    assert answer.headers["range"] == "0-0"
    assert answer.headers["location"] == UPLOADS + answer.headers["docker-upload-uuid"]
    return answer.headers["location"]


def test_one_request(client: PlainClient) -> None:
    answer = client.call("POST", f"{UPLOADS}?digest={DIGEST}", CONTENT)
    assert answer.status == 201
    assert answer.headers["docker-content-digest"] == DIGEST
    assert client.call("GET", answer.headers["location"]).body == CONTENT


def test_post_then_put(client: PlainClient) -> None:
    place = _start(client)
    answer = client.call("PUT", f"{place}?digest={DIGEST}", CONTENT)
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/team/app/blobs/{DIGEST}")
    assert client.call("GET", place).code == "BLOB_UPLOAD_UNKNOWN"


def test_without_the_trailing_slash(client: PlainClient) -> None:
    assert client.call("POST", UPLOADS.rstrip("/")).status == 202


def test_chunks_with_content_range(client: PlainClient) -> None:
    place = _start(client)
    first = client.call("PATCH", place, CONTENT[:4], Content_Range="0-3")
    assert (first.status, first.headers["range"]) == (202, "0-3")
    status = client.call("GET", place)
    assert (status.status, status.headers["range"], status.body) == (204, "0-3", b"")
    second = client.call("PATCH", place, CONTENT[4:7], Content_Range="bytes 4-6/10")
    assert second.headers["range"] == "0-6"
    final = client.call("PUT", f"{place}?digest={DIGEST}", CONTENT[7:], Content_Range="7-9")
    assert final.status == 201
    assert client.blob("GET", DIGEST).body == CONTENT


def test_a_stream_in_chunked_transfer_coding(client: PlainClient) -> None:
    place = _start(client)
    parts = [CONTENT[:3], CONTENT[3:]]
    client.connection.request("PATCH", place, body=iter(parts), encode_chunked=True, headers={})
    answer = client.connection.getresponse()
    answer.read()
    assert (answer.status, answer.headers["Range"]) == (202, "0-9")
    assert client.call("PUT", f"{place}?digest={DIGEST}").status == 201


@pytest.mark.parametrize(
    ("content_range", "status", "code"),
    [
        ("1-10", 416, "RANGE_INVALID"),
        ("5-14", 416, "RANGE_INVALID"),
        ("0-8", 400, "SIZE_INVALID"),
        ("0-10", 400, "SIZE_INVALID"),
        ("9-0", 416, "RANGE_INVALID"),
        ("0", 400, "BLOB_UPLOAD_INVALID"),
        ("x-y", 400, "BLOB_UPLOAD_INVALID"),
    ],
)
def test_a_wrong_content_range_changes_nothing(client: PlainClient, content_range: str, status: int, code: str) -> None:
    place = _start(client)
    answer = client.call("PATCH", place, CONTENT, Content_Range=content_range)
    assert (answer.status, answer.code) == (status, code)
    assert (answer.headers["location"], answer.headers["range"]) == (place, "0-0")
    assert client.call("PUT", f"{place}?digest={DIGEST}", CONTENT).status == 201


def test_a_wrong_digest_ends_the_upload(client: PlainClient, registry: RunningRegistry) -> None:
    place = _start(client)
    answer = client.call("PUT", f"{place}?digest={DIGEST}", b"other")
    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
    assert client.blob("HEAD", DIGEST).status == 404
    assert client.call("PUT", f"{place}?digest={DIGEST}", CONTENT).code == "BLOB_UPLOAD_UNKNOWN"
    registry.store.discard_incomplete()
    assert registry.store.repositories() == []


@pytest.mark.parametrize("query", ["", "?digest=", "?digest=sha256:x", "?digest=sha256:../../x"])
def test_a_put_needs_a_digest(client: PlainClient, query: str) -> None:
    place = _start(client)
    assert client.call("PUT", place + query, CONTENT).code == "DIGEST_INVALID"
    assert client.call("GET", place).status == 204


def test_sha512(client: PlainClient) -> None:
    digest = f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"
    assert client.call("POST", f"{UPLOADS}?digest={digest}", CONTENT).status == 201
    assert client.blob("GET", digest).body == CONTENT
    assert client.call("POST", f"{UPLOADS}?digest={digest}", b"other").code == "DIGEST_INVALID"


def test_an_empty_blob(client: PlainClient) -> None:
    empty = client.push_blob(b"")
    answer = client.blob("GET", empty)
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "0", b"")


def test_an_upload_belongs_to_its_repository(client: PlainClient) -> None:
    identifier = _start(client).rsplit("/", 1)[1]
    answer = client.call("PUT", f"/v2/other/blobs/uploads/{identifier}?digest={DIGEST}", CONTENT)
    assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_cancel(client: PlainClient) -> None:
    place = _start(client)
    assert client.call("DELETE", place).status == 204
    assert client.call("DELETE", place).code == "BLOB_UPLOAD_UNKNOWN"


def test_one_writer_at_a_time(client: PlainClient, registry: RunningRegistry) -> None:
    place = _start(client)
    sending, go_on = threading.Event(), threading.Event()

    def slowly() -> t.Iterator[bytes]:
        yield CONTENT[:5]
        sending.set()
        go_on.wait(10)
        yield CONTENT[5:]

    other = PlainClient(registry.address)
    slow = threading.Thread(target=other.connection.request, args=("PATCH", place, slowly()))
    slow.start()
    assert sending.wait(10)
    answer = client.call("PATCH", place, b"")
    while answer.status == 202:  # until the server has begun to read the slow one
        answer = client.call("PATCH", place, b"")
    assert (answer.status, answer.code) == (409, "BLOB_UPLOAD_INVALID")
    go_on.set()
    slow.join()
    assert other.connection.getresponse().status == 202
    other.connection.close()
    assert client.call("PUT", f"{place}?digest={DIGEST}").status == 201


def test_what_arrived_of_a_broken_upload_can_be_continued(client: PlainClient, registry: RunningRegistry) -> None:
    place = _start(client)
    broken = PlainClient(registry.address)
    broken.connection.putrequest("PATCH", place)
    broken.connection.putheader("Content-Length", "10")
    broken.connection.endheaders(CONTENT[:4])
    broken.connection.close()
    answer = client.call("PATCH", place, CONTENT[4:], Content_Range="4-9")
    while answer.status != 202:  # until the server has noticed
        answer = client.call("PATCH", place, CONTENT[4:], Content_Range="4-9")
    assert answer.headers["range"] == "0-9"
    assert client.call("PUT", f"{place}?digest={DIGEST}").status == 201


def test_uploads_nobody_came_back_to_are_dropped(tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    uploads = uploads_module.Uploads(store)
    monkeypatch.setattr(uploads_module, "_PRUNE_FROM", 3)
    old = uploads.start("a")
    old.touched -= 7200
    kept = [uploads.start("a"), uploads.start("a")]
    with pytest.raises(ApiError, match="no such upload"):
        uploads.get("a", old.identifier)
    assert [uploads.get("a", upload.identifier) for upload in kept] == kept
    assert len(list((tmp_path / "incomplete").iterdir())) == 2


def test_mounting(client: PlainClient) -> None:
    client.push_blob(CONTENT)
    answer = client.call("POST", f"/v2/other/blobs/uploads/?mount={DIGEST}&from=team/app")
    assert (answer.status, answer.headers["location"]) == (201, f"/v2/other/blobs/{DIGEST}")
    assert client.call("GET", f"/v2/other/blobs/{DIGEST}").body == CONTENT


@pytest.mark.parametrize("query", [f"mount={DIGEST}&from=elsewhere", f"mount={DIGEST}", "mount=sha256:" + "0" * 64])
def test_what_cannot_be_mounted_is_to_be_uploaded(client: PlainClient, query: str) -> None:
    client.push_blob(CONTENT)
    answer = client.call("POST", f"/v2/other/blobs/uploads/?{query}")
    assert answer.status == 202
    assert client.call("PUT", f"{answer.headers['location']}?digest={DIGEST}", CONTENT).status == 201


def test_mounting_refuses_what_is_no_name(client: PlainClient) -> None:
    assert client.call("POST", f"{UPLOADS}?mount={DIGEST}&from=../x").code == "NAME_INVALID"
    assert client.call("POST", f"{UPLOADS}?mount=../x&from=a").code == "DIGEST_INVALID"


def test_head_and_get(client: PlainClient) -> None:
    client.push_blob(CONTENT)
    for method, body in (("HEAD", b""), ("GET", CONTENT)):
        answer = client.blob(method, DIGEST)
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["content-length"] == "10"
        assert answer.headers["docker-content-digest"] == DIGEST
    assert client.blob("GET", DIGEST.replace(":", "%3A")).body == CONTENT


@pytest.mark.parametrize(
    ("header", "status", "expected"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=-100", 206, CONTENT),
        ("bytes=5-100", 206, b"56789"),
        ("bytes=-", 200, CONTENT),
        ("bytes=1-2,4-5", 200, CONTENT),
        ("lines=1-2", 200, CONTENT),
    ],
)
def test_ranges(client: PlainClient, header: str, status: int, expected: bytes) -> None:
    client.push_blob(CONTENT)
    answer = client.blob("GET", DIGEST, Range=header)
    assert (answer.status, answer.body) == (status, expected)
    if status == 206:
        start = CONTENT.index(expected)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(expected) - 1}/10"


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=4-2", "bytes=-0"])
def test_ranges_outside(client: PlainClient, header: str) -> None:
    client.push_blob(CONTENT)
    answer = client.blob("GET", DIGEST, Range=header)
    assert (answer.status, answer.code) == (416, "RANGE_INVALID")
    assert answer.headers["content-range"] == "bytes */10"


def test_delete(client: PlainClient) -> None:
    client.push_blob(CONTENT)
    assert client.blob("DELETE", DIGEST).status == 202
    for method in ("GET", "DELETE"):
        answer = client.blob(method, DIGEST)
        assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")
    assert client.blob("HEAD", DIGEST).status == 404


def test_a_full_disk_is_said_and_leaves_nothing(
    client: PlainClient, registry: RunningRegistry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: t.Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry.store, "adopt_blob", full)
    answer = client.call("POST", f"{UPLOADS}?digest={DIGEST}", CONTENT)
    assert (answer.status, answer.code) == (500, "UNKNOWN")
    assert "No space left" in answer.json["errors"][0]["message"]
    assert "No space left" in capsys.readouterr().err
    monkeypatch.undo()
    assert client.push_blob(CONTENT) == DIGEST


def test_many_writers_of_one_blob(registry: RunningRegistry) -> None:
    content = b"x" * 300_000
    digests: list[str] = []

    def push() -> None:
        own = PlainClient(registry.address)
        digests.append(own.push_blob(content))
        own.connection.close()

    threads = [threading.Thread(target=push) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests == [sha256(content)] * 8
    own = PlainClient(registry.address)
    assert own.blob("GET", sha256(content)).body == content
    own.connection.close()
