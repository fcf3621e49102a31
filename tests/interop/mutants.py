# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles that are each changed in one place, from a seed. All are signed rightly: only reading them can fail."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import typing as t
from dataclasses import dataclass

from interop.forged import bundle, statement
from interop.log_bodies import BODIES, body_of
from interop.mutant_values import INTEGERS, MEDIA_TYPES
from interop.stored import Document, compact
from support.log_entries import ENTRY

OPEN, CLOSE = "@<", ">@"  # what stands between them is put into the JSON as it is


@dataclass(frozen=True)
class Mutant:
    """The bundle's bytes; `mark` is the value of the annotation `mark` in what is signed."""

    name: str
    mark: str
    raw: bytes


def mutants(seed: int, count: int, digest: str, sign: t.Callable[[bytes], bytes]) -> list[Mutant]:
    """`count` of them, the same for the same seed but for the signatures."""
    chance, found = random.Random(seed), []  # noqa: S311 - nothing secret
    for number in range(count):
        mark = f"{seed}-{number}"
        said = statement(digest)
        said["subject"][0]["annotations"] = {"mark": mark}
        value = bundle(said, sign)
        change = CHANGES[number % len(CHANGES)]
        name, finish = change(chance, value)
        raw = compact(value)
        found.append(Mutant(f"{mark} {change.__name__}: {name}", mark, finish(_verbatim(raw))))
    return found


def _verbatim(raw: bytes) -> bytes:
    """The JSON with what is marked in it as it is."""
    parts = raw.decode().split(f'"{OPEN}')
    pieces = [parts[0]]
    for part in parts[1:]:
        inside, _mark, rest = part.partition(f'{CLOSE}"')
        pieces.append(json.loads(f'"{inside}"') + rest)
    return "".join(pieces).encode("utf-8", "surrogateescape")


def _same(raw: bytes) -> bytes:
    return raw


Finish = t.Callable[[bytes], bytes]


def media_type(chance: random.Random, value: Document) -> tuple[str, Finish]:
    value["mediaType"] = chance.choice(MEDIA_TYPES)
    return str(value["mediaType"]), _same


def _with_entry(value: Document, body: bytes | None = None) -> Document:
    entry: Document = json.loads(json.dumps(ENTRY))
    entry["canonicalizedBody"] = base64.b64encode(body if body is not None else body_of("dsse")).decode()
    value["verificationMaterial"]["tlogEntries"] = [entry]
    return entry


def integer(chance: random.Random, value: Document) -> tuple[str, Finish]:
    entry, token = _with_entry(value), chance.choice(INTEGERS)
    place, name = chance.choice(
        [
            (entry, "logIndex"),
            (entry, "integratedTime"),
            *((entry["inclusionProof"], each) for each in ("logIndex", "treeSize")),
        ]
    )
    place[name] = f"{OPEN}{token}{CLOSE}"
    return f"{name}={token[:60]}", _same


def binary(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """Base64 of another form, of bytes that stay the same, or nearly."""
    entry, envelope = _with_entry(value), value["dsseEnvelope"]
    places = [
        (envelope, "payload"),
        (envelope["signatures"][0], "sig"),
        (entry["logId"], "keyId"),
        (entry["inclusionProof"], "rootHash"),
        (entry, "canonicalizedBody"),
    ]
    place, name = chance.choice(places)
    form = chance.choice(sorted(FORMS))
    place[name] = FORMS[form](place[name], chance)
    return f"{name} {form}", _same


def _url(text: str) -> str:
    return text.replace("+", "-").replace("/", "_")


FORMS: t.Mapping[str, t.Callable[[str, random.Random], t.Any]] = {
    "wrapped": lambda text, _chance: base64.encodebytes(base64.b64decode(text)).decode(),
    "a line feed": lambda text, chance: _put(text, "\n", chance),
    "two line feeds": lambda text, chance: _put(_put(text, "\r", chance), "\n", chance),
    "four line feeds": lambda text, chance: _put(text, "\n\r\n\n", chance),
    "url": lambda text, _chance: _url(text),
    "url, unpadded": lambda text, _chance: _url(text).rstrip("="),
    "unpadded": lambda text, _chance: text.rstrip("="),
    "one alphabet and the other": lambda text, _chance: text.replace("+", "-", 1),
    "a blank": lambda text, chance: _put(text, " ", chance),
    "a tab": lambda text, chance: _put(text, "\t", chance),
    "too much padding": lambda text, _chance: text + "=",
    "twice": lambda text, _chance: text + text,
    "cut": lambda text, _chance: text[:-1],
    "empty": lambda _text, _chance: "",
    "null": lambda _text, _chance: None,
    "a number": lambda _text, _chance: 5,
    "not ASCII": lambda text, _chance: text[:-1] + "é",
}


def _put(text: str, what: str, chance: random.Random) -> str:
    position = chance.randrange(len(text) + 1)
    return text[:position] + what + text[position:]


def field_name(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """Another spelling of a name, or the same name twice."""
    _with_entry(value)
    names = [
        "verificationMaterial",
        "publicKey",
        "dsseEnvelope",
        "payloadType",
        "tlogEntries",
        "logIndex",
        "logId",
        "keyId",
    ]
    names += [
        "kindVersion",
        "inclusionProof",
        "rootHash",
        "canonicalizedBody",
        "signatures",
        "sig",
        "hint",
        "mediaType",
    ]
    name, form = chance.choice(names), chance.choice(["snake", "capital", "lower", "twice", "null first", "brackets"])
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    old = f'"{name}":'.encode()
    new = {
        "snake": f'"{snake}":',
        "capital": f'"{name[0].upper()}{name[1:]}":',
        "lower": f'"{name.lower()}":',
        "twice": f'"{name}":"x","{name}":',
        "null first": f'"{snake}":null,"{name}":',
        "brackets": f'"[{name}]":null,"{name}":',
    }[form].encode()
    return f"{name} {form}", lambda raw: raw.replace(old, new, 1)


def log_entry(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """A field of a log entry left out or replaced."""
    entry = _with_entry(value)
    place, name = chance.choice(
        [
            *((entry, each) for each in ENTRY),
            *((entry[each], inner) for each in ("logId", "kindVersion", "inclusionPromise") for inner in entry[each]),
            *((entry["inclusionProof"], each) for each in ENTRY["inclusionProof"]),
        ]
    )
    how = chance.choice(["absent", "null", "{}", "[]", '""', '"x"', "[null]", "[{}]", "5"])
    if how == "absent":
        del place[name]
    else:
        place[name] = f"{OPEN}{how}{CLOSE}"
    return f"{name} {how}", _same


def log_body(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """Another body of a log entry: of each kind and version, and broken in each place."""
    kind = chance.choice(BODIES)
    body = body_of(kind)
    text, name = body.decode(), "as it is"
    if chance.random() < 0.8:
        name, body = _broken(chance, text)
    entry = _with_entry(value, body)
    if chance.random() < 0.3:
        entry["kindVersion"] = chance.choice([{}, {"kind": "x", "version": "y"}, {"kind": "hashedrekord"}])
    return f"{kind} {name}", _same


def _broken(chance: random.Random, text: str) -> tuple[str, bytes]:
    document = json.loads(text)
    paths = list(_paths(document))
    path = chance.choice(paths)
    where = document
    for step in path[:-1]:
        where = where[step]
    how = chance.choice(
        ["absent", "null", "{}", "[]", '""', '"x"', "5", "twice", "capital", "trailing", "number", "base64"]
    )
    if how == "absent":
        del where[path[-1]]
    elif how == "twice":
        return f"{path} {how}", text.replace('"spec":', '"spec":null,"spec":', 1).encode()
    elif how == "capital":
        return f"{path} {how}", text.replace('"spec":', '"Spec":', 1).encode()
    elif how == "trailing":
        return f"{path} {how}", text.encode() + chance.choice([b"{}", b"\n", b" x", b"\xff"])
    elif how == "number":
        document["more"] = f"{OPEN}{chance.choice(['1e999', '1e', '9' * 5000, 'NaN', '-', '01', '1.0'])}{CLOSE}"
    elif how == "base64" and isinstance(where[path[-1]], str):
        where[path[-1]] = _put(where[path[-1]], chance.choice(["\n", "\r\n", " ", "=", "-"]), chance)
    else:
        where[path[-1]] = f"{OPEN}{'5' if how == 'base64' else how}{CLOSE}"
    return f"{path} {how}", _verbatim(compact(document))


def _paths(value: t.Any, above: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    items: t.Iterable[tuple[t.Any, t.Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, member in list(items):
        yield (*above, key)
        yield from _paths(member, (*above, key))


def json_text(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """The same document, written otherwise, or not quite a document."""
    del value
    name = chance.choice(sorted(WRITINGS))
    return name, WRITINGS[name]


WRITINGS: t.Mapping[str, Finish] = {
    "indented": lambda raw: json.dumps(json.loads(raw), indent=2).encode(),
    "escaped": lambda raw: raw.replace(b'"payload"', b'"p\\u0061yload"', 1),
    "a slash": lambda raw: raw.replace(b"application/", b"application\\/", 1),
    "white space around": lambda raw: b"\n\t " + raw + b"\r\n",
    "a form feed": lambda raw: b"\f" + raw,
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "more behind it": lambda raw: raw + b"{}",
    "a comma behind it": lambda raw: raw + b",",
    "a comma too much": lambda raw: raw[:-1] + b",}",
    "an unknown field": lambda raw: b'{"x":1,' + raw[1:],
    "an unknown field, null": lambda raw: b'{"x":null,' + raw[1:],
    "bad UTF-8": lambda raw: raw.replace(b'"hint":"', b'"hint":"\xff', 1),
    "a surrogate": lambda raw: raw.replace(b'"hint":"', b'"hint":"\\ud83d', 1),
    "a pair of surrogates": lambda raw: raw.replace(b'"hint":"', b'"hint":"\\ud83d\\ude00', 1),
    "a control character": lambda raw: raw.replace(b'"hint":"', b'"hint":"\x01', 1),
    "a delete character": lambda raw: raw.replace(b'"hint":"', b'"hint":"\x7f', 1),
    "two keys": lambda raw: raw.replace(b'"hint"', b'"hint":"a","hint"', 1),
    "cut": lambda raw: raw[:-1],
    "nothing": lambda _raw: b"",
    "null": lambda _raw: b"null",
    "a list": lambda raw: b"[" + raw + b"]",
}


def signer(chance: random.Random, value: Document) -> tuple[str, Finish]:
    """What the verification material says, and what else is in the bundle."""
    name = chance.choice(sorted(SIGNERS))
    SIGNERS[name](value)
    return name, _same


def _timestamps(value: Document, count: int) -> None:
    data = {"rfc3161Timestamps": [{"signedTimestamp": "AA=="}] * count}
    value["verificationMaterial"]["timestampVerificationData"] = data


def _message(value: Document, algorithm: object) -> None:
    digest = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    value["messageSignature"] = {"messageDigest": {"algorithm": algorithm, "digest": digest}, "signature": "AA=="}
    del value["dsseEnvelope"]


SIGNERS: t.Mapping[str, t.Callable[[Document], object]] = {
    "no hint": lambda value: value["verificationMaterial"]["publicKey"].clear(),
    "null hint": lambda value: value["verificationMaterial"]["publicKey"].update(hint=None),
    "null key": lambda value: value["verificationMaterial"].update(publicKey=None),
    "null chain": lambda value: value["verificationMaterial"].update(x509CertificateChain=None),
    "a chain, too": lambda value: value["verificationMaterial"].update(x509CertificateChain={}),
    "a chain": lambda value: value.update(verificationMaterial={"x509CertificateChain": {}}),
    "a certificate": lambda value: value.update(verificationMaterial={"certificate": {"rawBytes": "AA=="}}),
    "an empty key id": lambda value: value["dsseEnvelope"]["signatures"][0].update(keyid=""),
    "null key id": lambda value: value["dsseEnvelope"]["signatures"][0].update(keyid=None),
    "null envelope": lambda value: value.update(dsseEnvelope=None),
    "null message": lambda value: value.update(messageSignature=None),
    "null signatures": lambda value: value["dsseEnvelope"].update(signatures=None),
    "null among signatures": lambda value: value["dsseEnvelope"]["signatures"].append(None),
    "null entries": lambda value: value["verificationMaterial"].update(tlogEntries=None),
    "null among entries": lambda value: value["verificationMaterial"].update(tlogEntries=[None]),
    "an empty entry": lambda value: value["verificationMaterial"].update(tlogEntries=[{}]),
    "no entries": lambda value: value["verificationMaterial"].update(tlogEntries=[]),
    "33 entries": lambda value: value["verificationMaterial"].update(tlogEntries=[_with_entry(value)] * 33),
    "32 entries": lambda value: value["verificationMaterial"].update(tlogEntries=[_with_entry(value)] * 32),
    "32 time stamps": lambda value: _timestamps(value, 32),
    "a message": lambda value: _message(value, "SHA2_256"),
    "a message by number": lambda value: _message(value, 1),
    "a message by a number as text": lambda value: _message(value, "1"),
    "a message by an unknown number": lambda value: _message(value, 77),
    "a message by 1e0": lambda value: _message(value, f"{OPEN}1e0{CLOSE}"),
    "a message by an unknown name": lambda value: _message(value, "SHA256"),
    "a message by a number too large": lambda value: _message(value, 2**31),
}

CHANGES: t.Sequence[t.Callable[[random.Random, Document], tuple[str, Finish]]] = (
    media_type,
    integer,
    binary,
    field_name,
    log_entry,
    log_body,
    log_body,
    json_text,
    signer,
)
