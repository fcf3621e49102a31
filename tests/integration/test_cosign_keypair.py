# SPDX-License-Identifier: GPL-3.0-or-later
"""cosign_keypair: every operation four times, and what each option refuses."""

from __future__ import annotations

import grp
import json
import os
import stat
import typing as t
from pathlib import Path

import pytest
from support.pairs import PASSPHRASE, Pair, check_leak, made, pair, template, without_invocation

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["made", "pair", "template"]


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
    assert [mode for _first, mode, _last in pair.state().values()] == [0o600, 0o644]
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
    assert [mode for _first, mode, _last in made.state().values()] == [0o600, 0o644]


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
        assert [mode for _first, mode, _last in pair.state().values()] == [0o600, 0o644]


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
