# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign 3 and cosign 2 as signers and verifiers with keys: without a transparency log, without Sigstore's services."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:  # pragma: no cover
    from interop.peers import Cli, Done

Format = t.Literal["bundle", "legacy"]

# What cosign 2 wants for a bundle, also of a key and without a log. An empty one is enough: nothing of it is used.
EMPTY_TRUSTED_ROOT = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'

NO_SIGNATURE, NONE_MATCHES = 10, 12  # exit codes; cosign, cmd/cosign/errors/exit_codes.go


@dataclass(frozen=True)
class Keys:
    """A key pair in files, as `cosign generate-key-pair` writes them."""

    private: Path
    password: str

    @classmethod
    def ours(cls, directory: Path) -> Keys:
        """A pair that we made, in an empty directory."""
        keys, pair = cls(directory / "cosign.key", "päss word"), SigningKey.generate()
        keys.private.write_bytes(pair.encrypted_pem(keys.password.encode()))
        keys.private.chmod(0o600)
        keys.public.write_bytes(pair.public.pem)
        return keys

    @property
    def public(self) -> Path:
        return self.private.with_suffix(".pub")

    @property
    def options(self) -> dict[str, t.Any]:
        """For cosign_sign."""
        return {"privatekey_path": str(self.private), "privatekey_passphrase": self.password}

    @property
    def verifiers(self) -> list[dict[str, str]]:
        """For cosign_verify."""
        return [{"path": str(self.public)}]


@dataclass(frozen=True)
class Cosign:
    """One version of cosign. `major` decides the flags; `trusted_root` is the file that cosign 2 asks for."""

    major: int
    cli: Cli
    trusted_root: Path

    def generate(self, directory: Path, password: str) -> Keys:
        directory.mkdir(exist_ok=True)
        keys = Keys(directory / "cosign.key", password)
        self.cli("generate-key-pair", "--output-key-prefix", str(directory / "cosign"), COSIGN_PASSWORD=password)
        return keys

    def convert(self, pem: Path, directory: Path, password: str) -> Keys:
        """import-key-pair: another PEM key as cosign's own."""
        directory.mkdir(exist_ok=True)
        prefix = ("--output-key-prefix", str(directory / "cosign"))
        self.cli("import-key-pair", "--key", str(pem), *prefix, COSIGN_PASSWORD=password)
        return Keys(directory / "cosign.key", password)

    def public_key(self, keys: Keys) -> bytes | None:
        """The public key that cosign finds in the private key file; None if it does not read that file."""
        done = self.cli.run("public-key", "--key", str(keys.private), COSIGN_PASSWORD=keys.password)
        return None if done.code else done.output

    def sign(self, reference: str, keys: Keys, form: Format, annotations: t.Mapping[str, str] | None = None) -> None:
        """Sign a digest in one format."""
        flags = ["--key", str(keys.private), "--tlog-upload=false", f"--new-bundle-format={_truth(form == 'bundle')}"]
        if self.major == 3:
            flags.append("--use-signing-config=false")
        self.cli("sign", *flags, *_annotations(annotations), reference, COSIGN_PASSWORD=keys.password)

    def attest(self, reference: str, keys: Keys, kind: str, predicate: Path) -> None:
        """Attach a signed statement of another kind, as a bundle."""
        flags = ["--key", str(keys.private), "--tlog-upload=false", "--new-bundle-format=true", "--type", kind]
        if self.major == 3:
            flags.append("--use-signing-config=false")
        self.cli("attest", *flags, "--predicate", str(predicate), reference, COSIGN_PASSWORD=keys.password)

    def verify_attestation(self, reference: str, public: Path, kind: str) -> Done:
        """Ask for attestations of a type; one line of JSON for each on its output when it accepts."""
        flags = ["--key", str(public), "--insecure-ignore-tlog=true", "--type", kind, "--new-bundle-format=true"]
        if self.major == 2:
            flags += ["--trusted-root", str(self.trusted_root)]
        return self.cli.run("verify-attestation", *flags, reference)

    def verify(
        self, reference: str, public: Path, form: Format | None = None, annotations: t.Mapping[str, str] | None = None
    ) -> Done:
        """Ask for a verdict, in one format or as it does by default; JSON on its output when it accepts."""
        flags = ["--key", str(public), "--insecure-ignore-tlog=true", *_annotations(annotations)]
        if form is not None:
            flags.append(f"--new-bundle-format={_truth(form == 'bundle')}")
        if self.major == 2 and form == "bundle":
            flags += ["--trusted-root", str(self.trusted_root)]
        return self.cli.run("verify", *flags, reference)

    def accepts(
        self, reference: str, keys: Keys, form: Format, annotations: t.Mapping[str, str] | None = None
    ) -> t.Any:
        """Every signature that it verified, as JSON; a refusal fails the test."""
        done = self.verify(reference, keys.public, form, annotations)
        assert done.code == 0, (self.major, form, done.errors)
        return done.json


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _annotations(annotations: t.Mapping[str, str] | None) -> list[str]:
    return [word for name, value in (annotations or {}).items() for word in ("-a", f"{name}={value}")]
