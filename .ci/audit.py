# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask pip-audit whether a package of this environment has a known vulnerability, and say what was not asked.

    python .ci/audit.py build/audit.json

Status 1: vulnerabilities were found. Where the database cannot be reached, or does not know a package, nothing can be
said: pip-audit calls that "no known vulnerabilities found" when an index without PyPI's JSON API answers 404 for every
package, so its answer is read, not its status. That is said in capitals; with AUDIT=required (the workflow on GitHub
sets it) it is status 3. It is no failure elsewhere: who works without a network would have to leave `make lint` out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

FOUND, NOT_ASKED = 1, 3


def ask(output: Path) -> dict[str, t.Any] | str:
    """pip-audit's answer, or why there is none."""
    output.unlink(missing_ok=True)
    command = ["pip-audit", "--local", "--format", "json", "--output", str(output), "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if not output.exists():
        lines = done.stderr.strip().splitlines() or [f"pip-audit ended with status {done.returncode}"]
        return lines[-1][:300]
    return t.cast("dict[str, t.Any]", json.loads(output.read_text(encoding="utf-8")))


def judge(answer: dict[str, t.Any] | str) -> tuple[int, list[str]]:
    """A status, and what to tell people."""
    if isinstance(answer, str):
        return NOT_ASKED, [f"audit: NOT DONE, the database could not be asked: {answer}"]
    packages = answer["dependencies"]
    found = [
        f"audit: {package['name']} {package['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped or not packages:
        what = f"{len(skipped)} of {len(packages)} packages could not be asked for: {', '.join(skipped[:5])}"
        found.append(f"audit: NOT DONE for all, {what}{', ...' if len(skipped) > 5 else ''}")
    if any("vulns" in package and package["vulns"] for package in packages):
        return FOUND, found
    if skipped or not packages:
        return NOT_ASKED, found
    return 0, [f"audit: no known vulnerability in {len(packages)} packages"]


def main(output: str) -> int:
    status, lines = judge(ask(Path(output)))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if status == NOT_ASKED and os.environ.get("AUDIT") != "required" else status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
