# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress without a terminal, as in CI: lines in the log, or none."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from support import playbook
from support.progress_play import LINE, VARIABLES, Play, Slow, play, slow
from support.registry import RunningRegistry, registry
from support.use_cases import first

__all__ = ["play", "registry", "slow"]

HIDDEN = [{"async": 60, "poll": 1}, {"no_log": True}]

ELSEWHERE = '''
DOCUMENTATION = """
name: elsewhere
short_description: the local machine, as if it were another one
extends_documentation_fragment: connection_pipelining
options: {}
"""
from ansible.plugins.connection.local import Connection as Local


class Connection(Local):
    transport = "elsewhere"
'''


def test_without_a_terminal_there_are_lines(play: Play, slow: Slow) -> None:
    log = play.directory / "log"
    done = playbook.run(play.write(), VARIABLES, ANSIBLE_LOG_PATH=str(log))
    assert done.code == 0
    assert "\x1b" not in done.output
    assert "\r" not in done.output
    [line] = [line for line in done.output.splitlines() if "oci_push:" in line]
    assert LINE.fullmatch(line)
    assert line in log.read_text()


@pytest.mark.slow
def test_standard_output_is_left_to_the_callback(play: Play, slow: Slow) -> None:
    """A program may read what the callback writes there."""
    done = subprocess.run(playbook.command(play.write(), VARIABLES), capture_output=True, text=True, check=True)
    assert "oci_push:" not in done.stdout
    assert LINE.search(done.stderr)


@pytest.mark.parametrize(
    ("variables", "environment"),
    [
        ({}, {"PROVEN_PROGRESS": "quiet"}),
        pytest.param({"proven_progress": "quiet"}, {}, marks=pytest.mark.slow),
        ({"proven_progress": False}, {"PROVEN_PROGRESS": "lines"}),
        pytest.param({"proven_progress": "{{ 'no' }}"}, {}, marks=pytest.mark.slow),
    ],
)
def test_quiet(play: Play, slow: Slow, variables: dict[str, t.Any], environment: dict[str, str]) -> None:
    done = playbook.run(play.write(), {**VARIABLES, **variables}, **environment)
    assert done.code == 0
    assert "oci_push:" not in done.output


def test_a_wrong_word_is_refused(play: Play) -> None:
    done = playbook.run(play.write(), {**VARIABLES, "proven_progress": "loud"})
    assert done.failed
    assert "proven_progress: 'loud' is none of auto, lines, quiet" in done.result("Push")["msg"]


@pytest.mark.slow
def test_the_result_is_the_same(play: Play, slow: Slow) -> None:
    path, whole = play.write(), {"ANSIBLE_INJECT_INVOCATION": "true"}
    shown = playbook.run(path, VARIABLES, **whole)
    assert LINE.search(shown.output)
    result = shown.result("Push")
    assert result["invocation"]["module_args"]["concurrency"] == 2
    assert "progress" not in json.dumps(result).lower()
    lines, quiet = (
        playbook.run(path, VARIABLES, PROVEN_PROGRESS=mode, **whole).result("Push") for mode in ("lines", "quiet")
    )
    assert lines == quiet
    assert set(result) == set(quiet)


def test_check_mode(play: Play, registry: RunningRegistry) -> None:
    registry.hooks.append(Slow(method="GET"))
    done = playbook.run(play.write(compare_with="v1"), VARIABLES, "--check")
    assert done.changed == ["Push"]
    assert LINE.search(done.output)


@pytest.mark.parametrize("keywords", first(HIDDEN, {"no_log": True}))
def test_what_runs_by_itself_or_is_hidden_is_not_shown(play: Play, slow: Slow, keywords: dict[str, t.Any]) -> None:
    done = playbook.run(play.write(**keywords), VARIABLES)
    assert done.code == 0
    assert done.changed == ["Push"]
    assert "oci_push:" not in done.output


def test_another_machine_is_not_watched(play: Play, slow: Slow, tmp_path: Path) -> None:
    plugins = tmp_path / "connections"
    plugins.mkdir()
    (plugins / "elsewhere.py").write_text(ELSEWHERE)
    variables = {**VARIABLES, "ansible_connection": "elsewhere"}
    done = playbook.run(play.write(), variables, ANSIBLE_CONNECTION_PLUGINS=str(plugins))
    assert done.changed == ["Push"], done.output
    assert "oci_push:" not in done.output
