# SPDX-License-Identifier: GPL-3.0-or-later
"""Each call of the registry port on each registry, with credentials as the peers left them in Docker's config."""

from __future__ import annotations

import io
import json
import os
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import (
    EMPTY,
    EMPTY_BYTES,
    MANIFEST,
    Descriptor,
    Manifest,
)
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registries, Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials, CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import NotFound, Unauthorized
from ansible_collections.proven.gitops.plugins.module_utils._registry.put_referrer import put_referrer
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._registry.tags import list_tags
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.peers import Cli
    from interop.places import Place

CONFIG = Descriptor.of(EMPTY, EMPTY_BYTES)


def _connect(place: Place, explicit: Credentials | None = None) -> Registry:
    settings = ConnectionSettings(timeout=20, deadline=60, backoff=0.05)
    return Registries(settings, CredentialStore(explicit, environ=dict(os.environ))).get(place.address)


def _repository(place: Place) -> str:
    return place.repository("port").partition("/")[2]


def _upload(registry: Registry, repository: str, data: bytes) -> Descriptor:
    blob = Descriptor.of("application/octet-stream", data)
    assert upload_blob(registry, repository, blob, lambda: io.BytesIO(data)) is True
    return blob


def test_every_call(place: Place) -> None:
    registry, repository = _connect(place), _repository(place)
    assert registry.resolve(repository, "v1") is None
    assert registry.get_manifest(repository, "v1") is None
    assert list_tags(registry, repository, 10) == []
    layer = _upload(registry, repository, os.urandom(3_000_000))
    assert registry.has_blob(repository, layer.digest)
    assert upload_blob(registry, repository, layer, lambda: pytest.fail("it is there")) is False
    assert len(registry.get_blob(repository, layer, layer.size)) == layer.size
    _upload(registry, repository, EMPTY_BYTES)
    manifest = Manifest.build(CONFIG, [layer])
    registry.put_manifest(repository, manifest.digest, manifest.raw, MANIFEST)
    for tag in ("v1", "v2", "v3"):
        registry.put_manifest(repository, tag, manifest.raw, MANIFEST)
    assert registry.resolve(repository, "v1") == Descriptor(MANIFEST, manifest.digest, len(manifest.raw))
    assert registry.get_manifest(repository, manifest.digest) == (manifest.raw, MANIFEST)
    assert sorted(list_tags(registry, repository, 10)) == ["v1", "v2", "v3"]
    registry.delete_manifest(repository, manifest.digest)
    assert registry.get_manifest(repository, manifest.digest) is None
    registry.delete_manifest(repository, manifest.digest)  # no error the second time
    with pytest.raises(NotFound):
        registry.get_blob(repository, Descriptor.of("x", b"never stored"), 100)


def test_an_upload_larger_than_any_buffer(place: Place) -> None:
    registry, repository = _connect(place), _repository(place)
    data = bytes(48 * 1024 * 1024)
    blob = _upload(registry, repository, data)
    assert sum(map(len, registry.stream_blob(repository, blob, blob.size))) == len(data)


def test_referrers_are_found_by_oras(place: Place, oras: Cli) -> None:
    registry, repository = _connect(place), _repository(place)
    _upload(registry, repository, EMPTY_BYTES)
    subject = Manifest.build(CONFIG, [CONFIG])
    registry.put_manifest(repository, "v1", subject.raw, MANIFEST)
    assert list_referrers(registry, repository, subject.digest).entries == ()
    manifests = [
        Manifest.build(
            CONFIG, [CONFIG], subject=subject.descriptor, artifact_type="application/x.test", annotations={"n": number}
        )
        for number in ("1", "2")
    ]
    for manifest in [*manifests, manifests[0]]:
        put_referrer(registry, repository, manifest)
    digests = {manifest.digest for manifest in manifests}
    found = list_referrers(registry, repository, subject.digest)
    assert {entry.digest for entry in found.entries} == digests
    assert {entry.artifact_type for entry in found.entries} == {"application/x.test"}
    reference = f"{place.address}/{repository}@{subject.digest}"
    output = json.loads(oras("discover", "--plain-http", "--format", "json", reference))
    assert {entry["digest"] for entry in output["referrers"]} == digests


def test_wrong_credentials_are_told_from_missing_content(place: Place) -> None:
    if place.username is None:
        nobody = Credentials("nobody", "wrong", source="option username")
        assert _connect(place, nobody).resolve(_repository(place), "v1") is None
        return  # nothing is asked for here, and what was given does no harm
    wrong = _connect(place, Credentials("nobody", "wrong canary", source="option username"))
    with pytest.raises(Unauthorized, match="of option username") as caught:
        wrong.resolve(_repository(place), "v1")
    assert "canary" not in caught.value.message
