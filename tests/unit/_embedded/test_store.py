# SPDX-License-Identifier: GPL-3.0-or-later
"""Content on disk: what is there, for whom, and that it is never half there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from support.plain_client import OCI_MANIFEST, sha256

from ansible_collections.proven.gitops.plugins.module_utils._embedded.store import Store

CONTENT = b"content"
DIGEST = sha256(CONTENT)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def _files(store: Store) -> list[Path]:
    return [path for path in Path(store.root).rglob("*") if path.is_file()]


def test_a_blob_belongs_to_a_repository(store: Store) -> None:
    assert store.put_blob("a", CONTENT) == DIGEST
    assert store.blob_size("a", DIGEST) == len(CONTENT)
    assert store.blob_size("b", DIGEST) is None
    assert store.open_blob("b", DIGEST) is None
    store.link_blob("b", DIGEST)
    file = store.open_blob("b", DIGEST)
    assert file is not None
    with file:
        assert file.read() == CONTENT
    assert store.unlink_blob("a", DIGEST)
    assert not store.unlink_blob("a", DIGEST)
    assert store.blob_size("a", DIGEST) is None
    assert store.blob_size("b", DIGEST) == len(CONTENT)


def test_a_blob_whose_content_is_gone(store: Store) -> None:
    store.put_blob("a", CONTENT)
    os.unlink(store.blob_path(DIGEST))
    assert store.blob_size("a", DIGEST) is None
    assert store.open_blob("a", DIGEST) is None


def test_a_manifest_and_its_tags(store: Store) -> None:
    assert store.get_manifest("a", "v1") is None
    assert store.get_manifest("a", DIGEST) is None
    store.put_manifest("a", DIGEST, OCI_MANIFEST, CONTENT)
    for tag in ("v2", "v1"):
        store.put_tag("a", tag, DIGEST)
    for reference in ("v1", "v2", DIGEST):
        manifest = store.get_manifest("a", reference)
        assert manifest is not None
        assert (manifest.digest, manifest.media_type, manifest.content) == (DIGEST, OCI_MANIFEST, CONTENT)
    assert store.tags("a") == ["v1", "v2"]
    assert store.delete_tag("a", "v1")
    assert not store.delete_tag("a", "v1")
    assert store.delete_manifest("a", DIGEST)
    assert not store.delete_manifest("a", DIGEST)
    assert store.tags("a") == []


def test_deleting_a_manifest_keeps_the_tags_of_others(store: Store) -> None:
    other = sha256(b"other")
    store.put_manifest("a", DIGEST, OCI_MANIFEST, CONTENT)
    store.put_manifest("a", other, OCI_MANIFEST, b"other")
    store.put_tag("a", "v1", DIGEST)
    store.put_tag("a", "v2", other)
    store.delete_manifest("a", DIGEST)
    assert store.tags("a") == ["v2"]


def test_referrers_come_by_digest(store: Store) -> None:
    for letter in "cab":
        store.put_referrer("a", DIGEST, {"digest": f"sha256:{letter * 64}"})
    assert [found["digest"][7] for found in store.referrers("a", DIGEST)] == ["a", "b", "c"]
    assert store.referrers("b", DIGEST) == []
    store.delete_referrer("a", DIGEST, f"sha256:{'b' * 64}")
    assert len(store.referrers("a", DIGEST)) == 2


def test_repositories_are_those_with_content(store: Store) -> None:
    for name in ("team/app", "team", "alone", "team/app/deep"):
        assert not store.has_repository(name)
        store.put_blob(name, CONTENT)
        assert store.has_repository(name)
    assert store.repositories() == ["alone", "team", "team/app", "team/app/deep"]


def test_everything_is_for_the_owner_only(store: Store) -> None:
    umask = os.umask(0)
    try:
        store.put_blob("a", CONTENT)
        store.put_tag("a", "v1", DIGEST)
    finally:
        os.umask(umask)
    assert {stat.S_IMODE(path.stat().st_mode) for path in _files(store)} == {0o600}
    assert stat.S_IMODE(os.stat(store.root).st_mode) == 0o700


def test_what_a_killed_process_left_is_discarded(store: Store) -> None:
    store.put_blob("a", CONTENT)
    Path(store.temporary_path()).write_bytes(b"half")
    before = len(_files(store))
    store.discard_incomplete()
    assert len(_files(store)) == before - 1
    assert store.blob_size("a", DIGEST) == len(CONTENT)


def test_a_failed_write_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: str, _target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        store.put_blob("a", CONTENT)
    assert _files(store) == []


def test_a_moving_tag_is_always_there(store: Store) -> None:
    digests = [sha256(bytes([number])) for number in range(4)]
    store.put_tag("a", "v1", digests[0])
    done = threading.Event()

    def move(digest: str) -> None:
        while not done.is_set():
            store.put_tag("a", "v1", digest)

    movers = [threading.Thread(target=move, args=(digest,)) for digest in digests]
    for mover in movers:
        mover.start()
    seen = {store.resolve("a", "v1") for _number in range(500)}
    done.set()
    for mover in movers:
        mover.join()
    assert seen <= set(digests)
