# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the table of rooms in CONTRIBUTING.md from the rule on imports: `python tests/import_table.py FILE`."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

from house_rules import ALLOWED, PORTS, PURE, SHARED

BEGIN = "<!-- rooms: written by tests/import_table.py -->\n"
END = "<!-- end of rooms -->\n"
HOLDS = {
    "modules": "documentation, and a `main()` of about 20 lines",
    "action": "what shows the progress of a module, on the controller",
    "plugin_utils": "what the action plugins share",
    "doc_fragments": "documentation that several modules share",
    "filter": "filters for plays and roles",
    "_ansible": "options: specification and reader of each family; the one place where an error becomes a failed task",
    "_tasks": "use-cases: `plan`, `predict`, `apply`",
    "_http": "the one HTTP client",
    "_embedded": "the local registry, a process of its own",
    "_oci": "references and descriptors",
    "_shared": "errors, requirements, files, digests, strict JSON: what every room may import",
}
KINDS = {**dict.fromkeys(PORTS, "a port: a client of the world outside, with its own errors")}
KINDS |= dict.fromkeys(PURE - {"_oci"}, "pure code: no Ansible, no HTTP, no I/O but for the files that are packed")


def table(allowed: t.Mapping[str, frozenset[str]] = ALLOWED) -> str:
    """One line for each room; what every room may import is not repeated."""
    lines = ["| room | holds | may import |", "|---|---|---|"]
    for room, others in sorted(allowed.items()):
        names = ", ".join(f"`{other}`" for other in sorted(others - {room})) or "nothing else"
        lines.append(f"| `{room}` | {HOLDS.get(room) or KINDS[room]} | {names} |")
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """The page with the table as it is now; ValueError where its place is not marked."""
    before, _begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise ValueError("the page has no place for the table")
    shared = ", ".join(f"`{room}`" for room in sorted(SHARED))
    return f"{before}{BEGIN}\n{table()}\nEvery room may import itself and {shared}.\n{END}{after}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
