# SPDX-License-Identifier: GPL-3.0-or-later
"""What every recorded state means for somebody who waits."""

from __future__ import annotations

import copy
import typing as t

import pytest
from support.flux_status import APPLIED, COMMIT, FIRST, MOVED, recorded, states

from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import KINDS
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.conditions import Condition, read
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.judgement import Judgement, is_final, judge

Object = dict[str, t.Any]
OTHER = "sha256:" + "f" * 64


def _judge(value: Object, expected: str = "", **options: t.Any) -> Judgement:
    return judge(read(value, KINDS[value["kind"]]), expected, **options)


OCI = {
    "not observed": "working",
    "finalizer": "working",
    "fetching": "working",
    "verifying": "working",
    "unsigned": "refused",
    "wrong key": "refused",
    "retry began": "working",
    "retry at work": "working",
    "retry verified": "working",
    "conditions first": "working",
    "verified": "ready",
    "key replaced": "ready",
    "moved to unsigned": "refused",
    "moved back": "ready",
    "secret without pub": "refused",
    "secret garbage": "refused",
    "secret missing": "refused",
    "url with tag": "failed",
    "unknown tag": "failed",
    "unknown digest": "refused",
    "no semver": "failed",
    "pinned": "ready",
    "unverified": "ready",
    "login missing": "failed",
    "connection refused": "retrying",
    "unknown host": "retrying",
    "no layer": "failed",
    "keyless offline": "retrying",
    "notation without policy": "refused",
    "unauthorized": "failed",
    "too many requests": "retrying",
    "suspended": "working",
}
KUSTOMIZATIONS = {
    "applied": "ready",
    "no source": "retrying",
    "source refused": "retrying",
    "build failed": "failed",
    "path missing": "failed",
    "invalid": "failed",
    "no crd": "retrying",
    "no namespace": "retrying",
    "health in progress": "working",
    "unhealthy": "failed",
    "dependency": "retrying",
    "suspended": "working",
    "applied before": "ready",
    "new one failed": "failed",
}
GIT = {
    "conditions first": "working",
    "ready": "ready",
    "unknown branch": "failed",
    "not found": "failed",
    "unsigned": "refused",
    "tag mode": "failed",
    "login": "failed",
    "down": "retrying",
}
TABLES = {"ocirepositories": OCI, "kustomizations": KUSTOMIZATIONS, "gitrepositories": GIT}


@pytest.mark.parametrize(
    ("plural", "state", "expected"),
    [(plural, state, verdict) for plural, table in TABLES.items() for state, verdict in table.items()],
)
def test_every_recorded_state(plural: str, state: str, expected: str) -> None:
    found = _judge(recorded(state, plural))
    assert found.state == expected, found
    assert found.message


@pytest.mark.parametrize("plural", TABLES)
def test_no_recorded_state_is_left_out(plural: str) -> None:
    assert set(states(plural)) == set(TABLES[plural])


@pytest.mark.parametrize(
    ("state", "reason", "text"),
    [
        ("unsigned", "VerificationError", "no matching signatures were found"),
        ("secret missing", "VerificationError", 'secrets "absent" not found'),
        ("url with tag", "URLInvalid", "repository can only contain"),
        ("login missing", "AuthenticationFailed", 'secrets "absent" not found'),
        ("unknown tag", "OCIArtifactPullFailed", "MANIFEST_UNKNOWN"),
        ("no semver", "ReadOperationFailed", "no match found for semver: >=5"),
        ("verified", "Succeeded", f"verified signature of revision 1.0.0@{FIRST}"),
        ("unverified", "Succeeded", "stored artifact"),
    ],
)
def test_the_reason_is_that_of_flux(state: str, reason: str, text: str) -> None:
    found = _judge(recorded(state))
    assert found.reason == reason
    assert text in found.message


@pytest.mark.parametrize(
    ("plural", "state", "digest"),
    [
        ("ocirepositories", "verified", FIRST),
        ("kustomizations", "applied", APPLIED),
        ("gitrepositories", "ready", COMMIT),
    ],
)
def test_only_the_expected_digest_will_do(plural: str, state: str, digest: str) -> None:
    assert _judge(recorded(state, plural), digest).state == "ready"
    found = _judge(recorded(state, plural), OTHER)
    assert found.state == "elsewhere"
    assert digest in found.message
    assert OTHER in found.message


def test_the_refusal_of_another_digest_is_not_that_of_the_expected_one() -> None:
    assert _judge(recorded("moved to unsigned"), MOVED).state == "refused"
    # FIRST is still advertised, but what Flux looked at last was something else.
    found = _judge(recorded("moved to unsigned"), FIRST)
    assert found.state == "elsewhere"
    assert f"was given {MOVED}, not {FIRST}, and refused it" in found.message


def test_a_failure_with_another_revision_is_not_that_of_the_expected_one() -> None:
    value = recorded("new one failed", "kustomizations")
    tried = value["status"]["lastAttemptedRevision"].partition("@")[2]
    assert _judge(value, tried).state == "failed"
    assert _judge(value, OTHER).state == "elsewhere"
    waiting = recorded("no crd", "kustomizations")
    assert _judge(waiting, OTHER).state == "retrying"


def test_a_pin_to_something_else_will_never_match() -> None:
    assert _judge(recorded("pinned"), FIRST).state == "ready"
    found = _judge(recorded("pinned"), OTHER)
    assert (found.state, found.reason) == ("failed", "PinnedElsewhere")


def test_verification_that_is_configured_and_not_enforced() -> None:
    """As with notation, where a trust policy may let an artifact pass that nobody signed."""
    value = recorded("verified")
    value["status"]["conditions"] = [one for one in value["status"]["conditions"] if one["type"] != "SourceVerified"]
    found = _judge(value, FIRST)
    assert (found.state, found.reason) == ("failed", "NotEnforced")


def test_a_proof_of_a_former_generation_is_not_enforcement() -> None:
    value = recorded("verified")
    value["metadata"]["generation"] = 2
    for one in value["status"]["conditions"]:
        one["observedGeneration"] = 1 if one["type"] == "SourceVerified" else 2
    assert _judge(value).reason == "NotEnforced"


def test_verification_that_is_wanted_and_not_configured() -> None:
    found = _judge(recorded("unverified"), must_verify=True)
    assert (found.state, found.reason) == ("failed", "NotVerified")
    assert _judge(recorded("verified"), must_verify=True).state == "ready"
    assert _judge(recorded("applied", "kustomizations"), must_verify=True).state == "ready"


@pytest.mark.parametrize("fingerprint", [None, "sha256:" + "a" * 64], ids=["2.9", "2.10"])
def test_a_verdict_is_read_alike_in_each_release(fingerprint: str | None) -> None:
    """Since 2.10 the status holds a fingerprint of the keys, and a replaced key is refused at the same revision."""
    value = copy.deepcopy(recorded("verified"))
    if fingerprint:
        value["status"]["sourceVerificationFingerprint"] = fingerprint
        del value["spec"]["provider"], value["spec"]["timeout"]  # no longer filled in by the CRD
    assert _judge(value, FIRST).state == "ready"
    refused = recorded("unsigned")
    refused["status"]["artifact"] = {"revision": f"1.0.0@{FIRST}"}
    assert _judge(refused, FIRST).state == "refused"


@pytest.mark.parametrize(
    ("reason", "message", "final"),
    [
        ("OCIArtifactPullFailed", "GET https://r/v2/: UNAUTHORIZED: authentication required", True),
        ("OCIArtifactPullFailed", "GET https://r/token: DENIED: requested access is denied", True),
        ("OCIArtifactPullFailed", "GET https://r/v2/: unexpected status code 403 Forbidden", True),
        ("OCIArtifactPullFailed", "GET https://r/v2/: unexpected status code 503 Service Unavailable", False),
        (
            "OCIArtifactPullFailed",
            "Get https://r/v2/: tls: failed to verify certificate: x509: unknown authority",
            True,
        ),
        ("OCIArtifactPullFailed", "Get https://r/v2/: net/http: TLS handshake timeout", False),
        ("OCIArtifactPullFailed", "Get https://r/v2/: EOF", False),
        ("OCIArtifactPullFailed", "something that nobody thought of", False),
        ("AuthenticationFailed", "failed to get credential from aws: dial tcp: i/o timeout", False),
        ("AuthenticationFailed", "failed to get credential: no identity", True),
        ("GitOperationFailed", "ssh: handshake failed: ssh: unable to authenticate", True),
        ("HealthCheckFailed", "timeout waiting for: [...]: context deadline exceeded", True),
        ("HealthCheckCanceled", "New reconciliation triggered", False),
        ("ReconciliationFailed", "Service/a/b dry-run failed (Invalid): port", True),
        ("ReconciliationFailed", "Post https://webhook: connect: connection refused", False),
        ("BuildFailed", "accumulating resources", True),
        ("UpgradeFailed", "Helm upgrade failed: another operation is in progress", False),
    ],
)
def test_what_waiting_can_mend(reason: str, message: str, final: bool) -> None:
    assert is_final(Condition("Ready", False, reason, message, 1)) is final


def test_unknown_is_no_verdict() -> None:
    """As of a HelmRelease whose former failure is gone, before the next attempt."""
    ready = {"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "m", "observedGeneration": 1}
    value: Object = {"kind": "HelmRelease", "metadata": {"generation": 1}, "status": {"conditions": [ready]}}
    assert _judge(value) == Judgement("working", "Progressing", "m")


def test_a_release_that_gave_up() -> None:
    stalled = {
        "type": "Stalled",
        "status": "True",
        "reason": "RetriesExceeded",
        "message": "m",
        "observedGeneration": 1,
    }
    ready = {"type": "Ready", "status": "False", "reason": "UpgradeFailed", "message": "m", "observedGeneration": 1}
    value: Object = {"kind": "HelmRelease", "metadata": {"generation": 1}, "status": {"conditions": [ready]}}
    assert _judge(value).state == "retrying"
    value["status"]["conditions"].append(stalled)
    assert (_judge(value).state, _judge(value).reason) == ("failed", "RetriesExceeded")
