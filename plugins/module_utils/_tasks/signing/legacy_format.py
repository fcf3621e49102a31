# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy signatures: the layers of an image under the tag `sha256-<hex>.sig`, which all signers share."""

from __future__ import annotations

import typing as t

from ..._cosign import simple_signing, verdicts
from ..._oci.descriptor import Descriptor, MalformedManifest, Manifest
from ..._registry.errors import BadAnswer, NotFound
from ..._shared.strict_json import MalformedJson
from .signatures import MAX_SIGNATURES, SignatureLost, Stored, Writing, is_tampered, one_by_one, upload

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.policy import Trust
    from ..._flux.version import FluxVersion
    from ..._registry.client import Registry


class LegacyFormat:
    """What cosign 1 and 2 write, and every Flux reads. Layers of every media type count, as with cosign."""

    name = "legacy"
    title = "legacy signature"

    def listings(self, registry: Registry, repository: str, digest: str) -> t.Iterator[t.Iterator[Stored]]:
        """See Format. There is one place."""
        yield self.listing(registry, repository, digest)

    def overlooked(self, registry: Registry) -> str:
        """See Format."""
        del registry
        return ""

    def listing(self, registry: Registry, repository: str, digest: str, *, as_flux: bool = False) -> t.Iterator[Stored]:
        """See Format."""
        del as_flux  # there is one place
        try:
            found = _image(registry, repository, digest)
        except (MalformedManifest, MalformedJson) as error:
            return iter([Stored(digest, fault=error.message)])
        if found is None:
            return iter(())
        if len(found.layers) > MAX_SIGNATURES:
            return iter([Stored(found.digest, fault=f"more than {MAX_SIGNATURES} signatures")])
        return one_by_one(registry, found.layers, lambda layer: _payload(registry, repository, layer))

    def judge(
        self, stored: Stored, digest: str, trust: Trust, annotations: t.Mapping[str, str], *, as_flux: bool
    ) -> verdicts.Finding:
        """See Format."""
        del as_flux  # both read it alike
        return verdicts.judge_legacy(stored.content or b"", stored.beside, digest, trust, annotations)

    def write(self, task: Writing) -> None:
        """Append to the tag, read back, and append again where another writer's image replaced ours."""
        from ..._cosign import simple_signing_writer  # who verifies needs neither
        from ..._registry.locks import ROUNDS, rounds

        registry, reference, digest = task.registry, task.reference, task.subject.digest
        payload = simple_signing_writer.build_payload(reference.name, digest, task.annotations)
        signature = task.signer.sign(payload)
        material = task.signer.material(signature)
        ours = simple_signing_writer.LegacySignature.of(payload, signature, material).layer
        upload(registry, reference.repository, ours, payload, new=True)
        for _round in rounds():
            if self._append(task, ours):
                return
        raise SignatureLost(f"{reference}: other writers replaced the signature tag {ROUNDS} times; run again")

    def _append(self, task: Writing, ours: Descriptor) -> bool:
        """Whether it is there in the end; a writer that had read ours may have brought it back."""
        registry, repository, digest = task.registry, task.reference.repository, task.subject.digest
        present = _image(registry, repository, digest)
        if _holds(present, ours):
            return True
        layers = [*present.layers, ours] if present else [ours]
        if len(layers) > simple_signing.MAX_LAYERS:
            full = f"the signature tag is full ({simple_signing.MAX_LAYERS} signatures)"
            raise SignatureLost(f"{task.reference}: {full}")
        from ..._cosign import simple_signing_writer

        config, manifest = simple_signing_writer.build_image(layers)
        upload(registry, repository, manifest.config, config)
        registry.put_manifest(repository, simple_signing.tag_for(digest), manifest.raw, manifest.media_type)
        return _holds(_image(registry, repository, digest), ours)

    def seen_by(self, version: FluxVersion, host: str, *, plain_http: bool) -> bool:
        """See Format. Every Flux does."""
        del version, host, plain_http
        return True

    def hides_others(self, stored: Stored) -> bool:
        """See Format. Nothing is asked after it."""
        del stored
        return False

    def claims(self, stored: Stored) -> dict[str, t.Any]:
        """See Format."""
        del stored
        return {}


def _image(registry: Registry, repository: str, digest: str) -> Manifest | None:
    """The manifest under the `.sig` tag; MalformedManifest if it is anything but an image."""
    tag = simple_signing.tag_for(digest)
    answer = registry.get_manifest(repository, tag)
    return None if answer is None else Manifest.parse(answer[0], f"{repository}:{tag}")


def _payload(registry: Registry, repository: str, layer: Descriptor) -> Stored:
    try:
        content = registry.get_blob(repository, layer, simple_signing.MAX_PAYLOAD)
    except (BadAnswer, NotFound) as error:
        return Stored(layer.digest, beside=layer.annotations, fault=error.message, tampered=is_tampered(error))
    return Stored(layer.digest, content, layer.annotations)


def _holds(image: Manifest | None, layer: Descriptor) -> bool:
    return image is not None and any(
        found.digest == layer.digest and found.annotations == layer.annotations for found in image.layers
    )
