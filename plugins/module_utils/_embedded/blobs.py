# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoints of blobs: reading them, and the ways to upload them.

Source: OCI distribution-spec v1.1, "Pulling blobs", "Pushing blobs", "Mounting a blob from another repository".
"""

from __future__ import annotations

import os
import re
import typing as t

from .auth import Access
from .message import ApiError, FileBody, Request, Response
from .naming import check_digest, check_name
from .uploads import Upload, Uploads

if t.TYPE_CHECKING:  # pragma: no cover
    from .auth import Authenticator
    from .store import Store

_RANGE = re.compile(r"bytes=([0-9]{1,18})?-([0-9]{1,18})?")


class BlobEndpoints:
    """What can be done with blobs. Each method takes (request, repository, last component of the path)."""

    def __init__(self, store: Store, authenticator: Authenticator) -> None:
        self._store = store
        self._authenticator = authenticator
        self._uploads = Uploads(store)

    # Blobs

    def get(self, request: Request, name: str, last: str) -> Response:
        digest = check_digest(last)
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
        }
        if request.method == "HEAD":
            size = self._store.blob_size(name, digest)
            if size is None:
                raise _unknown(digest)
            return Response(200, {**headers, "Content-Length": str(size)})
        file = self._store.open_blob(name, digest)
        if file is None:
            raise _unknown(digest)
        size = os.fstat(file.fileno()).st_size
        wanted = _range(request.headers.get("Range"), size)
        if wanted is None:
            return Response(200, headers, FileBody(file, 0, size))
        start, end = wanted
        if start >= end:
            file.close()
            raise ApiError("RANGE_INVALID", "outside of the blob", headers={"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Response(206, headers, FileBody(file, start, end - start))

    def delete(self, request: Request, name: str, last: str) -> Response:
        del request
        digest = check_digest(last)
        if not self._store.unlink_blob(name, digest):
            raise _unknown(digest)
        return Response(202)

    # Uploads

    def start(self, request: Request, name: str, last: str) -> Response:
        """Mount a blob, take it with this one request, or open a session."""
        del last
        mount = request.parameter("mount")
        if mount is not None and self._mount(request, name, check_digest(mount)):
            return _created(name, mount)
        digest = request.parameter("digest")
        if digest is not None:
            check_digest(digest)
        upload = self._uploads.start(name)
        if digest is None:
            return _progress(upload, 202)
        return self._receive(request, upload, digest)

    def status(self, request: Request, name: str, last: str) -> Response:
        del request
        return _progress(self._uploads.get(name, last), 204)

    def patch(self, request: Request, name: str, last: str) -> Response:
        upload = self._uploads.get(name, last)
        with upload.exclusively():
            self._append(request, upload)
            return _progress(upload, 202)

    def finish(self, request: Request, name: str, last: str) -> Response:
        upload = self._uploads.get(name, last)
        digest = check_digest(request.parameter("digest") or "")
        return self._receive(request, upload, digest)

    def cancel(self, request: Request, name: str, last: str) -> Response:
        del request
        upload = self._uploads.get(name, last)
        with upload.exclusively():
            self._uploads.forget(upload)
        return Response(204)

    def _receive(self, request: Request, upload: Upload, digest: str) -> Response:
        with upload.exclusively():
            self._append(request, upload)
            self._uploads.finish(upload, digest)
        return _created(upload.name, digest)

    def _append(self, request: Request, upload: Upload) -> None:
        try:
            upload.append(request.body, request.headers.get("Content-Range"))
        except ApiError as error:
            error.headers.update(_place(upload))  # where to go on from
            raise

    def _mount(self, request: Request, name: str, digest: str) -> bool:
        source = request.parameter("from")
        if source is None:
            return False
        if not self._authenticator.grants(request, Access("repository", check_name(source), ("pull",))):
            return False
        if self._store.blob_size(source, digest) is None:
            return False
        self._store.link_blob(name, digest)
        return True


def _unknown(digest: str) -> ApiError:
    return ApiError("BLOB_UNKNOWN", "the repository has no such blob", detail={"digest": digest})


def _created(name: str, digest: str) -> Response:
    return Response(201, {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})


def _progress(upload: Upload, status: int) -> Response:
    return Response(status, _place(upload))


def _place(upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{upload.name}/blobs/uploads/{upload.identifier}",
        "Range": f"0-{max(upload.size - 1, 0)}",
        "Docker-Upload-UUID": upload.identifier,
    }


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """The half-open interval that a Range field asks for; None for all, as for several ranges or other units."""
    match = _RANGE.fullmatch(header or "")
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if first is None:  # the last so many bytes
        return max(size - int(last), 0), size
    return int(first), size if last is None else min(int(last) + 1, size)
