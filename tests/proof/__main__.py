# SPDX-License-Identifier: GPL-3.0-or-later
"""`.ci/run`: the steps of a tier in their lanes, a table of them, and one line that says how it ended.

PYTHONPATH=tests python3.13 -m proof merge --oldest python3.11 --newest python3.13 [--lab PROGRAM]
"""

from __future__ import annotations

import argparse
import signal
import sys
import typing as t
from pathlib import Path

from proof import plan
from proof.lanes import Lanes
from proof.table import Row, closing, render

ROOT = Path(__file__).resolve().parents[2]
# Whoever runs this for a change that is to be taken gives it 90 minutes.
LIMIT = 87.0
TIERS = {"merge": (plan.merge, LIMIT), "nightly": (plan.nightly, float("inf"))}


def main(words: t.Sequence[str] | None = None) -> int:
    """Status 1 where a step failed."""
    parser = argparse.ArgumentParser(prog=".ci/run", description=__doc__)
    parser.add_argument("tier", nargs="?", choices=TIERS, default="merge")
    parser.add_argument("--oldest", required=True)
    parser.add_argument("--newest", required=True)
    parser.add_argument("--lab")
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    build, limit = TIERS[given.tier]
    lanes = Lanes(build(plan.Machine(given.oldest, given.newest, given.lab)), ROOT / "build", limit)
    rows = lanes.run()
    sys.stdout.write(report(rows, lanes.seconds, lab=given.lab is not None))
    return int(any(row.failures for row in rows))


def report(rows: t.Sequence[Row], seconds: float, *, lab: bool) -> str:
    """The table, what failed, what was not tried, and the line that says how it ended."""
    lines = ["", render(rows), ""]
    lines += [f"FAILED {row.step}: {case.name} - {case.message}" for row in rows for case in row.failures]
    lines += [f"{row.step}: {row.note}" for row in rows if row.note]
    if not lab:
        lines.append("no lab here: make interop, make cluster and make e2e were LEFT OUT")
    failed = [row.step for row in rows if row.failures]
    short = [row.step for row in rows if row.note and not row.failures]
    passed = f"==== all that was run passed, and NOT ALL was: {', '.join(short)}" if short else "==== all passed"
    lines.append(f"==== FAILED: {', '.join(failed)}" if failed else passed)
    return "\n".join([*lines, closing(rows, seconds), ""])


if __name__ == "__main__":
    sys.exit(main())
