# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object of Flux says of itself, read so that nothing of a former generation passes for the present one.

`status.observedGeneration` only moves when all went well, so a source that was refused from the start keeps -1 there.
Each condition carries the generation that it was set for, and that one is what counts.
Sources: fluxcd/pkg, apis/meta/conditions.go and runtime/conditions/setter.go.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ..._shared.object_id import ObjectId
from .. import names
from ..kinds import GIT_REPOSITORY, KINDS, Kind

REQUESTED_AT = "reconcile.fluxcd.io/requestedAt"

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
SOURCE_VERIFIED = "SourceVerified"

_LONGEST = 2000  # characters of a message that are kept; Flux itself cuts at 32768
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_DIGEST = re.compile(r"(?:\A|@)((?:sha1|sha256|sha384|sha512):[0-9a-f]{7,128})\Z", re.ASCII)
_DIGEST_IN_TEXT = re.compile(r"sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.ASCII)
_REVISION_IN_TEXT = re.compile(r"for revision (\S+)")

Object = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Condition:
    """One condition. `status` is None for Unknown, `since` the time when status, reason or message last changed."""

    type: str
    status: bool | None
    reason: str
    message: str
    generation: int
    since: str = ""

    def as_value(self) -> dict[str, t.Any]:
        """As a task returns it."""
        status = {True: "True", False: "False", None: "Unknown"}[self.status]
        return {
            "type": self.type,
            "status": status,
            "reason": self.reason,
            "message": self.message,
            "observed_generation": self.generation,
            "last_transition_time": self.since,
        }

    def __str__(self) -> str:
        return f"{self.type}={self.as_value()['status']} {self.reason}: {self.message}"


@dataclass(frozen=True)
class Reading:
    """An object as it is now.

    `revision` is what it advertises (sources) or applied (`attempted`: tried last), `digest` the digest in it or with
    it. `requested` and `handled` are the tokens of the last request, and of the last one that a whole reconciliation
    has answered. `verification` says whether its spec asks for signatures, `pinned` the digest that the spec allows
    alone, `static` that no controller ever looks at it, `same_mode` that git is verified in the mode that is asked for.
    """

    kind: Kind
    generation: int
    conditions: t.Mapping[str, Condition]
    revision: str = ""
    digest: str = ""
    attempted: str = ""
    requested: str = ""
    handled: str = ""
    verification: bool = False
    pinned: str = ""
    suspended: bool = False
    deleting: bool = False
    static: bool = False
    same_mode: bool = False

    def current(self, kind: str) -> Condition | None:
        """That condition, if it was set for the present generation."""
        found = self.conditions.get(kind)
        return found if found is not None and found.generation == self.generation else None

    @property
    def source_verified(self) -> Condition | None:
        """The verdict on signatures that still holds.

        source-controller writes it anew for each generation, but not for a GitRepository whose commit stays the same:
        there it holds as long as the mode does that it was given for.
        """
        found = self.conditions.get(SOURCE_VERIFIED)
        holds = self.kind is GIT_REPOSITORY and self.same_mode
        return found if found is not None and (found.generation == self.generation or holds) else None

    @property
    def verified(self) -> bool | None:
        """Whether Flux proved what it advertises; None where it did not say, or was not asked to."""
        found = self.source_verified if self.verification else None
        return found.status if found else None

    @property
    def refused_digest(self) -> str:
        """The digest that Flux refused, from its own words; empty where these name none."""
        for name in (SOURCE_VERIFIED, RECONCILING, "ArtifactOutdated"):
            found = self.current(name)
            digests = _DIGEST_IN_TEXT.findall(found.message) if found else []
            if digests:
                return str(digests[0])
        return ""

    @property
    def tried(self) -> str:
        """The revision that the last reconciliation worked on, from its own words or from `attempted`."""
        found = self.current(RECONCILING)
        match = _REVISION_IN_TEXT.search(found.message) if found else None
        return match[1] if match else self.attempted

    @property
    def recorded(self) -> bool:
        """Whether the revision is there, and is the one that the Ready condition speaks of, if it names one."""
        ready = self.conditions.get(READY)
        spoken = _DIGEST_IN_TEXT.findall(ready.message) if ready else []
        return bool(self.revision) and (not spoken or not self.digest or self.digest in spoken)

    def answers(self, token: str, before: str) -> bool:
        """Whether a reconciliation that began after the request `token` has come to its end.

        Somebody else's request may have replaced ours before it was seen: that one came later, so it does as well,
        unless it is `before`, what had been handled already when ours was made.
        """
        return self.handled == token or (self.handled == self.requested and self.handled not in ("", before))


def read(value: Object, kind: Kind) -> Reading:
    """An object as the API server returns it. What is not of the shape that Flux gives it counts as not there."""
    metadata, spec, status = (_mapping(value.get(name)) for name in ("metadata", "spec", "status"))
    verify = _mapping(spec.get("verify"))
    mode = _text(verify.get("mode"))
    revision = _at(status, kind.revision)
    return Reading(
        kind=kind,
        generation=_number(metadata.get("generation"), 0),
        conditions=conditions(status.get("conditions")),
        revision=revision,
        digest=_at(status, kind.digest) or digest_of(revision),
        attempted=_at(status, kind.attempted),
        requested=_text(_mapping(metadata.get("annotations")).get(REQUESTED_AT)),
        handled=_text(status.get("lastHandledReconcileAt")),
        verification=kind.verifiable and bool(verify) and (kind is not GIT_REPOSITORY or bool(mode)),
        pinned=_text(_mapping(spec.get("ref")).get("digest")),
        suspended=spec.get("suspend") is True,
        deleting=bool(metadata.get("deletionTimestamp")),
        static=kind.name == "HelmRepository" and spec.get("type") == "oci",
        same_mode=bool(mode) and status.get("sourceVerificationMode") == mode,
    )


def conditions(value: object) -> dict[str, Condition]:
    """The conditions of a status by their types."""
    found: dict[str, Condition] = {}
    for one in value if isinstance(value, list) else []:
        if isinstance(one, dict) and isinstance(one.get("type"), str):
            found[one["type"]] = Condition(
                one["type"],
                {"True": True, "False": False}.get(_text(one.get("status"))),
                _text(one.get("reason")),
                _text(one.get("message")),
                _number(one.get("observedGeneration"), -1),
                _text(one.get("lastTransitionTime")),
            )
    return found


def digest_of(revision: str) -> str:
    """`sha256:…` of `1.0.0@sha256:…`, `sha1:…` of `main@sha1:…`; empty where there is none."""
    match = _DIGEST.search(revision)
    return match[1] if match else ""


def label(value: Object, name: str) -> str:
    """A label of any object; empty where it has none of that name."""
    return _text(_mapping(_mapping(value.get("metadata")).get("labels")).get(name))


def source_of(value: Object, kind: Kind) -> ObjectId | None:
    """What an object takes from; None for a source, for a kind that is not Flux's, and where no such object can be."""
    spec = _mapping(value.get("spec"))
    chart = _mapping(_mapping(_mapping(spec.get("chart")).get("spec")).get("sourceRef"))
    reference = _mapping(spec.get("sourceRef"))
    if kind.name == "HelmRelease":
        reference = _mapping(spec.get("chartRef")) or chart
    if kind.is_source or not reference:
        return None
    namespace = _text(reference.get("namespace")) or _text(_mapping(value.get("metadata")).get("namespace"))
    name = _text(reference.get("name"))
    if names.wrong_label_name(namespace) or names.wrong_subdomain(name):  # these become a path in the API
        return None
    source = KINDS.get(_text(reference.get("kind")))
    return ObjectId(source.api_version, source.name, namespace, name) if source else None


def _at(value: object, path: tuple[str, ...]) -> str:
    for name in path:
        value = _mapping(value).get(name)
    return _text(value) if path else ""


def _mapping(value: object) -> Object:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return _CONTROL.sub(" ", value)[:_LONGEST].strip() if isinstance(value, str) else ""


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
