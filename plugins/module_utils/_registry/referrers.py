# SPDX-License-Identifier: GPL-3.0-or-later
"""What refers to a manifest, read: the referrers API, and the tag that stands in where a registry has none.

Source: distribution-spec 1.1, "Listing Referrers" and "Pushing Manifests with Subject". go-containerregistry
(pkg/v1/remote/referrers.go) decides the same way which answers mean that there is no such API, but for three statuses
and a list that is `null`: where one of them came, cosign and Flux do not look for the tag.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._http.transport import Request
from .._http.urls import next_page
from .._oci.descriptor import INDEX, Descriptor, MalformedManifest, parse_index
from .._shared import strict_json
from .._shared.digest import check_syntax, hexadecimal
from .._shared.strict_json import MalformedJson
from .errors import BadAnswer, of_http
from .settings import MANIFEST_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.transport import Answer
    from .client import Registry

MAX_ENTRIES = 1000  # cosign reads as many signatures at most
_PAGES = 100
_NO_API = frozenset({301, 302, 303, 307, 308, 400, 404, 406})
_NO_API_TO_US = frozenset({405, 410, 501})  # to go-containerregistry an error, after which cosign asks for no tag


@dataclass(frozen=True)
class Referrers:
    """The manifests that name a digest as their subject; `api` is False where the fallback tag answered.

    `overlooked` says by which answer of the API cosign and Flux would not have asked for that tag.
    """

    entries: tuple[Descriptor, ...]
    api: bool
    overlooked: str = ""


def list_referrers(registry: Registry, repository: str, digest: str) -> Referrers:
    """All referrers of `digest`. An error of listing is raised: it never means that there are none.

    What an entry says (its artifact type above all) is a hint of whoever wrote it; the manifests are the truth.
    """
    check_syntax(digest)
    entries = ask_api(registry, repository, digest)
    if entries is not None:
        return Referrers(entries, True)
    _other, found = read_fallback(registry, repository, digest)
    return Referrers(found, False, registry.overlooked)


def listings(registry: Registry, repository: str, digest: str) -> t.Iterator[tuple[Descriptor, ...]]:
    """The referrers of `digest`; where they may have to be listed twice, the likely place first.

    A registry that has said for another digest that it has no referrers API most likely has none here, so the fallback
    tag is asked first. Whoever has not found there what is looked for goes on: the API then has the last word, since a
    host can be several registries, and its answer, where it has one, takes the place of the first.
    """
    if not registry.without_api or (repository, digest) in registry.without_api:
        yield list_referrers(registry, repository, digest).entries
        return
    check_syntax(digest)
    yield read_fallback(registry, repository, digest)[1]
    entries = ask_api(registry, repository, digest)
    if entries is not None:
        yield entries


@of_http()
def ask_api(registry: Registry, repository: str, digest: str) -> tuple[Descriptor, ...] | None:
    """The answer of the referrers API, all pages; None where there is no such API, which is asked once in a task."""
    session, scope = registry.session, registry.session.scope(repository, "pull")
    what, deadline = f"registry {registry.host}: referrers of {digest}", session.deadline()
    if (repository, digest) in registry.without_api:
        return None
    url: str | None = session.url(repository, f"referrers/{digest}")
    entries: list[Descriptor] = []
    for page in range(_PAGES):
        if url is None:
            return tuple(entries)
        # GHCR redirects what it does not know to its web site; a mirror redirects to the same path elsewhere.
        request, path = Request("GET", url, {"Accept": INDEX}), f"/referrers/{digest}"
        answer, body = session.read(request, scope, deadline, MANIFEST_LIMIT, follow=path)
        if page == 0 and (absent := _absent(answer, body)) is not None:
            registry.without_api.add((repository, digest))
            registry.overlooked = absent or registry.overlooked
            return None
        if answer.status != 200:
            raise session.error(answer, body, scope)
        entries += _parse(body, what)
        if len(entries) > MAX_ENTRIES:
            raise BadAnswer(f"{what}: more than {MAX_ENTRIES}", registry=registry.host)
        url = next_page(answer.request.url, answer.headers.getlist("Link"), what)
    raise BadAnswer(f"{what}: more than {_PAGES} pages", registry=registry.host)


def _absent(answer: Answer, body: bytes) -> str | None:
    """None for the answer of a referrers API, or of one that fails; else why cosign and Flux overlook the tag, if so.

    Some registries say that they do not know the path by a web page with status 200.
    """
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status in _NO_API or (answer.status == 200 and media_type != INDEX):
        return ""
    if answer.status in _NO_API_TO_US:
        return f"status {answer.status}"
    return '"manifests": null' if answer.status == 200 and _is_null(body) else None


def _is_null(body: bytes) -> bool:
    """A list that is null: from registries that know the path and no referrers."""
    if b"null" not in body:
        return False
    try:
        return strict_json.load_object(body, "index").get("manifests", ()) is None
    except MalformedJson:
        return False


def _parse(raw: bytes, what: str) -> tuple[Descriptor, ...]:
    try:
        return parse_index(raw, what)
    except (MalformedManifest, MalformedJson) as error:
        raise BadAnswer(error.message[:300]) from None


def fallback_tag(digest: str) -> str:
    return f"sha256-{hexadecimal(digest)}"


def read_fallback(registry: Registry, repository: str, digest: str) -> tuple[bytes | None, tuple[Descriptor, ...]]:
    """The index under the fallback tag, and its entries; None where there is no such tag."""
    found = registry.get_manifest(repository, fallback_tag(digest))
    if found is None:
        return None, ()
    what = f"registry {registry.host}: the index {repository}:{fallback_tag(digest)}"
    entries = _parse(found[0], what)
    if len(entries) > MAX_ENTRIES:
        raise BadAnswer(f"{what}: more than {MAX_ENTRIES} entries", registry=registry.host)
    return found[0], entries
