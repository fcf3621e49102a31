# SPDX-License-Identifier: GPL-3.0-or-later
"""A Flux artifact: one gzipped tar layer, a constant config, annotations.

Source: fluxcd/flux2 v2.9 cmd/flux/push_artifact.go and fluxcd/pkg oci/push.go; media types from oci/globals.go.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball
from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import MANIFEST, Descriptor, Manifest

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.proven.gitops.plugins.module_utils._artifact.compress import Compressor
    from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree

CONFIG_TYPE = "application/vnd.cncf.flux.config.v1+json"
LAYER_TYPE = "application/vnd.cncf.flux.content.v1.tar+gzip"
CREATED = "org.opencontainers.image.created"
SOURCE = "org.opencontainers.image.source"
REVISION = "org.opencontainers.image.revision"
# The digest of the tar before compression. A claim, believed only after it was confirmed.
CONTENT = "gitops.proven/content-digest"
# Flux never reads the config; these are the constant bytes that its CLI 2.9 writes.
CONFIG_BYTES = b'{"architecture":"","created":"0001-01-01T00:00:00Z","os":"","rootfs":{"type":"layers","diff_ids":null},"config":{}}'
CONFIG = Descriptor.of(CONFIG_TYPE, CONFIG_BYTES)


@dataclass(frozen=True)
class Layer:
    """A packed tree: the gzip's descriptor, and the digest and size in bytes of the tar inside."""

    descriptor: Descriptor
    content_digest: str
    content_size: int


def pack(tree: Tree, compressor: Compressor, write: t.Callable[[bytes], object]) -> Layer:
    """Pack `tree`, handing the gzip to `write` piece by piece; memory stays flat whatever the tree's size."""
    content, packed = hashlib.sha256(), hashlib.sha256()
    sizes = [0, 0]

    def tar() -> t.Iterator[bytes]:
        for piece in tarball.stream(tree.entries()):
            content.update(piece)
            sizes[0] += len(piece)
            yield piece

    for piece in compressor.gzip(tar()):
        packed.update(piece)
        sizes[1] += len(piece)
        write(piece)
    return Layer(
        Descriptor(LAYER_TYPE, "sha256:" + packed.hexdigest(), sizes[1]), "sha256:" + content.hexdigest(), sizes[0]
    )


def manifest(layer: Layer, annotations: t.Mapping[str, str]) -> Manifest:
    """The artifact's manifest; the content digest is recorded beside the requested annotations."""
    return Manifest.build(CONFIG, [layer.descriptor], annotations={**annotations, CONTENT: layer.content_digest})


def adoptable(found: Manifest, annotations: t.Mapping[str, str]) -> str | None:
    """Why `found` is not what we would have made with `annotations`, whatever its layer holds; None if it could be.

    What is adopted will be signed, so nothing unknown may ride along: one layer, known media types, no subject, and no
    annotation but the requested ones, the content digest, and a creation time where none was requested.
    """
    if found.media_type != MANIFEST or found.config.media_type != CONFIG_TYPE:
        return "it is not a Flux artifact"
    if [layer.media_type for layer in found.layers] != [LAYER_TYPE]:
        return "it does not have the one layer of a Flux artifact"
    if found.subject is not None or found.artifact_type is not None:
        return "it refers to another artifact"
    rest = {key: value for key, value in found.annotations.items() if key != CONTENT}
    if CREATED not in annotations:
        rest.pop(CREATED, None)
    if rest != dict(annotations):
        differing = sorted({key for key, _ in rest.items() ^ annotations.items()})
        return f"its annotations differ: {', '.join(differing)[:300]}"
    return None
