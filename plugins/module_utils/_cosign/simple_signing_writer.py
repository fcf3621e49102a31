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
from .legacy_annotations import BUNDLE, CERTIFICATE, CHAIN, TIMESTAMP
from .pem import write_pem
from .simple_signing import MEDIA_TYPE, SIGNATURE_ANNOTATION, TYPE

CONFIG_MEDIA_TYPE = "application/vnd.oci.image.config.v1+json"
NO_PROMISE = "entries of Rekor v2 have no place in the legacy format; use bundle, or a signing config with Rekor v1"
_EPOCH = "0001-01-01T00:00:00Z"
_HUB, _HUB_ALIASES = "index.docker.io", ("docker.io", "index.docker.io")


if t.TYPE_CHECKING:  # pragma: no cover
    from .signer import Material


@dataclass(frozen=True)
class LegacySignature:
    """One layer of a signature image: the payload's bytes, and the annotations, which hold the signature."""

    payload: bytes
    annotations: t.Mapping[str, str]

    @classmethod
    def of(cls, payload: bytes, signature: bytes, material: Material | None = None) -> LegacySignature:
        """A signature, and what goes with it. Of a key that is nothing; InvalidOption for what has no place here."""
        beside = _beside(material) if material is not None else {}
        return cls(payload, {SIGNATURE_ANNOTATION: base64.encode(signature), **beside})

    @property
    def layer(self) -> Descriptor:
        """The descriptor of the payload with the annotations."""
        return Descriptor.of(MEDIA_TYPE, self.payload, self.annotations)


def _beside(material: Material) -> dict[str, str]:
    """Source: cosign, pkg/oci/static/options.go and pkg/cosign/bundle."""
    found: dict[str, str] = {}
    if material.certificate is not None:
        found[CERTIFICATE] = write_pem("CERTIFICATE", material.certificate).decode()
        found[CHAIN] = "".join(f"{pem.strip()}\n" for pem in material.chain)
    for entry in material.log_entries[:1]:
        promise = entry.get("inclusionPromise", {}).get("signedEntryTimestamp")
        if not promise:
            raise InvalidOption("format", NO_PROMISE)
        payload = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry["logIndex"]),
            "logID": base64.decode(entry["logId"]["keyId"]).hex(),
        }
        found[BUNDLE] = strict_json.compact({"SignedEntryTimestamp": promise, "Payload": payload}).decode()
    for stamp in material.timestamps[:1]:
        found[TIMESTAMP] = strict_json.compact({"SignedRFC3161Timestamp": base64.encode(stamp)}).decode()
    return found


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
