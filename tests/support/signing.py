# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys, artifacts and the two modules, as the tests of signing and of verifying use them."""

from __future__ import annotations

import functools
import io
import json
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.artifacts import client, flux_tar, put
from support.registry import RunningRegistry, running_registry

from ansible_collections.proven.gitops.plugins.module_utils._cosign import bundle, bundle_writer, simple_signing
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._registry.put_referrer import put_referrer
from ansible_collections.proven.gitops.plugins.module_utils._registry.referrers import list_referrers
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

PASSPHRASE = "canary-passphrase"


@dataclass(frozen=True)
class Key:
    """A key pair in files, and in memory."""

    path: str
    pub: str
    signing: SigningKey

    @classmethod
    def make(cls, directory: Path, name: str) -> Key:
        key = SigningKey.generate()
        path, pub = directory / f"{name}.key", directory / f"{name}.pub"
        path.write_bytes(key.encrypted_pem(PASSPHRASE.encode()))
        pub.write_bytes(key.public.pem)
        return cls(str(path), str(pub), key)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Key, Key]:
    directory = tmp_path_factory.mktemp("keys")
    return Key.make(directory, "one"), Key.make(directory, "two"), Key.make(directory, "three")


@pytest.fixture(params=[True, False], ids=["referrers", "tags"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> t.Iterator[RunningRegistry]:
    """A registry with, then one without the referrers API."""
    with running_registry(tmp_path, referrers=request.param) as running:
        yield running


def artifact(registry: RunningRegistry, content: bytes = b"kind: A\n") -> str:
    manifest = put(registry.address, "team/app", "", [flux_tar({"a.yaml": content})], {})
    return f"{registry.address}/team/app@{manifest.digest}"


def sign(run_module: RunModule, reference: str, key: Key, **more: t.Any) -> Result:
    return run_module(
        "cosign_sign", reference=reference, privatekey_path=key.path, privatekey_passphrase=PASSPHRASE, **more
    )


def verify(run_module: RunModule, reference: str, *keys: Key, **more: t.Any) -> Result:
    return run_module("cosign_verify", reference=reference, public_keys=[{"path": key.pub} for key in keys], **more)


def verdict(run_module: RunModule, reference: str, *keys: Key, **more: t.Any) -> str:
    result = verify(run_module, reference, *keys, **more)
    answer = str(result["verdicts"][0]["verdict"])
    assert bool(result.get("failed", False)) == (answer != "verified"), result
    return answer


def count(registry: RunningRegistry, reference: str) -> dict[str, int]:
    """How many signatures of each format the registry holds."""
    digest = reference.partition("@")[2]
    remote = client(registry.address)
    legacy = remote.get_manifest("team/app", simple_signing.tag_for(digest))
    index = remote.get_manifest("team/app", "sha256-" + digest.partition(":")[2])
    referrers = json.loads(index[0])["manifests"] if index else api(registry, digest)
    return {"legacy": len(json.loads(legacy[0])["layers"]) if legacy else 0, "bundle": len(referrers)}


def api(registry: RunningRegistry, digest: str) -> list[t.Any]:
    return list(list_referrers(client(registry.address), "team/app", digest).entries)


def plant_bundle(registry: RunningRegistry, reference: str, key: Key, statement: bytes) -> None:
    signature = key.signing.sign(bundle.pae(bundle.PAYLOAD_TYPE, statement))
    plant_raw(registry, reference, bundle_writer.build_bundle(statement, signature, key.signing.material(signature)))


def plant_raw(registry: RunningRegistry, reference: str, content: bytes) -> None:
    remote, digest = client(registry.address), reference.partition("@")[2]
    subject = remote.resolve("team/app", digest)
    assert subject is not None
    config, manifest = bundle_writer.build_referrer(content, subject, bundle.SIGN_PREDICATE, None)
    for descriptor, data in ((manifest.layers[0], content), (manifest.config, config)):
        upload_blob(remote, "team/app", descriptor, functools.partial(io.BytesIO, data))
    put_referrer(remote, "team/app", manifest)
