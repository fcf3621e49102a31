# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign_keypair and the world: files that are there, other processes, and ends in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support import module_process
from support.pairs import PASSPHRASE, Pair, made, pair, template

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey
from ansible_collections.proven.gitops.plugins.module_utils._cosign.signing_key import SigningKey

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["made", "pair", "template"]

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).resolve().parents[2]


# -- what is there already ------------------------------------------------------------------------------------------


def other_public_key() -> bytes:
    return SigningKey.generate().public.pem


@pytest.mark.parametrize("content", [other_public_key(), b"garbage"], ids=["another key", "no key"])
def test_public_key_of_another_pair(run_module: RunModule, made: Pair, content: bytes) -> None:
    made.public.write_bytes(content)
    state = made.state()
    options: dict[str, t.Any] = {"path": str(made.private), "passphrase": PASSPHRASE}
    refused = run_module("cosign_keypair", **options)
    assert refused["failure"]["code"] == "other_public_key"
    assert str(made.public) in refused["msg"]
    assert made.state() == state
    done = run_module("cosign_keypair", **options, regenerate="public_key")
    assert done["actions"] == [f"replaced the public key {made.public}"]
    assert made.check() == done["fingerprint"]
    assert made.state()["cosign.key"] == state["cosign.key"]
    assert not run_module("cosign_keypair", **options, regenerate="public_key")["changed"]


def test_public_key_without_its_private_key_is_not_overwritten(run_module: RunModule, pair: Pair) -> None:
    pair.public.write_bytes(other_public_key())
    state = pair.state()
    refused = run_module("cosign_keypair", path=str(pair.private), passphrase="")
    assert "which does not exist" in refused["msg"]
    assert pair.state() == state


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"garbage", "not a key in PEM format"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
            "an unencrypted PKCS#8 private key",
        ),
        (other_public_key(), "a public key, where the private key is expected"),
        (b"x" * 70000, "70000 bytes, which no key has"),
    ],
    ids=["empty", "garbage", "PKCS#8", "public", "huge"],
)
def test_what_is_no_private_key_is_kept(run_module: RunModule, pair: Pair, content: bytes, reason: str) -> None:
    pair.private.write_bytes(content)
    state = pair.state()
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="")
    assert result["failed"]
    assert reason in result["msg"]
    assert str(pair.private) in result["msg"]
    assert pair.state() == state


def test_always_replaces_what_cannot_be_read(run_module: RunModule, pair: Pair) -> None:
    pair.private.write_bytes(b"garbage")
    pair.public.write_bytes(b"garbage")
    assert run_module("cosign_keypair", path=str(pair.private), passphrase="", regenerate="always")["changed"]
    pair.check("")


def test_key_that_must_not_sign_is_warned_of(run_module: RunModule, pair: Pair) -> None:
    pair.private.write_bytes(SigningKey(ec.generate_private_key(ec.SECP384R1())).encrypted_pem(b""))
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="")
    assert result["type"] == "ecdsa-p384"
    assert "use an ECDSA P-256 key" in json.dumps(result["warnings"])


# -- places ---------------------------------------------------------------------------------------------------------


def test_links_are_read_but_not_written(run_module: RunModule, made: Pair, tmp_path: Path) -> None:
    made.private.chmod(0o644)  # what a link leads to keeps its mode
    private, public = tmp_path / "link.key", tmp_path / "link.pub"
    private.symlink_to(made.private)
    public.symlink_to(made.public)
    options: dict[str, t.Any] = {"path": str(private), "passphrase": PASSPHRASE}
    result = run_module("cosign_keypair", **options)
    assert (result["changed"], result["fingerprint"]) == (False, made.check())
    state = made.state()
    refused = run_module("cosign_keypair", **options, regenerate="always")
    assert refused["msg"] == f"path: {private} is a symbolic link; name the file that it should be"
    made.public.write_bytes(other_public_key())
    refused = run_module("cosign_keypair", **options, regenerate="public_key")
    assert refused["msg"] == f"public_key_path: {public} is a symbolic link; name the file that it should be"
    assert made.state()["cosign.key"] == state["cosign.key"]


def test_link_to_nothing(run_module: RunModule, pair: Pair, tmp_path: Path) -> None:
    pair.private.symlink_to(tmp_path / "elsewhere")
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="")
    assert result["msg"] == f"path: {pair.private} is a link to nothing"
    assert not (tmp_path / "elsewhere").exists()


def test_places_that_are_no_file(run_module: RunModule, pair: Pair) -> None:
    pair.private.mkdir()
    assert "not a regular file" in run_module("cosign_keypair", path=str(pair.private), passphrase="")["msg"]
    pair.private.rmdir()
    os.mkfifo(pair.private)
    assert "not a regular file" in run_module("cosign_keypair", path=str(pair.private), passphrase="")["msg"]
    pair.private.unlink()
    pair.public.mkdir()
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="", regenerate="always")
    assert "not a regular file" in result["msg"]
    assert result["msg"].startswith("public_key_path: ")
    assert not pair.private.exists()


def test_places_that_are_not_there(run_module: RunModule, tmp_path: Path) -> None:
    result = run_module("cosign_keypair", path=str(tmp_path / "no" / "cosign.key"), passphrase="")
    assert result["msg"] == f"path: the directory {tmp_path / 'no'} does not exist"
    result = run_module(
        "cosign_keypair", path=str(tmp_path / "a.key"), public_key_path=str(tmp_path / "no" / "a.pub"), passphrase=""
    )
    assert result["msg"] == f"public_key_path: the directory {tmp_path / 'no'} does not exist"
    result = run_module(
        "cosign_keypair", path=str(tmp_path / "a.key"), public_key_path=str(tmp_path / "a.key"), passphrase=""
    )
    assert result["msg"] == "public_key_path: the same file as path"
    assert list(tmp_path.iterdir()) == []


def test_mode_that_may_not_be_changed(run_module: RunModule, made: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of somebody else, as a user who is not root would see it."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    result = run_module("cosign_keypair", path=str(made.private), passphrase=PASSPHRASE, mode="0400")
    assert result["msg"] == f"{made.private}: its owner or mode cannot be changed: Operation not permitted"


def test_place_where_nobody_can_write(run_module: RunModule) -> None:
    """/proc refuses new files even to root."""
    result = run_module("cosign_keypair", path="/proc/cosign.key", passphrase="")
    assert result["failed"]
    assert result["failure"]["code"] in ("invalid_option", "unwritable_file")
    assert "/proc" in result["msg"]


# -- other processes ------------------------------------------------------------------------------------------------

# A process that ends just before, or just after, its file gets its name for the n-th time.
KILL = """
import os, signal
from ansible_collections.proven.gitops.plugins.module_utils._shared import files
place, calls = files._place, []
def mortal(*arguments):
    calls.append(1)
    if len(calls) == {number} and {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    place(*arguments)
    if len(calls) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
files._place = mortal
"""


def start(pair: Pair, prepare: str = "", **options: t.Any) -> subprocess.Popen[str]:
    given = {"path": str(pair.private), "passphrase": PASSPHRASE, **options}
    return module_process.start("cosign_keypair", prepare=prepare, **given)


def result_of(process: subprocess.Popen[str]) -> Result:
    result = module_process.finish(process)
    assert result is not None
    return result


@pytest.mark.fault("X2")
@pytest.mark.parametrize("regenerate", ["never", "always"])
@pytest.mark.parametrize(("number", "before"), [(1, True), (1, False), (2, True)])
def test_run_that_is_killed_is_completed_by_the_next(
    run_module: RunModule, made: Pair, regenerate: str, number: int, before: bool
) -> None:
    if regenerate == "never":
        made.private.unlink()
        made.public.unlink()
    process = start(made, KILL.format(number=number, before=before), regenerate=regenerate)
    assert module_process.finish(process) is None, "it was killed"
    left = made.private.read_bytes() if made.private.exists() else None
    # Also a run that must not replace anything completes it.
    result = run_module("cosign_keypair", path=str(made.private), passphrase=PASSPHRASE)
    assert "failed" not in result, result
    assert result["changed"]
    assert made.public.read_bytes() == made.key().public.pem
    assert left is None or left == made.private.read_bytes()


def test_parallel_runs_make_one_pair(pair: Pair) -> None:
    found = [result_of(process) for process in [start(pair) for _turn in range(3)]]
    assert {result["fingerprint"] for result in found} == {pair.check()}
    assert sorted(result["changed"] for result in found) == [False, False, True]


def test_parallel_replacements_leave_a_pair(made: Pair) -> None:
    found = [result_of(process) for process in [start(made, regenerate="always") for _turn in range(2)]]
    assert made.check() in {result["fingerprint"] for result in found}


def test_run_of_another_host_in_between_is_not_overwritten(
    run_module: RunModule, pair: Pair, template: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock reaches another host; making a file exclusively does."""
    generate = SigningKey.generate

    def slow() -> SigningKey:
        pair.private.write_bytes(template.private.read_bytes())
        return generate()

    monkeypatch.setattr(SigningKey, "generate", slow)
    result = run_module("cosign_keypair", path=str(pair.private), passphrase=PASSPHRASE)
    assert result["fingerprint"] == template.key().public.fingerprint == pair.check()


def test_file_system_without_hard_links(run_module: RunModule, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert run_module("cosign_keypair", path=str(pair.private), passphrase=PASSPHRASE)["changed"]
    pair.check()


@pytest.mark.parametrize("regenerate", ["never", "always"])
def test_disk_that_is_full_leaves_what_was_there(made: Pair, regenerate: str) -> None:
    """A limit on the size of files stops a write in the middle, as a full disk does."""
    if regenerate == "never":
        made.private.unlink()
        made.public.unlink()
    state = made.state()
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    result = result_of(start(made, limit, regenerate=regenerate))
    assert result["failure"]["code"] == "unwritable_file"
    assert result["msg"] == f"{made.private}: File too large"
    assert made.state() == state


def test_public_key_is_one_that_cosign_reads(run_module: RunModule, pair: Pair) -> None:
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="")
    assert PublicKey.load(result["public_key"].encode(), "result").fingerprint == result["fingerprint"]
    lines = result["public_key"].splitlines()
    assert lines[0] == "-----BEGIN PUBLIC KEY-----"
    assert [len(line) for line in lines[1:-1]] == [64, 60]
