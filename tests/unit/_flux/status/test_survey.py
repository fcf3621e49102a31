# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of a source: the verdict as it is worth now, and what is configured and not enforced."""

from __future__ import annotations

import typing as t

import pytest
from support.flux_status import COMMIT, FIRST, recorded

from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import (
    GIT_REPOSITORY,
    HELM_CHART,
    OCI_REPOSITORY,
)
from ansible_collections.proven.gitops.plugins.module_utils._flux.secrets.trust import Trust, TrustedKey
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.survey import Survey, survey
from ansible_collections.proven.gitops.plugins.module_utils._flux.version import FluxVersion

Object = dict[str, t.Any]
KEY = TrustedKey("cosign.pub", "sha256:" + "a" * 64, "ecdsa-p256")
BEFORE, AFTER = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


def _oci(state: str = "verified", **options: t.Any) -> Survey:
    return survey(recorded(state), OCI_REPOSITORY, **options)


def _rules(found: Survey) -> list[str]:
    return [one.rule for one in found.findings()]


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("verified", "verified"),
        ("pinned", "verified"),
        ("unsigned", "refused"),
        ("moved to unsigned", "refused"),
        ("secret missing", "refused"),
        ("keyless offline", "refused"),
        ("unverified", "off"),
        ("suspended", "unknown"),
        ("not observed", "unknown"),
        ("fetching", "unknown"),
        ("connection refused", "unknown"),
        ("url with tag", "unknown"),
        ("no layer", "verified"),
    ],
)
def test_the_verdict_of_every_kind_of_state(state: str, verdict: str) -> None:
    assert _oci(state).describe()["verdict"] == verdict


def test_everything_about_a_verified_source() -> None:
    value = recorded("verified", namespace="apps")
    value["status"]["artifact"]["metadata"] = {
        "org.opencontainers.image.source": "https://git.example/app",
        "org.opencontainers.image.revision": f"main@{COMMIT}",
    }
    found = survey(value, OCI_REPOSITORY, Trust(True, (KEY,), BEFORE)).describe()
    assert found["url"].startswith("oci://127.0.0.1:5000/app-")
    conditions = found.pop("conditions")
    assert [one["type"] for one in conditions] == ["Ready", "ArtifactInStorage", "SourceVerified"]
    assert {name: found[name] for name in found if name not in ("url", "findings")} == {
        "kind": "OCIRepository",
        "namespace": "apps",
        "name": "app",
        "ref": {"tag": "1.0.0"},
        "suspended": False,
        "verification": True,
        "provider": "cosign",
        "key_secret": "cosign-pub",
        "public_keys": [KEY.as_value()],
        "identities": [],
        "trusted_root_secret": None,
        "verdict": "verified",
        "reason": "Succeeded",
        "message": f"verified signature of revision 1.0.0@{FIRST}",
        "stale": False,
        "verifies_again": None,
        "state": "ready",
        "ready": True,
        "revision": f"1.0.0@{FIRST}",
        "digest": FIRST,
        "source": "https://git.example/app",
        "artifact_revision": f"main@{COMMIT}",
        "generation": 1,
    }


def test_what_is_refused_is_not_what_is_advertised() -> None:
    found = _oci("moved to unsigned")
    assert _rules(found) == ["advertises-another"]
    described = found.describe()
    assert (described["digest"], described["state"], described["ready"]) == (FIRST, "refused", False)


def test_a_verdict_that_is_out_of_date() -> None:
    found = _oci("suspended")
    assert found.describe()["stale"]
    assert _rules(found) == ["verdict-stale", "suspended"]


def test_a_suspended_source_says_that_it_is_ready_without_a_look() -> None:
    """source-controller sums up what it knows for the new generation, too."""
    value = recorded("suspended")
    value["status"]["conditions"][0]["observedGeneration"] = 2
    assert value["status"]["conditions"][0]["type"] == "Ready"
    described = survey(value, OCI_REPOSITORY).describe()
    assert (described["verdict"], described["state"], described["ready"]) == ("unknown", "suspended", None)
    assert described["reason"] == "Suspended"


def test_configured_and_not_enforced_is_an_error() -> None:
    value = recorded("verified")
    value["spec"]["verify"] = {"provider": "notation", "secretRef": {"name": "notation"}}
    value["status"]["conditions"] = [one for one in value["status"]["conditions"] if one["type"] != "SourceVerified"]
    found = survey(value, OCI_REPOSITORY)
    assert (found.verdict, _rules(found)) == ("not_enforced", ["not-enforced"])
    assert found.findings()[0].severity == "error"
    assert not found.keys_in_secret


def test_off_is_a_warning() -> None:
    found = _oci("unverified")
    assert [(one.rule, one.severity) for one in found.findings()] == [("verify-off", "warning")]
    assert found.describe()["provider"] is None


def _identities(*entries: Object, **more: t.Any) -> Survey:
    value = recorded("verified")
    value["spec"]["verify"] = {"provider": "cosign", "matchOIDCIdentity": list(entries), **more}
    return survey(value, OCI_REPOSITORY, version=FluxVersion(2, 9))


GOOD: Object = {
    "issuer": r"^https://issuer\.example$",
    "subject": r"^https://git\.example/org/app/workflow@refs/tags/v1$",
}


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (_identities(), "identity-missing"),
        (_identities(GOOD, secretRef={"name": "cosign-pub"}), "key-and-identity"),
        (_identities({"issuer": ".*", "subject": ".*"}), "identity-lets-anybody-in"),
        (_identities(GOOD, GOOD), "identities-with-bundles"),
    ],
)
def test_what_flux_takes_without_proving_much_is_found_in_a_cluster_too(found: Survey, rule: str) -> None:
    assert rule in _rules(found)
    assert found.verdict == "verified"


def test_an_identity_that_is_good() -> None:
    found = _identities(GOOD, trustedRootSecretRef={"name": "root"})
    assert _rules(found) == []
    described = found.describe()
    assert (described["identities"], described["trusted_root_secret"]) == ([GOOD], "root")
    assert (described["key_secret"], described["verifies_again"]) == (None, None)


@pytest.mark.parametrize(
    ("version", "fingerprint", "again"),
    [("2.8", "", False), ("2.9.5", "", False), ("2.10", "", True), ("2.9", "sha256:a", True), (None, "sha256:a", True)],
)
def test_keys_that_change_are_seen_since_2_10(version: str | None, fingerprint: str, again: bool) -> None:
    value = recorded("key replaced")
    if fingerprint:
        value["status"]["sourceVerificationFingerprint"] = fingerprint
    release = FluxVersion.parse(version) if version else None
    changed = survey(value, OCI_REPOSITORY, Trust(True, (KEY,), AFTER), release)
    assert changed.verifies_again is again
    assert _rules(changed) == ([] if again else ["keys-changed"])
    untouched = survey(value, OCI_REPOSITORY, Trust(True, (KEY,), BEFORE), release)
    assert [(one.rule, one.severity) for one in untouched.findings()] == (
        [] if again else [("keys-not-watched", "note")]
    )


def test_of_a_release_that_is_not_known_the_worst_is_said() -> None:
    assert _rules(_oci("key replaced", trust=Trust(True, (KEY,), AFTER))) == ["keys-changed"]


def test_keys_that_changed_are_no_matter_where_nothing_was_verified() -> None:
    assert _rules(_oci("unsigned", trust=Trust(True, (KEY,), AFTER), version=FluxVersion(2, 9))) == []


@pytest.mark.parametrize(
    ("trust", "rule"),
    [(Trust(False), "keys-missing"), (Trust(None), "keys-unread"), (Trust(True), "keys-missing")],
)
def test_why_nothing_can_be_verified(trust: Trust, rule: str) -> None:
    assert rule in _rules(_oci("secret missing", trust=trust))


def test_the_defaults_of_2_10_are_in_no_object() -> None:
    value = recorded("verified")
    value["spec"] = {"url": "oci://r.example/app", "verify": {"secretRef": {"name": "cosign-pub"}}}
    described = survey(value, OCI_REPOSITORY).describe()
    assert (described["provider"], described["ref"], described["verification"]) == ("cosign", {}, True)


def test_git_and_charts_have_what_they_have() -> None:
    value = recorded("unsigned", "gitrepositories")
    git = survey(value, GIT_REPOSITORY).describe()
    assert (git["verdict"], git["provider"], git["key_secret"], git["ref"]) == (
        "refused",
        "git",
        "pgp",
        {"branch": "main"},
    )
    plain = survey(recorded("ready", "gitrepositories"), GIT_REPOSITORY)
    assert (plain.verdict, _rules(plain)) == ("off", ["verify-off"])
    chart: Object = {"metadata": {"name": "c", "namespace": "n"}, "spec": {"chart": "app", "version": "1.x"}}
    assert survey(chart, HELM_CHART).describe()["ref"] == {"chart": "app", "version": "1.x"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:hunter2@git.example/a.git", "https://user:***@git.example/a.git"),
        ("ssh://git@git.example/a", "ssh://git@git.example/a"),
        ("oci://r.example:5000/a", "oci://r.example:5000/a"),
        ("https://git.example/a:b@c", "https://git.example/a:b@c"),
    ],
)
def test_a_password_in_an_address_is_not_repeated(url: str, shown: str) -> None:
    assert survey({"spec": {"url": url}}, GIT_REPOSITORY).describe()["url"] == shown


ODD: list[Object] = [
    {},
    {"metadata": [], "spec": "x", "status": None},
    {"spec": {"verify": {"matchOIDCIdentity": "x", "secretRef": "y", "provider": 5}, "ref": [], "url": {}}},
    {"spec": {"verify": {"matchOIDCIdentity": ["x", {"issuer": 1}]}}, "status": {"artifact": {"metadata": "x"}}},
    {"metadata": {"namespace": "../x"}, "spec": {"verify": {"secretRef": {"name": "../../y"}}}},
]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("kind", [OCI_REPOSITORY, GIT_REPOSITORY, HELM_CHART], ids=str)
def test_an_odd_object_is_described_all_the_same(value: Object, kind: t.Any) -> None:
    found = survey(value, kind)
    assert found.describe()["verdict"] in ("unknown", "off")
    assert not found.keys_in_secret
