# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: both sides alternately in one go; build/bench.json, build/bench.svg, and the table on the terminal."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
import typing as t
from dataclasses import fields, replace
from pathlib import Path

from bench import report
from bench.groups import GROUPS
from bench.rows import Row, Scale
from bench.world import ROOT, world

_NUMBERS = [field.name for field in fields(Scale)]


def _arguments(words: t.Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"only these: {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="a few of everything: to see that it works")
    parser.add_argument("--runs", type=int, help="how often each is measured (default: 3)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=NUMBER", help=f"{', '.join(_NUMBERS)}")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="where bench.json and bench.svg go")
    parser.add_argument("--write", action="store_true", help="also bring docs/performance.md and its plot up to date")
    return parser.parse_args(words)


def _settings(words: t.Sequence[str]) -> dict[str, int]:
    """`few=20` as a change of the scale."""
    found = {}
    for word in words:
        name, _equals, number = word.partition("=")
        if name not in _NUMBERS or not number.isdigit() or not int(number):
            raise SystemExit(f"--set {word}: not one of {', '.join(_NUMBERS)} and a number")
        found[name] = int(number)
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def _measure(names: t.Sequence[str], scale: Scale) -> list[Row]:
    rows: list[Row] = []
    with world() as here:
        for name in names:
            _say(f"{name}: {scale.runs} runs")
            rows += GROUPS[name].measure(here, scale, lambda text, name=name: _say(f"  {name}, {text}"))  # type: ignore[misc]
    return rows


def main(words: t.Sequence[str] | None = None) -> int:
    """0, also where a target is missed: a benchmark is read, it does not fail."""
    options = _arguments(words)
    scale = Scale.quick() if options.quick else Scale()
    scale = replace(scale, runs=options.runs or scale.runs, **_settings(options.set))
    names = options.groups or list(GROUPS)
    unknown = sorted(set(names) - set(GROUPS))
    needed = {"registry", *(tool for name in names if name in GROUPS for tool in GROUPS[name].tools)}
    missing = sorted(tool for tool in needed if shutil.which(tool) is None)
    if missing or unknown:
        _say(f"not on PATH: {', '.join(missing)}" if missing else f"no such group: {', '.join(unknown)}")
        return 2
    load = os.getloadavg()[0]
    rows = _measure(names, scale)
    document = report.document(rows, scale, load)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "bench.json").write_text(json.dumps(document, indent=2) + "\n")
    (options.output / "bench.svg").write_text(report.plot(document))
    sys.stdout.write(report.table(document))
    if options.write:
        report.write(document, ROOT / "docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
