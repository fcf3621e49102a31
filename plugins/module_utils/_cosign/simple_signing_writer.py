# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of the legacy format as cosign writes them: payload, layer, and the image under the `.sig` tag.

Sources as in simple_signing.py.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._oci.descriptor import Descriptor, Manifest
from .._oci.reference import official
from .._shared import base64, strict_json
from .._shared.digest import check_syntax
from .._shared.errors import InvalidOption
from .simple_signing import MEDIA_TYPE, SIGNATURE_ANNOTATION, TYPE

CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
_EPOCH = "0001-01-01T00:00:00Z"
_HUB, _HUB_ALIASES = "index.docker.io", ("docker.io", "index.docker.io")


@dataclass(frozen=True)
class LegacySignature:
    """One layer of a signature image: the payload's bytes, and the annotations, which hold the signature."""

    payload: bytes
    annotations: t.Mapping[str, str]

    @classmethod
    def of(cls, payload: bytes, signature: bytes) -> LegacySignature:
        """A signature by a key: nothing but the signature in the annotations."""
        return cls(payload, {SIGNATURE_ANNOTATION: base64.encode(signature)})

    @property
    def layer(self) -> Descriptor:
        """The descriptor of the payload with the annotations."""
        return Descriptor.of(MEDIA_TYPE, self.payload, self.annotations)


def identity_of(repository_name: str) -> str:
    """`host/repository` as cosign writes it into payloads: Docker Hub under its full name."""
    host, _separator, repository = repository_name.partition("/")
    return f"{_HUB}/{official(host, repository)}" if host in _HUB_ALIASES else repository_name


def build_payload(repository_name: str, digest: str, annotations: t.Mapping[str, str]) -> bytes:
    """The bytes to sign, the very ones that cosign would sign; `repository_name` is `host/repository`."""
    value = {
        "critical": {
            "identity": {"docker-reference": identity_of(repository_name)},
            "image": {"docker-manifest-digest": check_syntax(digest)},
            "type": TYPE,
        },
        "optional": {key: annotations[key] for key in sorted(annotations)} or None,
    }
    try:
        return strict_json.compact(value).decode().translate(strict_json.GO_ESCAPES).encode()
    except UnicodeEncodeError:
        raise InvalidOption("annotations", "not valid Unicode text") from None


def build_image(layers: t.Sequence[Descriptor]) -> tuple[bytes, Manifest]:
    """The signature image with these payload layers, in this order: its config's bytes and its manifest."""
    config = strict_json.compact(
        {
            "architecture": "",
            "created": _EPOCH,
            "history": [{"created": _EPOCH} for _each in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "config": {},
        }
    )
    return config, Manifest.build(Descriptor.of(CONFIG_MEDIA_TYPE, config), layers)
