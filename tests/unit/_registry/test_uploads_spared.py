# SPDX-License-Identifier: GPL-3.0-or-later
"""What need not be sent, or asked: mounted blobs, new ones, and what the registry has said already."""

from __future__ import annotations

import io
import typing as t
from pathlib import Path

import pytest
from support.registry import running_registry
from support.wire import Wire
from support.wire_client import LOGIN, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer, Refused
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

DATA = b"{}"
BLOB = Descriptor.of("application/octet-stream", DATA)
DIGEST = BLOB.digest.replace(":", "%3A")
MOUNT = f"/v2/b/blobs/uploads/?mount={DIGEST}&from=a"


def source() -> t.BinaryIO:
    return io.BytesIO(DATA)


def unread() -> t.BinaryIO:
    pytest.fail("it is there already")


def upload(wire: Wire, repository: str, *, asked: bool = True) -> None:
    if asked:
        wire.expect("HEAD", f"/v2/{repository}/blobs/{BLOB.digest}", status=404)
    wire.expect("POST", f"/v2/{repository}/blobs/uploads/", status=202, headers={"Location": "/up/1"})
    wire.expect("PUT", f"/up/1?digest={DIGEST}", status=201, sent_body=DATA)


def test_the_second_time_nothing_is_asked(wire: Wire, connect: Connect) -> None:
    upload(wire, "a")
    registry = connect(wire)
    amounts: list[int] = []
    assert upload_blob(registry, "a", BLOB, source, amounts.append) is True
    assert upload_blob(registry, "a", BLOB, unread, amounts.append) is False
    assert amounts == [len(DATA), len(DATA)]


def test_what_another_repository_has_is_mounted(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", f"/v2/a/blobs/{BLOB.digest}")
    wire.expect("POST", MOUNT, status=201, headers={"Docker-Content-Digest": BLOB.digest})
    registry = connect(wire)
    amounts: list[int] = []
    assert upload_blob(registry, "a", BLOB, unread) is False
    assert upload_blob(registry, "b", BLOB, unread, amounts.append) is True
    assert amounts == [len(DATA)]


def test_a_mount_that_becomes_an_upload(wire: Wire, connect: Connect) -> None:
    """A registry that cannot mount, or may not, opens an upload instead."""
    upload(wire, "a")
    wire.expect("POST", MOUNT, status=202, headers={"Location": "/up/2"})
    wire.expect("PUT", f"/up/2?digest={DIGEST}", status=201, sent_body=DATA)
    registry = connect(wire)
    assert upload_blob(registry, "a", BLOB, source)
    assert upload_blob(registry, "b", BLOB, source)


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_mount_that_is_refused(wire: Wire, connect: Connect, status: int) -> None:
    upload(wire, "a")
    wire.expect("POST", MOUNT, status=status)
    upload(wire, "b", asked=False)
    registry = connect(wire)
    assert upload_blob(registry, "a", BLOB, source)
    assert upload_blob(registry, "b", BLOB, source)


def test_a_mount_of_something_else(wire: Wire, connect: Connect) -> None:
    upload(wire, "a")
    wire.expect("POST", MOUNT, status=201, headers={"Docker-Content-Digest": of_bytes(b"else")})
    registry = connect(wire)
    assert upload_blob(registry, "a", BLOB, source)
    with pytest.raises(BadAnswer, match="under another digest"):
        upload_blob(registry, "b", BLOB, source)


def test_a_mount_heeds_the_registry_that_is_busy(wire: Wire, connect: Connect) -> None:
    upload(wire, "a")
    wire.expect("POST", MOUNT, status=429, headers={"Retry-After": "0"})
    wire.expect("POST", MOUNT, status=201)
    registry = connect(wire)
    assert upload_blob(registry, "a", BLOB, source)
    assert upload_blob(registry, "b", BLOB, source)


def test_tokens_are_for_one_repository(tmp_path: Path, connect: Connect) -> None:
    """To mount, a token for both would be needed: one more to fetch, where asking costs less."""
    with running_registry(tmp_path, username="alice", password="correct horse", auth="bearer") as running:
        registry = connect(running.address, LOGIN)
        assert upload_blob(registry, "a", BLOB, source)
        assert upload_blob(registry, "b", BLOB, source)
        assert not [seen for seen in running.requests if "mount=" in seen.target]
        assert [seen.status for seen in running.uploads()] == [202, 201, 202, 201]


def test_what_is_new_is_not_asked_for(wire: Wire, connect: Connect) -> None:
    upload(wire, "a", asked=False)
    assert upload_blob(connect(wire), "a", BLOB, source, new=True)


def test_what_was_lost_on_the_way_is_asked_for(wire: Wire, connect: Connect) -> None:
    wire.expect("POST", "/v2/a/blobs/uploads/", status=202, headers={"Location": "/up/1"})
    wire.expect("PUT", f"/up/1?digest={DIGEST}", status=503)
    wire.expect("HEAD", f"/v2/a/blobs/{BLOB.digest}")
    amounts: list[int] = []
    assert upload_blob(connect(wire), "a", BLOB, source, amounts.append, new=True) is True
    assert sum(amounts) == len(DATA)


def test_what_was_refused_is_not_known_to_be_there(wire: Wire, connect: Connect) -> None:
    wire.expect("POST", "/v2/a/blobs/uploads/", status=400)
    upload(wire, "a")
    registry = connect(wire)
    with pytest.raises(Refused):
        upload_blob(registry, "a", BLOB, source, new=True)
    assert upload_blob(registry, "a", BLOB, source)


def test_no_referrers_api_is_said_once_for_each_digest(wire: Wire, connect: Connect) -> None:
    """Not once for all: a registry that hides one repository by a 404 may well have referrers in another."""
    registry = connect(wire)
    for digest in (BLOB.digest, of_bytes(b"other")):
        wire.expect("GET", f"/v2/a/referrers/{digest}", status=404)
        for _turn in range(2):
            wire.expect("GET", f"/v2/a/manifests/{digest.replace(':', '-')}", status=404)
            found = list_referrers(registry, "a", digest)
            assert (found.entries, found.api) == ((), False)
