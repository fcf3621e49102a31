# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has under a reference: digest, annotations, tags, signatures. Nothing is proven here."""

from __future__ import annotations

import re
import typing as t

from ..._artifact.annotations import CREATED, REVISION, SOURCE
from ..._oci.descriptor import MalformedManifest, Manifest, check_document
from ..._registry.errors import BadAnswer
from ..._registry.tags import list_tags
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome
from ..signing.formats import FORMATS

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress
    from ..signing.signatures import Format

MAX_TAGS = 10_000
# Tags that hold signatures, attestations or referrers of a digest, and are nobody's version.
_OF_A_DIGEST = re.compile(r"sha256-[0-9a-f]{64}(?:\.[a-z]+)?\Z", re.ASCII)

Info = dict[str, t.Any]


class Inspect:
    """The use-case of oci_artifact_info; the plan is the answer."""

    def __init__(
        self,
        references: t.Sequence[Reference],
        registries: Registries,
        progress: Progress = QUIET,
        *,
        with_tags: bool = True,
        with_signatures: bool = True,
        concurrency: int = 4,
    ) -> None:
        self._references = references
        self._registries = registries
        self._batch = batch.Batch(progress, concurrency)
        self._with_tags = with_tags
        self._with_signatures = with_signatures

    def plan(self) -> list[Info | GitopsError]:
        """What each reference leads to; an error in the place of one that could not be read."""
        return self._batch.each("looked at", self._read, self._references)

    def predict(self, plan: list[Info | GitopsError]) -> Outcome:
        """As apply(): nothing is changed."""
        return self.apply(plan)

    def apply(self, plan: list[Info | GitopsError]) -> Outcome:
        """What was read, and one failure for all that could not be."""
        names = [str(reference) for reference in self._references]
        listed = [
            {"asked": name, "failure": item.as_failure()} if isinstance(item, GitopsError) else item
            for name, item in zip(names, plan, strict=True)
        ]
        return Outcome(values={"artifacts": listed}, failure=batch.failure(names, plan))

    def _read(self, reference: Reference) -> Info:
        registry = self._registries.get(reference.host)
        info: Info = {"asked": str(reference), "exists": False}
        if self._with_tags:
            tags = list_tags(registry, reference.repository, MAX_TAGS)
            info["tags"] = sorted(tag for tag in tags if not _OF_A_DIGEST.match(tag))
        answer = registry.get_manifest(reference.repository, reference.pointer)
        if answer is None:
            return info
        digest = of_bytes(answer[0])
        fixed = reference.with_digest(digest)
        info |= {"exists": True, "reference": str(fixed), "url": fixed.url, "digest": digest, "media_type": answer[1]}
        info |= _manifest(answer[0], answer[1], str(reference))
        if self._with_signatures:
            info["signatures"] = _signatures(registry, reference.repository, digest)
        return info


def _manifest(raw: bytes, media_type: str, where: str) -> Info:
    """The parts of an image manifest or of an index that people look for."""
    document = check_document(raw, media_type, where)
    if "manifests" in document:
        return {"kind": "index", "annotations": document.get("annotations") or {}}
    manifest = Manifest.parse(raw, where)
    return {
        "kind": "image",
        "artifact_type": manifest.artifact_type or manifest.config.media_type,
        "annotations": dict(manifest.annotations),
        "created": manifest.annotations.get(CREATED),
        "source": manifest.annotations.get(SOURCE),
        "revision": manifest.annotations.get(REVISION),
        "layers": [layer.as_json() for layer in manifest.layers],
    }


def _signatures(registry: Registry, repository: str, digest: str) -> list[Info]:
    return [info for form in FORMATS.values() for info in _in_format(form, registry, repository, digest)]


def _in_format(form: Format, registry: Registry, repository: str, digest: str) -> t.Iterator[Info]:
    """What signatures claim. Only cosign_verify says whether it is true."""
    try:
        for stored in form.listing(registry, repository, digest):
            info: Info = {"format": form.name, "digest": stored.digest, "fault": stored.fault or None}
            yield info | (form.claims(stored) if stored.content is not None else {})
    except (BadAnswer, MalformedManifest) as error:
        yield {"format": form.name, "digest": digest, "fault": error.message}
