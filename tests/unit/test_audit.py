# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of dependencies: what was not asked is never taken for what is well. A script plays pip-audit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / ".ci" / "audit.py"
GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
PROGRAM = """#!/bin/sh
while [ "$1" != --output ]; do shift; done
[ -z '{answer}' ] || echo '{answer}' >"$2"
echo "ConnectionError: no such host" >&2
exit {status}
"""


@pytest.mark.parametrize(
    ("packages", "status", "codes", "said"),
    [
        ([GOOD], 0, (0, 0), "no known vulnerability in 1 packages"),
        ([GOOD, BAD], 1, (1, 1), "bad 2: CVE-1, mended in 2.1"),
        ([UNKNOWN, BAD], 1, (1, 1), "bad 2: CVE-1"),
        ([GOOD, UNKNOWN], 0, (0, 3), "NOT DONE for all, 1 of 2 packages could not be asked for: unknown"),
        ([UNKNOWN] * 9, 0, (0, 3), "9 of 9 packages could not be asked for"),
        ([], 0, (0, 3), "NOT DONE for all, 0 of 0"),
        (None, 1, (0, 3), "NOT DONE, the database could not be asked: ConnectionError: no such host"),
    ],
)
def test_what_pip_audit_says(
    tmp_path: Path, packages: list[t.Any] | None, status: int, codes: tuple[int, int], said: str
) -> None:
    answer = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    program = tmp_path / "pip-audit"
    program.write_text(PROGRAM.format(answer=answer, status=status))
    program.chmod(0o755)
    for required, code in zip(("", "required"), codes, strict=True):
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "AUDIT": required}
        command = [sys.executable, str(SCRIPT), str(tmp_path / "audit.json")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done
        assert said in done.stdout
