# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs on the way up: streamed while they are sent, and sent no more often than necessary.

Source: distribution-spec 1.1, "Pushing a blob: POST then PUT" and "Mounting a blob from another repository". An upload
that breaks is tried again as a whole (HEAD, POST, PUT), as go-containerregistry does: what its session holds after an
error is not known.
"""

from __future__ import annotations

import typing as t
from urllib.parse import quote

from .._http.failures import Broken
from .._http.transport import Answer, Request, describe
from .._http.urls import Origin, check_hop, join
from .._shared.errors import GitopsError
from . import blobs
from .errors import BadAnswer, of_http
from .settings import ERROR_LIMIT, MANIFEST_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._oci.descriptor import Descriptor
    from .client import Registry

Advance = t.Callable[[int], None]
OpenSource = t.Callable[[], t.BinaryIO]


class SourceChanged(GitopsError):
    """What is to be uploaded cannot be read, or is not as long as it was when it was measured."""

    code = "source_changed"


@of_http()
def upload_blob(
    registry: Registry,
    repository: str,
    descriptor: Descriptor,
    open_source: OpenSource,
    progress: Advance | None = None,
    *,
    new: bool = False,
) -> bool:
    """Store a blob; False if it was there already. Memory stays flat: `open_source` is read while it is sent.

    With `new` it is not asked for first: it is sent once in vain where it was there. What this task has stored in
    another repository is mounted from there. `progress` gets the number of bytes done; a negative one takes back what a
    failed attempt had counted.
    """
    held = registry.held.get(descriptor.digest)
    upload = _Upload(registry, repository, descriptor, open_source, progress)
    stored = upload.is_there() if held == repository else upload.run(None if registry.session.by_token else held, new)
    registry.held[descriptor.digest] = repository
    return stored


class _Upload:
    def __init__(
        self,
        registry: Registry,
        repository: str,
        descriptor: Descriptor,
        open_source: OpenSource,
        advance: Advance | None,
    ) -> None:
        self._session = registry.session
        self._repository = repository
        self._descriptor = descriptor
        self._open = open_source
        self._advance = advance
        self._scope = registry.session.scope(repository, "pull,push")
        self._deadline = registry.session.deadline()
        self._attempts = registry.session.attempts(self._deadline)

    def is_there(self) -> bool:
        """Count it as done; False, as nothing was stored."""
        _Counter(self._advance).add(self._descriptor.size)
        return False

    def run(self, source: str | None, new: bool) -> bool:
        """Until it is there; `source` is another repository that has it."""
        first, ask = True, not (source or new)
        while True:
            if ask and self._has():
                self.is_there()
                return not first
            sent = _Counter(self._advance)
            try:
                if self._try(sent, source if first else None):
                    return True
            except Broken as broken:
                self._attempts.failed(broken)
            finally:
                if not sent.done:
                    sent.add(-sent.count)
            first, ask = False, True

    def _has(self) -> bool:
        digest, actions = self._descriptor.digest, self._scope.actions
        return blobs.has(self._session, self._repository, digest, self._deadline, actions)

    def _try(self, sent: _Counter, source: str | None) -> bool:
        """One attempt; False when the registry says "later" and we have waited, Broken when the connection ended."""
        answer = self._mount(source) if source else None
        if answer is not None and answer.status == 201:
            self._check_stored(answer)
            sent.add(self._descriptor.size)
            sent.done = True
            return True
        url = self._location(answer or self._start())
        request = Request(
            "PUT",
            url,
            {"Content-Type": "application/octet-stream"},
            lambda: _Exact(self._open(), self._descriptor, sent),
            self._descriptor.size,
            home=self._session.home,
        )
        with self._session.put(request, self._scope, self._deadline) as answer:
            if answer.status in self._session.settings.later:
                self._attempts.again(describe(answer), answer.raw)
                return False
            if answer.status not in (200, 201, 204):
                raise self._session.error(answer, answer.read_start(ERROR_LIMIT), self._scope)
            self._check_stored(answer)
        sent.done = True
        return True

    def _mount(self, source: str) -> Answer | None:
        """Ask for the blob of another repository: 201, or 202 with an upload instead; None where it cannot be asked."""
        own = self._session.scope(source, "pull").repository
        answer, _body = self._post(f"?mount={quote(self._descriptor.digest)}&from={quote(own)}")
        return answer if answer.status in (201, 202) else None

    def _start(self) -> Answer:
        answer, body = self._post("")
        if answer.status != 202:
            raise self._session.error(answer, body, self._scope)
        return answer

    def _post(self, query: str) -> tuple[Answer, bytes]:
        request = Request("POST", self._session.url(self._repository, f"blobs/uploads/{query}"))
        return self._session.read(request, self._scope, self._deadline, MANIFEST_LIMIT, follow=False)

    def _location(self, answer: Answer) -> str:
        """Where to send the blob: the upload's Location, with the digest added."""
        session, what = self._session, f"registry {self._session.host}: upload location"
        url = join(answer.request.url, answer.headers.get("Location"), what)
        check_hop(session.home, session.home, Origin.of(url, what), what)
        return f"{url}{'&' if '?' in url else '?'}digest={self._descriptor.digest.replace(':', '%3A')}"

    def _check_stored(self, answer: Answer) -> None:
        digest, host = self._descriptor.digest, self._session.host
        if answer.headers.get("Docker-Content-Digest", digest) != digest:
            raise BadAnswer(f"registry {host}: it stored a blob under another digest than {digest}")


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
