# SPDX-License-Identifier: GPL-3.0-or-later
"""Attesting, and what decides when an attestation is asked for, on a real registry."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.artifacts import client
from support.predicates import PREDICATES
from support.registry import RunningRegistry
from support.signing import PASSPHRASE, Key, artifact, either, keys, sign

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["either", "keys"]
BAD = PREDICATES["vuln"]
GOOD = {**BAD, "scanner": {**BAD["scanner"], "result": {"critical": []}}}
NO_CRITICAL = {
    "properties": {"scanner": {"properties": {"result": {"properties": {"critical": {"maxItems": 0}}}}}},
    "required": ["scanner"],
}


def attest(run_module: RunModule, reference: str, key: Key, *, check: bool = False, **more: t.Any) -> Result:
    given = {"reference": reference, "predicate_type": "vuln", "predicate": BAD, **more}
    return run_module("cosign_attest", check=check, privatekey_path=key.path, privatekey_passphrase=PASSPHRASE, **given)


def verify(run_module: RunModule, reference: str, key: Key, **more: t.Any) -> t.Any:
    given = {"predicate_type": "vuln", **more}
    result = run_module("cosign_verify", reference=reference, public_keys=[{"path": key.pub}], **given)
    [verdict] = result["verdicts"]
    assert bool(result.get("failed")) is not verdict["verified"], result
    return verdict


def test_four_times(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]) -> None:
    reference = artifact(either)
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        done = attest(run_module, reference, keys[0], check=check)
        assert done["changed"] is changed, done
        assert done["attestations"][0]["present"] is not changed
        assert (done["diff"]["before"] != done["diff"]["after"]) is changed
        assert len(done["actions"]) == changed
    verdict = verify(run_module, reference, keys[0])
    [found] = verdict["attestations"]
    assert (verdict["verdict"], found["predicate"], found["key"]) == (
        "verified",
        BAD,
        keys[0].signing.public.fingerprint,
    )


def test_a_batch(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key], tmp_path: Path) -> None:
    first, second = artifact(either), artifact(either, b"kind: B\n")
    (tmp_path / "notes.txt").write_text("free text, <&>")
    said = [
        {"reference": first, "predicate_type": "vuln", "predicate": BAD},
        {"reference": first, "predicate_type": "custom", "predicate_path": str(tmp_path / "notes.txt")},
        {"reference": second, "predicate_type": "https://example.com/x", "predicate": {"a": 1}},
    ]
    options: dict[str, t.Any] = {
        "attestations": said,
        "privatekey_path": keys[0].path,
        "privatekey_passphrase": PASSPHRASE,
    }
    for changed in (True, False):
        done = run_module("cosign_attest", **options)
        assert (done["changed"], len(done["attestations"])) == (changed, 3), done
    [custom] = verify(run_module, first, keys[0], predicate_type="custom")["attestations"]
    assert custom["predicate"]["Data"] == "free text, <&>"
    assert verify(run_module, second, keys[0])["verdict"] == "unsigned"


def test_a_policy_over_several_artifacts(
    run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]
) -> None:
    """Its limit of time is one of the main thread, where others work on several at a time."""
    references = [artifact(either), artifact(either, b"kind: B\n"), artifact(either, b"kind: C\n")]
    for reference, predicate in zip(references, (GOOD, BAD, GOOD), strict=True):
        attest(run_module, reference, keys[0], predicate=predicate)
    asked: dict[str, t.Any] = {"predicate_type": "vuln", "predicate_schema": NO_CRITICAL, "report_only": True}
    result = run_module("cosign_verify", references=references, public_keys=[{"path": keys[0].pub}], **asked)
    assert [one["verdict"] for one in result["verdicts"]] == ["verified", "wrong_identity", "verified"], result


def test_without_a_time_every_one_must_pass(
    run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]
) -> None:
    reference = artifact(either)
    attest(run_module, reference, keys[0], predicate=GOOD)
    asked: dict[str, t.Any] = {"predicate_schema": NO_CRITICAL}
    assert verify(run_module, reference, keys[0], **asked)["verdict"] == "verified"
    attest(run_module, reference, keys[0], predicate=BAD)
    refused = verify(run_module, reference, keys[0], **asked)
    assert refused["verdict"] == "wrong_identity"
    assert "the policy refuses the predicate: scanner.result.critical" in refused["reason"]
    assert sorted(one["verdict"] for one in refused["attestations"]) == ["verified", "wrong_identity"]
    # By whom we do not ask, it may say what it likes.
    attest(run_module, reference, keys[1], predicate=GOOD)
    assert verify(run_module, reference, keys[1], **asked)["verdict"] == "verified"


def test_a_run_is_asked_for(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]) -> None:
    reference = artifact(either)
    attest(run_module, reference, keys[0])
    assert verify(run_module, reference, keys[0], invocation_id="run-17")["verdict"] == "verified"
    other = verify(run_module, reference, keys[0], invocation_id="run-18")
    assert (other["verdict"], other["attestations"]) == ("wrong_identity", [])


def test_a_key_has_no_age(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]) -> None:
    reference = artifact(either)
    attest(run_module, reference, keys[0])
    sign(run_module, reference, keys[0])
    for more in ({"min_age": "1s"}, {"max_age": "24h"}, {"max_age": "24h", "predicate_type": None}):
        refused = verify(run_module, reference, keys[0], **more)
        assert refused["verdict"] == "wrong_identity"
        assert "no log or time stamp says when" in refused["reason"]


def test_warnings(run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key]) -> None:
    signed, legacy = artifact(either), artifact(either, b"kind: B\n")
    sign(run_module, signed, keys[0])
    # In this process, a result has the warnings of earlier ones as well.
    assert signed not in str(attest(run_module, signed, keys[1]).get("warnings"))
    assert f"{signed} is signed with the key that attests it" in str(attest(run_module, signed, keys[0])["warnings"])
    sign(run_module, legacy, keys[0], format="legacy")
    assert f"{legacy} has a legacy signature and no bundle yet" in str(attest(run_module, legacy, keys[1])["warnings"])


def test_check_mode_before_there_is_a_key(
    run_module: RunModule, either: RunningRegistry, keys: tuple[Key, Key, Key], tmp_path: Path
) -> None:
    reference = artifact(either)
    given: dict[str, t.Any] = {"reference": reference, "predicate_type": "vuln", "predicate": BAD}
    given["privatekey_passphrase"] = "x"
    absent = run_module("cosign_attest", check=True, privatekey_path=str(tmp_path / "none"), **given)
    assert (absent["changed"], absent["key"]) == (True, None)
    assert run_module("cosign_attest", privatekey_path=str(tmp_path / "none"), **given)["failed"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"predicate_type": "cyclonedx"}, "predicate: this is no document"),
        ({"predicate_type": "nonsense"}, "predicate_type: 'nonsense' is neither a URI nor one of"),
        ({"predicate_type": "https://sigstore.dev/cosign/sign/v1"}, "predicate_type: that is a signature"),
        ({"predicate": None}, "predicate: one of it and predicate_path must be given"),
        ({"predicate": None, "predicate_path": "/nonexistent"}, "predicate_path: /nonexistent does not exist"),
        ({"predicate": None, "predicate_path": "/dev/zero"}, "predicate_path: /dev/zero is not a regular file"),
        ({"reference": "127.0.0.1:9/a:v1"}, "reference: 127.0.0.1:9/a:v1 is not a digest"),
    ],
)
def test_refused(run_module: RunModule, keys: tuple[Key, Key, Key], more: dict[str, t.Any], message: str) -> None:
    more = dict(more)
    reference = more.pop("reference", f"127.0.0.1:9/a@sha256:{'a' * 64}")
    assert message in attest(run_module, reference, keys[0], **more)["msg"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"predicate_type": "spdx", "invocation_id": "x"}, "names no run"),
        ({"predicate_type": "vuln", "predicate_schema": {}}, "predicate_schema: an empty schema"),
        ({"predicate_schema": {"type": "object"}}, "predicate_type"),
        ({"predicate_type": "vuln", "flux_version": "2.8"}, "mutually exclusive"),
        ({"min_age": "soon"}, "min_age: 'soon' is not a duration"),
        ({"min_age": "2h", "max_age": "1h"}, "min_age: it is above max_age"),
    ],
)
def test_refused_when_asked(
    run_module: RunModule, keys: tuple[Key, Key, Key], more: dict[str, t.Any], message: str
) -> None:
    reference = f"127.0.0.1:9/a@sha256:{'a' * 64}"
    refused = run_module("cosign_verify", reference=reference, public_keys=[{"path": keys[0].pub}], **more)
    assert message in refused["msg"]


@pytest.mark.fault("S33")
def test_an_old_version_is_not_brought_back(run_module: RunModule, either: RunningRegistry) -> None:
    def tag(reference: str, *tags: str) -> Result:
        return run_module("oci_tag", reference=reference, tags=list(tags), move=True, never_lower=True)

    old, middle, new = (artifact(either, content.encode()) for content in ("kind: A\n", "kind: B\n", "kind: C\n"))
    assert not tag(old, "v1.0.0", "stable").get("failed")
    assert not tag(middle, "v1.1.0", "stable").get("failed")
    for refused, words in (
        (tag(old, "stable"), "v1.0.0, and it is at v1.1.0"),
        (tag(old, "v1.2.0"), "older than v1.1.0"),
    ):
        assert refused["failure"]["code"] == "tag_lowered"
        assert words in refused["msg"]
    assert tag(old, "v1.1.0")["failure"]["code"] == "tag_lowered"
    assert not tag(new, "v1.0.1", "stable").get("failed")  # a patch of an old line is new
    assert tag(middle, "stable")["changed"]  # v1.1.0 is above v1.0.1
    assert not tag(middle, "stable", "v1.1.0")["changed"]
    assert client(either.address).resolve("team/app", "v1.1.0").digest == middle.partition("@")[2]  # type: ignore[union-attr]
