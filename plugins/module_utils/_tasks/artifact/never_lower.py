# SPDX-License-Identifier: GPL-3.0-or-later
"""No way back by accident: an old artifact is as validly signed as a new one, so that a signature does not stop it.

What version an artifact is, its tags say that are versions of SemVer. A tag may not go from a newer version to an
older one, and an older version may not become a new one past another that is between them. What has no version among
its tags is new, and may be set anywhere.
"""

from __future__ import annotations

import typing as t

from ..._registry.errors import BadAnswer
from ..._registry.tags import list_tags
from ..._shared.errors import GitopsError
from ..._shared.semver import precedence

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registry

MAX_TAGS = 5000


class TagLowered(GitopsError):
    """A tag would bring an older version back."""

    code = "tag_lowered"

    def __init__(self, reference: Reference, digest: str, reason: str) -> None:
        super().__init__(
            f"never_lower: {reference} would go back to {digest}, {reason}", reference=str(reference), digest=digest
        )


class Versions:
    """The tags of a repository that are versions, newest first, and what they point to."""

    def __init__(self, registry: Registry, repository: str) -> None:
        tags = list_tags(registry, repository, MAX_TAGS + 1)
        if len(tags) > MAX_TAGS:
            raise BadAnswer(f"never_lower: {repository} has more than {MAX_TAGS} tags", registry=registry.host)
        found = [(order, tag) for tag in tags if (order := precedence(tag)) is not None]
        self._order = dict(sorted(((tag, order) for order, tag in found), key=lambda pair: pair[1], reverse=True))
        self._registry, self._repository = registry, repository
        self._digests: dict[str, str | None] = {}

    def check(self, target: Reference, digest: str, previous: str | None) -> None:
        """TagLowered where setting the tag `target`, now at `previous`, to `digest` brings an older version back."""
        tag = str(target.tag)
        own = precedence(tag)
        mine = self._version(digest, tag)
        if mine is None:
            return
        theirs = tag if own is not None and previous else self._version(previous, tag)
        if theirs is not None and self._order[mine] < (precedence(theirs) or ()):
            raise TagLowered(target, digest, f"which is {mine}, and it is at {theirs} now")
        between = [one for one, order in self._order.items() if own and one != tag and self._order[mine] < order < own]
        if between:
            raise TagLowered(target, digest, f"which is {mine}, older than {between[0]}")

    def _version(self, digest: str | None, besides: str) -> str | None:
        """The newest version that an artifact is, but for the tag `besides`."""
        if digest is None:
            return None
        return next((tag for tag in self._order if tag != besides and self._at(tag) == digest), None)

    def _at(self, tag: str) -> str | None:
        if tag not in self._digests:
            found = self._registry.resolve(self._repository, tag)
            self._digests[tag] = found.digest if found else None
        return self._digests[tag]
