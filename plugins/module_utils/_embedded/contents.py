# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of manifests, tags, referrers and the catalogue.

Source: OCI distribution-spec v1.1, "Pulling manifests", "Pushing manifests", "Content discovery", "Content management".
"""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
import urllib.parse

from .manifests import MANIFEST_LIMIT, OCI_INDEX, Manifest, parse_manifest
from .message import ApiError, Request, Response, json_response
from .naming import check_digest, check_reference

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Descriptor, Store

_PAGE = 1000  # referrers in one answer, far below the 4 MiB at which a client may stop reading

T = t.TypeVar("T")


class ContentEndpoints:
    """What can be done with manifests. Each method takes (request, repository, last component of the path)."""

    def __init__(self, store: Store, *, referrers: bool) -> None:
        self._store = store
        self._announces_subjects = referrers

    # Manifests

    def get(self, request: Request, name: str, last: str) -> Response:
        manifest = self._store.get_manifest(name, check_reference(last))
        if manifest is None:
            raise self._unknown(name, last)
        headers = {
            "Content-Type": manifest.media_type,
            "Docker-Content-Digest": manifest.digest,
            "Content-Length": str(len(manifest.content)),
        }
        return Response(200, headers, b"" if request.method == "HEAD" else manifest.content)

    def put(self, request: Request, name: str, last: str) -> Response:
        check_reference(last)
        content = request.body.read_all(MANIFEST_LIMIT)
        manifest = parse_manifest(content, request.headers.get("Content-Type", ""))
        digest = _digest(content, last)
        missing = [child for child in manifest.children if not self._store.holds(name, child)]
        if missing:
            detail = {"digest": missing[0]}
            raise ApiError("MANIFEST_BLOB_UNKNOWN", "the manifest names what is not here", detail=detail)
        self._save(name, last, digest, manifest, content)
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        if manifest.subject is not None and self._announces_subjects:
            headers["OCI-Subject"] = manifest.subject
        return Response(201, headers)

    def delete(self, request: Request, name: str, last: str) -> Response:
        del request
        if ":" not in check_reference(last):
            if not self._store.delete_tag(name, last):
                raise self._unknown(name, last)
            return Response(202)
        stored = self._store.get_manifest(name, last)
        if stored is None:
            raise self._unknown(name, last)
        self._store.delete_manifest(name, last)
        with contextlib.suppress(ApiError):  # what was put into the store by other ways may not parse
            subject = parse_manifest(stored.content, stored.media_type).subject
            if subject is not None:
                self._store.delete_referrer(name, subject, last)
        return Response(202)

    def _save(self, name: str, reference: str, digest: str, manifest: Manifest, content: bytes) -> None:
        """The tag comes last: whoever can see it sees all of it."""
        self._store.put_manifest(name, digest, manifest.media_type, content)
        if manifest.subject is not None:  # kept also where the API is off, for when it is turned on
            self._store.put_referrer(name, manifest.subject, manifest.descriptor(digest, len(content)))
        if ":" not in reference:
            self._store.put_tag(name, reference, digest)

    def _unknown(self, name: str, reference: str) -> ApiError:
        return ApiError("MANIFEST_UNKNOWN", "the repository has no such manifest", detail={name: reference})

    # Listings

    def tags(self, request: Request, name: str, last: str) -> Response:
        del last
        if not self._store.has_repository(name):
            raise ApiError("NAME_UNKNOWN", "no such repository", detail={"name": name})
        page, headers = _page(request, self._store.tags(name), str)
        return json_response({"name": name, "tags": page}, headers=headers)

    def catalog(self, request: Request, name: str, last: str) -> Response:
        del name, last
        page, headers = _page(request, self._store.repositories(), str)
        return json_response({"repositories": page}, headers=headers)

    def referrers(self, request: Request, name: str, last: str) -> Response:
        found = self._store.referrers(name, check_digest(last))
        wanted = request.parameter("artifactType")
        if wanted is not None:
            found = [descriptor for descriptor in found if descriptor.get("artifactType") == wanted]
        page, headers = _page(request, found, _descriptor_digest, default=_PAGE)
        if wanted is not None:
            headers["OCI-Filters-Applied"] = "artifactType"
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": page}
        return json_response(index, headers=headers, content_type=OCI_INDEX)


def _digest(content: bytes, reference: str) -> str:
    """The digest of a pushed manifest, which must be the one in the path where that is a digest."""
    algorithm = reference.partition(":")[0] if ":" in reference else "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    if ":" in reference and digest != reference:
        raise ApiError("DIGEST_INVALID", "the manifest has another digest", detail={"received": digest})
    return digest


def _descriptor_digest(descriptor: Descriptor) -> str:
    return str(descriptor["digest"])


def _page(
    request: Request, entries: list[T], name_of: t.Callable[[T], str], default: int | None = None
) -> tuple[list[T], dict[str, str]]:
    """The part of sorted entries that `n` and `last` ask for, and the Link to the next one."""
    last = request.parameter("last")
    if last is not None:
        entries = [entry for entry in entries if name_of(entry) > last]
    asked = request.parameter("n")
    if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) < 10):
        raise ApiError("PAGINATION_NUMBER_INVALID", "n: not a number")
    size = default if asked is None else int(asked)
    if size is None or len(entries) <= size:
        return entries, {}
    page = entries[:size]
    if not page:
        return page, {}
    query = {**{key: values[0] for key, values in request.query.items()}, "n": size, "last": name_of(page[-1])}
    following = f"{urllib.parse.quote(request.path)}?{urllib.parse.urlencode(query)}"
    return page, {"Link": f'<{following}>; rel="next"'}
