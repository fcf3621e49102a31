# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of rooms in CONTRIBUTING.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_table import BEGIN, END, table, written

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


def test_the_page_has_the_table_of_today() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text, "python tests/import_table.py CONTRIBUTING.md"


def test_a_room_is_a_line_with_what_it_may_import() -> None:
    assert table({"_tasks": frozenset({"_oci", "_git"})}).splitlines()[2:] == [
        "| `_tasks` | use-cases: `plan`, `predict`, `apply` | `_git`, `_oci` |"
    ]


def test_a_room_that_nobody_described_is_an_error() -> None:
    with pytest.raises(KeyError):
        table({"_new": frozenset()})


def test_what_is_outside_of_the_marks_stays() -> None:
    assert written(f"a\n{BEGIN}old\n{END}b\n").startswith(f"a\n{BEGIN}\n| room ")
    assert written(f"a\n{BEGIN}old\n{END}b\n").endswith(f"{END}b\n")
    with pytest.raises(ValueError, match="no place"):
        written("a\n")
