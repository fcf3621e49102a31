# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands beside a legacy signature by a key: cosign and Flux read it all, and refuse what they cannot read."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.proven.gitops.plugins.module_utils._cosign import simple_signing_writer
from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import Keys
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.verdicts import Finding, Verdict, judge_legacy

DIGEST = "sha256:" + "a1" * 32
PREFIX = "dev.sigstore.cosign/"
DAY = datetime.timedelta(days=1)


def certificate(since: int, until: int) -> str:
    """Of a stranger, valid between so many days from now."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now + since * DAY, now + until * DAY)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def judge(key: SigningKey, **beside: str) -> Finding:
    payload = simple_signing_writer.build_payload("h.example/r", DIGEST, {})
    annotations = {f"{PREFIX}{name}": text for name, text in beside.items()}
    annotations["dev.cosignproject.cosign/signature"] = base64.b64encode(key.sign(payload)).decode()
    return judge_legacy(payload, annotations, DIGEST, Keys([key.public]), {})


VALID = certificate(-1, 1)
ENTRY: t.Final[dict[str, t.Any]] = {
    "SignedEntryTimestamp": "AA==",
    "Payload": {"body": "e30=", "integratedTime": 1, "logIndex": 1},
}


def entry(**payload: t.Any) -> str:
    return json.dumps({**ENTRY, "Payload": {**ENTRY["Payload"], **payload}})


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"certificate": "", "chain": "", "bundle": "", "rfc3161timestamp": ""},
        {"certificate": VALID},
        {"certificate": f"\n {VALID}{VALID}\n", "chain": VALID + "\n" + VALID},
        {"chain": "nonsense"},  # is not looked at without a certificate
        {"bundle": entry()},
        {"bundle": entry(logID="ab", more=1)},
        {"bundle": '{"SignedEntryTimestamp":null,"Payload":null}'},
        {"rfc3161timestamp": '{"SignedRFC3161Timestamp":"AA=\\n="}'},
    ],
)
def test_what_does_no_harm(ours: SigningKey, beside: dict[str, str]) -> None:
    assert judge(ours, **beside).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    "beside",
    [
        {"certificate": "nonsense"},
        {"certificate": " \n"},
        {"certificate": VALID.replace("M", "%", 1)},
        {"certificate": VALID[:-5]},
        {"certificate": VALID + "more"},
        {"certificate": VALID.rstrip() + VALID},
        {"certificate": SigningKey.generate().public.pem.decode()},
        {"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"certificate": VALID, "chain": "nonsense"},
        {"bundle": "nonsense"},
        {"bundle": "[]"},
        {"bundle": entry(integratedTime="1")},
        {"bundle": entry(integratedTime=1.5)},
        {"bundle": entry(logIndex=True)},
        {"bundle": entry(logIndex=2**63)},
        {"bundle": entry(logID=1)},
        {"bundle": entry(LogIndex="x")},
        {"bundle": '{"Payload":"x"}'},
        {"bundle": '{"SignedEntryTimestamp":"%"}'},
        {"bundle": '{"signedentrytimestamp":"%"}'},
        {"bundle": '{"SignedEntryTimestamp":5}'},
        {"rfc3161timestamp": "nonsense"},
        {"rfc3161timestamp": '{"SignedRFC3161Timestamp":"A"}'},
    ],
)
def test_what_is_unreadable_is_refused(ours: SigningKey, beside: dict[str, str]) -> None:
    finding = judge(ours, **beside)
    assert finding.verdict is Verdict.MALFORMED
    assert PREFIX in finding.reason


@pytest.mark.parametrize(("since", "until", "why"), [(-2, -1, "has expired"), (1, 2, "is not valid yet")])
def test_a_certificate_that_is_not_valid_today(ours: SigningKey, since: int, until: int, why: str) -> None:
    finding = judge(ours, certificate=certificate(since, until))
    assert finding.verdict is Verdict.WRONG_IDENTITY
    assert why in finding.reason
