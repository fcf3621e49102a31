# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to a manifest: the referrers API, and the tag that stands in where a registry has none.

Source: distribution-spec 1.1, "Listing Referrers" and "Pushing Manifests with Subject". go-containerregistry
(pkg/v1/remote/referrers.go) decides the same way which answers mean that there is no such API.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.proven.gitops.plugins.module_utils._artifact import strict_json
from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import (
    INDEX,
    Descriptor,
    MalformedManifest,
    Manifest,
    build_index,
    parse_index,
)
from ansible_collections.proven.gitops.plugins.module_utils._artifact.digest import check_syntax, hexadecimal
from ansible_collections.proven.gitops.plugins.module_utils._artifact.strict_json import MalformedJson
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer
from ansible_collections.proven.gitops.plugins.module_utils._registry.locks import exclusive
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import MANIFEST_LIMIT
from ansible_collections.proven.gitops.plugins.module_utils._registry.transport import Request
from ansible_collections.proven.gitops.plugins.module_utils._registry.urls import next_page

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
    from ansible_collections.proven.gitops.plugins.module_utils._registry.transport import Answer

_ENTRIES = 1000  # cosign reads as many signatures at most
_PAGES = 100
_WRITES = 5
_NO_API = frozenset({301, 302, 303, 307, 308, 400, 404, 405, 406, 501})


@dataclass(frozen=True)
class Referrers:
    """The manifests that name a digest as their subject; `api` is False where the fallback tag answered."""

    entries: tuple[Descriptor, ...]
    api: bool


def list_referrers(registry: Registry, repository: str, digest: str) -> Referrers:
    """All referrers of `digest`. An error of listing is raised: it never means that there are none.

    What an entry says (its artifact type above all) is a hint of whoever wrote it; the manifests are the truth.
    """
    check_syntax(digest)
    entries = _ask_api(registry, repository, digest)
    if entries is not None:
        return Referrers(entries, True)
    _other, found = _read_fallback(registry, repository, digest)
    return Referrers(found, False)


def put_referrer(registry: Registry, repository: str, manifest: Manifest) -> None:
    """Push `manifest` by its digest, and make sure that listing the referrers of its subject shows it.

    Without the referrers API that is a change of an index under a tag, which no registry can make atomic: a lock keeps
    the writers of this host apart; of two hosts, one that overwrites us is noticed only until we have read back.
    """
    if manifest.subject is None:
        raise ValueError("a referrer has a subject")
    subject = manifest.subject.digest
    if registry.put_manifest(repository, manifest.digest, manifest.raw, manifest.media_type):
        return
    entries = _ask_api(registry, repository, subject)
    if entries is None:
        with exclusive(f"{registry.host}/{repository}@{subject}"):
            _add_to_fallback(registry, repository, subject, manifest)
    elif not _holds(entries, manifest.digest):
        _await_listing(registry, repository, subject, manifest.digest)


def _await_listing(registry: Registry, repository: str, subject: str, digest: str) -> None:
    attempts = registry.session.attempts(registry.session.deadline())
    while True:
        attempts.again(f"{digest} was stored, but is not listed among the referrers of {subject}")
        if _holds(_ask_api(registry, repository, subject) or (), digest):
            return


def _holds(entries: t.Iterable[Descriptor], digest: str) -> bool:
    return any(entry.digest == digest for entry in entries)


def _ask_api(registry: Registry, repository: str, digest: str) -> tuple[Descriptor, ...] | None:
    """The answer of the referrers API, all pages; None where there is no such API."""
    session, scope = registry.session, registry.session.scope(repository, "pull")
    what, deadline = f"registry {registry.host}: referrers of {digest}", session.deadline()
    url: str | None = session.url(repository, f"referrers/{digest}")
    entries: list[Descriptor] = []
    for page in range(_PAGES):
        if url is None:
            return tuple(entries)
        # GHCR redirects what it does not know to its web site; a mirror redirects to the same path elsewhere.
        request, path = Request("GET", url, {"Accept": INDEX}), f"/referrers/{digest}"
        answer, body = session.read(request, scope, deadline, MANIFEST_LIMIT, follow=path)
        if page == 0 and _is_no_api(answer):
            return None
        if answer.status != 200:
            raise session.error(answer, body, scope)
        entries += _parse(body, what)
        if len(entries) > _ENTRIES:
            raise BadAnswer(f"{what}: more than {_ENTRIES}", registry=registry.host)
        url = next_page(answer.request.url, answer.headers.getlist("Link"), what)
    raise BadAnswer(f"{what}: more than {_PAGES} pages", registry=registry.host)


def _is_no_api(answer: Answer) -> bool:
    """Statuses by which registries say that they do not know the path, or 200 with a web page."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return answer.status in _NO_API or (answer.status == 200 and media_type != INDEX)


def _parse(raw: bytes, what: str) -> tuple[Descriptor, ...]:
    try:
        return parse_index(raw, what)
    except (MalformedManifest, MalformedJson) as error:
        raise BadAnswer(error.message[:300]) from None


def _fallback_tag(digest: str) -> str:
    return f"sha256-{hexadecimal(digest)}"


def _read_fallback(registry: Registry, repository: str, digest: str) -> tuple[bytes | None, tuple[Descriptor, ...]]:
    """The index under the fallback tag, and its entries; None where there is no such tag."""
    found = registry.get_manifest(repository, _fallback_tag(digest))
    if found is None:
        return None, ()
    what = f"registry {registry.host}: the index {repository}:{_fallback_tag(digest)}"
    entries = _parse(found[0], what)
    if len(entries) > _ENTRIES:
        raise BadAnswer(f"{what}: more than {_ENTRIES} entries", registry=registry.host)
    return found[0], entries


def _add_to_fallback(registry: Registry, repository: str, subject: str, manifest: Manifest) -> None:
    # The annotations belong to the entry (distribution-spec); go-containerregistry leaves them out, and reads either.
    mine = Descriptor(
        manifest.media_type, manifest.digest, len(manifest.raw), manifest.annotations, _artifact_type(manifest)
    )
    attempts = registry.session.attempts(registry.session.deadline())
    for write in range(_WRITES):
        raw, entries = _read_fallback(registry, repository, subject)
        if _holds(entries, mine.digest):
            return
        if write:
            attempts.again("another writer changes the index of referrers at the same time")
            raw, entries = _read_fallback(registry, repository, subject)
        if len(entries) >= _ENTRIES:
            raise BadAnswer(f"registry {registry.host}: the index of referrers of {subject} is full ({_ENTRIES})")
        registry.put_manifest(repository, _fallback_tag(subject), _with_entry(raw, mine), INDEX)
    if not _holds(_read_fallback(registry, repository, subject)[1], mine.digest):
        raise BadAnswer(
            f"registry {registry.host}: {mine.digest} was written {_WRITES} times to the index of referrers of"
            f" {subject}, and is not in it",
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
