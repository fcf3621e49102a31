# SPDX-License-Identifier: GPL-3.0-or-later
"""A transparency log with the API of Rekor v1, in memory: entries, promises, proofs of inclusion, checkpoints.

For what needs the real server's database to run; cosign and sigstore-python are the judges of what it gives.
Sources: rekor, openapi.yaml and pkg/types; RFC 6962, 2.1; transparency-dev, formats/log and note.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Json = dict[str, t.Any]
_ENTRIES = "/api/v1/log/entries"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _canonical(value: t.Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = _split(len(leaves))
    return _node(_root(leaves[:middle]), _root(leaves[middle:]))


def _path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*_path(index, leaves[:middle]), _root(leaves[middle:])]
    return [*_path(index - middle, leaves[middle:]), _root(leaves[:middle])]


class RekorV1:
    """The log. With `conflict` it answers each new entry as if it were a repeated request (409)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._lock = threading.Lock()
        self._bodies: list[bytes] = []
        self._known: dict[str, Json] = {}
        self.conflict = False
        self.ahead = 0  # seconds that its clock goes before others
        self.url = ""

    @property
    def public(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def trusted(self) -> Json:
        """The log as a trusted root names it."""
        return {
            "baseUrl": self.url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _b64(self.public),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            },
            "logId": {"keyId": _b64(hashlib.sha256(self.public).digest())},
        }

    def add(self, proposed: Json) -> tuple[int, str, Json]:
        """Status, the entry's UUID, and the answer."""
        body = _canonical(_BODIES[proposed["kind"]](proposed))
        with self._lock:
            uuid = hashlib.sha256(b"\x00" + body).hexdigest()
            if uuid in self._known:
                return 409, uuid, {"code": 409, "message": "an equivalent entry already exists"}
            self._bodies.append(body)
            entry = {uuid: self._entry(len(self._bodies) - 1)}
            self._known[uuid] = entry
            return (409 if self.conflict else 201), uuid, entry

    def get(self, uuid: str) -> Json | None:
        return self._known.get(uuid)

    def _entry(self, index: int) -> Json:
        body, now, log_id = self._bodies[index], int(time.time()) + self.ahead, hashlib.sha256(self.public).hexdigest()
        promise = {"body": _b64(body), "integratedTime": now, "logID": log_id, "logIndex": index}
        leaves = [hashlib.sha256(b"\x00" + one).digest() for one in self._bodies]
        proof = {
            "hashes": [one.hex() for one in _path(index, leaves)],
            "logIndex": index,
            "rootHash": _root(leaves).hex(),
            "treeSize": len(leaves),
            "checkpoint": self._checkpoint(len(leaves), _root(leaves)),
        }
        return {**promise, "verification": {"inclusionProof": proof, "signedEntryTimestamp": _b64(self._sign(promise))}}

    def _sign(self, value: t.Any) -> bytes:
        return self._key.sign(_canonical(value), ec.ECDSA(hashes.SHA256()))

    def _checkpoint(self, size: int, root: bytes) -> str:
        origin = "rekor.lab.example"
        text = f"{origin} - 1\n{size}\n{_b64(root)}\n"
        signature = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        hint = hashlib.sha256(self.public).digest()[:4]
        return f"{text}\n\u2014 {origin} {_b64(hint + signature)}\n"


def _dsse(proposed: Json) -> Json:
    content = proposed["spec"]["proposedContent"]
    envelope = json.loads(content["envelope"])
    [signature], [verifier] = envelope["signatures"], content["verifiers"]
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": _sha256(content["envelope"].encode()),
            "payloadHash": _sha256(base64.b64decode(envelope["payload"])),
            "signatures": [{"signature": signature["sig"], "verifier": verifier}],
        },
    }


def _sha256(data: bytes) -> Json:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


_BODIES: dict[str, t.Callable[[Json], Json]] = {"dsse": _dsse, "hashedrekord": lambda proposed: proposed}


@contextlib.contextmanager
def running_rekor_v1() -> t.Iterator[RekorV1]:
    """The log at a free port of this machine."""
    log = RekorV1()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: t.Any) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, uuid, value = log.add(asked)
            self._answer(status, value, {"Location": f"{_ENTRIES}/{uuid}"})

        def do_GET(self) -> None:
            entry = log.get(self.path.removeprefix(f"{_ENTRIES}/"))
            self._answer(200 if entry else 404, entry or {"code": 404, "message": "entry not found"}, {})

        def _answer(self, status: int, value: Json, headers: dict[str, str]) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        log.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield log
        server.shutdown()
