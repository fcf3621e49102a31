# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reading means for somebody who waits: done, still at it, or over and why.

Flux tries again after every failure, so no condition says that waiting is vain; reasons and messages do.
Sources: source-controller v1.9.6, internal/controller; kustomize-controller v1.9.5, internal/controller.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from . import conditions
from .conditions import Condition, Reading

State = t.Literal["ready", "working", "retrying", "elsewhere", "refused", "failed"]

NOT_ENFORCED = "NotEnforced"
NOT_VERIFIED = "NotVerified"
PINNED = "PinnedElsewhere"

# Nothing but a change of the object, of what it fetches or of a Secret can end these.
_FINAL = frozenset(
    {
        "URLInvalid",
        "InvalidURL",
        "InvalidPath",
        "AuthenticationFailed",
        "AccessDenied",
        "InvalidProviderConfiguration",
        "InvalidSTSConfiguration",
        "InvalidCELExpression",
        "FeatureGateDisabled",
        "InsecureConnectionsDisallowed",
        "UnsupportedConnectionType",
        "OCIArtifactLayerOperationFailed",
        "EmptyGitRepository",
        "BuildFailed",
    }
)
# After spec.timeout; its message quotes time-outs of its own, which are no reason to go on.
_WAITED_ENOUGH = "HealthCheckFailed"

_NETWORK = re.compile(
    r"dial tcp|dial udp|connection (?:refused|reset)|no such host|i/o timeout|handshake timeout|deadline exceeded"
    r"|\bEOF\b|server misbehaving|no route to host|network is unreachable|broken pipe|TOOMANYREQUESTS"
    r"|too many requests|unexpected status code (?:408|429|5\d\d)|timeout awaiting|temporar(?:y|ily)",
    re.IGNORECASE,
)
_SAID_NO = re.compile(
    r"\b(?:UNAUTHORIZED|DENIED|MANIFEST_UNKNOWN|NAME_UNKNOWN|NAME_INVALID|MANIFEST_INVALID)\b"
    r"|unexpected status code (?:400|401|403|404)\b|no match found for semver|x509: |certificate (?:is|has|signed)"
    r"|server gave HTTP response to HTTPS client|[Aa]uthentication (?:required|failed)|[Aa]uthorization failed"
    r"|[Rr]epository not found|reference not found|couldn't find remote ref|unable to authenticate"
    r"|dry-run failed \((?:Invalid|Forbidden|BadRequest)\)|field is immutable|kustomization path not found"
)


@dataclass(frozen=True)
class Judgement:
    """`working`: nothing to say yet. `retrying`: a failure that may pass. `elsewhere`: done, but with another digest
    than the expected one. `refused`: a signature is missing or wrong. `failed`: all else that waiting does not mend.
    """

    state: State
    reason: str
    message: str


def judge(reading: Reading, expected: str = "", *, must_verify: bool = False) -> Judgement:
    """`expected` is the digest that is waited for; `must_verify` fails what is not asked to prove anything."""
    if reading.pinned and expected and reading.pinned != expected:
        text = f"its spec pins {reading.pinned}, so it will never be at {expected}"
        return Judgement("failed", PINNED, text)
    ready = reading.current(conditions.READY)
    at_work = _at_work(reading, ready)
    if at_work is not None:
        return at_work
    if t.cast("Condition", ready).status:
        return _judge_ready(reading, t.cast("Condition", ready), expected, must_verify)
    return _judge_failure(reading, t.cast("Condition", ready), expected)


def _at_work(reading: Reading, ready: Condition | None) -> Judgement | None:
    if ready is None:
        return Judgement("working", "NotObserved", f"nothing is said of generation {reading.generation} yet")
    busy = reading.current(conditions.RECONCILING)
    # Beside this reason, the other conditions are still those of the attempt before.
    if busy is not None and busy.status and busy.reason == "Progressing":
        return Judgement("working", busy.reason, busy.message)
    if ready.status is None:
        return Judgement("working", ready.reason, ready.message)
    return None


def _judge_ready(reading: Reading, ready: Condition, expected: str, must_verify: bool) -> Judgement:
    if not reading.recorded:  # controllers write conditions first, then the rest of the status
        return Judgement("working", ready.reason, "it is ready, but does not say at which revision yet")
    if reading.verification and not reading.verified:
        text = "its spec asks for a signature, and Flux took the artifact without proving one"
        return Judgement("failed", NOT_ENFORCED, text)
    if must_verify and reading.kind.verifiable and not reading.verification:
        return Judgement("failed", NOT_VERIFIED, "its spec asks for no signature")
    if expected and reading.digest != expected:
        return Judgement("elsewhere", ready.reason, f"it is at {reading.revision or 'no revision'}, not at {expected}")
    proof = reading.source_verified if reading.verification else None
    return Judgement("ready", ready.reason, proof.message if proof else ready.message)


def _judge_failure(reading: Reading, ready: Condition, expected: str) -> Judgement:
    stalled = reading.current(conditions.STALLED)
    if stalled is not None and stalled.status:
        return Judgement("failed", stalled.reason, stalled.message)
    proof = reading.current(conditions.SOURCE_VERIFIED)
    if proof is not None and proof.status is False:
        return _judge_refusal(reading, proof, expected)
    if not is_final(ready):
        return Judgement("retrying", ready.reason, ready.message)
    other = conditions.digest_of(reading.tried)
    if expected and other and other != expected:
        text = f"it failed with {reading.tried}, and was not at {expected} yet: {ready.message}"
        return Judgement("elsewhere", ready.reason, text)
    return Judgement("failed", ready.reason, ready.message)


def _judge_refusal(reading: Reading, proof: Condition, expected: str) -> Judgement:
    if _NETWORK.search(proof.message):
        return Judgement("retrying", proof.reason, proof.message)
    other = reading.refused_digest
    if expected and other and other != expected:
        # It looked before what was expected had arrived, or the reference points to something else.
        text = f"Flux was given {other}, not {expected}, and refused it: {proof.message}"
        return Judgement("elsewhere", proof.reason, text)
    return Judgement("refused", proof.reason, proof.message)


def is_final(failure: Condition) -> bool:
    """Whether waiting cannot mend a Ready condition that is False."""
    if failure.reason == _WAITED_ENOUGH:
        return True
    if _NETWORK.search(failure.message):
        return False
    return failure.reason in _FINAL or bool(_SAID_NO.search(failure.message))
