# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a program: time-outs that leave nothing behind, and output that has an end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git import command as module
from ansible_collections.proven.gitops.plugins.module_utils._git.command import Command, Result, run
from ansible_collections.proven.gitops.plugins.module_utils._git.errors import GitError, GitUnavailable
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber


def shell(script: str, directory: Path, *, stdin: bytes = b"", timeout: float = 20) -> Result:
    environment = {"PATH": os.environ["PATH"]}
    return run(Command(("/bin/sh", "-c", script), environment, stdin, timeout), directory, Scrubber(secrets=["s3cret"]))


def test_output_exit_code_and_input(tmp_path: Path) -> None:
    result = shell("cat; echo no s3cret >&2; exit 3", tmp_path, stdin=b" some bytes\xff \n")
    assert (result.exit_code, result.stdout, result.stderr) == (3, b" some bytes\xff \n", "no ***\n")
    assert not result.timed_out
    assert result.text == "some bytes\udcff"
    assert list(tmp_path.iterdir()) == []


def test_it_runs_in_its_directory_with_nothing_but_its_environment(tmp_path: Path) -> None:
    result = shell("pwd; env | sed 's/=.*//' | sort | tr '\\n' ' '", tmp_path)
    assert result.text.splitlines()[0] == str(tmp_path)
    assert set(result.text.splitlines()[1].split()) <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}


def test_a_timeout_ends_the_whole_group_and_lets_it_clean_up(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    started = time.monotonic()
    script = f"trap 'rm {lock}; exit 1' TERM; touch {lock}; (echo $$ > {tmp_path}/child; sleep 60) & wait"
    result = shell(script, tmp_path, timeout=0.5)
    assert result.timed_out
    assert time.monotonic() - started < 10
    assert not lock.exists()


def test_a_process_that_ignores_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.2)
    result = shell("trap '' TERM; while :; do sleep 0.1; done", tmp_path, timeout=0.2)
    assert result.timed_out
    assert result.exit_code == -9


def test_a_child_left_behind_does_not_keep_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.3)
    started = time.monotonic()
    result = shell("sleep 60 & echo $!", tmp_path)
    assert result.exit_code == 0
    assert time.monotonic() - started < 10
    for _turn in range(100):
        if not Path(f"/proc/{result.text}/fd").exists() or _is_zombie(result.text):
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child is still there")


def _is_zombie(pid: str) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_endless_complaints_are_cut_to_their_end(tmp_path: Path) -> None:
    result = shell("i=0; while [ $i -lt 3000 ]; do echo 'remote: this line is one of many' >&2; i=$((i+1)); done; "
                   "echo last >&2", tmp_path)  # fmt: skip
    assert len(result.stderr) <= 64 * 1024
    assert result.stderr.endswith("last\n")


def test_endless_output_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_STDOUT", 1000)
    with pytest.raises(GitError, match="more than 1000 bytes"):
        shell("head -c 5000 /dev/zero", tmp_path)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GitUnavailable, match="cannot run /nonexistent/git: No such file"):
        run(Command(("/nonexistent/git",), {}), tmp_path, Scrubber())
