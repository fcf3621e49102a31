# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to a manifest, written. Source: distribution-spec 1.1, "Pushing Manifests with Subject"."""

from __future__ import annotations

import typing as t

from .._oci.descriptor import INDEX, Descriptor, Manifest, build_index
from .._shared import strict_json
from .errors import BadAnswer, Busy, of_http
from .locks import ROUNDS, exclusive, rounds
from .referrers import MAX_ENTRIES, ask_api, fallback_tag, read_fallback

if t.TYPE_CHECKING:  # pragma: no cover
    from .client import Registry


def put_referrer(registry: Registry, repository: str, manifest: Manifest) -> None:
    """Push `manifest` by its digest, and make sure that listing the referrers of its subject shows it.

    An answer with `OCI-Subject` promises that, and promises nothing: some registries send it that list nothing.
    Without the referrers API that is a change of an index under a tag, which no registry can make atomic: a lock keeps
    the writers of this host apart; of two hosts, one that overwrites us is noticed only until we have read back.
    """
    if manifest.subject is None:
        raise ValueError("a referrer has a subject")
    subject = manifest.subject.digest
    registry.put_manifest(repository, manifest.digest, manifest.raw, manifest.media_type)
    entries = ask_api(registry, repository, subject)
    if entries is None:
        with exclusive(f"{registry.host}/{repository}@{subject}"):
            _add_to_fallback(registry, repository, subject, manifest)
    elif not _holds(entries, manifest.digest):
        _await_listing(registry, repository, subject, manifest.digest)


@of_http()
def _await_listing(registry: Registry, repository: str, subject: str, digest: str) -> None:
    attempts = registry.session.attempts(registry.session.deadline())
    while True:
        attempts.again(
            f"{digest} was stored, but is not listed among the referrers of {subject}, so nobody would find it there"
        )
        if _holds(ask_api(registry, repository, subject) or (), digest):
            return


def _holds(entries: t.Iterable[Descriptor], digest: str) -> bool:
    return any(entry.digest == digest for entry in entries)


def _add_to_fallback(registry: Registry, repository: str, subject: str, manifest: Manifest) -> None:
    # The annotations belong to the entry (distribution-spec); go-containerregistry leaves them out, and reads either.
    mine = Descriptor(
        manifest.media_type, manifest.digest, len(manifest.raw), manifest.annotations, _artifact_type(manifest)
    )
    for _round in rounds():
        raw, entries = read_fallback(registry, repository, subject)
        if _holds(entries, mine.digest):  # also where a writer that had read ours has brought it back
            return
        if len(entries) >= MAX_ENTRIES:
            raise BadAnswer(f"registry {registry.host}: the index of referrers of {subject} is full ({MAX_ENTRIES})")
        registry.put_manifest(repository, fallback_tag(subject), _with_entry(raw, mine), INDEX)
        if _holds(read_fallback(registry, repository, subject)[1], mine.digest):
            return
    raise Busy(
        f"registry {registry.host}: other writers replaced the index of referrers of {subject} {ROUNDS} times;"
        " run again",
        registry=registry.host,
    )


def _artifact_type(manifest: Manifest) -> str:
    """As distribution-spec says: the manifest's own, else its config's media type."""
    return manifest.artifact_type or manifest.config.media_type


def _with_entry(raw: bytes | None, mine: Descriptor) -> bytes:
    """The index with one entry more; what others wrote stays as it was, fields that we do not know included."""
    if raw is None:
        return build_index([mine])
    value = strict_json.load_object(raw, "index")
    value["manifests"] = sorted([*value["manifests"], mine.as_json()], key=lambda entry: str(entry["digest"]))
    return strict_json.compact(value)
