# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign_keypair: files on a real file system, other processes, and ends in the middle."""

from __future__ import annotations

import functools
import grp
import json
import os
import signal
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.proven.gitops.plugins.module_utils._cosign.keys import PublicKey, SigningKey

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

PASSPHRASE = "correct horse battery staple"
ROOT = Path(__file__).resolve().parents[2]


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


# -- check mode, run, check mode again, run again -------------------------------------------------------------------


def test_makes_a_pair_once(run_module: RunModule, pair: Pair) -> None:
    def run(check: bool) -> Result:
        result = run_module("cosign_keypair", check=check, path=str(pair.private), passphrase=PASSPHRASE)
        assert "failed" not in result, result
        check_leak(result)
        return result

    planned = run(check=True)
    assert pair.state() == {}
    assert planned["changed"]
    assert planned["public_key"] is planned["fingerprint"] is None
    assert planned["actions"] == [
        f"would make the private key {pair.private}",
        f"would make the public key {pair.public}",
    ]
    first = run(check=False)
    assert first["changed"]
    assert first["diff"] == planned["diff"]
    assert first["fingerprint"] == pair.check()
    assert first["public_key"] == pair.public.read_text()
    assert (first["path"], first["public_key_path"]) == (str(pair.private), str(pair.public))
    assert first["type"] == "ecdsa-p256"
    assert [mode for _, mode, _ in pair.state().values()] == [0o600, 0o644]
    state, known = pair.state(), first["fingerprint"]
    again = without_invocation(run(check=True))
    assert again == without_invocation(run(check=False))
    assert again == {
        **without_invocation(first),
        "changed": False,
        "actions": [],
        "diff": dict.fromkeys(("before", "after"), f"{pair.private}: {known}\n{pair.public}: {known}\n"),
    }
    assert pair.state() == state


def test_restores_a_public_key_that_is_missing(run_module: RunModule, made: Pair) -> None:
    fingerprint = made.check()
    made.public.unlink()

    def run(check: bool) -> Result:
        return run_module("cosign_keypair", check=check, path=str(made.private), passphrase=PASSPHRASE)

    planned = run(check=True)
    assert planned["changed"]
    assert planned["fingerprint"] == fingerprint
    assert not made.public.exists()
    done = run(check=False)
    assert (done["changed"], done["diff"]) == (True, planned["diff"])
    assert done["actions"] == [f"made the public key {made.public}"]
    assert made.check() == fingerprint
    assert not run(check=True)["changed"]
    assert not run(check=False)["changed"]


def test_always_makes_another_pair(run_module: RunModule, made: Pair) -> None:
    fingerprint, state = made.check(), made.state()

    def run(check: bool) -> Result:
        return run_module(
            "cosign_keypair", check=check, path=str(made.private), passphrase="something else", regenerate="always"
        )

    planned = run(check=True)
    assert made.state() == state
    assert planned["actions"] == [
        f"would replace the private key {made.private}",
        f"would replace the public key {made.public}",
    ]
    done = run(check=False)
    assert (done["changed"], done["diff"]) == (True, planned["diff"])
    assert done["fingerprint"] == made.check("something else") != fingerprint
    assert [mode for _, mode, _ in made.state().values()] == [0o600, 0o644]


def test_mode_that_lets_others_in_is_repaired(run_module: RunModule, made: Pair) -> None:
    made.private.chmod(0o644)

    def run(check: bool) -> Result:
        return run_module("cosign_keypair", check=check, path=str(made.private), passphrase=PASSPHRASE)

    planned = run(check=True)
    assert planned["actions"] == [f"would change mode 0644 to 0640 of {made.private}"]
    assert stat.S_IMODE(made.private.stat().st_mode) == 0o644
    assert run(check=False)["diff"] == planned["diff"]
    assert stat.S_IMODE(made.private.stat().st_mode) == 0o640
    assert not run(check=False)["changed"]


# -- options --------------------------------------------------------------------------------------------------------


def test_mode_and_owner_and_group(run_module: RunModule, pair: Pair) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    options: dict[str, t.Any] = {
        "path": str(pair.private),
        "passphrase": "",
        "mode": "0640",
        "owner": str(os.getuid()),
        "group": group,
    }
    assert run_module("cosign_keypair", **options)["changed"]
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o640
    assert stat.S_IMODE(pair.public.stat().st_mode) == 0o644
    assert not run_module("cosign_keypair", **options)["changed"]
    changed = run_module("cosign_keypair", **{**options, "mode": "0400"})
    assert changed["actions"] == [f"changed mode 0640 to 0400 of {pair.private}"]
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o400


@pytest.mark.parametrize(("mode", "meant"), [("640", 0o640), ("0o600", 0o600), (0o440, 0o440)])
def test_mode_as_it_may_be_written(run_module: RunModule, made: Pair, mode: str | int, meant: int) -> None:
    run_module("cosign_keypair", path=str(made.private), passphrase=PASSPHRASE, mode=mode)
    assert stat.S_IMODE(made.private.stat().st_mode) == meant


@pytest.mark.parametrize(
    "mode", ["0644", "0666", "600 ", "rw", "u=rw", "0060", "0700", "1600", 600, 0o644, -1, True, 384.0, ["0600"]]
)
def test_other_modes_are_refused(run_module: RunModule, pair: Pair, mode: object) -> None:
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="", mode=mode)
    assert result["failed"]
    assert result["msg"].startswith("mode: ")
    assert pair.state() == {}


@pytest.mark.parametrize("option", ["owner", "group"])
def test_unknown_owners_are_refused(run_module: RunModule, pair: Pair, option: str) -> None:
    options: dict[str, t.Any] = {"path": str(pair.private), "passphrase": "", option: "no such name"}
    result = run_module("cosign_keypair", **options)
    assert result["msg"] == f"{option}: 'no such name' does not exist on this host"
    assert pair.state() == {}


def test_owner_that_may_not_be_given_leaves_nothing(
    run_module: RunModule, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user who is not root would see it."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    result = run_module("cosign_keypair", path=str(pair.private), passphrase="", owner="0")
    assert result["failure"]["code"] == "unwritable_file"
    assert str(pair.private) in result["msg"]
    assert pair.state() == {}


@pytest.mark.parametrize(
    ("name", "public"), [("a.key", "a.pub"), ("a", "a.pub"), ("a.key.bak", "a.key.bak.pub"), (".key", ".key.pub")]
)
def test_public_key_is_beside_the_private_one(run_module: RunModule, tmp_path: Path, name: str, public: str) -> None:
    result = run_module("cosign_keypair", check=True, path=str(tmp_path / name), passphrase="")
    assert result["public_key_path"] == str(tmp_path / public)


def test_public_key_elsewhere(
    run_module: RunModule, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_module("cosign_keypair", path="keys/cosign.key", public_key_path="flux.pub", passphrase="")
    assert result["public_key_path"] == str(tmp_path / "flux.pub")
    assert (tmp_path / "flux.pub").read_bytes() == pair.key("").public.pem
    assert not pair.public.exists()


def test_any_umask_gives_the_same_modes(run_module: RunModule, pair: Pair) -> None:
    for umask in (0o000, 0o777):
        before = os.umask(umask)
        try:
            run_module("cosign_keypair", path=str(pair.private), passphrase="", regenerate="always")
        finally:
            os.umask(before)
        assert [mode for _, mode, _ in pair.state().values()] == [0o600, 0o644]


# -- the passphrase -------------------------------------------------------------------------------------------------


def test_passphrase_must_be_named(run_module: RunModule, pair: Pair) -> None:
    """Also a variable that is null names none; core would turn it into an empty string were the option required."""
    cases: list[dict[str, t.Any]] = [{}, {"passphrase": None}]
    for options in cases:
        result = run_module("cosign_keypair", path=str(pair.private), **options)
        assert result["failure"]["code"] == "invalid_option"
        assert result["msg"] == "passphrase: it must be given, if only as an empty string"
        assert pair.state() == {}


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_passphrase_from_the_environment(
    run_module: RunModule, pair: Pair, monkeypatch: pytest.MonkeyPatch, passphrase: str
) -> None:
    """A variable that is set to nothing is an empty passphrase, as for cosign."""
    monkeypatch.setenv("COSIGN_PASSWORD", passphrase)
    result = run_module("cosign_keypair", path=str(pair.private))
    assert result["fingerprint"] == pair.check(passphrase)
    check_leak(result)


def test_wrong_passphrase_changes_nothing(run_module: RunModule, made: Pair) -> None:
    made.public.unlink()
    made.private.chmod(0o644)
    state = made.state()
    for check in (True, False):
        result = run_module("cosign_keypair", check=check, path=str(made.private), passphrase="a guess")
        assert result["failed"]
        assert result["failure"]["code"] == "wrong_passphrase"
        assert result["msg"] == f"path: {made.private}: the passphrase does not open this key"
        check_leak(result, "a guess")
    assert made.state() == state


def test_newline_at_the_end_is_warned_of(run_module: RunModule, pair: Pair) -> None:
    result = run_module("cosign_keypair", path=str(pair.private), passphrase=f"{PASSPHRASE}\n")
    assert "ends with a newline" in json.dumps(result["warnings"])
    assert result["fingerprint"] == pair.check(f"{PASSPHRASE}\n")


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

SCRIPT = """
import os, resource, signal, sys
sys.path.insert(0, {collections!r})
from ansible.module_utils.testing import patch_module_args
from ansible_collections.proven.gitops.plugins.module_utils._tasks import files
from ansible_collections.proven.gitops.plugins.modules import cosign_keypair
{prepare}
with patch_module_args({arguments!r}):
    cosign_keypair.main()
"""
# A process that ends just before, or just after, its file gets its name for the n-th time.
KILL = """
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
    arguments = {"path": str(pair.private), "passphrase": PASSPHRASE, "_ansible_remote_tmp": "/tmp", **options}
    script = SCRIPT.format(collections=str(ROOT / "build" / "collections"), prepare=prepare, arguments=arguments)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(process: subprocess.Popen[str]) -> Result:
    output, errors = process.communicate(timeout=60)
    assert output, errors
    return t.cast("Result", json.loads(output))


@pytest.mark.parametrize("regenerate", ["never", "always"])
@pytest.mark.parametrize(("number", "before"), [(1, True), (1, False), (2, True)])
def test_run_that_is_killed_is_completed_by_the_next(
    run_module: RunModule, made: Pair, regenerate: str, number: int, before: bool
) -> None:
    if regenerate == "never":
        made.private.unlink()
        made.public.unlink()
    process = start(made, KILL.format(number=number, before=before), regenerate=regenerate)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    left = made.private.read_bytes() if made.private.exists() else None
    # Also a run that must not replace anything completes it.
    result = run_module("cosign_keypair", path=str(made.private), passphrase=PASSPHRASE)
    assert "failed" not in result, result
    assert result["changed"]
    assert made.public.read_bytes() == made.key().public.pem
    assert left is None or left == made.private.read_bytes()


def test_parallel_runs_make_one_pair(pair: Pair) -> None:
    found = [result_of(process) for process in [start(pair) for _ in range(3)]]
    assert {result["fingerprint"] for result in found} == {pair.check()}
    assert sorted(result["changed"] for result in found) == [False, False, True]


def test_parallel_replacements_leave_a_pair(made: Pair) -> None:
    found = [result_of(process) for process in [start(made, regenerate="always") for _ in range(2)]]
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
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
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
