# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry port: the calls of the OCI distribution API (spec 1.1) that use-cases need.

Every call is one operation with its own deadline. Besides what is named, each may raise Unreachable, Unauthorized,
Refused and BadAnswer (errors.py). What comes back is proven: bytes have the digest that they were asked for by.
"""

from __future__ import annotations

import threading
import typing as t

from .._http.transport import Answer, Request, Transport
from .._oci.descriptor import DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor
from .._oci.reference import check_tag
from .._shared import strict_json
from .._shared.digest import InvalidDigest, check_syntax, of_bytes
from .._shared.scrub import Scrubber, keep_to_ourselves
from .._shared.strict_json import MalformedJson
from . import blobs
from .auth import Scope
from .errors import BadAnswer, Unauthorized
from .session import Session
from .settings import MANIFEST_LIMIT

if t.TYPE_CHECKING:  # pragma: no cover
    from .._http.deadline import Deadline
    from .credentials import CredentialStore
    from .settings import ConnectionSettings

RegisterSecret = t.Callable[[str], None]

_MEDIA_TYPES = (MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
_ACCEPT = ", ".join(_MEDIA_TYPES)


class Registry:
    """One registry. Thread-safe; connections are kept alive, tokens are fetched once for each scope."""

    def __init__(
        self,
        host: str,
        settings: ConnectionSettings,
        credentials: CredentialStore,
        register_secret: RegisterSecret = keep_to_ourselves,
        transport: Transport | None = None,
        scrubber: Scrubber | None = None,
    ) -> None:
        """For `host[:port]` as people write it; `transport` and `scrubber` are shared by Registries."""
        self.host = host
        self.settings = settings
        # Blobs that this task knows to be there, each with a repository that has it: see uploads.py.
        self.held: dict[str, str] = {}
        # Repositories and digests for which it has said that it has no referrers API: see referrers.py.
        self.without_api: set[tuple[str, str]] = set()
        # By what answer, where cosign and Flux then do not look for the tag that stands in for it; else empty.
        self.overlooked = ""
        scrubber = scrubber or Scrubber(register_secret)
        self.session = Session(host, settings, credentials, transport or Transport(settings, scrubber), scrubber)

    @property
    def plain_http(self) -> bool:
        """Whether the registry is spoken to without TLS."""
        return self.settings.scheme(self.host) == "http"

    def resolve(self, repository: str, pointer: str) -> Descriptor | None:
        """What a tag or digest points to, or None if the registry knows no such manifest (404).

        By HEAD: digest, size and media type are then the registry's word, proven only when the digest is fetched.
        """
        scope, deadline = self.session.scope(repository, "pull"), self.session.deadline()
        request = self._manifest_request("HEAD", repository, pointer)
        with self.session.send(request, scope, deadline, follow=True) as answer:
            if answer.status == 404 and self.is_ours(answer):
                return None
            described = self._describe(answer, pointer) if answer.status == 200 else None
        if described is not None:
            return described
        if answer.status in (401, 403):
            raise self.session.error(answer, b"", scope)
        # No HEAD here, or a header is missing, or another refusal: its reason is in the body of the answer to a GET.
        found = self._get_manifest(repository, pointer, scope, deadline)
        return None if found is None else Descriptor.of(found[1], found[0])

    def get_manifest(self, repository: str, pointer: str) -> tuple[bytes, str] | None:
        """The manifest's bytes as stored and its media type; None on 404. At most MANIFEST_LIMIT bytes.

        The bytes have the digest `pointer`; where that is a tag, the digest that the answer announces, if it does.
        """
        return self._get_manifest(repository, pointer, self.session.scope(repository, "pull"), self.session.deadline())

    def look(self, repository: str, pointer: str) -> tuple[bytes, str] | None:
        """As `get_manifest`, for whoever writes there next: None also for 403.

        Artifactory answers so for what does not exist, and whether we may write is for the PUT to say.
        """
        try:
            return self.get_manifest(repository, pointer)
        except Unauthorized as error:
            if error.details.get("status") == 403:
                return None
            raise

    def put_manifest(self, repository: str, pointer: str, raw: bytes, media_type: str) -> None:
        """Store a manifest under a tag or its digest."""
        scope, deadline = self.session.scope(repository, "pull,push"), self.session.deadline()
        request = Request("PUT", self._manifest_url(repository, pointer), {"Content-Type": media_type}, raw)
        answer, body = self.session.read(request, scope, deadline, MANIFEST_LIMIT, follow=False)
        if answer.status not in (200, 201, 202, 204):
            raise self.session.error(answer, body, scope)
        self._check_announced(answer, of_bytes(raw))

    def delete_manifest(self, repository: str, pointer: str) -> None:
        """Remove a tag, or a manifest with all its tags; it is no error if there is none. Refused if not supported."""
        scope, deadline = self.session.scope(repository, "delete,pull"), self.session.deadline()
        request = Request("DELETE", self._manifest_url(repository, pointer))
        answer, body = self.session.read(request, scope, deadline, MANIFEST_LIMIT, follow=False)
        if answer.status not in (200, 202, 204, 404):
            raise self.session.error(answer, body, scope)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the registry holds a blob."""
        return blobs.has(self.session, repository, digest)

    def get_blob(self, repository: str, descriptor: Descriptor, limit: int) -> bytes:
        """A blob's bytes, of the descriptor's size and digest; BadAnswer before asking if it is over `limit`."""
        return b"".join(self.stream_blob(repository, descriptor, limit))

    def stream_blob(self, repository: str, descriptor: Descriptor, limit: int) -> t.Iterator[bytes]:
        """A blob in pieces, never more than its size. It is proven only when this has ended without BadAnswer.

        BadAnswer at once, before anything is asked for, where its descriptor says that it is over `limit` bytes: this
        is the one place where the size that a peer claims meets the size that we allow.
        """
        if descriptor.size > limit:
            raise BadAnswer(
                f"registry {self.host}: {descriptor.digest} is {descriptor.size} bytes long, more than {limit}",
                registry=self.host,
            )
        return blobs.stream(self.session, repository, descriptor)

    def _manifest_url(self, repository: str, pointer: str) -> str:
        # Either is checked before it becomes part of a path, whoever gave it.
        checked = check_syntax(pointer) if ":" in pointer else check_tag(pointer, pointer)
        return self.session.url(repository, f"manifests/{checked}")

    def _manifest_request(self, method: str, repository: str, pointer: str) -> Request:
        return Request(method, self._manifest_url(repository, pointer), {"Accept": _ACCEPT})

    def is_ours(self, answer: Answer) -> bool:
        """Whether the registry itself answers: where a redirect ended, a 404 says nothing about the registry."""
        return answer.request.url.startswith(f"{self.session.base}/")

    def _get_manifest(
        self, repository: str, pointer: str, scope: Scope, deadline: Deadline
    ) -> tuple[bytes, str] | None:
        request = self._manifest_request("GET", repository, pointer)
        answer, body = self.session.read(request, scope, deadline, MANIFEST_LIMIT)
        if answer.status == 404 and self.is_ours(answer):
            return None
        if answer.status != 200:
            raise self.session.error(answer, body, scope)
        digest = of_bytes(body)
        if ":" in pointer and digest != pointer:
            raise BadAnswer(
                f"registry {self.host}: asked for the manifest {pointer} of {repository}, the content is {digest}",
                registry=self.host,
                expected=pointer,
                actual=digest,
            )
        self._check_announced(answer, digest)
        return body, self._media_type(answer, body)

    def _announced(self, answer: Answer) -> str | None:
        """`Docker-Content-Digest`; BadAnswer where it is not a digest."""
        header = answer.headers.get("Docker-Content-Digest")
        if header is None:
            return None
        try:
            return check_syntax(header)
        except InvalidDigest:
            raise BadAnswer(
                f"registry {self.host}: the Docker-Content-Digest of {answer.request.where} is not a sha256 digest",
                registry=self.host,
            ) from None

    def _check_announced(self, answer: Answer, digest: str) -> None:
        announced = self._announced(answer)
        if announced is not None and announced != digest:
            raise BadAnswer(
                f"registry {self.host}: {answer.request.where} announces {announced}, the content is {digest}",
                registry=self.host,
                expected=announced,
                actual=digest,
            )

    def _describe(self, answer: Answer, pointer: str) -> Descriptor | None:
        """The descriptor in the headers of a HEAD's answer, or None where one of them is missing."""
        digest = self._announced(answer)
        media_type, size = _content_type(answer), answer.headers.get("Content-Length", "")
        if digest is None or media_type not in _MEDIA_TYPES or not (size.isascii() and size.isdigit()):
            return None
        if ":" in pointer and digest != pointer:
            raise BadAnswer(
                f"registry {self.host}: asked for the manifest {pointer}, the answer announces {digest}",
                registry=self.host,
                expected=pointer,
                actual=digest,
            )
        return Descriptor(media_type, digest, int(size[:19]))

    def _media_type(self, answer: Answer, body: bytes) -> str:
        """The manifest's media type by header and document; BadAnswer where they contradict each other."""
        header = _content_type(answer)
        try:
            inside = strict_json.load_object(body, "manifest").get("mediaType")
        except MalformedJson as error:
            raise BadAnswer(
                f"registry {self.host}: {answer.request.where}: {self.session.scrubber.clean(error.message)}",
                registry=self.host,
            ) from None
        if header in _MEDIA_TYPES and inside in _MEDIA_TYPES and header != inside:
            # CVE-2021-41190: a document that one client reads as an index and another as an image.
            raise BadAnswer(f"registry {self.host}: {answer.request.where} is announced as {header}, but says {inside}")
        return header if header in _MEDIA_TYPES or not isinstance(inside, str) else inside


def _content_type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class Registries:
    """The registries of a task, each made once; they share connections and known secrets. Thread-safe."""

    def __init__(
        self,
        settings: ConnectionSettings,
        credentials: CredentialStore,
        register_secret: RegisterSecret = keep_to_ourselves,
    ) -> None:
        self.settings = settings
        self._credentials = credentials
        self._scrubber = Scrubber(register_secret)
        self._transport = Transport(settings, self._scrubber)
        self._registries: dict[str, Registry] = {}
        self._lock = threading.Lock()

    def get(self, host: str) -> Registry:
        """The registry `host[:port]`, e.g. `Reference.host`."""
        with self._lock:
            if host not in self._registries:
                self._registries[host] = Registry(
                    host, self.settings, self._credentials, transport=self._transport, scrubber=self._scrubber
                )
            return self._registries[host]
