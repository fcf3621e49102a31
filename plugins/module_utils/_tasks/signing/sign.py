# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign digests with a key, in the formats that are wanted, and only where such a signature is not there already."""

from __future__ import annotations

import io
import itertools
import typing as t
from dataclasses import dataclass, field

from ..._cosign import bundle, bundle_writer, simple_signing, simple_signing_writer, verdicts
from ..._oci.descriptor import Descriptor, Manifest
from ..._registry.errors import NotFound
from ..._registry.locks import ROUNDS, exclusive, rounds
from ..._registry.put_referrer import put_referrer
from ..._registry.uploads import upload_blob
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome
from . import signatures

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.signing_key import SigningKey
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress


class SignatureLost(GitopsError):
    """Other writers replaced the signature tag each time before ours could be read back."""

    code = "signature_lost"


@dataclass(frozen=True)
class SignRequest:
    """One digest, and the formats that it is to be signed in."""

    reference: Reference
    formats: tuple[signatures.Format, ...]


@dataclass
class SignItem:
    """The plan for one digest: what it is, and the formats in which the wanted signature is missing."""

    request: SignRequest
    subject: Descriptor | None
    missing: tuple[signatures.Format, ...]
    warnings: list[str] = field(default_factory=list)


Plan = list[SignItem | GitopsError]


class Sign:
    """The use-case of cosign_sign. One decrypted key serves the whole batch."""

    def __init__(
        self,
        requests: t.Sequence[SignRequest],
        registries: Registries,
        key: SigningKey,
        annotations: t.Mapping[str, str],
        progress: Progress = QUIET,
        *,
        created: str | None = None,
        flux_reads_bundles: bool = False,
        concurrency: int = 4,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._progress = progress
        self._key = key
        self._annotations = dict(annotations)
        self._created = created
        self._flux_reads_bundles = flux_reads_bundles
        self._concurrency = concurrency

    def plan(self) -> Plan:
        self._progress.start("looked at", len(self._requests), "artifacts")
        return batch.each(self._plan_item, self._requests, self._concurrency, self._progress.advance)

    def predict(self, plan: Plan) -> Outcome:
        return self._outcome(plan, "would sign")

    def apply(self, plan: Plan) -> Outcome:
        self._progress.start("signed", len(plan), "artifacts")
        return self._outcome(batch.each(self._apply_item, plan, self._concurrency, self._progress.advance), "signed")

    def _plan_item(self, request: SignRequest) -> SignItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        found = registry.get_manifest(reference.repository, reference.pointer)  # proven bytes, not a header's word
        if found is None:  # in check mode it may be what an earlier task would have pushed
            return SignItem(request, None, request.formats, [f"{reference} is not in the registry"])
        subject = Descriptor(found[1], of_bytes(found[0]), len(found[0]))
        missing = tuple(name for name in request.formats if not self._signed(registry, reference, name))
        item = SignItem(request, subject, missing)
        alone = self._flux_reads_bundles and "bundle" not in request.formats
        if alone and any(signatures.read_bundles(registry, reference.repository, subject.digest)):
            item.warnings.append(
                f"{reference} has a sigstore bundle, which hides the legacy signature from Flux 2.8 and later"
            )
        return item

    def _signed(self, registry: Registry, reference: Reference, name: signatures.Format) -> bool:
        """Whether the wanted signature is there: valid, by this key, in this format, with exactly these annotations."""
        digest = t.cast(str, reference.digest)
        where = (registry, reference.repository, digest)
        listed: t.Iterable[t.Iterator[signatures.Stored]] = (
            signatures.bundle_listings(*where) if name == "bundle" else [signatures.read_legacy(*where)]
        )
        return any(self._wanted(stored, digest) for stored in itertools.chain.from_iterable(listed))

    def _wanted(self, stored: signatures.Stored, digest: str) -> bool:
        if stored.content is None or stored.fault:
            return False
        keys = [self._key.public]
        if stored.format == "legacy":
            finding = verdicts.judge_legacy(stored.content, stored.signature, digest, keys, self._annotations)
        else:
            finding = verdicts.judge_bundle(stored.content, digest, keys, self._annotations)
        return finding.verdict is verdicts.Verdict.VERIFIED and dict(finding.annotations) == self._annotations

    def _apply_item(self, item: SignItem | GitopsError) -> SignItem:
        if isinstance(item, GitopsError):
            raise item
        reference, subject = item.request.reference, item.subject
        if subject is None:
            raise NotFound(f"reference: {reference} does not exist", reference=str(reference))
        registry = self._registries.get(reference.host)
        done: list[signatures.Format] = []
        with exclusive(f"sign {reference}"):
            for name in item.missing:
                if self._signed(registry, reference, name):  # another process of this host was faster
                    continue
                if name == "bundle":
                    self._write_bundle(registry, reference, subject)
                else:
                    self._write_legacy(registry, reference)
                done.append(name)
        return SignItem(item.request, subject, tuple(done), item.warnings)

    def _write_bundle(self, registry: Registry, reference: Reference, subject: Descriptor) -> None:
        statement = bundle_writer.build_statement(subject.digest, self._annotations)
        signature = self._key.sign(bundle.pae(bundle.PAYLOAD_TYPE, statement))
        content = bundle_writer.build_bundle(statement, signature, self._key.public.hint)
        config, manifest = bundle_writer.build_referrer(content, subject, bundle.SIGN_PREDICATE, self._created)
        _upload(registry, reference.repository, manifest.layers[0], content, new=True)
        _upload(registry, reference.repository, manifest.config, config)
        put_referrer(registry, reference.repository, manifest)

    def _write_legacy(self, registry: Registry, reference: Reference) -> None:
        """Append to the `.sig` tag, read back, and append again where another writer's image replaced ours."""
        digest, repository = t.cast(str, reference.digest), reference.repository
        payload = simple_signing_writer.build_payload(reference.name, digest, self._annotations)
        ours = simple_signing_writer.LegacySignature.of(payload, self._key.sign(payload)).layer
        tag = simple_signing.tag_for(digest)
        _upload(registry, repository, ours, payload, new=True)
        for _round in rounds():
            present = signatures.read_image(registry, repository, digest)
            if _holds(present, ours):  # a writer that had read ours has brought it back
                return
            layers = [*present.layers, ours] if present else [ours]
            if len(layers) > simple_signing.MAX_LAYERS:
                raise SignatureLost(f"{reference}: the signature tag is full ({simple_signing.MAX_LAYERS} signatures)")
            config, manifest = simple_signing_writer.build_image(layers)
            _upload(registry, repository, manifest.config, config)
            registry.put_manifest(repository, tag, manifest.raw, manifest.media_type)
            if _holds(signatures.read_image(registry, repository, digest), ours):
                return
        raise SignatureLost(f"{reference}: other writers replaced the signature tag {ROUNDS} times; run again")

    def _outcome(self, done: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        key = self._key.public.fingerprint
        listed: list[dict[str, t.Any]] = []
        actions: list[str] = []
        warnings: list[str] = []
        before, after = "", ""
        for request, item in zip(self._requests, done, strict=True):
            base = {"reference": str(request.reference), "digest": request.reference.digest, "key": key}
            if isinstance(item, GitopsError):
                listed.append({**base, "failure": item.as_failure()})
                continue
            present = [name for name in request.formats if name not in item.missing]
            listed.append({**base, "formats": list(request.formats), "signed": list(item.missing), "present": present})
            warnings += item.warnings
            for name in item.missing:
                before += f"{request.reference}: no {name} signature by {key}\n"
                after += f"{request.reference}: {name} signature by {key}\n"
                actions.append(f"{verb} {request.reference} ({name})")
        return Outcome(
            changed=bool(actions),
            values={"signatures": listed, "key": key, "public_key": self._key.public.pem.decode()},
            actions=actions,
            diff={"before": before, "after": after},
            failure=batch.failure(names, done),
            warnings=warnings,
        )


def _holds(image: Manifest | None, layer: Descriptor) -> bool:
    return image is not None and any(
        found.digest == layer.digest and found.annotations == layer.annotations for found in image.layers
    )


def _upload(registry: Registry, repository: str, descriptor: Descriptor, content: bytes, *, new: bool = False) -> None:
    upload_blob(registry, repository, descriptor, lambda: io.BytesIO(content), new=new)
