# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress at a terminal: ansible-playbook at a real one, as a person sees it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from support.progress_play import LINE, VARIABLES, Play, Slow, play, slow
from support.registry import registry
from support.terminal import run_at_terminal
from support.use_cases import first

from ansible_collections.proven.gitops.plugins.module_utils._shared.report import VARIABLE

__all__ = ["play", "registry", "slow"]


def test_a_terminal_has_one_line_that_goes_away(play: Play, slow: Slow) -> None:
    seen = run_at_terminal(play.write(), VARIABLES)
    assert seen.code == 0
    rows = seen.rows("oci_push:")
    assert len(rows) >= 3
    assert all(LINE.fullmatch(row) for row in rows), rows
    counts = [int(re.findall(r"(\d+) of 8", row)[0]) for row in rows if "pushed" in row]
    assert counts == sorted(counts)
    assert all(len([row for row in screen if "oci_push:" in row]) <= 1 for screen in seen.screens)
    quiet = run_at_terminal(play.write(), VARIABLES, PROVEN_PROGRESS="quiet")
    assert quiet.rows("oci_push:") == []
    assert seen.last == quiet.last
    assert play.left() == []


@pytest.mark.slow
def test_a_narrow_terminal(play: Play, slow: Slow) -> None:
    seen = run_at_terminal(play.write(), VARIABLES, columns=30)
    rows = seen.rows("oci_push")
    assert rows
    assert all(row.startswith("[localhost] oci_push: p") and len(row) <= 29 for row in rows)
    assert seen.last == run_at_terminal(play.write(), VARIABLES, columns=30, PROVEN_PROGRESS="quiet").last


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWX_ISOLATED_DATA_DIR", "/nonexistent"),
        pytest.param("TERM", "dumb", marks=pytest.mark.slow),
        pytest.param("PROVEN_PROGRESS", "lines", marks=pytest.mark.slow),
    ],
)
def test_a_terminal_that_is_to_have_lines(
    play: Play, slow: Slow, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    seen = run_at_terminal(play.write(), VARIABLES)
    assert b"\x1b[K" not in seen.raw
    [line] = [row for row in seen.last if "oci_push:" in row]
    assert LINE.fullmatch(line)


def test_no_color_and_another_locale(play: Play, slow: Slow) -> None:
    seen = run_at_terminal(play.write(), VARIABLES, NO_COLOR="1", LC_ALL="C")
    assert all(LINE.fullmatch(row) for row in seen.rows("oci_push:"))
    assert b"\x1b[" not in seen.raw.replace(b"\x1b[K", b"")
    assert "WARNING" not in "".join(seen.last)


def test_a_failure(play: Play, slow: Slow) -> None:
    slow.refuses = True
    seen = run_at_terminal(play.write(), VARIABLES)
    assert seen.code == 2
    assert seen.rows("oci_push:")
    assert "oci_push:" not in "\n".join(seen.last)
    assert "8 of 8 failed" in "\n".join(seen.last)
    assert "not today" in "\n".join(seen.last)
    assert play.left() == []


def test_a_module_that_is_killed(play: Play, slow: Slow) -> None:
    killed: list[int] = []

    def kill(screen: list[str]) -> None:
        if not killed and any("oci_push:" in row for row in screen):
            killed.extend(_modules(play))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    seen = run_at_terminal(play.write(), VARIABLES, watch=kill)
    assert killed
    assert seen.code == 2
    assert "oci_push:" not in "\n".join(seen.last)
    assert "fatal: [localhost]" in "\n".join(seen.last) or "[ERROR]" in "\n".join(seen.last)
    assert play.left() == []


def _modules(play: Play) -> list[int]:
    """The processes that were handed a file of this play."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{VARIABLE}={play.directory}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("strategy", first(["linear", "free"], "linear"))
def test_several_hosts_have_lines_of_their_own(play: Play, slow: Slow, strategy: str) -> None:
    slow.seconds = 1.5
    hosts = ("web1", "web2", "web3")
    inventory = ("-i", ",".join(hosts) + ",")
    seen = run_at_terminal(play.write(hosts="all"), VARIABLES, *inventory, ANSIBLE_STRATEGY=strategy)
    assert seen.code == 0
    lines = [row for row in seen.last if "oci_push:" in row]
    matches = [LINE.fullmatch(line) for line in lines]
    assert {match[1] for match in matches if match} == set(hosts), lines
    assert None not in matches, lines
    assert b"\x1b[K" not in seen.raw
