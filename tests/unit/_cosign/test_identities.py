# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyless signatures that a private Sigstore made (support/record_keyless.py), as they are and spoilt in every part."""

from __future__ import annotations

import base64
import copy
import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign import trusted_root, verdicts
from ansible_collections.proven.gitops.plugins.module_utils._cosign.certificate import Identity
from ansible_collections.proven.gitops.plugins.module_utils._cosign.identities import Exactly, Identities, Wanted
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.logged import LoggedKeys
from ansible_collections.proven.gitops.plugins.module_utils._cosign.pattern import Pattern
from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import AnyOf, AtLeast, EmptyTrust, Keys
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

DATA = json.loads((Path(__file__).parent / "vectors" / "keyless.json").read_text())
WHO, ISSUER, DIGEST = DATA["identity"], DATA["issuer"], DATA["digest"]
Change = t.Callable[[t.Any], None]


def root(change: Change = lambda value: None) -> trusted_root.TrustedRoot:
    value = copy.deepcopy(DATA["trusted_root"])
    change(value)
    return trusted_root.parse(json.dumps(value).encode(), "trusted_root")


def identities(name: str = WHO, issuer: str = ISSUER, **more: t.Any) -> Identities:
    return Identities([Wanted(Exactly(name), Exactly(issuer))], more.get("root") or root())


def judged(name: str, trust: t.Any = None, change: Change = lambda value: None) -> verdicts.Finding:
    value = copy.deepcopy(DATA[name])
    change(value)
    return verdicts.judge_bundle(json.dumps(value).encode(), DIGEST, trust or identities(), {"env": "prod"})


def judged_legacy(name: str, trust: t.Any = None, change: Change = lambda value: None) -> verdicts.Finding:
    value = copy.deepcopy(DATA[name])
    change(value)
    return verdicts.judge_legacy(value["payload"].encode(), value["beside"], DIGEST, trust or identities(), {})


@pytest.mark.parametrize("name", ["v2", "v1"])
def test_a_bundle_with_an_entry_of_either_log_is_proven(name: str) -> None:
    finding = judged(name)
    assert (finding.verdict, finding.key) == ("verified", f"{WHO} ({ISSUER})"), finding.reason
    assert finding.identity == Identity(WHO, ISSUER)


def test_a_legacy_signature_is_proven_at_the_time_of_its_log() -> None:
    """Its certificate has expired since."""
    finding = judged_legacy("legacy")
    assert (finding.verdict, finding.key) == ("verified", f"{WHO} ({ISSUER})"), finding.reason


@pytest.mark.parametrize(
    ("trust", "reason"),
    [
        (identities("you@lab.example"), f"valid, but by {WHO} ({ISSUER}): not you@lab.example"),
        (identities(WHO + "x"), "not me@lab.examplex"),
        (identities(issuer="https://accounts.example"), "not by the word of https://accounts.example"),
        (
            Identities([Wanted(Exactly(WHO), Exactly(ISSUER), {"github_workflow_ref": "refs/heads/main"})], root()),
            "its github_workflow_ref is '', not 'refs/heads/main'",
        ),
    ],
)
def test_a_proven_signature_by_somebody_else_is_one_of_another_identity(trust: Identities, reason: str) -> None:
    for finding in (judged("v2", trust), judged_legacy("legacy", trust)):
        assert finding.verdict == "wrong_identity"
        assert reason in finding.reason
        assert finding.identity == Identity(WHO, ISSUER)


@pytest.mark.parametrize("name", ["v2", "v1"])
def test_zeros_that_the_first_entry_of_a_log_leaves_out_are_zeros(name: str) -> None:
    """protobuf's JSON has no zeros and no empty lists; the recorded entries are the first of their logs."""

    def left_out(value: t.Any) -> None:
        entry = material(value)["tlogEntries"][0]
        del entry["logIndex"], entry["inclusionProof"]["logIndex"], entry["inclusionProof"]["hashes"]

    finding = judged(name, change=left_out)
    assert finding.verdict == "verified", finding.reason


def material(value: t.Any) -> t.Any:
    return value["verificationMaterial"]


def no_entry(value: t.Any) -> None:
    del material(value)["tlogEntries"]


def foreign_entry(value: t.Any) -> None:
    material(value)["tlogEntries"] = material(DATA["other_artifact"])["tlogEntries"]


def other_body(value: t.Any) -> None:
    material(value)["tlogEntries"][0]["canonicalizedBody"] = material(DATA["other_artifact"])["tlogEntries"][0][
        "canonicalizedBody"
    ]


def no_stamp(value: t.Any) -> None:
    del material(value)["timestampVerificationData"]


def foreign_stamp(value: t.Any) -> None:
    name = "timestampVerificationData"
    material(value)[name] = material(DATA["other_artifact"])[name]


def foreign_certificate(value: t.Any) -> None:
    material(value)["certificate"] = material(DATA["other_artifact"])["certificate"]


def flipped(value: t.Any) -> None:
    signature = bytearray(base64.b64decode(value["dsseEnvelope"]["signatures"][0]["sig"]))
    signature[-1] ^= 1
    value["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(signature).decode()


def other_time(value: t.Any) -> None:
    material(value)["tlogEntries"][0]["integratedTime"] = "1700000000"


@pytest.mark.fault("S2", "S3", "S14", "S19")
@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("v2", no_entry, "no entries of a transparency log"),
        ("v2", foreign_entry, "about another signature"),
        ("v1", foreign_entry, "no time stamp, and its log gives no time"),
        ("v2", other_body, "does not vouch"),
        ("v2", no_stamp, "no time stamp, and its log gives no time"),
        ("v2", foreign_stamp, "no time stamp and no log"),
        ("v2", foreign_certificate, ""),
        ("v2", flipped, ""),
        ("v1", flipped, ""),
        ("v1", other_time, ""),
        ("late", lambda value: None, "not valid when the signature was made"),
    ],
)
def test_what_does_not_belong_together_proves_nothing(name: str, change: Change, reason: str) -> None:
    finding = judged(name, None, change)
    assert finding.verdict == "wrong_key"
    assert finding.reason.startswith("a keyless signature that is not proven: ")
    assert reason in finding.reason
    assert finding.identity is None


def another_key(kind: str) -> Change:
    def change(value: t.Any) -> None:
        """A log's key in the place of another log's; the log's name stays."""
        other = value["tlogs"][1]["publicKey"] if kind == "ctlogs" else value["ctlogs"][0]["publicKey"]
        for log in value[kind]:
            log["publicKey"] = other

    return change


def no_stamps(value: t.Any) -> None:
    value["timestampAuthorities"] = []


def another_authority(value: t.Any) -> None:
    chain = value["timestampAuthorities"][0]["certChain"]["certificates"]
    value["certificateAuthorities"][0]["certChain"]["certificates"] = chain[-1:]


@pytest.mark.fault("S19")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (another_key("ctlogs"), "certificate transparency log"),
        (another_key("tlogs"), "does not vouch"),
        (no_stamps, "the trusted root has no time stamp authority"),
        (another_authority, "not by an authority of the trusted root"),
    ],
)
def test_another_root_proves_nothing(change: Change, reason: str) -> None:
    finding = judged("v2", identities(root=root(change)))
    assert finding.verdict == "wrong_key"
    assert reason in finding.reason


def test_other_statements_and_artifacts_keep_their_verdicts() -> None:
    assert judged("other_artifact").verdict == "tampered"
    assert judged("other_predicate").verdict == "unsigned"
    assert judged_legacy("other_legacy").verdict == "tampered"


def beside(name: str, value: str | None) -> Change:
    def change(legacy: t.Any) -> None:
        found = legacy["beside"]
        if value is None:
            del found[name]
        else:
            found[name] = value

    return change


_BUNDLE, _CERTIFICATE = "dev.sigstore.cosign/bundle", "dev.sigstore.cosign/certificate"
_OTHER = DATA["other_legacy"]["beside"]


@pytest.mark.fault("S3", "S4")
@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        (beside(_BUNDLE, None), "wrong_key", "no entry of a transparency log"),
        (beside(_BUNDLE, _OTHER[_BUNDLE]), "wrong_key", "the entry of the transparency log is about another content"),
        (beside(_CERTIFICATE, _OTHER[_CERTIFICATE]), "wrong_key", ""),
        (beside(_CERTIFICATE, None), "wrong_key", "a signature by a key, where identities are asked for"),
        (beside(_CERTIFICATE, DATA["by_key"]["public_key"]), "malformed", "does not hold certificates"),
        (lambda legacy: legacy.update(payload=DATA["other_legacy"]["payload"]), "wrong_key", ""),
    ],
)
def test_spoilt_legacy_signatures_prove_nothing(change: Change, verdict: str, reason: str) -> None:
    finding = judged_legacy("legacy", None, change)
    assert finding.verdict == verdict, finding.reason
    assert reason in finding.reason


def test_patterns_match_all_of_a_text() -> None:
    for source, matches in (
        (".*@lab\\.example", True),
        ("me", False),
        ("me@lab", False),
        ("(me|you)@lab.example", True),
    ):
        trust = Identities([Wanted(Pattern.of(source, "o"), Exactly(ISSUER))], root())
        assert (judged("v2", trust).verdict == "verified") is matches
    with pytest.raises(InvalidOption, match=r"o: '\(\?=x\)' is not a regular expression of RE2: invalid perl operator"):
        Pattern.of("(?=x)", "o")


def test_a_threshold_counts_keys_and_identities_together() -> None:
    key = PublicKey.load(DATA["by_key"]["public_key"].encode(), "key")
    trust = AtLeast(2, AnyOf([Keys([key]), identities()]))
    found = [judged("v2", trust), verdicts.judge_bundle(_by_key(), DIGEST, trust, {})]
    assert verdicts.overall(found, trust) is verdicts.Verdict.VERIFIED
    assert verdicts.overall([*found[:1], judged("v1", trust)], trust) is verdicts.Verdict.WRONG_KEY
    assert verdicts.signers(found) == tuple(sorted([key.fingerprint, f"{WHO} ({ISSUER})"]))


def test_no_identity_is_no_trust() -> None:
    with pytest.raises(EmptyTrust):
        Identities([], root())


def _by_key(change: Change = lambda value: None) -> bytes:
    value = copy.deepcopy(DATA["by_key"]["bundle"])
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda value: None, "valid"),
        (no_entry, "it has no entries of a transparency log"),
        (foreign_entry, "about another content"),
        (other_body, "does not vouch"),
    ],
)
def test_a_key_whose_signatures_have_to_be_logged(change: Change, reason: str) -> None:
    keys = Keys([PublicKey.load(DATA["by_key"]["public_key"].encode(), "key")])
    assert verdicts.judge_bundle(_by_key(change), DIGEST, keys, {}).verdict == "verified"
    finding = verdicts.judge_bundle(_by_key(change), DIGEST, LoggedKeys(keys, root()), {})
    assert finding.verdict == ("verified" if reason == "valid" else "wrong_key"), finding.reason
    assert reason in finding.reason
