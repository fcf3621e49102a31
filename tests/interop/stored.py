# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has of an artifact and of its signatures, byte for byte: to compare, and to plant what is hostile."""

from __future__ import annotations

import base64
import json
import typing as t

from support.plain_client import sha256

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.places import Place

ACCEPT = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
Document = dict[str, t.Any]


def compact(value: t.Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Stored:
    """An artifact by digest, in a registry that asks for no token."""

    def __init__(self, place: Place, reference: str) -> None:
        self.reference = reference
        self.digest = reference.partition("@")[2]
        self.client = place.client(reference)

    @property
    def signature_tag(self) -> str:
        return self.fallback_tag + ".sig"

    @property
    def fallback_tag(self) -> str:
        return self.digest.replace(":", "-")

    def raw(self, pointer: str) -> bytes:
        """A manifest's bytes."""
        answer = self.client.manifest("GET", pointer, Accept=ACCEPT)
        assert answer.status == 200, answer
        return answer.body

    def document(self, pointer: str) -> Document:
        return t.cast(Document, json.loads(self.raw(pointer)))

    def blob(self, digest: str) -> bytes:
        answer = self.client.blob("GET", digest)
        assert answer.status == 200, answer
        return answer.body

    def delete(self, pointer: str) -> None:
        assert self.client.manifest("DELETE", pointer).status == 202

    def referrers(self) -> list[Document]:
        """What the referrers API lists, or the fallback tag where there is no such API."""
        answer = self.client.call("GET", f"/v2/{self.client.repository}/referrers/{self.digest}")
        if answer.status == 404:
            answer = self.client.manifest("GET", self.fallback_tag, Accept=ACCEPT)
        return list(answer.json["manifests"]) if answer.status == 200 else []

    def payload(self) -> tuple[bytes, Document]:
        """The only legacy signature: its payload, and its layer."""
        [layer] = self.document(self.signature_tag)["layers"]
        return self.blob(layer["digest"]), layer

    def bundle(self) -> tuple[Document, Document]:
        """The only bundle, and its referrer's manifest."""
        [entry] = self.referrers()
        manifest = self.document(entry["digest"])
        return json.loads(self.blob(manifest["layers"][0]["digest"])), manifest

    def plant_signature(self, payload: bytes, signature: bytes | str, **more: t.Any) -> None:
        """A legacy signature with that payload; `more` goes over the layer's descriptor."""
        text = signature if isinstance(signature, str) else base64.b64encode(signature).decode()
        self.client.push_blob(payload)
        layer = {
            "mediaType": PAYLOAD,
            "size": len(payload),
            "digest": sha256(payload),
            "annotations": {SIGNATURE: text},
            **more,
        }
        diff = {"rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}, "config": {}, "architecture": "", "os": ""}
        config = compact(diff)
        self.client.push_blob(config)
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": len(config)}
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {**described, "digest": sha256(config)},
            "layers": [layer],
        }
        self.client.push_manifest(document, self.signature_tag)

    def plant_bundle(self, content: bytes | Document, **more: t.Any) -> str:
        """A referrer with that content as its bundle; `more` goes over the manifest. Its digest."""
        raw = content if isinstance(content, bytes) else compact(content)
        self.client.push_blob(raw)
        self.client.push_blob(b"{}")
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": BUNDLE,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": sha256(b"{}")},
            "layers": [{"mediaType": BUNDLE, "size": len(raw), "digest": sha256(raw)}],
            "subject": self.descriptor(),
            **more,
        }
        return self.client.push_manifest(document)

    def descriptor(self) -> Document:
        """The artifact's own."""
        raw = self.raw(self.digest)
        return {"mediaType": json.loads(raw)["mediaType"], "size": len(raw), "digest": self.digest}
