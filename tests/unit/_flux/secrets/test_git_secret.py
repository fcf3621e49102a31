# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and logins for git, as a Secret holds them; keys are held against OpenSSH itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._flux.secrets.git_secret import (
    ALGORITHMS,
    Identity,
    Login,
    SshKey,
    check_known_hosts,
    public_key,
    shown,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

HOSTS = b"git.example.com ssh-ed25519 AAAA\n"


def _keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_new_key_is_one_to_openssh(algorithm: str, tmp_path: Path) -> None:
    key = SshKey.generate(algorithm)
    assert key.private.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    public = tmp_path / "key.pub"
    public.write_bytes(key.public)
    assert key.fingerprint in _keygen("-l", "-f", str(public))
    assert SshKey.load(key.private, "x") == key
    assert str(key.private) not in repr(key)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_of_openssh(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "id"
    _keygen("-q", "-t", kind, "-N", "", "-C", "a comment", "-f", str(path))
    loaded = SshKey.load(path.read_bytes(), "privatekey_path")
    public = Path(f"{path}.pub").read_text().split()
    assert loaded.public.decode().split() == public[:2]


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "id"
    _keygen("-q", "-t", "ed25519", "-N", "canary-passphrase", "-f", str(path))
    with pytest.raises(InvalidOption, match="privatekey_path: is protected by a passphrase"):
        SshKey.load(path.read_bytes(), "privatekey_path")


@pytest.mark.parametrize(
    "text", [b"", b"canary", HOSTS, b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key(text: bytes) -> None:
    with pytest.raises(InvalidOption, match="x: is not an SSH private key") as caught:
        SshKey.load(text, "x")
    assert "canary" not in caught.value.message


def test_a_key_that_is_there_is_kept() -> None:
    there = SshKey.generate("ed25519")
    live = {"identity": there.private, "identity.pub": there.public, "known_hosts": b"old"}
    found = Identity(HOSTS).data(live)
    assert found == {"identity": there.private, "identity.pub": there.public, "known_hosts": HOSTS}
    assert public_key(found) == there.public


def test_without_a_usable_key_one_is_made() -> None:
    for live in ({}, {"identity": b"garbage"}):
        found = Identity(HOSTS, algorithm="ed25519").data(live)
        assert found["identity.pub"].startswith(b"ssh-ed25519 ")
        assert public_key(found) == found["identity.pub"]
    assert (public_key({}), public_key({"identity": b"garbage"})) == (b"", b"")


def test_a_given_key_replaces_another_and_not_itself() -> None:
    one, other = SshKey.generate("ecdsa"), SshKey.generate("ecdsa")
    live = {"identity": one.private + b"\n", "identity.pub": one.public}
    assert Identity(HOSTS, one).data(live)["identity"] == one.private + b"\n"  # the same in other bytes
    assert Identity(HOSTS, other).data(live)["identity"] == other.private


def test_a_login() -> None:
    login = Login("git", "canary")
    assert login.data({"identity": b"x"}) == {"username": b"git", "password": b"canary"}
    assert Login("git", "canary", b"PEM").data({})["ca.crt"] == b"PEM"
    assert "canary" not in repr(login)


def test_what_may_be_seen() -> None:
    assert shown("password", b"canary") == shown("identity", b"canary") == shown("anything", b"canary") == "(hidden)"
    assert shown("username", b"git") == "git"
    assert shown("identity.pub", b"ssh-ed25519 AAAA\n") == "ssh-ed25519 AAAA"
    assert shown("known_hosts", HOSTS).startswith("sha256:")


def test_known_hosts() -> None:
    text = "# a comment\n\ngit.example.com ssh-ed25519 AAAA\n@cert-authority * ssh-rsa BBBB\n"
    assert check_known_hosts(text, "x") == b"git.example.com ssh-ed25519 AAAA\n@cert-authority * ssh-rsa BBBB\n"
    for wrong in ("git.example.com", "@revoked a b", "git.example.com ssh-ed25519"):
        with pytest.raises(InvalidOption, match=r"x: .* is no line of a known_hosts file"):
            check_known_hosts(wrong, "x")
    for empty in ("", "\n# nothing\n"):
        with pytest.raises(InvalidOption, match="holds no host key"):
            check_known_hosts(empty, "x")
