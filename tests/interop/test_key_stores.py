# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by reference: what a store signs for us, cosign 3 verifies, with the exported key and with the store's URI."""

from __future__ import annotations

import json
import secrets
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from interop.cosign import Cosign, Format
from interop.key_stores import Hsm, LocalKms, local_kms, software_hsm
from interop.places import Place
from support.fake_vault import FakeVault

if t.TYPE_CHECKING:  # pragma: no cover
    from conftest import Result
    from interop.conftest import Ours, Push
    from interop.kube_api import KubeApi

FORMATS: tuple[Format, ...] = ("legacy", "bundle")
TOKEN = "canary-vault-token"


@pytest.fixture(scope="module")
def hsm_of_module(tmp_path_factory: pytest.TempPathFactory) -> Hsm:
    return software_hsm(tmp_path_factory.mktemp("hsm"))


@pytest.fixture
def hsm(hsm_of_module: Hsm, monkeypatch: pytest.MonkeyPatch) -> Hsm:
    for name, value in hsm_of_module.variables.items():
        monkeypatch.setenv(name, value)
    return hsm_of_module


@pytest.fixture(scope="module")
def kms_of_module(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[LocalKms]:
    with local_kms(tmp_path_factory.mktemp("kms")) as running:
        yield running


@pytest.fixture
def kms(kms_of_module: LocalKms, monkeypatch: pytest.MonkeyPatch) -> LocalKms:
    for name, value in kms_of_module.variables.items():
        monkeypatch.setenv(name, value)
    return kms_of_module


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[FakeVault]:
    with FakeVault(TOKEN) as running:
        monkeypatch.setenv("VAULT_ADDR", running.url)
        monkeypatch.setenv("VAULT_TOKEN", TOKEN)
        yield running


def _make(uri: str, ours: Ours, public: Path) -> Result:
    """The pair: predicted, made, and there from then on."""
    options: dict[str, t.Any] = {"key": uri, "public_key_path": str(public), "passphrase": "secret"}
    assert ours("cosign_keypair", check=True, **options)["changed"]
    assert not public.exists()
    made = ours("cosign_keypair", **options)
    assert made["changed"]
    assert public.read_text() == made["public_key"]
    assert not ours("cosign_keypair", check=True, **options)["changed"]
    assert not ours("cosign_keypair", **options)["changed"]
    return made


def _sign(uri: str, reference: str, ours: Ours, cosign: Cosign, public: Path) -> None:
    """In both formats, each in check mode, a run, check mode again and another run; cosign verifies."""
    for form in FORMATS:
        options: dict[str, t.Any] = {"reference": reference, "key": uri, "format": form}
        assert ours("cosign_sign", check=True, **options)["changed"]
        done = ours("cosign_sign", **options)
        assert done["changed"]
        assert done["public_key"] == public.read_text()
        assert not ours("cosign_sign", check=True, **options)["changed"]
        assert not ours("cosign_sign", **options)["changed"]
        assert cosign.verify(reference, public, form).code == 0
    proven = ours("cosign_verify", reference=reference, public_keys=[{"uri": uri}])
    assert proven["verdicts"][0]["formats"] == ["bundle", "legacy"]


def test_a_key_in_an_hsm(hsm: Hsm, ours: Ours, push: Push, cosign3: Cosign, embedded: Place, tmp_path: Path) -> None:
    public, uri = tmp_path / "hsm.pub", hsm.uri(f"made-{secrets.token_hex(4)}")
    made = _make(uri, ours, public)
    reference = push(embedded)
    _sign(uri, reference, ours, cosign3, public)
    assert hsm.pin not in json.dumps(made)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_key_that_was_brought_into_an_hsm(
    kind: str, hsm: Hsm, ours: Ours, push: Push, cosign3: Cosign, embedded: Place, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(65537, 3072) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    name, number = f"brought-{kind}", {"rsa": "a1", "ec": "a2"}[kind]
    hsm.add(name, number, key, tmp_path)
    public = tmp_path / "hsm.pub"
    uri = f"pkcs11:token={hsm.token};id=%{number}?module-path={hsm.library}&pin-value={hsm.pin}"
    ours("cosign_keypair", key=uri, public_key_path=str(public))
    _sign(uri, push(embedded), ours, cosign3, public)


def test_a_batch_by_an_hsm_in_several_threads(
    hsm: Hsm, ours: Ours, push: Push, embedded: Place, tmp_path: Path
) -> None:
    uri = hsm.uri(f"batch-{secrets.token_hex(4)}")
    ours("cosign_keypair", key=uri, public_key_path=str(tmp_path / "hsm.pub"))
    repository = embedded.repository()
    references = []
    for number in range(12):
        (tmp_path / "manifests" / "app.yaml").write_text(f"kind: ConfigMap\nmetadata: {{name: a{number}}}\n")
        references.append(push(embedded, repository))
    done = ours("cosign_sign", references=references, key=uri, concurrency=8)
    assert [one["signed"] for one in done["signatures"]] == [["bundle"]] * len(references)
    assert ours("cosign_verify", references=references, public_keys=[{"uri": uri}])["verified"]


def test_what_an_hsm_says_of_a_wrong_pin_token_and_key(hsm: Hsm, ours: Ours, push: Push, embedded: Place) -> None:
    other = f"?module-path={hsm.library}"
    cases = {
        f"pkcs11:token=other;object=x{other}&pin-value=canary-wrong": ("forbidden", "the PIN is wrong"),
        f"pkcs11:token=none;object=x{other}&pin-value={hsm.pin}": ("no_such_key", "has no such token"),
        hsm.uri("none"): ("no_such_key", "the token has no such key"),
        "pkcs11:token=x;object=x?module-path=/nowhere/lib.so": ("unreachable", "/nowhere/lib.so is no PKCS#11 library"),
    }
    reference = push(embedded)
    for uri, (code, words) in cases.items():
        failed = ours("cosign_sign", fails=True, reference=reference, key=uri)
        assert failed["failure"]["code"] == code
        assert words in failed["msg"]
        assert "canary" not in json.dumps(failed)


def test_a_key_in_kms(kms: LocalKms, ours: Ours, push: Push, cosign3: Cosign, embedded: Place, tmp_path: Path) -> None:
    uri, public = f"awskms:///alias/made-{secrets.token_hex(4)}", tmp_path / "kms.pub"
    made = _make(uri, ours, public)
    assert made["key_version"].startswith("arn:aws:kms:eu-west-2:")
    reference = push(embedded)
    _sign(uri, reference, ours, cosign3, public)
    aws: dict[str, t.Any] = dict(kms.variables)
    assert cosign3.cli("public-key", "--key", uri, **aws).strip() == public.read_text().strip()
    flags = ("--insecure-ignore-tlog=true", "--new-bundle-format=true")
    assert cosign3.cli.run("verify", "--key", uri, *flags, reference, **aws).code == 0
    failed = ours("cosign_sign", fails=True, reference=reference, key="awskms:///alias/none")
    assert failed["failure"]["code"] == "no_such_key"


def test_theirs_by_kms_verifies_with_us(
    kms: LocalKms, ours: Ours, push: Push, cosign3: Cosign, embedded: Place, tmp_path: Path
) -> None:
    uri = f"awskms:///alias/theirs-{secrets.token_hex(4)}"
    aws: dict[str, t.Any] = dict(kms.variables)
    cosign3.cli("generate-key-pair", "--kms", uri, cwd=tmp_path, **aws)
    assert not ours("cosign_keypair", key=uri)["changed"]
    reference = push(embedded)
    flags = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=true")
    cosign3.cli("sign", "--key", uri, *flags, reference, **aws)
    assert ours("cosign_verify", reference=reference, public_keys=[{"uri": uri}])["verified"]
    assert not ours("cosign_sign", reference=reference, key=uri)["changed"]


def test_a_key_in_vault(
    vault: FakeVault, ours: Ours, push: Push, cosign3: Cosign, embedded: Place, tmp_path: Path
) -> None:
    public = tmp_path / "vault.pub"
    made = _make("hashivault://release", ours, public)
    assert made["key_version"] == "1"
    reference = push(embedded)
    _sign("hashivault://release", reference, ours, cosign3, public)
    variables: dict[str, t.Any] = {"VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN}
    assert cosign3.cli("public-key", "--key", "hashivault://release", **variables).strip() == public.read_text().strip()
    flags = ("--insecure-ignore-tlog=true", "--new-bundle-format=true")
    assert cosign3.cli.run("verify", "--key", "hashivault://release", *flags, reference, **variables).code == 0
    vault.add("rsa", "rsa-3072")
    ours("cosign_keypair", key="openbao://rsa", public_key_path=str(tmp_path / "rsa.pub"))
    _sign("openbao://rsa", push(embedded), ours, cosign3, tmp_path / "rsa.pub")


def test_theirs_by_vault_verifies_with_us(
    vault: FakeVault, ours: Ours, push: Push, cosign3: Cosign, embedded: Place
) -> None:
    vault.add("theirs")
    reference = push(embedded)
    flags = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=true")
    variables: dict[str, t.Any] = {"VAULT_ADDR": vault.url, "VAULT_TOKEN": TOKEN}
    cosign3.cli("sign", "--key", "hashivault://theirs", *flags, reference, **variables)
    assert ours("cosign_verify", reference=reference, public_keys=[{"uri": "hashivault://theirs"}])["verified"]


def test_a_key_in_a_secret(
    server: KubeApi,
    ours: Ours,
    push: Push,
    cosign3: Cosign,
    embedded: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kubeconfig = server.kubeconfig()
    monkeypatch.setenv("KUBECONFIG", kubeconfig)
    uri, public = f"k8s://default/pair-{secrets.token_hex(4)}", tmp_path / "secret.pub"
    _make(uri, ours, public)
    reference = push(embedded)
    _sign(uri, reference, ours, cosign3, public)
    theirs = cosign3.cli("public-key", "--key", uri, KUBECONFIG=kubeconfig)
    assert theirs.strip() == public.read_text().strip()
    flags = ("--insecure-ignore-tlog=true", "--new-bundle-format=true")
    assert cosign3.cli.run("verify", "--key", uri, *flags, reference, KUBECONFIG=kubeconfig).code == 0


def test_flux_trusts_the_key_of_a_store(server: KubeApi, vault: FakeVault, ours: Ours) -> None:
    vault.add("release")
    options: dict[str, t.Any] = {
        "kubeconfig": server.kubeconfig(),
        "namespace": "default",
        "name": f"pub-{secrets.token_hex(4)}",
        "public_keys": [{"uri": "hashivault://release"}],
    }
    made = ours("flux_secret", **options)
    assert made["secret"]["origins"] == {"cosign.pub": "hashivault://release (version 1)"}
    assert not ours("flux_secret", **options)["changed"]
    vault.add("release")
    for check in (True, False):
        rotated = ours("flux_secret", check=check, **options)
        assert rotated["changed"]
        said = str(rotated["warnings"])
        assert "in the cluster, and sha256:" in said
        assert "hashivault://release (version 2)" in said
    assert not ours("flux_secret", check=True, **options)["changed"]
