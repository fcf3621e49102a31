# SPDX-License-Identifier: GPL-3.0-or-later
"""The attacks that verifiers are known for, on whole tasks. Nothing of ours makes these signatures but the key."""

from __future__ import annotations

import base64
import gzip
import json
import time
import typing as t
from pathlib import Path

import pytest
from interop import forged
from interop.forged import Case, Scene
from interop.stored import Document, Stored, compact
from support.plain_client import OCI_INDEX, OCI_MANIFEST, PlainClient
from support.registry import RunningRegistry, registry
from support.signing import PASSPHRASE, Key, artifact, keys, sign, verify

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Hook, Request, Response

if t.TYPE_CHECKING:
    from conftest import RunModule
    from interop.places import Place

__all__ = ["keys", "registry"]

MIB = 1 << 20
CASES = {
    f"{kind}: {name}": case
    for kind, cases in (("legacy", forged.LEGACY), ("bundle", forged.BUNDLES), ("unusual", forged.UNUSUAL))
    for name, case in cases.items()
}
BODY = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{}}}'
NO_SPEC = [
    b'{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{}}',
    b'{"apiVersion":"0.0.1","kind":"dsse","spec":"x"}',
]
ENTRY = {
    "logIndex": "1",
    "logId": {"keyId": "AA=="},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "inclusionProof": {"logIndex": "1", "rootHash": "AA==", "treeSize": "2", "checkpoint": {"envelope": "x"}},
    "canonicalizedBody": base64.b64encode(BODY).decode(),
}


class _Place:
    def __init__(self, address: str) -> None:
        self.address = address

    def client(self, _reference: str) -> PlainClient:
        return PlainClient(self.address)


class Answer(Hook):
    """One tag answered with these bytes, whatever a registry that checks would think of them."""

    def __init__(self, tag: str, raw: bytes, media_type: str = OCI_INDEX) -> None:
        self.tag, self.raw, self.media_type = tag, raw, media_type

    def before(self, request: Request) -> Response | None:
        if not request.target.endswith(f"/manifests/{self.tag}"):
            return None
        return Response(200, {"Content-Type": self.media_type}, self.raw)


class Attack:
    """An artifact, the key whose signature is asked for, and an attacker with a key of his own."""

    def __init__(self, run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]) -> None:
        self._run_module = run_module
        self.registry = registry
        self.key, self.attacker = keys[:2]
        stored = Stored(t.cast("Place", _Place(registry.address)), artifact(registry))
        self.scene = Scene(stored, self.key.signing.sign, self.attacker.signing.sign)
        self.stored = stored

    def bundle(self, *, by_attacker: bool = False, **material: t.Any) -> Document:
        """A bundle about the artifact; `material` goes over the verification material."""
        sign = self.scene.sign_as_other if by_attacker else self.scene.sign
        made = forged.bundle(forged.statement(self.stored.digest), sign)
        return {**made, "verificationMaterial": {**made["verificationMaterial"], **material}}

    def verdict(self, **options: t.Any) -> str:
        """Of the module; whatever is not verified must have failed the task."""
        result = verify(self._run_module, self.stored.reference, self.key, **options)
        verdict = str(result["verdicts"][0]["verdict"])
        assert bool(result.get("failed", False)) == (verdict != "verified")
        return verdict

    def planted(self, bundle: bytes | Document) -> str:
        self.stored.plant_bundle(bundle)
        return self.verdict()


@pytest.fixture
def attack(run_module: RunModule, registry: RunningRegistry, keys: tuple[Key, ...]) -> t.Iterator[Attack]:
    made = Attack(run_module, registry, keys)
    yield made
    made.stored.client.connection.close()


@pytest.mark.fault("S2", "S5", "S6", "S8", "S17", "S35", "S37", "S38")
@pytest.mark.parametrize("name", CASES)
def test_forged_by_hand(attack: Attack, name: str) -> None:
    """`make interop` tries the same on cosign itself."""
    case: Case = CASES[name]
    case.plant(attack.scene)
    assert attack.verdict() == case.verdict


@pytest.mark.fault("S1")
@pytest.mark.parametrize("by_attacker", [False, True])
def test_cve_2022_23649_a_rekor_bundle_beside_a_signature(attack: Attack, by_attacker: bool) -> None:
    """What the log says of some other entry neither helps an attacker's signature nor hurts a good one."""
    raw = compact(forged.payload(attack.stored.digest))
    signature = (attack.scene.sign_as_other if by_attacker else attack.scene.sign)(raw)
    said = {"dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()}
    rekor = {"SignedEntryTimestamp": "AA==", "Payload": {"body": "e30=", "integratedTime": 1, "logIndex": 1}}
    attack.stored.plant_signature(raw, signature, annotations={**said, "dev.sigstore.cosign/bundle": json.dumps(rekor)})
    assert attack.verdict() == ("wrong_key" if by_attacker else "verified")


@pytest.mark.fault("S3", "S2")
@pytest.mark.parametrize("by_attacker", [False, True])
def test_cve_2026_22703_a_log_entry_of_something_else(attack: Attack, by_attacker: bool) -> None:
    made = attack.bundle(by_attacker=by_attacker, tlogEntries=[ENTRY])
    assert attack.planted(made) == ("wrong_key" if by_attacker else "verified")


@pytest.mark.fault("S3")
@pytest.mark.parametrize("body", NO_SPEC)
def test_a_log_entry_that_says_nothing_makes_the_bundle_none(attack: Attack, body: bytes) -> None:
    """cosign and Flux parse it whole, and pass over the bundle."""
    entry = {**ENTRY, "canonicalizedBody": base64.b64encode(body).decode()}
    assert attack.planted(attack.bundle(tlogEntries=[entry])) == "malformed"


@pytest.mark.fault("S2")
@pytest.mark.parametrize("part", ["payload", "signatures"])
def test_cve_2022_36056_parts_of_two_bundles(attack: Attack, part: str) -> None:
    """A statement of the attacker's under the key's signature, and the other way round."""
    mine, theirs = attack.bundle(), forged.bundle(forged.statement(forged.ELSEWHERE), attack.scene.sign)
    envelope = {**theirs["dsseEnvelope"], part: mine["dsseEnvelope"][part]}
    assert attack.planted({**mine, "dsseEnvelope": envelope}) == "wrong_key"


@pytest.mark.fault("S4")
@pytest.mark.parametrize("by_attacker", [False, True])
def test_ghsa_fx35_mq7g_6g98_a_public_key_for_a_certificate(attack: Attack, by_attacker: bool) -> None:
    key = attack.attacker if by_attacker else attack.key
    der = base64.b64encode(base64.b64decode("".join(key.signing.public.pem.decode().splitlines()[1:-1]))).decode()
    made = attack.bundle(by_attacker=by_attacker)
    assert attack.planted({**made, "verificationMaterial": {"certificate": {"rawBytes": der}}}) == "wrong_key"


@pytest.mark.fault("S4")
def test_ghsa_fx35_mq7g_6g98_in_the_annotations_of_a_signature(attack: Attack) -> None:
    raw = compact(forged.payload(attack.stored.digest))
    signature = attack.scene.sign_as_other(raw)
    pem = attack.attacker.signing.public.pem.decode()
    said = {"dev.cosignproject.cosign/signature": base64.b64encode(signature).decode()}
    attack.stored.plant_signature(raw, signature, annotations={**said, "dev.sigstore.cosign/certificate": pem})
    assert attack.verdict() == "malformed"  # as with cosign, which reads no certificate there


@pytest.mark.fault("S8")
def test_cve_2023_46737_thousands_of_bundles(attack: Attack) -> None:
    """The list under a fallback tag is anybody's who may push."""
    entries = [{"mediaType": OCI_MANIFEST, "size": 2, "digest": f"sha256:{number:064x}"} for number in range(1001)]
    index = compact({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    attack.registry.hooks.append(Answer(attack.stored.fallback_tag, index))
    attack.registry.server.api._endpoints.pop("referrers")  # so that the tag is asked
    began = time.monotonic()
    assert attack.verdict() == "unreachable"
    assert time.monotonic() - began < 5


@pytest.mark.fault("S10")
@pytest.mark.parametrize(
    "material",
    [
        {"tlogEntries": [ENTRY] * 33},
        {"timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AA=="}] * 33}},
        {"tlogEntries": [{**ENTRY, "inclusionProof": {**ENTRY["inclusionProof"], "hashes": ["AA=="] * 65}}]},  # type: ignore[dict-item]
    ],
    ids=["entries", "time stamps", "hashes"],
)
def test_cve_2024_45395_without_bound(attack: Attack, material: dict[str, t.Any]) -> None:
    assert attack.planted(attack.bundle(**material)) == "malformed"


@pytest.mark.fault("S10")
def test_cve_2024_45395_subjects_and_digests_without_bound(attack: Attack) -> None:
    here = forged.statement(attack.stored.digest)
    for subject in (here["subject"] * 1025, [{**here["subject"][0], "digest": {f"x{n}": "00" for n in range(33)}}]):
        attack.stored.plant_bundle(forged.bundle({**here, "subject": subject}, attack.scene.sign))
        assert attack.verdict() == "malformed"


@pytest.mark.fault("S10")
def test_a_broken_time_stamp_changes_nothing(attack: Attack) -> None:
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": "AA=="}]}
    assert attack.planted(attack.bundle(timestampVerificationData=stamps)) == "verified"


@pytest.mark.fault("S13b")
@pytest.mark.parametrize("entry", [{}, None, [], "x", 1, {"inclusionProof": None}, {**ENTRY, "kindVersion": None}])
def test_log_entries_that_are_none(attack: Attack, entry: object) -> None:
    assert attack.planted(attack.bundle(tlogEntries=[entry])) == "malformed"


@pytest.mark.fault("S18b")
@pytest.mark.parametrize(
    "material",
    [
        {"x509CertificateChain": {"certificates": []}},
        {"x509CertificateChain": {}},
        {"certificate": {}},
        {"certificate": {"rawBytes": ""}},
        {},
    ],
)
def test_cve_2026_44310_no_certificate_at_all(attack: Attack, material: dict[str, t.Any]) -> None:
    assert attack.planted({**attack.bundle(), "verificationMaterial": material}) == "malformed"


@pytest.mark.fault("S30")
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, OCI_INDEX])
def test_cve_2021_41190_an_image_and_an_index_at_once(
    attack: Attack, run_module: RunModule, tmp_path: Path, media_type: str
) -> None:
    image = json.loads(attack.stored.raw(attack.stored.digest))
    both = {**image, "mediaType": media_type, "manifests": [attack.stored.descriptor()]}
    attack.registry.hooks.append(Answer("both", compact(both), media_type))
    reference = f"{attack.registry.address}/team/app:both"
    pulled = run_module("oci_pull", reference=reference, dest=str(tmp_path / "out"))
    assert pulled["failure"]["code"] == "malformed_manifest"
    assert not (tmp_path / "out").exists()
    assert run_module("oci_artifact_info", reference=reference)["failure"]["code"] == "malformed_manifest"


@pytest.mark.fault("S41")
def test_a_gzip_bomb_as_a_bundle(attack: Attack) -> None:
    bomb = gzip.compress(compact(attack.bundle()) + b" " * (64 * MIB))
    assert len(bomb) < MIB
    began = time.process_time()
    assert attack.planted(bomb) == "malformed"
    assert time.process_time() - began < 5


@pytest.mark.fault("S43")
def test_a_key_file_that_wants_a_terabyte(attack: Attack, run_module: RunModule, tmp_path: Path) -> None:
    lines = Path(attack.key.path).read_text().splitlines()
    head, body, end = lines[0], "".join(lines[1:-1]), lines[-1]
    value = json.loads(base64.b64decode(body))
    value["kdf"]["params"]["N"] = 1 << 30
    file = tmp_path / "evil.key"
    file.write_text(f"{head}\n{base64.b64encode(json.dumps(value).encode()).decode()}\n{end}\n")
    began = time.monotonic()
    result = run_module(
        "cosign_sign",
        reference=attack.stored.reference,
        privatekey_path=str(file),
        privatekey_passphrase=PASSPHRASE,
    )
    assert result["failure"]["code"] == "unreadable_key", result
    assert time.monotonic() - began < 5


@pytest.mark.fault("S44")
def test_a_passphrase_with_a_newline(attack: Attack, run_module: RunModule) -> None:
    reference, path = attack.stored.reference, attack.key.path
    for wrong in (f"{PASSPHRASE}\n", f"{PASSPHRASE}\r\n", "\n"):
        result = run_module("cosign_sign", reference=reference, privatekey_path=path, privatekey_passphrase=wrong)
        assert result["failure"]["code"] == "wrong_passphrase"
        assert "newline" in result["msg"]
        assert PASSPHRASE not in json.dumps(result)
    assert sign(run_module, reference, attack.key)["changed"]
