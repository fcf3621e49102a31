# SPDX-License-Identifier: GPL-3.0-or-later
"""Make artifacts visible under tags; an existing tag is moved only when told."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._oci.descriptor import check_document
from ..._registry.errors import NotFound, RegistryError, is_not_started
from ..._shared.digest import of_bytes
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome, would_fail
from . import difference
from .never_lower import Versions

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress


class TagExists(GitopsError):
    """A tag points to something else, and nobody said that it may be moved."""

    code = "tag_exists"

    def __init__(self, reference: Reference, digest: str, difference: str) -> None:
        super().__init__(
            f"move: the tag {reference} has {difference}. Use another tag, or move=true. It is at {digest}",
            reference=str(reference),
            digest=digest,
            difference=difference,
        )


@dataclass(frozen=True)
class TagRequest:
    """`reference` is resolved once; each of `tags` then points to its digest."""

    reference: Reference
    tags: tuple[str, ...]


@dataclass
class TagItem:
    """The plan for one artifact: `previous` has the digest (or None) of each tag that is to be set."""

    request: TagRequest
    digest: str
    raw: bytes
    media_type: str
    previous: dict[str, str | None] = field(default_factory=dict)
    blocked: GitopsError | None = None  # why a run would fail now, though an earlier task may mend it

    def describe(self) -> dict[str, t.Any]:
        """The entry of `artifacts` in the result."""
        reference = self.request.reference.with_digest(self.digest)
        return {
            "reference": str(reference),
            "url": reference.url,
            "digest": self.digest,
            "tags": list(self.request.tags),
            "tags_set": list(self.previous),
        }


Plan = list[TagItem | GitopsError]


class Tag:
    """The use-case of oci_tag."""

    def __init__(
        self,
        requests: t.Sequence[TagRequest],
        registries: Registries,
        progress: Progress = QUIET,
        *,
        move: bool,
        never_lower: bool = False,
        concurrency: int = 4,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._batch = batch.Batch(progress, concurrency)
        self._move = move
        self._never_lower = never_lower

    def plan(self) -> Plan:
        """Resolve each reference, and look where its tags point; TagExists in the place of one that may not move."""
        return self._batch.each("looked at", self._plan_item, self._requests)

    def predict(self, plan: Plan) -> Outcome:
        """What would be tagged."""
        outcome = self._outcome(plan, "would tag")
        outcome.warnings += would_fail(*(item.blocked for item in plan if isinstance(item, TagItem)))
        return outcome

    def apply(self, plan: Plan) -> Outcome:
        """Set the tags."""
        return self._outcome(self._batch.each("tagged", self._apply_item, plan), "tagged")

    def _plan_item(self, request: TagRequest) -> TagItem:
        try:
            return self._look(request)
        except RegistryError as error:
            # In check mode an earlier task may be to start the registry; without a digest nothing can be said.
            if not is_not_started(error) or request.reference.digest is None:
                raise
            return TagItem(request, request.reference.digest, b"", "", dict.fromkeys(request.tags), error)

    def _look(self, request: TagRequest) -> TagItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        answer = registry.get_manifest(reference.repository, reference.pointer)
        if answer is None and reference.digest is None:
            raise NotFound(f"reference: {reference} does not exist", reference=str(reference))
        if answer is not None:
            check_document(answer[0], answer[1], str(reference))
        # A digest that is not there may be what an earlier task would have pushed: a problem for apply() only.
        raw, media_type = answer or (b"", "")
        item = TagItem(request, of_bytes(raw) if raw else reference.pointer, raw, media_type)
        for tag in request.tags:
            # The content, not a header of HEAD: on its word nothing is left undone.
            found = registry.look(reference.repository, tag)
            present = of_bytes(found[0]) if found else None
            if present is not None and present != item.digest and not self._move:
                raise TagExists(reference.with_tag(tag), present, _difference(registry, item, present))
            if present != item.digest:
                item.previous[tag] = present
        if self._never_lower and item.previous:
            versions = Versions(registry, reference.repository)
            for tag, present in item.previous.items():
                versions.check(reference.with_tag(tag), item.digest, present)
        return item

    def _apply_item(self, item: TagItem) -> TagItem:
        if item.blocked is not None:
            raise item.blocked
        reference = item.request.reference
        if not item.raw:
            raise NotFound(f"reference: {reference} does not exist", reference=str(reference))
        registry = self._registries.get(reference.host)
        for tag in item.previous:
            registry.put_manifest(reference.repository, tag, item.raw, item.media_type)
        return item

    def _outcome(self, plan: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        artifacts: list[dict[str, t.Any]] = []
        before, after, actions = "", "", []
        for name, item in zip(names, plan, strict=True):
            if isinstance(item, GitopsError):
                artifacts.append({"reference": name, "failure": item.as_failure()})
                continue
            artifacts.append(item.describe())
            for tag, previous in item.previous.items():
                tagged = item.request.reference.with_tag(tag)
                before += f"{tagged}: {previous or 'absent'}\n"
                after += f"{tagged}: {item.digest}\n"
                actions.append(f"{verb} {item.digest} as {tagged}")
        return Outcome(
            changed=bool(actions),
            values={"artifacts": artifacts},
            actions=actions,
            diff={"before": before, "after": after},
            failure=batch.failure(names, plan),
        )


def _difference(registry: Registry, item: TagItem, there: str) -> str:
    """How what the tag points to differs from what it is to point to."""
    answer = registry.get_manifest(item.request.reference.repository, there)
    found = difference.parsed(answer[0], there) if answer else None
    return difference.in_words(found, difference.parsed(item.raw, item.digest) if item.raw else None)
