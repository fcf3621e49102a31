# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a program: time-outs that leave nothing behind, and output that has an end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared import process as module
from ansible_collections.proven.gitops.plugins.module_utils._shared.process import (
    CannotRun,
    Command,
    Result,
    TooMuchOutput,
    run,
)
from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import Scrubber


def shell(script: str, directory: Path, *, stdin: bytes = b"", timeout: float = 20, limit: int = 10**6) -> Result:
    command = Command(("/bin/sh", "-c", script), {"PATH": os.environ["PATH"]}, stdin, timeout, limit)
    return run(command, Scrubber(secrets=["s3cret"]).lines, directory)


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


def test_endless_output_is_an_error_and_ends_the_program(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(TooMuchOutput, match="more than 1000 bytes"):
        shell("cat /dev/zero; sleep 60", tmp_path, limit=1000)
    assert time.monotonic() - started < 10


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="cannot run /nonexistent/git: No such file"):
        run(Command(("/nonexistent/git",), {}), str, tmp_path)


def test_a_program_that_answers_without_reading(tmp_path: Path) -> None:
    assert shell("echo done", tmp_path, stdin=b"x" * 10**6).text == "done"


def test_the_reason_is_short() -> None:
    assert len(Result(Command(("x",), {}), 1, b"", "x" * 5000 + "\n").reason) == 600
