# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads in progress: a file that grows, hashed while it is received.

A session lives as long as the process; a client whose session is unknown starts again, as the specification has it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
import typing as t
import uuid

from .message import ApiError

if t.TYPE_CHECKING:  # pragma: no cover
    from .body import Body
    from .store import Store

BUFFER = 256 * 1024
_IDLE_SECONDS = 3600.0
_PRUNE_FROM = 64
_CONTENT_RANGE = re.compile(r"(?:bytes )?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]+|\*))?")


class Upload:
    """One blob on its way into one repository."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.identifier = uuid.uuid4().hex
        self.path = path
        self.size = 0
        self.touched = time.monotonic()
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @property
    def abandoned(self) -> bool:
        """Whether nobody has come back to it for long."""
        return not self._lock.locked() and time.monotonic() - self.touched > _IDLE_SECONDS

    @contextlib.contextmanager
    def exclusively(self) -> t.Iterator[None]:
        """One request at a time: bytes of two would interleave."""
        if not self._lock.acquire(blocking=False):
            raise ApiError("BLOB_UPLOAD_INVALID", "another request is writing this upload", status=409)
        try:
            yield
        finally:
            self.touched = time.monotonic()
            self._lock.release()

    def append(self, body: Body, content_range: str | None) -> None:
        """Add a body; what arrived of a broken one stays, and the next chunk goes on from there."""
        if content_range is not None:
            self._check_range(content_range, body.length)
        if body.finished:
            return
        buffer = memoryview(bytearray(min(BUFFER, body.length or BUFFER)))
        with open(self.path, "ab", buffering=0) as file:
            while count := body.readinto(buffer):
                self._store(file, buffer[:count])

    def _store(self, file: t.IO[bytes], chunk: memoryview) -> None:
        while chunk:
            written = file.write(chunk)
            self._hash.update(chunk[:written])
            self.size += written
            chunk = chunk[written:]

    def _check_range(self, content_range: str, length: int | None) -> None:
        match = _CONTENT_RANGE.fullmatch(content_range)
        if match is None:
            raise ApiError("BLOB_UPLOAD_INVALID", "Content-Range: not <start>-<end>")
        start, end = int(match.group(1)), int(match.group(2))
        if start != self.size:
            raise ApiError("RANGE_INVALID", f"the next byte of this upload is {self.size}, not {start}")
        if length is not None and end - start + 1 != length:
            raise ApiError("SIZE_INVALID", "Content-Range and Content-Length disagree", status=400)

    def check_digest(self, digest: str) -> None:
        """Raise DIGEST_INVALID unless the received bytes have this digest."""
        received = f"sha256:{self._hash.hexdigest()}"
        if digest.startswith("sha512:"):
            with open(self.path, "rb") as file:
                received = f"sha512:{hashlib.file_digest(file, 'sha512').hexdigest()}"
        if received != digest:
            raise ApiError("DIGEST_INVALID", "the content has another digest", detail={"received": received})

    def discard(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Uploads:
    """All uploads in progress of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sessions: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def start(self, name: str) -> Upload:
        upload = Upload(name, self._store.temporary_path())
        with self._lock:
            self._sessions[upload.identifier] = upload
            abandoned = self._abandoned()
        for old in abandoned:
            self.forget(old)
        return upload

    def get(self, name: str, identifier: str) -> Upload:
        """The upload of that name in that repository. Raises BLOB_UPLOAD_UNKNOWN."""
        upload = self._sessions.get(identifier)
        if upload is None or upload.name != name:
            raise ApiError("BLOB_UPLOAD_UNKNOWN", "no such upload in this repository")
        return upload

    def finish(self, upload: Upload, digest: str) -> None:
        """Make the received bytes a blob, if they have this digest; the session ends either way."""
        try:
            upload.check_digest(digest)
            self._store.adopt_blob(upload.name, digest, upload.path)
        finally:
            self.forget(upload)

    def forget(self, upload: Upload) -> None:
        with self._lock:
            self._sessions.pop(upload.identifier, None)
        upload.discard()

    def _abandoned(self) -> list[Upload]:
        if len(self._sessions) < _PRUNE_FROM:
            return []
        return [upload for upload in self._sessions.values() if upload.abandoned]
