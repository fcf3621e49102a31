# SPDX-License-Identifier: GPL-3.0-or-later
"""A Flux artifact: one gzipped tar layer, a constant config, annotations.

Source: fluxcd/flux2 v2.9 cmd/flux/push_artifact.go and fluxcd/pkg oci/push.go; media types from oci/globals.go.
"""

from __future__ import annotations

import typing as t

from .._oci.descriptor import MANIFEST, Descriptor, Manifest
from .._shared import strict_json
from .._shared.digest import of_bytes
from . import tarball
from .annotations import CONTENT, CREATED, difference
from .layer import Content, Layer
from .tree import Walk

if t.TYPE_CHECKING:  # pragma: no cover
    from .compress import Compressor
    from .tree import Tree

CONFIG_TYPE = "application/vnd.cncf.flux.config.v1+json"
LAYER_TYPE = "application/vnd.cncf.flux.content.v1.tar+gzip"
# Why a config is refused: the one reason of adoptable() that reading the layer can still turn.
UNKNOWN_CONFIG = "its config is not one that Flux writes"
# Flux never reads the config; these are the constant bytes that its CLI 2.9 writes.
_NEVER = "0001-01-01T00:00:00Z"


def _config(created: str, diff_id: str | None) -> bytes:
    history: dict[str, t.Any] = {"history": [{"created": _NEVER}]} if diff_id else {}
    rootfs = {"type": "layers", "diff_ids": [diff_id] if diff_id else None}
    return strict_json.compact(
        {"architecture": "", "created": created, **history, "os": "", "rootfs": rootfs, "config": {}}
    )


CONFIG_BYTES = _config(_NEVER, None)
CONFIG = Descriptor.of(CONFIG_TYPE, CONFIG_BYTES)


def measure(tree: Tree, descriptor: Descriptor) -> Layer:
    """What the tar of `tree` has for a digest and a size, without compressing it; `descriptor` is taken over."""
    return _content(tree).measure(descriptor)


def pack(tree: Tree, compressor: Compressor, write: t.Callable[[bytes], object]) -> Layer:
    """Pack `tree`, handing the gzip to `write` piece by piece; memory stays flat whatever the tree's size."""
    return _content(tree).pack(compressor, LAYER_TYPE, write)


def _content(tree: Tree) -> Content:
    walk = Walk()
    return Content(tarball.stream(tree.entries(walk)), walk)


def manifest(layer: Layer, annotations: t.Mapping[str, str]) -> Manifest:
    """The artifact's manifest; the content digest is recorded beside the requested annotations."""
    return Manifest.build(CONFIG, [layer.descriptor], annotations={**annotations, CONTENT: layer.content_digest})


def adoptable(found: Manifest, annotations: t.Mapping[str, str], diff_id: str | None = None) -> str | None:
    """Why `found` is not what we would have made with `annotations`, whatever its layer holds; None if it could be.

    What is adopted will be signed, so nothing unknown may ride along: one layer, known media types, no field that we do
    not write, a config that a Flux CLI writes, and no annotation but the requested ones, the content digest, and a
    creation time where none was requested. Configs of Flux up to 2.8 hold the digest of the uncompressed layer: they
    are known only to a caller who has read it and gives it as `diff_id`.
    """
    if foreign := _foreign(found, diff_id):
        return foreign
    return difference(found.annotations, annotations)


def _foreign(found: Manifest, diff_id: str | None) -> str | None:
    """What of `found` no Flux CLI would have written, its annotations aside."""
    if found.media_type != MANIFEST or found.config.media_type != CONFIG_TYPE:
        return "it is not a Flux artifact"
    if [layer.media_type for layer in found.layers] != [LAYER_TYPE]:
        return "it does not have the one layer of a Flux artifact"
    if found.subject is not None or found.artifact_type is not None:
        return "it refers to another artifact"
    if found.raw not in _as_written(found):
        return "its manifest is not written as Flux writes it"
    if found.config.digest not in _known_configs(found.annotations.get(CREATED), diff_id):
        return UNKNOWN_CONFIG
    return None


def _as_written(found: Manifest) -> tuple[bytes, bytes]:
    """The manifest as we write it, and as Go does: a field, or a megabyte of blanks, would be signed unread."""
    config, layer = (Descriptor(part.media_type, part.digest, part.size) for part in (found.config, found.layers[0]))
    ours = Manifest.build(config, [layer], annotations=found.annotations).raw
    return ours, ours.decode().translate(strict_json.GO_ESCAPES).encode()


def _known_configs(created: str | None, diff_id: str | None) -> set[str]:
    """What the CLI writes: 2.9 the constant, 2.10 with the time of creation, up to 2.8 with the diff id as well."""
    configs = [CONFIG_BYTES]
    if created:
        configs += [_config(created, None)] + ([_config(created, diff_id)] if diff_id else [])
    return {of_bytes(config) for config in configs}
