# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source in a cluster is asked to prove, and what Flux says of it: the facts of one object as plain data.

"Configured" and "enforced" are two things: only Flux's own verdict for the present generation says the second.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ..._artifact.annotations import REVISION, SOURCE
from ..._shared.shapes import at, mapping
from .. import names
from ..declare.source import Identity, Source, Verify
from ..kinds import GIT_REPOSITORY, OCI_REPOSITORY
from ..rules import verify as rules_verify
from ..rules.rule import Finding
from ..version import NEWEST, VERIFIES_AGAIN, FluxVersion, verifies_again
from . import conditions
from .judgement import NOT_ENFORCED, Judgement, judge

if t.TYPE_CHECKING:  # pragma: no cover
    from ..kinds import Kind
    from ..secrets.trust import Trust
    from .conditions import Condition, Object, Reading

Verdict = t.Literal["verified", "refused", "not_enforced", "unknown", "off"]

_ANNOTATIONS = {"source": SOURCE, "artifact_revision": REVISION}
_OLDER = f"Flux before {VERIFIES_AGAIN.release}"
_PASSWORD = re.compile(r"(\A[^/]*//[^/@:]*:)[^/@]*@")
_REFS = ("tag", "semver", "semverFilter", "digest", "branch", "name", "commit")


@dataclass(frozen=True)
class Survey:
    """One source: the object, how it reads, and the Secret with its keys, where that was looked at."""

    value: Object = field(repr=False)
    kind: Kind
    reading: Reading
    trust: Trust | None = None
    version: FluxVersion | None = None

    @property
    def verify(self) -> Object:
        """The part of the spec that asks for proof; empty where nothing does."""
        return mapping(at(self.value, "spec", "verify")) if self.reading.verification else {}

    @property
    def verdict(self) -> Verdict:
        """What Flux's word is worth now."""
        if not self.reading.verification:
            return "off"
        if self.reading.verified is not None:
            return "verified" if self.reading.verified else "refused"
        return "not_enforced" if self.judgement.reason == NOT_ENFORCED else "unknown"

    @property
    def judgement(self) -> Judgement:
        """What it says of itself. Of a suspended source Ready is brought up to date, though nothing was looked at."""
        if self.reading.suspended:
            return Judgement("working", "Suspended", "it is suspended, so Flux says nothing of it as it is now")
        return judge(self.reading)

    @property
    def stale(self) -> bool:
        """Whether there is a verdict, but of a former generation."""
        return self.reading.stale_verdict is not None

    @property
    def verifies_again(self) -> bool | None:
        """Whether this Flux verifies what it has when the keys change; None where the release is not known."""
        if _text(at(self.value, "status", "sourceVerificationFingerprint")):
            return True
        return verifies_again(self.version) if self.version else None

    @property
    def key_secret(self) -> str:
        """The name of the Secret with the keys or certificates; empty where there is none."""
        return _text(at(self.verify, "secretRef", "name"))

    @property
    def namespace(self) -> str:
        """Of the source, and of the Secrets that it names."""
        return _text(at(self.value, "metadata", "namespace"))

    @property
    def keys_in_secret(self) -> bool:
        """Whether `key_secret` is one that holds cosign's public keys, and can be looked at by its name."""
        usable = not names.wrong_subdomain(self.key_secret) and not names.wrong_label_name(self.namespace)
        return usable and self._provider() == "cosign"

    @property
    def identities(self) -> list[dict[str, str]]:
        """Who may have signed without a key."""
        listed = self.verify.get("matchOIDCIdentity")
        entries = [mapping(one) for one in listed] if isinstance(listed, list) else []
        return [{"issuer": _text(one.get("issuer")), "subject": _text(one.get("subject"))} for one in entries]

    def findings(self) -> list[Finding]:
        """What is to be said about it, errors first."""
        found = [*self._weaknesses(), *self._state()]
        if self.trust is not None:
            found += self.trust.findings(self.key_secret)
            found += self._rotation(self.trust)
        return sorted(found, key=lambda one: one.severity != "error")

    def _weaknesses(self) -> list[Finding]:
        """The rules of a declaration, on what is in the cluster."""
        if self.kind is not OCI_REPOSITORY:
            text = "Flux will take whatever it finds there, signed or not"
            return [] if self.reading.verification else [Finding("verify-off", "warning", "verify", text)]
        source, version = self._source(), self.version or NEWEST
        return [one for rule in rules_verify.RULES if rule.holds_for(version) for one in rule.findings(source)]

    def _source(self) -> Source:
        spec, verify = mapping(self.value.get("spec")), None
        if self.reading.verification:
            listed = tuple(Identity(**one) for one in self.identities)
            root = _text(at(self.verify, "trustedRootSecretRef", "name"))
            provider = _text(self.verify.get("provider")) or "cosign"
            verify = Verify(provider, self.key_secret or None, listed or None, root or None)
        proxy = _text(at(spec, "proxySecretRef", "name")) or None
        insecure = spec.get("insecure") is True
        return Source("any", _text(spec.get("url")), verify=verify, insecure=insecure, proxy_secret_ref=proxy)

    def _state(self) -> t.Iterator[Finding]:
        reading = self.reading
        if self.verdict == "not_enforced":
            text = "a signature is asked for, and Flux took the artifact without proving one"
            yield Finding("not-enforced", "error", "verify", text)
        if self.stale:
            proof = t.cast("Condition", reading.stale_verdict)
            text = f"the verdict is of generation {proof.generation}, and the object is at {reading.generation}"
            yield Finding("verdict-stale", "warning", "verify", text)
        if reading.suspended and reading.verification:
            text = "it is suspended: Flux neither fetches nor verifies, and what it advertises stays"
            yield Finding("suspended", "warning", "suspend", text)
        if self.verdict == "refused" and reading.revision:
            text = f"it goes on advertising {reading.revision}, which this verdict is not about"
            yield Finding("advertises-another", "warning", "verify", text)

    def _rotation(self, trust: Trust) -> t.Iterator[Finding]:
        """Before 2.10 a verdict outlives the keys that it was given with (source-controller #2165)."""
        proof = self.reading.source_verified
        if self.verifies_again or proof is None or not proof.status:
            return
        if trust.changed and proof.since and trust.changed > proof.since:
            text = (
                f"it was changed at {trust.changed}, after the verdict of {proof.since}: {_OLDER} does not"
                " verify again what it has, so the verdict may be of other keys. Name the keys by a Secret of another"
                " name to make it"
            )
            yield Finding("keys-changed", "warning", "verify.secret_ref", text)
        else:
            text = f"{_OLDER} does not verify again what it has when the keys in this Secret change"
            yield Finding("keys-not-watched", "note", "verify.secret_ref", text)

    def describe(self) -> dict[str, t.Any]:
        """The source as a task returns it."""
        spec, reading = mapping(self.value.get("spec")), self.reading
        judgement = self.judgement
        proof = reading.source_verified
        return {
            "kind": self.kind.name,
            "namespace": self.namespace,
            "name": _text(at(self.value, "metadata", "name")),
            "url": _PASSWORD.sub(r"\1***@", _text(spec.get("url"))) or None,
            "ref": _references(spec),
            "suspended": reading.suspended,
            "verification": reading.verification,
            "provider": self._provider(),
            "key_secret": self.key_secret or None,
            "public_keys": self.trust.describe() if self.trust else None,
            "identities": self.identities,
            "trusted_root_secret": _text(at(self.verify, "trustedRootSecretRef", "name")) or None,
            "verdict": self.verdict,
            "reason": proof.reason if proof else judgement.reason,
            "message": proof.message if proof else judgement.message,
            "stale": self.stale,
            "verifies_again": self.verifies_again if self.key_secret else None,
            "state": "suspended" if reading.suspended else judgement.state,
            "ready": {"ready": True, "working": None}.get(judgement.state, False),
            "revision": reading.revision or None,
            "digest": reading.digest or None,
            **self._annotations(),
            "generation": reading.generation,
            "conditions": [one.as_value() for one in reading.conditions.values()],
            "findings": [one.as_value() for one in self.findings()],
        }

    def _provider(self) -> str | None:
        if not self.reading.verification:
            return None
        return "git" if self.kind is GIT_REPOSITORY else _text(self.verify.get("provider")) or "cosign"

    def _annotations(self) -> dict[str, str | None]:
        """What the publisher wrote on the artifact that is advertised."""
        found = mapping(at(self.value, "status", "artifact", "metadata"))
        return {name: _text(found.get(key)) or None for name, key in _ANNOTATIONS.items()}


def survey(value: Object, kind: Kind, trust: Trust | None = None, version: FluxVersion | None = None) -> Survey:
    """A source as the API server returns it, read."""
    return Survey(value, kind, conditions.read(value, kind), trust, version)


def _references(spec: Object) -> dict[str, str]:
    given = mapping(spec.get("ref"))
    found = {{"semverFilter": "semver_filter"}.get(name, name): _text(given.get(name)) for name in _REFS}
    chart = {name: _text(spec.get(name)) for name in ("chart", "version")}
    return {name: text for name, text in {**found, **chart}.items() if text}


def _text(value: object) -> str:
    """As it is: what a pattern lets in depends on each of its characters."""
    return value[:2000] if isinstance(value, str) else ""
