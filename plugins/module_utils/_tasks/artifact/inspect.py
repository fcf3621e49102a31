# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry has under a reference: digest, annotations, tags, signatures. Nothing is proven here."""

from __future__ import annotations

import re
import typing as t

from ..._artifact import flux_artifact
from ..._cosign import bundle
from ..._oci.descriptor import Manifest, check_kind
from ..._registry.tags import list_tags
from ..._shared import strict_json
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome
from ..signing import signatures

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress

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
        self._progress = progress
        self._with_tags = with_tags
        self._with_signatures = with_signatures
        self._concurrency = concurrency

    def plan(self) -> list[Info | GitopsError]:
        self._progress.start("looked at", len(self._references), "artifacts")
        return batch.each(self._read, self._references, self._concurrency, self._progress.advance)

    def predict(self, plan: list[Info | GitopsError]) -> Outcome:
        return self.apply(plan)

    def apply(self, plan: list[Info | GitopsError]) -> Outcome:
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
        info |= _manifest(answer[0], str(reference))
        if self._with_signatures:
            info["signatures"] = _signatures(registry, reference.repository, digest)
        return info


def _manifest(raw: bytes, where: str) -> Info:
    """The parts of an image manifest or of an index that people look for."""
    document = strict_json.load_object(raw, where)
    check_kind(document, where)
    if "manifests" in document:
        return {"kind": "index", "annotations": document.get("annotations") or {}}
    manifest = Manifest.parse(raw, where)
    return {
        "kind": "image",
        "artifact_type": manifest.artifact_type or manifest.config.media_type,
        "annotations": dict(manifest.annotations),
        "created": manifest.annotations.get(flux_artifact.CREATED),
        "source": manifest.annotations.get(flux_artifact.SOURCE),
        "revision": manifest.annotations.get(flux_artifact.REVISION),
        "layers": [layer.as_json() for layer in manifest.layers],
    }


def _signatures(registry: Registry, repository: str, digest: str) -> list[Info]:
    readers = (signatures.read_bundles, signatures.read_legacy)
    return [_signature(item) for read in readers for item in read(registry, repository, digest)]


def _signature(stored: signatures.Stored) -> Info:
    """What a signature claims. Only cosign_verify says whether it is true."""
    info: Info = {"format": stored.format, "digest": stored.digest, "fault": stored.fault or None}
    if stored.format == "bundle" and stored.content is not None:
        try:
            parsed = bundle.parse_bundle(stored.content)
            statement = bundle.parse_statement(parsed.payload)
        except GitopsError as error:
            return {**info, "fault": error.message}
        info |= {"key_hint": parsed.hint, "predicate_type": statement.predicate_type}
    return info
