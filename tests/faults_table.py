# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the table of docs/security.md from build/faults.json; fails where something did not hold.

python tests/faults_table.py build/faults.json docs/security.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from support import catalogue


def main(book: str, document: str) -> int:
    value, path = json.loads(Path(book).read_text(encoding="utf-8")), Path(document)
    before = path.read_text(encoding="utf-8")
    after = catalogue.inserted(before, catalogue.table(value))
    if after != before:
        path.write_text(after, encoding="utf-8")
        sys.stderr.write(f"{document}: the table was written anew\n")
    totals = value["totals"]
    return int(totals["held"] + totals["not_applicable"] != totals["faults"])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
