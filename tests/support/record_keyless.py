# SPDX-License-Identifier: GPL-3.0-or-later
"""Records keyless signatures of a private Sigstore as test data: `python tests/support/record_keyless.py FILE`.

One JSON document: the trusted root and, by name, bundles and annotations. The times in them are those of the recording,
so they can be verified at any later time.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "build" / "collections"), str(ROOT / "tests")]
sys.path[:] = [one for one in sys.path if Path(one).resolve() != Path(__file__).resolve().parent]

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from support.private_sigstore import ME, Sigstore, running_sigstore  # noqa: E402

from ansible_collections.proven.gitops.plugins.module_utils._cosign import (  # noqa: E402
    bundle,
    bundle_writer,
    simple_signing_writer,
)
from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey  # noqa: E402
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signer import Material  # noqa: E402
from ansible_collections.proven.gitops.plugins.module_utils._http.settings import HttpSettings  # noqa: E402
from ansible_collections.proven.gitops.plugins.module_utils._sigstore import (  # noqa: E402
    fulcio,
    rekor,
    timestamp,
    token,
)
from ansible_collections.proven.gitops.plugins.module_utils._sigstore.service import Service  # noqa: E402

A, B = (f"sha256:{hashlib.sha256(name).hexdigest()}" for name in (b"artifact a", b"artifact b"))


@dataclass(frozen=True)
class Recorder:
    """Signs step by step, so that a step can be left out."""

    instance: Sigstore

    def service(self, name: str) -> Service:
        config = json.loads(self.instance.config.read_text())
        return Service(name, config[name][0]["url"], HttpSettings())

    def certify(self) -> fulcio.Certified:
        now = datetime.datetime.now(datetime.UTC)
        return fulcio.certify(self.service("caUrls"), token.parse(self.instance.token(), "token", now), now)

    def material(self, data: bytes, *, v1: bool, stamped: bool = True) -> tuple[bytes, Material]:
        """A signature by a new certificate, and what goes with it."""
        certified = self.certify()
        signature = certified.key.sign(data, ec.ECDSA(hashes.SHA256()))
        pem = certified.certificate.public_bytes(serialization.Encoding.PEM)
        signed = rekor.Signed(data, signature, rekor.payload_of(data), certified.der, b"", pem)
        log = Service("Rekor", self.instance.rekor_v1.url, HttpSettings()) if v1 else self.service("rekorTlogUrls")
        entry = rekor.add(log, 1 if v1 else 2, signed)
        stamps = (timestamp.stamp(self.service("tsaUrls"), signature),) if stamped else ()
        return signature, Material("", certified.der, (entry,), stamps, certified.chain)

    def bundle(
        self, digest: str, *, v1: bool = False, stamped: bool = True, kind: str = bundle.SIGN_PREDICATE
    ) -> t.Any:
        statement = bundle_writer.build_statement(digest, {"env": "prod"}).replace(
            bundle.SIGN_PREDICATE.encode(), kind.encode()
        )
        data = bundle.pae(bundle.PAYLOAD_TYPE, statement)
        return json.loads(bundle_writer.build_bundle(statement, *self.material(data, v1=v1, stamped=stamped)))

    def legacy(self, digest: str) -> t.Any:
        payload = simple_signing_writer.build_payload("127.0.0.1:5000/app", digest, {"env": "prod"})
        signature, material = self.material(payload, v1=True)
        made = simple_signing_writer.LegacySignature.of(payload, signature, material)
        return {"payload": payload.decode(), "beside": dict(made.annotations)}

    def by_key(self, digest: str) -> t.Any:
        key = ec.generate_private_key(ec.SECP256R1())
        public = PublicKey.of(key.public_key(), "key")
        statement = bundle_writer.build_statement(digest, {"env": "prod"})
        data = bundle.pae(bundle.PAYLOAD_TYPE, statement)
        signature = key.sign(data, ec.ECDSA(hashes.SHA256()))
        der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = rekor.Signed(data, signature, statement, None, der, public.pem)
        entry = rekor.add(self.service("rekorTlogUrls"), 2, signed)
        made = bundle_writer.build_bundle(statement, signature, Material(public.hint, None, (entry,)))
        return {"public_key": public.pem.decode(), "bundle": json.loads(made)}


def record(instance: Sigstore) -> dict[str, t.Any]:
    """The document."""
    recorder = Recorder(instance)
    found = {
        "identity": ME,
        "issuer": instance.issuer,
        "digest": A,
        "trusted_root": json.loads(instance.trusted_root.read_text()),
        "v2": recorder.bundle(A),
        "v1": recorder.bundle(A, v1=True, stamped=False),
        "other_artifact": recorder.bundle(B),
        "other_predicate": recorder.bundle(A, kind="https://slsa.dev/provenance/v1"),
        "legacy": recorder.legacy(A),
        "other_legacy": recorder.legacy(B),
        "by_key": recorder.by_key(A),
    }
    instance.rekor_v1.ahead = 3600
    found["late"] = recorder.bundle(A, v1=True, stamped=False)
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory, running_sigstore(Path(directory)) as running:
        Path(sys.argv[1]).write_text(json.dumps(record(running), indent=1) + "\n", encoding="utf-8")
