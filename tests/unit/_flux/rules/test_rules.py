# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule, in both directions."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare.source import declare
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules import release as rules_release
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.check import RULES, judge
from ansible_collections.proven.gitops.plugins.module_utils._flux.rules.rule import Finding
from ansible_collections.proven.gitops.plugins.module_utils._flux.version import NEWEST, FluxVersion

Options = dict[str, t.Any]

GITHUB = {
    "issuer": r"^https://token\.actions\.githubusercontent\.com$",
    "subject": r"^https://github\.com/org/repo/.*$",
}
GITLAB = {"issuer": r"^https://gitlab\.com$", "subject": r"^https://gitlab\.com/org/repo//.*$"}
HTTP = {"url": "oci://kind-registry:5000/app", "insecure": True}


def _judge(options: Options, version: str = "") -> list[Finding]:
    given = {"name": "app", "url": "oci://ghcr.io/org/app", **options}
    unverified = given.pop("unverified", False)
    return judge(declare(given, unverified=unverified), FluxVersion.parse(version) if version else NEWEST)


def _keyless(*identities: Options, **more: t.Any) -> Options:
    return {"verify": {"match_oidc_identity": list(identities), **more}}


def _applied(**options: t.Any) -> Options:
    return {"kustomization": options}


REFUSED: list[tuple[str, str, Options, str]] = [
    ("url", "url", {"url": ""}, ""),
    ("url", "url", {"url": "https://ghcr.io/org/app"}, ""),
    ("url", "url", {"url": "oci://ghcr.io/org/app:v1"}, ""),
    ("url", "url", {"url": "oci://ghcr.io/org/app@sha256:" + "0" * 64}, ""),
    ("url", "url", {"url": "oci://ghcr.io"}, ""),
    ("url", "url", {"url": "oci://ghcr.io/Org/app"}, ""),
    ("url", "url", {"url": "oci://registry/app"}, ""),
    ("url", "url", {"url": "oci://localhost/app", "allow_loopback": True}, ""),
    ("url", "url", {"url": "oci://user:secret@ghcr.io/org/app"}, ""),
    ("url-loopback", "url", {"url": "oci://127.0.0.1:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://127.9.9.9:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://localhost:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://LOCALHOST:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://registry.localhost:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://[::1]:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://[::ffff:7f00:1]:5000/app"}, ""),
    ("url-loopback", "url", {"url": "oci://0.0.0.0:5000/app"}, ""),
    ("ref-precedence", "ref.tag", {"ref": {"semver": "*", "tag": "v1"}}, ""),
    ("ref-precedence", "ref.semver", {"ref": {"digest": "sha256:" + "0" * 64, "semver": "*"}}, ""),
    ("ref-precedence", "ref.semver_filter", {"ref": {"tag": "v1", "semver_filter": "^v"}}, ""),
    ("ref-syntax", "ref.digest", {"ref": {"digest": "sha256:abc"}}, ""),
    ("ref-syntax", "ref.tag", {"ref": {"tag": "a b"}}, ""),
    ("ref-syntax", "ref.semver", {"ref": {"semver": "newest"}}, ""),
    ("ref-syntax", "ref.semver_filter", {"ref": {"semver": "*", "semver_filter": "(?!rc)"}}, ""),
    ("durations", "interval", {"interval": "5"}, ""),
    ("durations", "timeout", {"timeout": "1h"}, ""),
    ("names", "name", {"name": "App"}, ""),
    ("names", "namespace", {"namespace": "a.b"}, ""),
    ("names", "secret_ref", {"secret_ref": ""}, ""),
    ("names", "cert_secret_ref", {"cert_secret_ref": "a/b"}, ""),
    ("names", "proxy_secret_ref", {"proxy_secret_ref": "A"}, ""),
    ("names", "service_account_name", {"service_account_name": "a_b"}, ""),
    ("metadata", "labels", {"labels": {"a": 1}}, ""),
    ("metadata", "labels", {"labels": {"a": "b c"}}, ""),
    ("metadata", "labels", {"labels": {"a b": "c"}}, ""),
    ("metadata", "annotations", {"annotations": {"/a": "b"}}, ""),
    ("metadata", "annotations", {"annotations": {"a": "b" * 300_000}}, ""),
    ("layer-copy", "layer_selector.operation", {"layer_selector": {"operation": "copy"}, **_applied()}, ""),
    ("verify-provider", "verify.provider", {"verify": {"provider": "gpg", "secret_ref": "a"}}, ""),
    ("verify-names", "verify.secret_ref", {"verify": {"secret_ref": "A"}}, ""),
    ("verify-names", "verify.secret_ref", {"verify": {"secret_ref": ""}}, ""),
    ("verify-names", "verify.trusted_root_secret_ref", _keyless(GITHUB, trusted_root_secret_ref="A"), ""),
    ("key-and-identity", "verify.match_oidc_identity", _keyless(GITHUB, secret_ref="cosign-pub"), ""),
    ("key-and-identity", "verify.match_oidc_identity", _keyless(secret_ref="cosign-pub"), ""),
    ("identity-missing", "verify.match_oidc_identity", _keyless(), ""),
    ("identity-missing", "verify.match_oidc_identity", {"verify": {"trusted_root_secret_ref": "root"}}, ""),
    ("identities-with-bundles", "verify.match_oidc_identity", _keyless(GITHUB, GITLAB), ""),
    ("identities-with-bundles", "verify.match_oidc_identity", _keyless(GITHUB, GITLAB), "2.8"),
    (
        "identity-lets-anybody-in",
        "verify.match_oidc_identity[0].subject",
        _keyless({**GITHUB, "subject": "https://github.com/org"}),
        "",
    ),
    ("identity-lets-anybody-in", "verify.match_oidc_identity[0].issuer", _keyless({**GITHUB, "issuer": ""}), ""),
    (
        "identity-lets-anybody-in",
        "verify.match_oidc_identity[0].subject",
        _keyless({**GITHUB, "subject": "^(?=x)"}),
        "",
    ),
    (
        "trusted-root-ignored",
        "verify.trusted_root_secret_ref",
        {"verify": {"secret_ref": "cosign-pub", "trusted_root_secret_ref": "root"}},
        "",
    ),
    (
        "trusted-root-ignored",
        "verify.trusted_root_secret_ref",
        {"verify": {"provider": "notation", "secret_ref": "certs", "trusted_root_secret_ref": "root"}},
        "",
    ),
    ("notation", "verify.secret_ref", {"verify": {"provider": "notation"}}, ""),
    ("notation", "verify.match_oidc_identity", _keyless(GITHUB, provider="notation", secret_ref="certs"), ""),
    ("bundle-unread", "signature_format", {"signature_format": "bundle"}, "2.7.5"),
    ("bundle-over-http", "insecure", {**HTTP, "signature_format": "bundle"}, "2.8.8"),
    ("release-without-api", "flux_version", {}, "2.5.1"),
    ("field-unknown", "verify.trusted_root_secret_ref", _keyless(GITHUB, trusted_root_secret_ref="root"), "2.8.8"),
    ("kustomization-names", "kustomization.name", _applied(name="a" * 64), ""),
    ("kustomization-names", "kustomization.name", {"name": "a" * 64, **_applied()}, ""),
    ("kustomization-names", "kustomization.namespace", _applied(namespace="A"), ""),
    ("kustomization-names", "kustomization.target_namespace", _applied(target_namespace=""), ""),
    ("kustomization-names", "kustomization.service_account_name", _applied(service_account_name="A"), ""),
    ("kustomization-names", "kustomization.depends_on[0].name", _applied(depends_on=[{"name": "A"}]), ""),
    (
        "kustomization-names",
        "kustomization.depends_on[0].namespace",
        _applied(depends_on=[{"name": "a", "namespace": "A"}]),
        "",
    ),
    ("kustomization-waits-for-itself", "kustomization.depends_on[0]", _applied(depends_on=[{"name": "app"}]), ""),
    ("kustomization-durations", "kustomization.interval", _applied(interval="1d"), ""),
    ("kustomization-durations", "kustomization.retry_interval", _applied(retry_interval="0s"), ""),
    ("kustomization-durations", "kustomization.timeout", _applied(timeout="x"), ""),
    ("kustomization-path", "kustomization.path", _applied(path="/etc"), ""),
    ("kustomization-path", "kustomization.path", _applied(path="./a/../../b"), ""),
    ("kustomization-metadata", "kustomization.labels", _applied(labels={"a": True}), ""),
    ("kustomization-metadata", "kustomization.annotations", _applied(annotations={"": "a"}), ""),
    (
        "kustomization-variables",
        "kustomization.post_build.substitute",
        _applied(post_build={"substitute": {"a-b": "c"}}),
        "",
    ),
    (
        "kustomization-variables",
        "kustomization.post_build.substitute",
        _applied(post_build={"substitute": {"a": 1}}),
        "",
    ),
    (
        "kustomization-variables",
        "kustomization.post_build.substitute_from[0].name",
        _applied(post_build={"substitute_from": [{"kind": "Secret", "name": "A"}]}),
        "",
    ),
    (
        "health-checks-ignored",
        "kustomization.health_checks",
        _applied(health_checks=[{"kind": "Deployment", "name": "a"}]),
        "",
    ),
]

WARNED: list[tuple[str, str, Options, str]] = [
    ("verify-off", "unverified", {"unverified": True}, ""),
    ("ref-latest", "ref.tag", {"ref": {"tag": "latest"}}, ""),
    ("provider-ignored", "provider", {"provider": "aws", "secret_ref": "login"}, ""),
    ("credentials-in-clear", "insecure", {**HTTP, "secret_ref": "login"}, ""),
    (
        "identity-loose",
        "verify.match_oidc_identity[0].issuer",
        _keyless({**GITHUB, "issuer": "^https://token.actions.githubusercontent.com$"}),
        "",
    ),
    ("keyless-proxy", "proxy_secret_ref", {"proxy_secret_ref": "proxy", **_keyless(GITHUB)}, ""),
    ("bundle-maybe-unread", "signature_format", {}, "2.7.5"),
    ("bundle-maybe-over-http", "insecure", HTTP, "2.8.8"),
    ("release-unsupported", "flux_version", {"signature_format": "legacy"}, "2.6"),
    ("cross-namespace", "kustomization.namespace", _applied(namespace="apps"), ""),
]

FINE: list[tuple[Options, str]] = [
    ({}, ""),
    ({}, "2.9.5"),
    ({}, "2.8"),
    ({"url": "oci://127.0.0.1:5000/app", "allow_loopback": True, "insecure": True, "secret_ref": "login"}, "2.8"),
    ({"url": "oci://10.0.0.1:5000/app"}, ""),
    ({"ref": {"semver": ">=1.0 <2", "semver_filter": "^v[0-9.]+$"}}, ""),
    ({"ref": {"tag": "v1"}}, ""),
    ({"ref": {"digest": "sha256:" + "0" * 64}}, ""),
    ({"interval": "1h", "timeout": "90s"}, ""),
    ({"labels": {"app.kubernetes.io/name": "a"}, "annotations": {"a": "any text\nat all"}}, ""),
    ({"provider": "aws"}, ""),
    ({"provider": "generic", "secret_ref": "login"}, ""),
    ({"layer_selector": {"operation": "copy"}}, ""),
    ({"verify": {"provider": "cosign", "secret_ref": "keys"}}, ""),
    (_keyless(GITHUB), ""),
    (_keyless(GITHUB, trusted_root_secret_ref="root"), "2.9"),
    ({"signature_format": "legacy", **_keyless(GITHUB, GITLAB)}, ""),
    (_keyless(GITHUB, {**GITHUB, "subject": r"^https://github\.com/org/other/.*$"}), ""),
    ({"verify": {"provider": "notation", "secret_ref": "certs"}}, ""),
    ({**HTTP, "signature_format": "bundle"}, "2.9"),
    ({**HTTP, "signature_format": "both"}, "2.8"),
    ({**HTTP, "signature_format": "legacy"}, "2.8"),
    ({**HTTP, "verify": {"provider": "notation", "secret_ref": "certs"}}, "2.8"),
    (_applied(), ""),
    (_applied(depends_on=[{"name": "app", "namespace": "other"}, {"name": "base"}], path="./a/b"), ""),
    (_applied(wait=False, health_checks=[{"kind": "Deployment", "name": "a"}]), ""),
    (_applied(post_build={"substitute": {"a_B": "1"}, "substitute_from": [{"kind": "Secret", "name": "a"}]}), ""),
]


@pytest.mark.fault("S13a")
@pytest.mark.parametrize(("rule", "option", "options", "version"), REFUSED)
def test_refuses(rule: str, option: str, options: Options, version: str) -> None:
    errors = [(found.rule, found.option) for found in _judge(options, version) if found.severity == "error"]
    assert errors == [(rule, option)]


@pytest.mark.parametrize(("rule", "option", "options", "version"), WARNED)
def test_warns(rule: str, option: str, options: Options, version: str) -> None:
    found = [one for one in _judge(options, version) if one.rule != "release-unsupported" or rule == one.rule]
    assert [(one.rule, one.option, one.severity) for one in found] == [(rule, option, "warning")]


@pytest.mark.parametrize(("options", "version"), FINE)
def test_has_nothing_to_say(options: Options, version: str) -> None:
    assert _judge(options, version) == []


def test_says_where_no_range_would_ever_select_the_tag() -> None:
    for tag, advice in (("main-3f2a1c", "is no SemVer version, so give ref.tag alone"), ("1.9.1", "give one of them")):
        (found,) = [one for one in _judge({"ref": {"semver": "*", "tag": tag}}, "") if one.rule == "ref-precedence"]
        assert advice in found.reason


def test_no_rule_is_untested() -> None:
    tested = {case[0] for case in (*REFUSED, *WARNED)}
    assert tested == {rule.name for rule in (*itertools.chain(*RULES.values()), *rules_release.rules(NEWEST))}


def test_several_identities_were_fine_before_bundles() -> None:
    found = _judge({"signature_format": "legacy", **_keyless(GITHUB, GITLAB)}, "2.7")
    assert [one.severity for one in found] == ["warning"]


def test_errors_come_first_and_all_of_them() -> None:
    found = _judge({"ref": {"tag": "latest"}, "interval": "x", "verify": {"provider": "notation"}})
    assert [one.severity for one in found] == ["error", "error", "warning"]


def test_reasons_say_what_to_do() -> None:
    (found,) = _judge(_keyless({**GITHUB, "subject": "https://github.com/org/"}))
    assert r"'^https://github\.com/org/.*$'" in found.reason
    assert found.as_value() == {
        "rule": "identity-lets-anybody-in",
        "severity": "error",
        "option": "verify.match_oidc_identity[0].subject",
        "reason": found.reason,
    }


def test_a_password_in_the_address_is_not_repeated() -> None:
    (found,) = _judge({"url": "oci://user:hunter2@ghcr.io/org/app"})
    assert "hunter2" not in found.reason


def test_a_pattern_that_cannot_be_printed_is_escaped() -> None:
    (found,) = _judge(_keyless({**GITHUB, "subject": "a\nb"}))
    assert found.reason.startswith(r"'a\nb' does not begin")
