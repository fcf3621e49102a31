# SPDX-License-Identifier: GPL-3.0-or-later
"""References to an artifact: `oci://host[:port]/repository[:tag][@digest]`.

Grammar: OCI distribution-spec 1.1, "Pulling manifests" (names, tags). oras-py parses references too, but accepts
names that the specification forbids and costs an import of half a second; thirty lines of grammar cost nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .._shared.addresses import is_address, is_ambiguous
from .._shared.digest import InvalidDigest, check_syntax
from .._shared.errors import GitopsError

_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]{1,5})?\Z",
    re.ASCII,
)
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\Z", re.ASCII
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z", re.ASCII)
_LIKE_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-fA-F]*\Z", re.ASCII)
_SCHEME = "oci://"
_SHOWN = 300
# Docker Hub answers under another name than the one people write.
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


class InvalidReference(GitopsError):
    """Text that is not a reference, or lacks what is needed, or holds what is not allowed."""

    code = "invalid_reference"


@dataclass(frozen=True)
class Reference:
    """One artifact's address; at most one of `tag` and `digest` decides: the digest, where both are given."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse; `oci://` may be left out. InvalidReference says which part is wrong."""
        rest = text.removeprefix(_SCHEME)
        name, at, digest = rest.rpartition("@")
        if not at:
            name, digest = rest, ""
        elif not _LIKE_DIGEST.match(digest) or "@" in name:
            # What stands before an @ may be a password: it is not repeated.
            raise _invalid(
                f"***@{digest.rpartition('@')[2]}",
                "what follows the @ is not a digest (credentials do not belong in a reference)",
            )
        if "://" in name:
            raise _invalid(text, "the scheme must be oci://")
        host, slash, path = name.partition("/")
        if not slash:
            raise _invalid(text, "a reference is oci://host/repository[:tag]")
        path, colon, tag = path.partition(":")
        reference = cls(host, official(host, path), tag if colon else None, digest if at else None)
        reference._check(text)
        return reference

    def _check(self, text: str) -> None:
        if len(self.host) + len(self.repository) > 254:
            raise _invalid(text, "host and repository are longer than 255 characters")
        if not _is_host(self.host):
            raise _invalid(text, f"{self.host!r} is not a host with an optional port")
        if not _REPOSITORY.match(self.repository):
            allowed = "lower-case letters, digits, and . _ - / between them"
            raise _invalid(text, f"{self.repository!r} is not a repository name ({allowed})")
        if self.tag is not None:
            check_tag(self.tag, text)
        if self.digest is not None:
            try:
                check_syntax(self.digest)
            except InvalidDigest as error:
                raise _invalid(text, error.message) from None

    @property
    def name(self) -> str:
        """`host/repository`: what stays the same for every artifact of the repository."""
        return f"{self.host}/{self.repository}"

    @property
    def pointer(self) -> str:
        """What to ask the registry for: the digest, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def with_digest(self, digest: str) -> Reference:
        """The immutable reference `host/repository@digest`, without a tag."""
        return replace(self, tag=None, digest=check_syntax(digest))

    def with_tag(self, tag: str) -> Reference:
        """The mutable reference `host/repository:tag`."""
        return replace(self, tag=check_tag(tag, tag), digest=None)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def url(self) -> str:
        """The reference as Flux writes it, with `oci://`."""
        return _SCHEME + str(self)


def _is_host(host: str) -> bool:
    if not _HOST.match(host):
        return False
    inside = host[1:].partition("]")[0] if host.startswith("[") else ""
    if (inside and not (":" in inside and is_address(inside))) or is_ambiguous(host):
        return False
    # As everywhere in the field, a first component without dot, port or "localhost" is a repository of Docker Hub.
    bare = "." in host or ":" in host or host == "localhost"
    port = re.search(r":([0-9]{1,5})\Z", host)
    return bare and (port is None or 0 < int(port.group(1)) < 65536)


def check_tag(tag: str, where: str) -> str:
    """`tag` itself if it is a valid tag; InvalidReference otherwise."""
    if not _TAG.match(tag):
        raise _invalid(where, f"{tag[:_SHOWN]!r} is not a tag (letters, digits, _ . -, at most 128)")
    return tag


def _invalid(text: str, reason: str) -> InvalidReference:
    return InvalidReference(f"{text[:_SHOWN]!r}: {reason}", reference=text[:_SHOWN])


def official(host: str, repository: str) -> str:
    """The repository's whole name: on Docker Hub a name of one part is an official image's."""
    return f"library/{repository}" if repository and "/" not in repository and api_host(host) != host else repository


def api_host(host: str) -> str:
    """The host that answers the distribution API for `host`."""
    return "registry-1.docker.io" if host in _HUB else host
