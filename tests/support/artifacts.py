# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts as other tools, or an attacker, would put them into a registry."""

from __future__ import annotations

import functools
import io
import typing as t

from support.tars import go_gzip, go_tar

from ansible_collections.proven.gitops.plugins.module_utils._artifact.flux_artifact import (
    CONFIG_BYTES,
    CONFIG_TYPE,
    LAYER_TYPE,
)
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import Descriptor, Manifest
from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import CredentialStore
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ConnectionSettings
from ansible_collections.proven.gitops.plugins.module_utils._registry.uploads import upload_blob


def client(address: str) -> Registry:
    """Our own client, without credentials."""
    return Registry(address, ConnectionSettings(), CredentialStore(None, None, {}))


def flux_files(files: t.Mapping[str, bytes]) -> dict[str, bytes | None]:
    """The files and their directories (None), in the order of an archive."""
    names: dict[str, bytes | None] = {**files}
    for name in files:
        parent = name.rpartition("/")[0]
        while parent:
            names[parent] = None
            parent = parent.rpartition("/")[0]
    return {name: names[name] for name in sorted(names, key=lambda name: name.encode().split(b"/"))}


def flux_tar(files: t.Mapping[str, bytes], *, mode: int = 0o640) -> bytes:
    """A gzipped tar as flux writes it: the root first, no slash after a directory, other modes than ours."""
    return go_gzip(go_tar(flux_files(files), mode=mode))


def old_config(created: str, diff_id: str) -> bytes:
    """The config that the flux CLI wrote up to 2.8."""
    return (
        f'{{"architecture":"","created":"{created}","history":[{{"created":"0001-01-01T00:00:00Z"}}],"os":"",'
        f'"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}},"config":{{}}}}'
    ).encode()


def put(
    address: str,
    repository: str,
    pointer: str,
    layers: t.Sequence[bytes],
    annotations: t.Mapping[str, str],
    *,
    layer_type: str = LAYER_TYPE,
    config_type: str = CONFIG_TYPE,
    config: bytes = CONFIG_BYTES,
) -> Manifest:
    """Push an artifact made of these layers under a tag or by digest (pointer "")."""
    registry = client(address)
    described_config = Descriptor.of(config_type, config)
    described = [Descriptor.of(layer_type, layer) for layer in layers]
    for descriptor, content in [(described_config, config), *zip(described, layers, strict=True)]:
        upload_blob(registry, repository, descriptor, functools.partial(io.BytesIO, content))
    manifest = Manifest.build(described_config, described, annotations=annotations)
    registry.put_manifest(repository, pointer or manifest.digest, manifest.raw, manifest.media_type)
    return manifest
