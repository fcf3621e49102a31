# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy signatures with something unusual beside them, from a seed. All are by the right key, about the digest."""

from __future__ import annotations

import base64
import datetime
import functools
import json
import random
import typing as t
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from interop.forged import payload
from interop.stored import PAYLOAD, SIGNATURE, compact

BESIDE = "dev.sigstore.cosign/"


@dataclass(frozen=True)
class LegacyMutant:
    """A layer: its payload, with `mark` among what is signed, and its annotations and media type."""

    name: str
    mark: str
    payload: bytes
    annotations: dict[str, str]
    media_type: str = PAYLOAD
    stricter: str = field(default="", compare=False)  # the rule of docs/compatibility.md by which only ours refuses it


def legacy_mutants(seed: int, count: int, digest: str, sign: t.Callable[[bytes], bytes]) -> list[LegacyMutant]:
    """`count` of them, the same for the same seed but for the signatures."""
    chance, found = random.Random(seed), []  # noqa: S311 - nothing secret
    for number in range(count):
        mark = f"{seed}-{number}"
        raw = compact({**payload(digest), "optional": {"mark": mark}})
        change = _CHANGES[number % len(_CHANGES)]
        name, annotations, media_type = change(chance, sign(raw))
        stricter = STRICTER.get(name, "")
        found.append(LegacyMutant(f"{mark} {change.__name__}: {name}", mark, raw, annotations, media_type, stricter))
    return found


def certificate(since: int, until: int, serial: int = 1) -> str:
    """Of somebody, valid between so many days from now, in PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name, day = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")]), datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now + since * day, now + until * day)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


Change = t.Callable[[random.Random, bytes], tuple[str, dict[str, str], str]]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _two_numbers(signature: bytes, size: int) -> bytes:
    return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))


def encoding(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    """The signature, or its text, in another form."""
    text, position = _text(signature), chance.randrange(1, 90)
    forms = {
        "plain": text,
        "wrapped": base64.encodebytes(signature).decode(),
        "a line feed": f"{text[:position]}\n{text[position:]}",
        "carriage returns": f"\r\n{text[:position]}\r{text[position:]}\r\n",
        "a blank": f"{text[:position]} {text[position:]}",
        "a blank behind it": text + " ",
        "unpadded": text.rstrip("="),
        "too much padding": text + "=",
        "url": text.replace("+", "-").replace("/", "_"),
        "two numbers": _text(_two_numbers(signature, 32)),
        "two longer numbers": _text(_two_numbers(signature, 40)),
        "two numbers that are too long": _text(_two_numbers(signature, 67)),
        "two numbers and a byte": _text(_two_numbers(signature, 32) + b"\0"),
        "more behind it": _text(signature + b"\0"),
        "cut": _text(signature[:-1]),
        "empty": "",
    }
    name = chance.choice(sorted(forms))
    return name, {SIGNATURE: forms[name]}, PAYLOAD


def media_type(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    name = chance.choice(["text/plain", "application/vnd.oci.image.layer.v1.tar+gzip", PAYLOAD + "; x=y", PAYLOAD])
    return name, {SIGNATURE: _text(signature)}, name


@functools.cache
def _certificates() -> t.Mapping[str, dict[str, str]]:
    good, expired, early = certificate(-1, 1), certificate(-3, -2), certificate(2, 3)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    public = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "another key's": {"certificate": good},
        "expired": {"certificate": expired},
        "not valid yet": {"certificate": early},
        "a good one and an expired one": {"certificate": good + expired},
        "an expired one and a good one": {"certificate": expired + good},
        "white space around": {"certificate": f"\n \n{good}\n\n"},
        "none": {"certificate": ""},
        "white space alone": {"certificate": " "},
        "no PEM": {"certificate": "nonsense"},
        "a public key": {"certificate": public},
        "cut": {"certificate": good[:-10]},
        "more behind it": {"certificate": good + "more"},
        "damaged": {"certificate": good.replace("M", "!", 1)},
        "text before it": {"certificate": "text\n" + good},
        "text between two": {"certificate": f"{good}text\n{good}"},
        "another label": {"certificate": good.replace("CERTIFICATE", "X509 CERTIFICATE")},
        "headers": {"certificate": good.replace("-----\n", "-----\nkey: value\n\n", 1)},
        "one line": {"certificate": good.replace("\n", "")},
        "carriage returns": {"certificate": good.replace("\n", "\r\n")},
        "a chain": {"certificate": good, "chain": good + expired},
        "a chain that is none": {"certificate": good, "chain": "nonsense"},
        "a chain alone": {"chain": "nonsense"},
        "an empty chain": {"certificate": good, "chain": ""},
        "DER": {"certificate": _text(b"0\x03\x02\x01\x00")},
    }


def certificates(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    name = chance.choice(sorted(_certificates()))
    beside = {f"{BESIDE}{key}": text for key, text in _certificates()[name].items()}
    return name, {SIGNATURE: _text(signature), **beside}, PAYLOAD


_ENTRY: t.Final = {
    "SignedEntryTimestamp": "AA==",
    "Payload": {"body": "e30=", "integratedTime": 1, "logIndex": 1, "logID": "ab"},
}
_VALUES = (
    "null",
    "0",
    "1",
    "-1",
    "1.0",
    "1e3",
    "9223372036854775807",
    "9223372036854775808",
    '"1"',
    "true",
    "[]",
    "{}",
)
_TEXTS = ("null", '""', '"AA=="', '"A\\nA=="', '"AA"', '"%"', "5", "[0]", "{}", '"-_8="')


def log_entry(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    document: dict[str, t.Any] = json.loads(json.dumps(_ENTRY))
    place, name, values = chance.choice(
        [
            (document, "SignedEntryTimestamp", _TEXTS),
            (document, "Payload", _VALUES),
            *((document["Payload"], each, _VALUES) for each in ("integratedTime", "logIndex", "body", "logID")),
        ]
    )
    value = chance.choice(values)
    place[name] = "@value"
    text = json.dumps(document).replace('"@value"', value)
    return f"{name}={value}", {SIGNATURE: _text(signature), f"{BESIDE}bundle": text}, PAYLOAD


WRITTEN: t.Final = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a string": '"x"',
    "empty": "{}",
    "more behind it": json.dumps(_ENTRY) + "x",
    "twice": '{"Payload":5,"Payload":{}}',
    "another case": '{"payload":{"LOGINDEX":1}}',
    "another case, and wrong": '{"payload":{"LOGINDEX":"x"}}',
    "unknown members": '{"x":1}',
    "no JSON": "nonsense",
    "a blank": " ",
}


def log_text(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    name, where = chance.choice(sorted(WRITTEN)), chance.choice(["bundle", "rfc3161timestamp"])
    return f"{where}: {name}", {SIGNATURE: _text(signature), f"{BESIDE}{where}": WRITTEN[name]}, PAYLOAD


def timestamp(chance: random.Random, signature: bytes) -> tuple[str, dict[str, str], str]:
    value = chance.choice(_TEXTS)
    beside = {f"{BESIDE}rfc3161timestamp": f'{{"SignedRFC3161Timestamp":{value}}}'}
    return value, {SIGNATURE: _text(signature), **beside}, PAYLOAD


_CHANGES: t.Sequence[Change] = (encoding, media_type, certificates, log_entry, log_text, timestamp)

_SPELLING = "JSON beside a legacy signature"
_BETWEEN = "What is not simply certificates beside a legacy signature"
# Only ours refuses these, by the rule of docs/compatibility.md that begins so.
STRICTER: t.Final[t.Mapping[str, str]] = {
    **{f"{where}: {name}": _SPELLING for where in ("bundle", "rfc3161timestamp") for name in ("null", "twice")},
    "bundle: another case": _SPELLING,
    "SignedEntryTimestamp=[0]": _SPELLING,
    "[0]": _SPELLING,
    **dict.fromkeys(("text before it", "text between two", "another label", "headers", "white space alone"), _BETWEEN),
}
