# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyless signatures on a private Sigstore: ours and those of cosign 3 and sigstore-python, in each direction."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from interop.stored import Stored
from support.private_sigstore import ME, Sigstore, running_sigstore

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.conftest import Ours, Push
    from interop.cosign import Cosign, Keys
    from interop.places import Place

# Each log with the format that it serves besides bundles.
WAYS = [(False, "bundle"), (True, "bundle"), (True, "legacy")]
each_way = pytest.mark.parametrize(("v1", "form"), WAYS, ids=["rekor2-bundle", "rekor1-bundle", "rekor1-legacy"])


class They:
    """cosign 3 with this Sigstore."""

    def __init__(self, cosign: Cosign, sigstore: Sigstore) -> None:
        self._cosign, self._sigstore = cosign, sigstore

    def verify(self, reference: str, form: str, who: str = ME, issuer: str = "") -> bool:
        who_and_issuer = ("--certificate-identity", who, "--certificate-oidc-issuer", issuer or self._sigstore.issuer)
        return self._run("verify", reference, form, *who_and_issuer)

    def verify_key(self, reference: str, form: str, keys: Keys) -> bool:
        return self._run("verify", reference, form, "--key", str(keys.public))

    def sign(self, reference: str, email: str = ME) -> None:
        token = self._sigstore.directory / "token"
        token.write_text(self._sigstore.token(email))
        config = ("--signing-config", str(self._sigstore.config))
        assert self._run("sign", reference, "bundle", "--identity-token", str(token), *config)

    def _run(self, verb: str, reference: str, form: str, *flags: str) -> bool:
        root = ("--trusted-root", str(self._sigstore.trusted_root), "--allow-http-registry")
        done = self._cosign.cli.run(
            verb, *flags, *root, f"--new-bundle-format={str(form == 'bundle').lower()}", reference
        )
        return done.code == 0


@pytest.fixture
def they(cosign3: Cosign, sigstore: Sigstore) -> They:
    return They(cosign3, sigstore)


def verdict(ours: Ours, reference: str, **options: t.Any) -> t.Any:
    result = ours("cosign_verify", reference=reference, report_only=True, **options)
    return result["verdicts"][0]


@each_way
def test_cosign_verifies_what_we_sign(
    v1: bool, form: str, they: They, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours
) -> None:
    reference = push(embedded)
    for check, changed in ((True, True), (False, True), (True, False), (False, False)):
        signed = ours("cosign_sign", reference=reference, format=form, check=check, **sigstore.signing(v1=v1))
        assert signed["changed"] is changed, signed
        assert (signed["identity"], signed["issuer"], signed["key"]) == (ME, sigstore.issuer, None)
    assert they.verify(reference, form)
    assert not they.verify(reference, form, who="you@lab.example")
    assert not they.verify(reference, form, issuer="https://issuer.example")
    mine = verdict(ours, reference, **sigstore.verifying())
    assert (mine["verdict"], mine["formats"], mine["signed_by"]) == ("verified", [form], [f"{ME} ({sigstore.issuer})"])


def test_we_verify_what_cosign_signs(they: They, sigstore: Sigstore, place: Place, push: Push, ours: Ours) -> None:
    reference = push(place)
    they.sign(reference)
    found = verdict(ours, reference, **sigstore.verifying())
    assert found["verdict"] == "verified", found["reason"]
    again = ours("cosign_sign", reference=reference, **sigstore.signing())
    assert (again["changed"], again["signatures"][0]["present"]) == (False, ["bundle"])
    for options, reason in (
        (sigstore.verifying("you@lab.example"), f"valid, but by {ME} ({sigstore.issuer}): not you@lab.example"),
        (
            {**sigstore.verifying(), "certificate_oidc_issuer": "https://x.example"},
            "not by the word of https://x.example",
        ),
    ):
        refused = verdict(ours, reference, **options)
        assert refused["verdict"] == "wrong_identity"
        assert reason in refused["reason"]
        assert refused["signatures"][0]["identity"] == ME


def test_a_root_of_another_instance(
    they: They, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours, tmp_path: Path
) -> None:
    reference = push(embedded)
    they.sign(reference)
    with running_sigstore(tmp_path) as other:
        wanted = {**sigstore.verifying(), "trusted_root": str(other.trusted_root)}
        assert verdict(ours, reference, **wanted)["verdict"] == "wrong_key"
        signing = {**sigstore.signing(), "trusted_root": str(other.trusted_root)}
        unsigned = push(embedded)
        refused = ours("cosign_sign", reference=unsigned, fails=True, **signing)
        assert "that the trusted root does not prove" in refused["msg"]
        assert verdict(ours, unsigned, **sigstore.verifying())["verdict"] == "unsigned"


def test_one_certificate_signs_a_batch(sigstore: Sigstore, they: They, embedded: Place, push: Push, ours: Ours) -> None:
    references = [push(embedded, created=f"2026-01-0{day}T00:00:00Z") for day in range(1, 5)]
    signed = ours("cosign_sign", references=references, **sigstore.signing())
    assert [one["signed"] for one in signed["signatures"]] == [["bundle"]] * 4
    bundles = [Stored(embedded, reference).bundle()[0] for reference in references]
    certificates = {bundle["verificationMaterial"]["certificate"]["rawBytes"] for bundle in bundles}
    assert len(certificates) == 1
    assert all(they.verify(reference, "bundle") for reference in references)


@pytest.mark.parametrize("v1", [False, True], ids=["rekor2", "rekor1"])
def test_sigstore_python_verifies_what_we_sign(
    v1: bool, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours
) -> None:
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    reference = push(embedded)
    ours("cosign_sign", reference=reference, **sigstore.signing(v1=v1))
    bundle = json.dumps(Stored(embedded, reference).bundle()[0])
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(sigstore.trusted_root)))
    _type, payload = verifier.verify_dsse(Bundle.from_json(bundle), Identity(identity=ME, issuer=sigstore.issuer))
    assert json.loads(payload)["subject"][0]["digest"] == {"sha256": reference.partition("sha256:")[2]}


def test_we_verify_what_sigstore_python_signs(sigstore: Sigstore, embedded: Place, push: Push, ours: Ours) -> None:
    from sigstore.dsse import Statement
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

    reference = push(embedded)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "", "digest": {"sha256": reference.partition("sha256:")[2]}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    }
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": json.loads(sigstore.trusted_root.read_text()),
        "signingConfig": json.loads(sigstore.config.read_text()),
    }
    context = SigningContext.from_trust_config(ClientTrustConfig.from_json(json.dumps(config)))
    with context.signer(IdentityToken(sigstore.token())) as signer:
        bundle = signer.sign_dsse(Statement(json.dumps(statement).encode()))
    Stored(embedded, reference).plant_bundle(bundle.to_json().encode())
    assert verdict(ours, reference, **sigstore.verifying())["verdict"] == "verified"


def test_verification_asks_the_registry_alone(
    they: They, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a trusted root in a file: whoever else was asked would be asked by way of a proxy that is not there."""
    reference = push(embedded)
    they.sign(reference)
    monkeypatch.setenv("NO_PROXY", embedded.address.partition(":")[0])
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert verdict(ours, reference, **sigstore.verifying())["verdict"] == "verified"


@each_way
def test_a_key_is_logged_when_asked(
    v1: bool, form: str, they: They, sigstore: Sigstore, embedded: Place, keys: Keys, push: Push, ours: Ours
) -> None:
    options = {name: value for name, value in sigstore.signing(v1=v1).items() if name != "oidc_identity_token"}
    wanted = {"public_keys": keys.verifiers, "transparency_log": True, "trusted_root": str(sigstore.trusted_root)}
    reference = push(embedded)
    ours("cosign_sign", reference=reference, format=form, **keys.options)
    refused = verdict(ours, reference, **wanted)
    assert (refused["verdict"], they.verify_key(reference, form, keys)) == ("wrong_key", False)
    assert "of a transparency log" in refused["reason"]
    for changed in (True, False):
        signed = ours("cosign_sign", reference=reference, format=form, transparency_log=True, **options, **keys.options)
        assert signed["changed"] is changed
    assert verdict(ours, reference, **wanted)["verdict"] == "verified"
    assert they.verify_key(reference, form, keys)


def test_a_log_that_has_it_already_says_where(
    they: They, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours
) -> None:
    """As after an answer that was lost: Rekor says 409, and the entry is read."""
    reference = push(embedded)
    sigstore.rekor_v1.conflict = True
    try:
        ours("cosign_sign", reference=reference, **sigstore.signing(v1=True))
    finally:
        sigstore.rekor_v1.conflict = False
    assert they.verify(reference, "bundle")


@pytest.mark.parametrize(
    ("kind", "name"), [("caUrls", "Fulcio"), ("rekorTlogUrls", "Rekor"), ("tsaUrls", "time stamp")]
)
def test_a_service_that_is_down_is_named(
    kind: str, name: str, sigstore: Sigstore, embedded: Place, push: Push, ours: Ours
) -> None:
    """Also the time stamp authority: without the stamp that was promised nothing is published."""
    reference = push(embedded)
    config = json.loads(sigstore.config.read_text())
    config[kind][0]["url"] = "http://127.0.0.1:9"
    options = {**sigstore.signing(), "signing_config": config, "retries": 0}
    refused = ours("cosign_sign", reference=reference, fails=True, **options)
    assert refused["msg"].startswith(f"{name}"), refused["msg"]
    assert "at http://127.0.0.1:9: connection refused (1 attempt in 0.0 s)" in refused["msg"]
    assert verdict(ours, reference, **sigstore.verifying())["verdict"] == "unsigned"


def test_a_token_is_never_shown(sigstore: Sigstore, embedded: Place, push: Push, ours: Ours) -> None:
    options = sigstore.signing()
    head, body, signature = options["oidc_identity_token"].split(".")
    options["oidc_identity_token"] = f"{head}.{body}.{signature[::-1]}"
    refused = ours("cosign_sign", reference=push(embedded), fails=True, **options)
    assert "Fulcio at" in refused["msg"]
    assert "answers 400" in refused["msg"]
    assert signature[::-1] not in json.dumps(refused)


def test_rekor_2_has_no_place_in_the_legacy_format(sigstore: Sigstore, embedded: Place, push: Push, ours: Ours) -> None:
    refused = ours("cosign_sign", reference=push(embedded), format="legacy", fails=True, **sigstore.signing())
    assert refused["msg"].startswith("format: entries of Rekor v2 have no place in the legacy format")
