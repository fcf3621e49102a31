# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart in a registry: its media types, its manifest, and whether one that is there could be what we would push.

Sources: helm v4.3.1 pkg/registry/constants.go and client.go (Push); helm.sh/docs/topics/registries.
"""

from __future__ import annotations

import typing as t

from .._artifact.annotations import difference
from .._oci.descriptor import MANIFEST, Descriptor, Manifest
from .._shared import strict_json

CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE_TYPE = "application/vnd.cncf.helm.chart.provenance.v1.prov"


def manifest(config: Descriptor, layers: t.Iterable[Descriptor], annotations: t.Mapping[str, str]) -> Manifest:
    """The manifest; its layers are in the order of their digests, as helm has them."""
    return Manifest.build(config, sorted(layers, key=lambda layer: layer.digest), annotations=annotations)


def chart_layer(found: Manifest) -> Descriptor | None:
    """The chart's own layer, wherever it stands; None where there is not exactly one."""
    layers = [layer for layer in found.layers if layer.media_type == CHART_TYPE]
    return layers[0] if len(layers) == 1 else None


def refusal(
    found: Manifest, config: Descriptor, annotations: t.Mapping[str, str], provenance: Descriptor | None
) -> str | None:
    """Why `found` is not what we or helm would make of the same, whatever its chart layer holds; None if it could be.

    What is adopted will be signed: nothing unknown may ride along.
    """
    if found.media_type != MANIFEST or (found.config.media_type, found.config.digest) != (CONFIG_TYPE, config.digest):
        return "its config is another"
    others = [layer for layer in found.layers if layer.media_type != CHART_TYPE]
    if chart_layer(found) is None or [layer.digest for layer in others] != ([provenance.digest] if provenance else []):
        return "it does not have the layers of this chart"
    if found.raw not in _as_written(found):
        return "its manifest is not written as helm writes it"
    return difference(found.annotations, annotations)


def _as_written(found: Manifest) -> tuple[bytes, bytes]:
    """The manifest as we write it, and as helm does: a field, or a megabyte of blanks, would be signed unread."""
    config, *layers = (Descriptor(part.media_type, part.digest, part.size) for part in (found.config, *found.layers))
    return manifest(config, layers, found.annotations).raw, as_helm(config, layers, found.annotations)


def as_helm(config: Descriptor, layers: t.Iterable[Descriptor], annotations: t.Mapping[str, str]) -> bytes:
    """The bytes of helm's manifest: no media type of its own, and descriptors in oras-go's order."""
    value = {
        "schemaVersion": 2,
        "config": _as_oras(config),
        "layers": [_as_oras(layer) for layer in sorted(layers, key=lambda layer: layer.digest)],
        "annotations": {key: annotations[key] for key in sorted(annotations)},
    }
    return strict_json.compact(value).decode().translate(strict_json.GO_ESCAPES).encode()


def _as_oras(part: Descriptor) -> dict[str, t.Any]:
    return {"mediaType": part.media_type, "digest": part.digest, "size": part.size}
