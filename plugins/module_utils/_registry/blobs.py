# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs: proven while they are read, streamed while they are sent.

Source: distribution-spec 1.1, "Pulling blobs" and "Pushing a blob: POST then PUT". An upload that breaks is tried again
as a whole (HEAD, POST, PUT), as go-containerregistry does: what its session holds after an error is not known.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from ansible_collections.proven.gitops.plugins.module_utils._artifact.digest import check_syntax, hasher
from ansible_collections.proven.gitops.plugins.module_utils._errors import GitopsError
from ansible_collections.proven.gitops.plugins.module_utils._registry.auth import Scope
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import BadAnswer, TooLong
from ansible_collections.proven.gitops.plugins.module_utils._registry.retry import STATUSES, Attempts, Broken
from ansible_collections.proven.gitops.plugins.module_utils._registry.settings import ERROR_LIMIT, MANIFEST_LIMIT
from ansible_collections.proven.gitops.plugins.module_utils._registry.transport import Answer, Request, describe
from ansible_collections.proven.gitops.plugins.module_utils._registry.urls import Origin, check_hop, join

if t.TYPE_CHECKING:  # pragma: no cover
    from ansible_collections.proven.gitops.plugins.module_utils._artifact.descriptor import Descriptor
    from ansible_collections.proven.gitops.plugins.module_utils._registry.deadline import Deadline
    from ansible_collections.proven.gitops.plugins.module_utils._registry.session import Session

Advance = t.Callable[[int], None]
OpenSource = t.Callable[[], t.BinaryIO]
_RANGE = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/(?:[0-9]{1,19}|\*)\Z", re.ASCII)


class SourceChanged(GitopsError):
    """What is to be uploaded cannot be read, or is not as long as it was when it was measured."""

    code = "source_changed"


def has(
    session: Session, repository: str, digest: str, deadline: Deadline | None = None, actions: str = "pull"
) -> bool:
    """Whether the registry holds a blob."""
    scope = session.scope(repository, actions)
    request = Request("HEAD", session.url(repository, f"blobs/{check_syntax(digest)}"))
    with session.send(request, scope, deadline or session.deadline(), follow=True) as answer:
        if answer.status == 200:
            return True
        if answer.status == 404:
            return False
        raise session.error(answer, b"", scope)


def stream(session: Session, repository: str, descriptor: Descriptor) -> t.Iterator[bytes]:
    """A blob in pieces; BadAnswer at the end unless size and digest were right. A break is resumed."""
    scope, deadline = session.scope(repository, "pull"), session.deadline(descriptor.size)
    request = Request("GET", session.url(repository, f"blobs/{check_syntax(descriptor.digest)}"))
    attempts, digest, received = session.attempts(deadline), hasher(), 0
    while True:
        try:
            for piece in _rest(session, request, scope, deadline, descriptor, received):
                digest.update(piece)
                received += len(piece)
                yield piece
            break
        except Broken as broken:
            if received == descriptor.size:  # all is here, only the end of the answer is missing
                break
            attempts.failed(broken)
        except TooLong as error:  # whatever follows, these are not the bytes of that digest
            raise BadAnswer(error.message, registry=session.host, expected=descriptor.digest) from None
    actual = f"sha256:{digest.hexdigest()}"
    if received != descriptor.size or actual != descriptor.digest:
        raise BadAnswer(
            f"registry {session.host}: the blob {descriptor.digest} of {repository} ({descriptor.size} bytes)"
            f" came as {received} bytes with the digest {actual}",
            registry=session.host,
            expected=descriptor.digest,
            actual=actual,
        )


def _rest(
    session: Session, request: Request, scope: Scope, deadline: Deadline, descriptor: Descriptor, start: int
) -> t.Iterator[bytes]:
    """The bytes of a blob from `start` on."""
    if start:
        request = replace(request, headers={"Range": f"bytes={start}-{descriptor.size - 1}"})
    with session.send(request, scope, deadline, follow=True) as answer:
        if answer.status not in (200, 206):
            raise session.error(answer, answer.read_start(ERROR_LIMIT), scope)
        skip = start
        if answer.status == 206:
            match = _RANGE.match(answer.headers.get("Content-Range", ""))
            if match is None or int(match.group(1)) != start:
                raise BadAnswer(f"registry {session.host}: {request.where}: not the range that was asked for")
            skip = 0
        for piece in answer.chunks(descriptor.size - start + skip):
            fresh = piece[skip:]
            skip -= len(piece) - len(fresh)
            if fresh:
                yield fresh


def upload(
    session: Session, repository: str, descriptor: Descriptor, open_source: OpenSource, advance: Advance | None
) -> bool:
    """Store a blob; False if it was there already."""
    scope, deadline = session.scope(repository, "pull,push"), session.deadline(descriptor.size)
    attempts = session.attempts(deadline)
    first = True
    while True:
        if has(session, repository, descriptor.digest, deadline, scope.actions):
            sent = _Counter(advance)
            sent.add(descriptor.size)
            return not first
        sent = _Counter(advance)
        try:
            if _try_upload(session, repository, descriptor, open_source, sent, deadline, attempts):
                return True
        except Broken as broken:
            attempts.failed(broken)
        finally:
            if not sent.done:
                sent.add(-sent.count)
        first = False


class _Counter:
    """What one attempt has told the progress display."""

    def __init__(self, advance: Advance | None) -> None:
        self._advance = advance
        self.count = 0
        self.done = False

    def add(self, amount: int) -> None:
        self.count += amount
        if self._advance is not None and amount:
            self._advance(amount)


def _try_upload(
    session: Session,
    repository: str,
    descriptor: Descriptor,
    open_source: OpenSource,
    sent: _Counter,
    deadline: Deadline,
    attempts: Attempts,
) -> bool:
    """One attempt; False when the registry says "later" and we have waited, Broken when the connection ended."""
    scope = session.scope(repository, "pull,push")
    start = Request("POST", session.url(repository, "blobs/uploads/"))
    answer, body = session.read(start, scope, deadline, MANIFEST_LIMIT, follow=False)
    if answer.status != 202:
        raise session.error(answer, body, scope)
    url = _location(session, answer, descriptor.digest)
    request = Request(
        "PUT",
        url,
        {"Content-Type": "application/octet-stream"},
        lambda: _Exact(open_source(), descriptor, sent),
        descriptor.size,
    )
    with session.put(request, scope, deadline) as answer:
        if answer.status in STATUSES:
            attempts.again(describe(answer), answer.raw)
            return False
        if answer.status not in (200, 201, 204):
            raise session.error(answer, answer.read_start(ERROR_LIMIT), scope)
        announced = answer.headers.get("Docker-Content-Digest", descriptor.digest)
    if announced != descriptor.digest:
        raise BadAnswer(f"registry {session.host}: it stored a blob under another digest than {descriptor.digest}")
    sent.done = True
    return True


def _location(session: Session, answer: Answer, digest: str) -> str:
    """Where to send the blob: the upload's Location, with the digest added."""
    what = f"registry {session.host}: upload location"
    url = join(answer.request.url, answer.headers.get("Location"), what)
    check_hop(session.home, session.home, Origin.of(url, what), what)
    return f"{url}{'&' if '?' in url else '?'}digest={digest.replace(':', '%3A')}"


class _Exact:
    """A source that gives the announced number of bytes or fails; an error of reading it is not one of the network."""

    def __init__(self, file: t.BinaryIO, descriptor: Descriptor, sent: _Counter) -> None:
        self._file = file
        self._left = descriptor.size
        self._size = descriptor.size
        self._sent = sent
        self._sent.add(-self._sent.count)  # opened again within one attempt, after a 401

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._file.read(self._left + 1 if size < 0 else size)
        except OSError as error:
            raise SourceChanged(f"what is being uploaded cannot be read: {error.strerror}") from None
        if len(data) > self._left or (not data and self._left):
            raise SourceChanged(f"what is being uploaded has changed: it is no longer {self._size} bytes long")
        self._left -= len(data)
        self._sent.add(len(data))
        return data

    def close(self) -> None:
        self._file.close()
