# SPDX-License-Identifier: GPL-3.0-or-later
"""Key pairs in directories of their own, for the tests of cosign_keypair."""

from __future__ import annotations

import functools
import json
import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:
    from conftest import Result

PASSPHRASE = "correct horse battery staple"


@functools.cache
def decrypt(content: bytes, passphrase: str) -> SigningKey:
    """Once for each file: it takes a quarter of a second."""
    return SigningKey.load(content, passphrase.encode(), "private")


class Pair(t.NamedTuple):
    """The two files in a directory of their own."""

    private: Path
    public: Path

    def state(self) -> dict[str, tuple[bytes, int, int]]:
        """Everything in the directory: bytes, mode, and the time of the last change."""
        found = {path.name: (path.read_bytes(), path.stat()) for path in sorted(self.private.parent.iterdir())}
        return {name: (data, stat.S_IMODE(s.st_mode), s.st_mtime_ns) for name, (data, s) in found.items()}

    def key(self, passphrase: str = PASSPHRASE) -> SigningKey:
        return decrypt(self.private.read_bytes(), passphrase)

    def check(self, passphrase: str = PASSPHRASE) -> str:
        """The fingerprint of a pair that is whole."""
        assert self.public.read_bytes() == self.key(passphrase).public.pem
        assert set(self.state()) == {self.private.name, self.public.name}
        return self.key(passphrase).public.fingerprint


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    directory = tmp_path / "keys"
    directory.mkdir()
    return Pair(directory / "cosign.key", directory / "cosign.pub")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """One pair for the tests that only need some."""
    directory = tmp_path_factory.mktemp("template")
    key = SigningKey.generate()
    (directory / "cosign.key").write_bytes(key.encrypted_pem(PASSPHRASE.encode()))
    (directory / "cosign.pub").write_bytes(key.public.pem)
    (directory / "cosign.key").chmod(0o600)
    return Pair(directory / "cosign.key", directory / "cosign.pub")


@pytest.fixture
def made(pair: Pair, template: Pair) -> Pair:
    """A pair that is there."""
    for source, target in zip(template, pair, strict=True):
        target.write_bytes(source.read_bytes())
        target.chmod(stat.S_IMODE(source.stat().st_mode))
    return pair


def without_invocation(result: Result) -> Result:
    return {name: value for name, value in result.items() if name != "invocation"}


def check_leak(result: Result, secret: str = PASSPHRASE) -> None:
    text = json.dumps(result)
    assert secret not in text
    assert "PRIVATE KEY" not in text
