# SPDX-License-Identifier: GPL-3.0-or-later
"""Sigstore bundles: referrers of what they sign, by the referrers API or the tag that stands in for it."""

from __future__ import annotations

import typing as t

from ..._cosign import bundle, verdicts
from ..._flux.version import FluxVersion, finds_bundles
from ..._oci.descriptor import Descriptor, MalformedManifest, Manifest
from ..._registry.errors import BadAnswer, NotFound
from ..._registry.referrers import list_referrers, listings
from ..._shared.errors import GitopsError
from ..._shared.strict_json import MalformedJson
from .signatures import MAX_SIGNATURES, Stored, Writing, is_tampered, one_by_one, upload

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.policy import Trust
    from ..._registry.client import Registry


class BundleFormat:
    """The referrers that hold a bundle, whatever type the index claims for them (cosign #4641)."""

    name = "bundle"
    title = "sigstore bundle"
    most = bundle.MAX_BUNDLE  # bytes of one that are read

    def listings(self, registry: Registry, repository: str, digest: str) -> t.Iterator[t.Iterator[Stored]]:
        """See Format. From both places where referrers are kept."""
        for entries in listings(registry, repository, digest):
            yield self._read_all(registry, repository, digest, entries)

    def listing(self, registry: Registry, repository: str, digest: str, *, as_flux: bool = False) -> t.Iterator[Stored]:
        """See Format."""
        found = list_referrers(registry, repository, digest)
        return self._read_all(registry, repository, digest, () if as_flux and found.overlooked else found.entries)

    def overlooked(self, registry: Registry) -> str:
        """See Format."""
        if not registry.overlooked:
            return ""
        return (
            f"registry {registry.host} answers {registry.overlooked} when it is asked for referrers, so cosign and Flux"
            f" will not find a {self.title} there; they find a legacy signature (format: legacy)"
        )

    def judge(
        self, stored: Stored, digest: str, trust: Trust, annotations: t.Mapping[str, str], *, as_flux: bool
    ) -> verdicts.Finding:
        """See Format. Flux takes a bundle of any predicate."""
        predicate = None if as_flux else bundle.SIGN_PREDICATE
        return verdicts.judge_bundle(stored.content or b"", digest, trust, annotations, predicate)

    def write(self, task: Writing) -> None:
        """See Format. Raises RegistryError's kinds."""
        from ..._cosign import bundle_writer  # who verifies does not need it

        statement = bundle_writer.build_statement(task.subject.digest, task.annotations)
        write_statement(task, statement, bundle.SIGN_PREDICATE)

    def seen_by(self, version: FluxVersion, host: str, *, plain_http: bool) -> bool:
        """See Format."""
        return finds_bundles(version, host, plain_http=plain_http)

    def hides_others(self, stored: Stored) -> bool:
        """See Format. One that cannot be read hides nothing."""
        return stored.content is not None and bundle.is_readable(stored.content)

    def claims(self, stored: Stored) -> dict[str, t.Any]:
        """See Format. `key_hint` and `predicate_type`, or `fault`."""
        # The statement is only looked at for its type: nobody has proven it, and it can be of any size.
        try:
            parsed = bundle.parse_bundle(stored.content or b"")
            kind = bundle.claimed_predicate_type(parsed.payload)
        except GitopsError as error:
            return {"fault": error.message}
        return {"key_hint": parsed.hint, "predicate_type": kind}

    def _read_all(
        self, registry: Registry, repository: str, digest: str, entries: t.Sequence[Descriptor]
    ) -> t.Iterator[Stored]:
        if len(entries) > MAX_SIGNATURES:
            return iter([Stored(digest, fault=f"more than {MAX_SIGNATURES} referrers")])
        return one_by_one(registry, entries, lambda entry: self._referrer(registry, repository, digest, entry))

    def _referrer(self, registry: Registry, repository: str, digest: str, entry: Descriptor) -> Stored | None:
        """The bundle behind one entry; None if the entry is another kind of referrer."""
        try:
            manifest = _manifest(registry, repository, entry)
            if manifest is None:
                return None
            content = registry.get_blob(repository, manifest.layers[0], self.most)
        except (BadAnswer, NotFound) as error:
            return Stored(entry.digest, fault=error.message, tampered=is_tampered(error))
        # Whoever may push can put any referrer into the index of a fallback tag.
        foreign = manifest.subject is None or manifest.subject.digest != digest
        fault = f"the subject of the referrer {entry.digest} is not this artifact" if foreign else ""
        return Stored(entry.digest, content, fault=fault)


def write_statement(task: Writing, statement: bytes, predicate_type: str) -> None:
    """Sign a statement, and attach it to its subject."""
    from ..._cosign import bundle_writer  # who verifies needs neither
    from ..._registry.put_referrer import put_referrer

    repository = task.reference.repository
    signature = task.signer.sign(bundle.pae(bundle.PAYLOAD_TYPE, statement))
    content = bundle_writer.build_bundle(statement, signature, task.signer.material(signature))
    config, manifest = bundle_writer.build_referrer(content, task.subject, predicate_type, task.created)
    upload(task.registry, repository, manifest.layers[0], content, new=True)
    upload(task.registry, repository, manifest.config, config)
    put_referrer(task.registry, repository, manifest)


def _manifest(registry: Registry, repository: str, entry: Descriptor) -> Manifest | None:
    answer = registry.get_manifest(repository, entry.digest)
    if answer is None:
        return None  # a stale entry of a fallback tag: what is not there is no signature
    try:
        manifest = Manifest.parse(answer[0], f"referrer {entry.digest}")
    except (MalformedManifest, MalformedJson):
        return None
    if len(manifest.layers) != 1 or not manifest.layers[0].media_type.startswith(bundle.MEDIA_TYPE_PREFIX):
        return None
    return manifest
