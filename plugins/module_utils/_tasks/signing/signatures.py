# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an artifact's signatures from its registry, in both formats, each by itself.

A failure to ask is raised and never read as "there is none": cosign and Flux fall back in silence there
(facts of cosign 3.1 pkg/oci/remote/signatures.go), which turns a throttled registry into an unsigned artifact.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._cosign import bundle, simple_signing
from ..._oci.descriptor import Descriptor, MalformedManifest, Manifest
from ..._registry.errors import BadAnswer, NotFound, Unreachable
from ..._registry.referrers import list_referrers, listings
from ..._shared.strict_json import MalformedJson

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._registry.client import Registry

Format = t.Literal["bundle", "legacy"]
MAX_SIGNATURES = 1000  # of one artifact and format, as cosign has it (CVE-2023-46737)


@dataclass(frozen=True)
class Stored:
    """One signature as the registry holds it.

    `content` is the payload (legacy) or the bundle; None with `fault` where it could not be read as what it claims to
    be. A `fault` beside content is one of the place where it was found: whatever it says, it does not count here.
    `tampered` marks bytes that do not match their digest. `digest` is that of the layer or of the referrer.
    """

    format: Format
    digest: str
    content: bytes | None = None
    signature: str | None = None
    fault: str = ""
    tampered: bool = False
    media_type: str = ""


def read_legacy(registry: Registry, repository: str, digest: str) -> t.Iterator[Stored]:
    """What the `.sig` tag of `digest` holds, in order; nothing only if the registry says that there is no such tag."""
    found = read_image(registry, repository, digest)
    if found is None:
        return iter(())
    layers = [layer for layer in found.layers if layer.media_type == simple_signing.MEDIA_TYPE]
    if len(found.layers) > MAX_SIGNATURES:
        return iter([Stored("legacy", found.digest, fault=f"more than {MAX_SIGNATURES} signatures")])
    return _one_by_one(registry, layers, lambda layer: _payload(registry, repository, layer))


def _one_by_one(
    registry: Registry, found: t.Iterable[Descriptor], read: t.Callable[[Descriptor], Stored | None]
) -> t.Iterator[Stored]:
    """Each read when it is asked for, so that contents do not add up in memory; one deadline for all of them."""
    deadline = registry.session.deadline()
    for descriptor in found:
        if deadline.expired:
            raise Unreachable(
                f"registry {registry.host}: the deadline of {deadline.seconds:g} s has passed, and not all signatures"
                " were read",
                registry=registry.host,
            )
        stored = read(descriptor)
        if stored is not None:
            yield stored


def read_image(registry: Registry, repository: str, digest: str) -> Manifest | None:
    """The manifest under the `.sig` tag; MalformedManifest if it is anything but an image."""
    tag = simple_signing.tag_for(digest)
    answer = registry.get_manifest(repository, tag)
    return None if answer is None else Manifest.parse(answer[0], f"{repository}:{tag}")


def _payload(registry: Registry, repository: str, layer: Descriptor) -> Stored:
    signature = layer.annotations.get(simple_signing.SIGNATURE_ANNOTATION)
    try:
        content = registry.get_blob(repository, layer, simple_signing.MAX_PAYLOAD)
    except (BadAnswer, NotFound) as error:
        return Stored("legacy", layer.digest, signature=signature, fault=error.message, tampered=is_tampered(error))
    return Stored("legacy", layer.digest, content, signature)


def read_bundles(registry: Registry, repository: str, digest: str) -> t.Iterator[Stored]:
    """The referrers of `digest` that hold a sigstore bundle, whatever type the index claims for them (cosign #4641)."""
    return _bundles(registry, repository, digest, list_referrers(registry, repository, digest).entries)


def bundle_listings(registry: Registry, repository: str, digest: str) -> t.Iterator[t.Iterator[Stored]]:
    """The same, but for whoever stops where enough was found; a second listing takes the place of the first."""
    for entries in listings(registry, repository, digest):
        yield _bundles(registry, repository, digest, entries)


def _bundles(registry: Registry, repository: str, digest: str, entries: t.Sequence[Descriptor]) -> t.Iterator[Stored]:
    if len(entries) > MAX_SIGNATURES:
        return iter([Stored("bundle", digest, fault=f"more than {MAX_SIGNATURES} referrers")])
    return _one_by_one(registry, entries, lambda entry: _referrer(registry, repository, digest, entry))


def _referrer(registry: Registry, repository: str, digest: str, entry: Descriptor) -> Stored | None:
    """The bundle behind one entry; None if the entry is another kind of referrer."""
    try:
        manifest = _bundle_manifest(registry, repository, entry)
        if manifest is None:
            return None
        content = registry.get_blob(repository, manifest.layers[0], bundle.MAX_BUNDLE)
    except (BadAnswer, NotFound) as error:
        return Stored("bundle", entry.digest, fault=error.message, tampered=is_tampered(error))
    # Whoever may push can put any referrer into the index of a fallback tag.
    foreign = manifest.subject is None or manifest.subject.digest != digest
    fault = f"the subject of the referrer {entry.digest} is not this artifact" if foreign else ""
    return Stored("bundle", entry.digest, content, fault=fault, media_type=manifest.layers[0].media_type)


def _bundle_manifest(registry: Registry, repository: str, entry: Descriptor) -> Manifest | None:
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


def is_tampered(error: Exception) -> bool:
    """Whether a registry's bytes did not match the digest that they were asked by."""
    return isinstance(error, BadAnswer) and "expected" in error.details
