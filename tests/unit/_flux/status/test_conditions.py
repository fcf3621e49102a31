# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of Flux, read: the present generation only, and nothing that is not there."""

from __future__ import annotations

import typing as t

import pytest
from support.flux_status import COMMIT, FIRST, MOVED, recorded, requested, states

from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import (
    GIT_REPOSITORY,
    HELM_RELEASE,
    HELM_REPOSITORY,
    KINDS,
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from ansible_collections.proven.gitops.plugins.module_utils._flux.status import conditions
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.conditions import (
    Reading,
    digest_of,
    read,
    source_of,
)

Object = dict[str, t.Any]


def _oci(state: str) -> Reading:
    return read(recorded(state), OCI_REPOSITORY)


def test_a_refusal_counts_though_the_status_never_observed_anything() -> None:
    value = recorded("unsigned")
    assert (value["metadata"]["generation"], value["status"]["observedGeneration"]) == (1, -1)
    reading = read(value, OCI_REPOSITORY)
    proof = reading.current(conditions.SOURCE_VERIFIED)
    assert proof is not None
    assert (proof.status, proof.reason, proof.generation) == (False, "VerificationError", 1)
    assert reading.verified is False
    assert reading.refused_digest == FIRST
    assert reading.revision == ""


def test_a_verdict_of_a_former_generation_is_none() -> None:
    reading = _oci("suspended")
    assert (reading.generation, reading.suspended) == (2, True)
    assert reading.conditions[conditions.SOURCE_VERIFIED].status
    assert reading.current(conditions.SOURCE_VERIFIED) is None
    assert reading.verified is None


def test_what_is_advertised_is_not_what_was_refused() -> None:
    reading = _oci("moved to unsigned")
    assert (reading.digest, reading.refused_digest, reading.verified) == (FIRST, MOVED, False)


def test_what_asks_for_no_signature_has_no_verdict() -> None:
    reading = _oci("unverified")
    assert (reading.verification, reading.verified, reading.digest) == (False, None, FIRST)


def test_a_pinned_digest() -> None:
    reading = _oci("pinned")
    assert reading.pinned == reading.revision == reading.digest == FIRST


def test_a_kustomization_has_tried_what_it_does_not_apply() -> None:
    reading = read(recorded("new one failed", "kustomizations"), KUSTOMIZATION)
    assert digest_of(reading.tried) == digest_of(reading.attempted) != reading.digest
    assert not reading.verification
    missing = read(recorded("path missing", "kustomizations"), KUSTOMIZATION)
    assert missing.attempted == ""
    assert missing.tried.startswith("1.0.0@sha256:")


def test_what_is_ready_is_recorded_a_moment_later() -> None:
    assert not _oci("conditions first").recorded
    assert not read(recorded("conditions first", "gitrepositories"), GIT_REPOSITORY).recorded
    assert _oci("verified").recorded
    behind = recorded("verified")
    behind["status"]["artifact"]["revision"] = f"1.0.0@{MOVED}"
    assert not read(behind, OCI_REPOSITORY).recorded


def test_an_answer_is_to_this_request_or_to_a_later_one() -> None:
    mine = read(requested(recorded("verified"), "mine"), OCI_REPOSITORY)
    assert mine.answers("mine", "old")
    theirs = read(requested(recorded("verified"), "theirs"), OCI_REPOSITORY)
    assert theirs.answers("mine", "old")
    old = read(requested(recorded("verified"), "old"), OCI_REPOSITORY)
    assert not old.answers("mine", "old")
    pending = read(requested(recorded("verified"), "mine", handled=False), OCI_REPOSITORY)
    assert not pending.answers("mine", "old")
    never = read(recorded("not observed"), OCI_REPOSITORY)
    assert not never.answers("mine", "")


def _git(mode: str, observed: str | None, status: str = "True") -> Reading:
    value = recorded("ready", "gitrepositories")
    value["spec"]["verify"] = {"mode": mode, "secretRef": {"name": "keys"}}
    value["status"]["sourceVerificationMode"] = observed
    proof = {
        "type": "SourceVerified",
        "status": status,
        "reason": "Succeeded",
        "message": "verified",
        "observedGeneration": 1,
    }
    value["status"]["conditions"].append(proof)
    return read(value, GIT_REPOSITORY)


def test_git_keeps_a_verdict_while_the_commit_and_the_mode_stay() -> None:
    reading = _git("HEAD", "HEAD")
    assert reading.generation == 2
    assert (reading.digest, reading.verification, reading.verified) == (COMMIT, True, True)
    assert _git("TagAndHEAD", "HEAD").verified is None
    assert _git("HEAD", None).verified is None
    assert not _git("", None).verification


def test_a_helm_release_has_its_digest_beside_its_revision() -> None:
    value: Object = {"status": {"lastAttemptedRevision": "1.0.0+0065e4d638e0", "lastAttemptedRevisionDigest": FIRST}}
    reading = read(value, HELM_RELEASE)
    assert (reading.revision, reading.digest, reading.tried) == ("1.0.0+0065e4d638e0", FIRST, FIRST)


def test_helm_repositories_of_type_oci_have_no_controller() -> None:
    assert read({"spec": {"type": "oci"}}, HELM_REPOSITORY).static
    assert not read({"spec": {"type": "default"}}, HELM_REPOSITORY).static


ODD: list[Object] = [
    {},
    {"metadata": None, "spec": [], "status": "x"},
    {"metadata": {"generation": "1", "annotations": []}, "status": {"conditions": {}, "artifact": "x"}},
    {"metadata": {"generation": True}, "status": {"conditions": ["x", {"type": 1}, {"status": "True"}]}},
    {"status": {"conditions": [{"type": "Ready", "status": True, "observedGeneration": "1"}]}},
    {"spec": {"verify": "yes", "ref": ["x"]}, "status": {"lastHandledReconcileAt": 5, "artifact": {"revision": {}}}},
]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("kind", KINDS.values(), ids=str)
def test_what_is_of_another_shape_is_not_there(value: Object, kind: t.Any) -> None:
    reading = read(value, kind)
    assert (reading.generation, reading.revision, reading.handled, reading.verification) == (0, "", "", False)
    assert reading.current(conditions.READY) is None
    assert source_of(value, kind) is None


def test_messages_are_kept_short_and_clean() -> None:
    value = recorded("unsigned")
    value["status"]["conditions"][0]["message"] = "a\n\x1b[31mb\x9b" + "c" * 40_000
    reading = read(value, OCI_REPOSITORY)
    message = reading.conditions[value["status"]["conditions"][0]["type"]].message
    assert message.startswith("a [31mb c")
    assert len(message) == 2000


@pytest.mark.parametrize(
    ("revision", "digest"),
    [
        (f"1.0.0@{FIRST}", FIRST),
        (FIRST, FIRST),
        (f"main@{COMMIT}", COMMIT),
        (f"feature/x@y@{COMMIT}", COMMIT),
        ("main/5b052cbc8a7e807ad52cb149e816dbc989058ea8", ""),
        ("1.0.0", ""),
        (f"{FIRST}\n", ""),
        (f"x{FIRST}", ""),
        ("", ""),
    ],
)
def test_digests_of_revisions(revision: str, digest: str) -> None:
    assert digest_of(revision) == digest


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Kustomization", {"sourceRef": {"kind": "OCIRepository", "name": "a"}}, ("OCIRepository", "web", "a")),
        (
            "Kustomization",
            {"sourceRef": {"kind": "GitRepository", "name": "a", "namespace": "b"}},
            ("GitRepository", "b", "a"),
        ),
        ("HelmRelease", {"chartRef": {"kind": "OCIRepository", "name": "a"}}, ("OCIRepository", "web", "a")),
        (
            "HelmRelease",
            {"chart": {"spec": {"sourceRef": {"kind": "HelmRepository", "name": "a"}}}},
            ("HelmRepository", "web", "a"),
        ),
        ("OCIRepository", {"sourceRef": {"kind": "OCIRepository", "name": "a"}}, None),
        ("Kustomization", {"sourceRef": {"kind": "OCIRepository", "name": "../../secrets/a"}}, None),
        ("Kustomization", {"sourceRef": {"kind": "OCIRepository", "name": "a", "namespace": ".."}}, None),
        ("HelmRelease", {}, None),
    ],
)
def test_where_an_object_takes_from(kind: str, spec: Object, expected: object) -> None:
    """A name from the cluster becomes a path in its API, so it has to be a name."""
    found = source_of({"metadata": {"namespace": "web"}, "spec": spec}, KINDS[kind])
    assert (found and (found.kind, found.namespace, found.name)) == expected


def test_all_that_was_recorded_can_be_shown() -> None:
    for plural, kind in (("ocirepositories", OCI_REPOSITORY), ("kustomizations", KUSTOMIZATION)):
        for value in states(plural).values():
            for one in read(value, kind).conditions.values():
                assert one.as_value()["status"] in ("True", "False", "Unknown")
                assert str(one).startswith(one.type)
