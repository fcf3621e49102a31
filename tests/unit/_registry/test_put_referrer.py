# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting referrers: the fallback tag loses nothing (facts/faults.md R17, C1)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.registry import running_registry
from support.wire import Wire
from support.wire_client import LOGIN, Connect

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    EMPTY,
    EMPTY_BYTES,
    INDEX,
    MANIFEST,
    Descriptor,
    Manifest,
    build_index,
    parse_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry import put_referrer as writer
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer, Busy, Unreachable
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import DIRECTORY_VARIABLE
from ansible_collections.proven.gitops.plugins.module_utils._registry.put_referrer import put_referrer
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes

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


# Putting


def push(wire: Wire, manifest: Manifest, **headers: str) -> None:
    wire.expect("PUT", f"/v2/a/manifests/{manifest.digest}", status=201, headers=headers, sent_body=manifest.raw)


SAYS_SO = {"OCI-Subject": SUBJECT.digest}  # that the registry lists it by itself


@pytest.mark.parametrize("promise", [SAYS_SO, {}], ids=["promised", "not promised"])
def test_a_registry_that_lists_it_by_itself(wire: Wire, connect: Connect, promise: dict[str, str]) -> None:
    push(wire, referrer(1), **promise)
    index(wire, API, entry(1))
    put_referrer(connect(wire), "a", referrer(1))


def test_a_registry_that_lists_it_later(wire: Wire, connect: Connect) -> None:
    push(wire, referrer(1))
    index(wire, API)
    index(wire, API)
    index(wire, API, entry(1))
    put_referrer(connect(wire), "a", referrer(1))


@pytest.mark.fault("R17")
@pytest.mark.parametrize("promise", [SAYS_SO, {}], ids=["promised", "not promised"])
def test_a_registry_that_never_lists_it(wire: Wire, connect: Connect, promise: dict[str, str]) -> None:
    push(wire, referrer(1), **promise)
    wire.expect("GET", API, headers={"Content-Type": INDEX}, body=build_index([]), always=True)
    with pytest.raises(Unreachable, match="is not listed among the referrers"):
        put_referrer(connect(wire), "a", referrer(1))


def put_tag(wire: Wire, *entries: Descriptor) -> None:
    wire.expect("PUT", TAG, status=201, sent={"Content-Type": INDEX}, sent_body=build_index(entries))


@pytest.mark.fault("R17")
@pytest.mark.parametrize("promise", [SAYS_SO, {}], ids=["promised", "not promised"])
def test_the_first_entry_of_the_fallback_tag(wire: Wire, connect: Connect, promise: dict[str, str]) -> None:
    push(wire, referrer(1), **promise)
    no_api(wire)
    wire.expect("GET", TAG, status=404)
    put_tag(wire, entry(1))
    index(wire, TAG, entry(1))
    put_referrer(connect(wire), "a", referrer(1))


@pytest.mark.fault("R17")
def test_one_entry_more(wire: Wire, connect: Connect) -> None:
    push(wire, referrer(2))
    no_api(wire)
    index(wire, TAG, entry(1))
    put_tag(wire, entry(1), entry(2))
    index(wire, TAG, entry(1), entry(2))
    put_referrer(connect(wire), "a", referrer(2))


def test_an_entry_that_is_there_is_not_written(wire: Wire, connect: Connect) -> None:
    push(wire, referrer(1))
    no_api(wire)
    index(wire, TAG, entry(1))
    put_referrer(connect(wire), "a", referrer(1))


@pytest.mark.fault("R17")
def test_what_others_wrote_stays_as_it_was(wire: Wire, connect: Connect) -> None:
    foreign = {"mediaType": MANIFEST, "digest": of_bytes(b"x"), "size": 1, "platform": {"os": "linux"}, "data": "e30="}
    before = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [foreign], "annotations": {"a": "b"}}
    push(wire, referrer(1))
    no_api(wire)
    wire.expect("GET", TAG, headers={"Content-Type": INDEX}, body=json.dumps(before).encode())
    wire.expect("PUT", TAG, status=201)
    index(wire, TAG, entry(1))
    put_referrer(connect(wire), "a", referrer(1))
    written = json.loads(wire.seen[-2].body)
    assert foreign in written["manifests"]
    assert len(written["manifests"]) == 2
    assert {name: value for name, value in written.items() if name != "manifests"} == {
        name: value for name, value in before.items() if name != "manifests"
    }


def test_a_lost_update_is_noticed_and_repaired(wire: Wire, connect: Connect) -> None:
    push(wire, referrer(2))
    no_api(wire)
    index(wire, TAG, entry(1))
    put_tag(wire, entry(1), entry(2))
    index(wire, TAG, entry(1), entry(3))  # somebody else had read before we wrote
    index(wire, TAG, entry(1), entry(3))
    put_tag(wire, entry(1), entry(2), entry(3))
    index(wire, TAG, entry(1), entry(2), entry(3))
    put_referrer(connect(wire), "a", referrer(2))


def test_what_another_brings_back_is_not_written_twice(wire: Wire, connect: Connect) -> None:
    """A writer that had read our entry before a third one lost it."""
    push(wire, referrer(2))
    no_api(wire)
    index(wire, TAG, entry(1))
    put_tag(wire, entry(1), entry(2))
    index(wire, TAG, entry(1), entry(3))
    index(wire, TAG, entry(1), entry(2), entry(3))
    put_referrer(connect(wire), "a", referrer(2))


def test_an_update_that_is_lost_each_time(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    push(wire, referrer(2))
    no_api(wire)
    wire.expect("GET", TAG, headers={"Content-Type": INDEX}, body=build_index([entry(1)]), always=True)
    wire.expect("PUT", TAG, status=201, always=True)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(Busy, match="other writers replaced the index of referrers"):
        put_referrer(connect(wire), "a", referrer(2))


def test_a_full_index_is_not_grown(wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_ENTRIES", 2)
    push(wire, referrer(3))
    no_api(wire)
    index(wire, TAG, entry(1), entry(2))
    with pytest.raises(BadAnswer, match="full"):
        put_referrer(connect(wire), "a", referrer(3))


def test_an_index_that_cannot_be_read_is_not_overwritten(wire: Wire, connect: Connect) -> None:
    push(wire, referrer(1))
    no_api(wire)
    wire.expect("GET", TAG, headers={"Content-Type": INDEX}, body=b"{}")
    with pytest.raises(BadAnswer):
        put_referrer(connect(wire), "a", referrer(1))


def test_an_old_manifest_is_listed_by_the_type_of_its_config(wire: Wire, connect: Connect) -> None:
    manifest = referrer(1, None)
    push(wire, manifest)
    no_api(wire)
    wire.expect("GET", TAG, status=404)
    wire.expect("PUT", TAG, status=201)
    index(wire, TAG, manifest.descriptor)
    put_referrer(connect(wire), "a", manifest)
    (written,) = parse_index(wire.seen[-2].body)
    assert written.artifact_type == EMPTY


def test_a_referrer_without_a_subject_is_a_bug(connect: Connect) -> None:
    with pytest.raises(ValueError, match="subject"):
        put_referrer(connect("127.0.0.1:1"), "a", Manifest.build(CONFIG, [CONFIG]))


# With a real registry


def seed(registry: Registry) -> Descriptor:
    upload_blob(registry, "a", CONFIG, lambda: io.BytesIO(EMPTY_BYTES))
    subject = Manifest.build(CONFIG, [CONFIG])
    registry.put_manifest("a", subject.digest, subject.raw, subject.media_type)
    return subject.descriptor


@pytest.mark.parametrize("api", [True, False])
def test_parallel_writers_lose_nothing(tmp_path: Path, connect: Connect, api: bool) -> None:
    with running_registry(
        tmp_path, username="alice", password="correct horse", auth="bearer", referrers=api
    ) as running:
        registry = connect(running.address, LOGIN, timeout=20, deadline=60)
        subject = seed(registry)
        manifests = [
            Manifest.build(CONFIG, [CONFIG], subject=subject, annotations={"n": str(number)}) for number in range(8)
        ]
        threads = [threading.Thread(target=put_referrer, args=(registry, "a", each)) for each in manifests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = list_referrers(registry, "a", subject.digest)
    assert found.api is api
    assert {each.digest for each in found.entries} == {each.digest for each in manifests}


WRITER = """
import sys
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import *
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.put_referrer import put_referrer
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
host, digest, size, writer = sys.argv[1:]
registry = Registries(ConnectionSettings(), CredentialStore(environ={})).get(host)
config, subject = Descriptor.of(EMPTY, EMPTY_BYTES), Descriptor(MANIFEST, digest, int(size))
for number in range(4):
    annotations = {"writer": writer, "number": str(number)}
    put_referrer(registry, "a", Manifest.build(config, [config], subject=subject, annotations=annotations))
"""


def test_parallel_processes_lose_nothing(tmp_path: Path, connect: Connect) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with running_registry(tmp_path, referrers=False) as running:
        registry = connect(running.address)
        subject = seed(registry)
        arguments = [running.address, subject.digest, str(subject.size)]
        processes = [
            subprocess.Popen([sys.executable, "-c", WRITER, *arguments, str(n)], env=environ) for n in range(3)
        ]
        for process in processes:
            with process:
                assert process.wait(60) == 0
        assert len(list_referrers(registry, "a", subject.digest).entries) == 12
