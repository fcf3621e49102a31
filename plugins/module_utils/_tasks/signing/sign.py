# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign digests with a key, in the formats that are wanted, and only where such a signature is not there already."""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, field

from ..._cosign import verdicts
from ..._cosign.signatory import NamedByKey
from ..._registry.errors import BadAnswer
from ..._registry.locks import exclusive
from ..._shared.errors import GitopsError
from .. import batch
from .._case import QUIET, Outcome, would_fail
from .formats import FORMATS
from .signatures import Stored, Writing
from .subject import Subject, look

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._cosign.signatory import Named
    from ..._cosign.signer import Signer
    from ..._oci.reference import Reference
    from ..._registry.client import Registries, Registry
    from .._case import Progress
    from .signatures import Format


@dataclass(frozen=True)
class SignRequest:
    """One digest, and the names of the formats that it is to be signed in.

    `hiding` are the formats that Flux asks for before them: what is there hides what is written.
    """

    reference: Reference
    formats: tuple[str, ...]
    hiding: tuple[str, ...] = ()


@dataclass
class SignItem:
    """The plan for one digest: what it is, and the formats in which the wanted signature is missing."""

    request: SignRequest
    subject: Subject
    missing: tuple[str, ...]
    warnings: list[str] = field(default_factory=list)


Plan = list[SignItem | GitopsError]


class Sign:
    """The use-case of cosign_sign. One signer serves the whole batch.

    `named` says whose signatures count as there already: by default those of the signer's key.
    """

    def __init__(
        self,
        requests: t.Sequence[SignRequest],
        registries: Registries,
        signer: Signer,
        annotations: t.Mapping[str, str],
        progress: Progress = QUIET,
        *,
        named: Named | None = None,
        created: str | None = None,
        concurrency: int = 4,
    ) -> None:
        self._requests = requests
        self._registries = registries
        self._batch = batch.Batch(progress, concurrency)
        self._signer = signer
        self._named = named or NamedByKey(signer)
        self._annotations = dict(annotations)
        self._created = created

    def plan(self) -> Plan:
        """Look for each artifact, and for signatures that are as wanted."""
        return self._batch.each("looked at", self._plan_item, self._requests)

    def predict(self, plan: Plan) -> Outcome:
        """What would be signed."""
        outcome = self._outcome(plan, "would sign")
        outcome.warnings += would_fail(*(item.subject.blocked for item in plan if isinstance(item, SignItem)))
        return outcome

    def apply(self, plan: Plan) -> Outcome:
        """Sign what is missing, unless another process of this host has."""
        return self._outcome(self._batch.each("signed", self._apply_item, plan), "signed")

    def _plan_item(self, request: SignRequest) -> SignItem:
        reference = request.reference
        registry = self._registries.get(reference.host)
        subject = look(registry, reference)
        if subject.descriptor is None:
            return SignItem(request, subject, request.formats, subject.warnings)
        missing = tuple(name for name in request.formats if not self._signed(registry, reference, FORMATS[name]))
        item = SignItem(request, subject, missing)
        item.warnings += [text for name in request.hiding for text in _hidden(registry, request, FORMATS[name])]
        item.warnings += filter(None, (FORMATS[name].overlooked(registry) for name in request.formats))
        return item

    def _signed(self, registry: Registry, reference: Reference, form: Format) -> bool:
        """Whether the wanted signature is there: valid, by this signer, and with exactly these annotations."""
        digest = t.cast(str, reference.digest)
        listed = itertools.chain.from_iterable(form.listings(registry, reference.repository, digest))
        return any(self._wanted(stored, digest, form) for stored in listed)

    def _wanted(self, stored: Stored, digest: str, form: Format) -> bool:
        if stored.content is None or stored.fault:
            return False
        finding = form.judge(stored, digest, self._named.signatory.trust, self._annotations, as_flux=False)
        return finding.verdict is verdicts.Verdict.VERIFIED and dict(finding.annotations) == self._annotations

    def _apply_item(self, item: SignItem) -> SignItem:
        reference, subject = item.request.reference, item.subject.required()
        registry = self._registries.get(reference.host)
        task = Writing(registry, reference, subject, self._signer, self._annotations, self._created)
        done: list[str] = []
        if item.missing:
            self._named.prepare()
        with exclusive(f"sign {reference}"):
            for name in item.missing:
                if self._signed(registry, reference, FORMATS[name]):  # another process of this host was faster
                    continue
                FORMATS[name].write(task)
                done.append(name)
        return SignItem(item.request, item.subject, tuple(done), item.warnings)

    def _outcome(self, done: Plan, verb: str) -> Outcome:
        names = [str(request.reference) for request in self._requests]
        who = self._named.signatory
        listed, actions, warnings = list[dict[str, t.Any]](), list[str](), list[str]()
        before, after = "", ""
        for request, item in zip(self._requests, done, strict=True):
            base = {"reference": str(request.reference), "digest": request.reference.digest, "key": who.key}
            if isinstance(item, GitopsError):
                listed.append({**base, "failure": item.as_failure()})
                continue
            present = [name for name in request.formats if name not in item.missing]
            listed.append({**base, "formats": list(request.formats), "signed": list(item.missing), "present": present})
            warnings += item.warnings
            for name in item.missing:
                before += f"{request.reference}: no {name} signature by {who.name}\n"
                after += f"{request.reference}: {name} signature by {who.name}\n"
                actions.append(f"{verb} {request.reference} ({name})")
        return Outcome(
            changed=bool(actions),
            values={"signatures": listed, **who.values},
            actions=actions,
            diff={"before": before, "after": after},
            failure=batch.failure(names, done),
            warnings=warnings,
        )


def _hidden(registry: Registry, request: SignRequest, form: Format) -> list[str]:
    """Why Flux may not see what is signed in the wanted formats, a sentence each."""
    reference, wanted = request.reference, " and the ".join(FORMATS[name].title for name in request.formats)
    try:
        found = any(form.listing(registry, reference.repository, t.cast(str, reference.digest), as_flux=True))
    except BadAnswer as error:  # it hinders nobody from signing in another format
        return [f"{reference}: Flux looks for a {form.title} first, and cannot be told what it finds: {error.message}"]
    return [f"{reference} has a {form.title}, which hides the {wanted} from Flux 2.8 and later"] if found else []
