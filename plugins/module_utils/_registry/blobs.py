# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs, proven while they are read. Source: distribution-spec 1.1, "Pulling blobs"."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from .._http.failures import Broken
from .._http.transport import Request
from .._shared.digest import check_syntax, hasher
from .errors import BadAnswer, TooLong, of_http
from .settings import ERROR_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.deadline import Deadline
    from .._oci.descriptor import Descriptor
    from .auth import Scope
    from .session import Session

_RANGE = re.compile(r"bytes ([0-9]{1,19})-[0-9]{1,19}/(?:[0-9]{1,19}|\*)\Z", re.ASCII)


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
    scope, deadline = session.scope(repository, "pull"), session.deadline()
    request = Request("GET", session.url(repository, f"blobs/{check_syntax(descriptor.digest)}"))
    attempts, digest, received = session.attempts(deadline), hasher(), 0
    while True:
        try:
            with of_http():
                for piece in _rest(session, request, scope, deadline, descriptor, received):
                    digest.update(piece)
                    received += len(piece)
                    yield piece
            break
        except Broken as broken:
            if received == descriptor.size:  # all is here, only the end of the answer is missing
                break
            with of_http():
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
