# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured rows as JSON, as a table in Markdown, and as a plot."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import typing as t
from dataclasses import asdict
from importlib import metadata

if t.TYPE_CHECKING:
    from pathlib import Path

    from bench.rows import Row, Scale

Document = dict[str, t.Any]

BEGIN, END = "<!-- begin: written by `make bench` -->", "<!-- end: written by `make bench` -->"
PLOT = "performance.svg"
_LICENCE = "SPDX-" + "License-Identifier: "  # in two, lest this line is taken for one


def document(rows: t.Sequence[Row], scale: Scale, load: float) -> Document:
    """What was measured, on what, and how much of it."""
    return {
        "machine": {
            "processors": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.machine()}",
            "load_before": round(load, 1),
        },
        "versions": {
            "python": platform.python_version(),
            "ansible-core": metadata.version("ansible-core"),
            "flux": _version("flux", "version", "--client"),
            "cosign": _version("cosign", "version"),
            "registry": _version("registry", "--version"),
        },
        "scale": asdict(scale),
        "rows": [row.as_json() for row in rows],
    }


def _version(*command: str) -> str:
    """The last word of the line that holds the tool's version."""
    if shutil.which(command[0]) is None:
        return "not there"
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if "ersion" in line or line.startswith(("flux", "registry"))]
    return lines[0].split()[-1] if lines else "unknown"


def table(measured: Document) -> str:
    """The rows in Markdown."""
    lines = [_about(measured), "", "| work | peer | to reach | measured: median (min – max) | reached |"]
    lines.append("|---|---|---|---|---|")
    lines += [_line(row) for row in measured["rows"]]
    lines += ["", "| work | ours: wall · CPU · peak | theirs: wall · CPU · peak |", "|---|---|---|"]
    lines += [f"| {row['work']} | {_took(row['ours'])} | {_took(row['theirs'])} |" for row in measured["rows"]]
    return "\n".join(lines) + "\n"


def _about(measured: Document) -> str:
    machine, versions = measured["machine"], measured["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{measured['scale']['runs']} runs on {machine['processors']} processors ({machine['system']}, load"
        f" {machine['load_before']} before); {named}."
    )


def _line(row: Document) -> str:
    ratio, bound = row["ratio"], "at most" if row["at_most"] else "at least"
    measured = f"{ratio['median']:.2f} ({ratio['min']:.2f} – {ratio['max']:.2f}) {row['figure']}"
    conditions: dict[str, list[float]] = {}
    for condition in row.get("conditions", []):
        conditions.setdefault(condition["what"], []).append(condition["value"])
    measured += "".join(f"; {max(values):.2f} {what}" for what, values in conditions.items())
    reached = "yes" if row["reached"] else "no"
    return f"| {row['work']} | {row['peer']} | {bound} {row['target']:g} {row['figure']} | {measured} | {reached} |"


def _took(figures: Document) -> str:
    wall, cpu, peak = (figures[name]["median"] for name in ("wall", "cpu", "peak"))
    return f"{wall:.2f} s · {cpu:.2f} s · {peak:.0f} MiB"


def plot(measured: Document) -> str:
    """Wall times of both sides, as an SVG."""
    import pygal
    from pygal.style import CleanStyle

    chart = pygal.HorizontalBar(
        style=CleanStyle(font_family="sans-serif"),
        js=(),
        no_prefix=True,
        logarithmic=True,
        width=1000,
        height=90 * len(measured["rows"]) + 120,
        title="Wall time in seconds, median (logarithmic)",
        truncate_label=-1,
        print_values=True,
        value_formatter=lambda value: f"{value:.2f}",
        disable_xml_declaration=True,
        legend_at_bottom=True,
    )
    rows = list(reversed(measured["rows"]))
    chart.x_labels = [f"{row['work']} | {row['peer']}".replace("`", "") for row in rows]
    for side, name in (("theirs", "the peer"), ("ours", "proven.gitops")):
        chart.add(name, [max(row[side]["wall"]["median"], 0.01) for row in rows])
    # Scripts are for tooltips, and may not run where documentation is shown; a comment has the date.
    drawn = re.sub(
        r"<script\b.*?(</script>|/>)|<!--.*?-->", "", t.cast(str, chart.render(is_unicode=True)), flags=re.DOTALL
    )
    start = drawn.index(">", drawn.index("<svg")) + 1
    return f"{drawn[:start]}\n<!-- written by `make bench`\n{_LICENCE}GPL-3.0-or-later\n-->\n{drawn[start:]}\n"


def write(measured: Document, docs: Path) -> None:
    """Bring the generated part of performance.md, and its plot, up to date."""
    page = docs / "performance.md"
    before, _old, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{table(measured)}\n![wall times]({PLOT})\n\n{END}{after}")
    (docs / PLOT).write_text(plot(measured))
