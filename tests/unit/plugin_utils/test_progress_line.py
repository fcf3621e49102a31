# SPDX-License-Identifier: GPL-3.0-or-later
"""The line for people: what it says, how it is drawn, and that a hostile module cannot draw anything else."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._shared.report import MAGIC, SIZE, TEXT, Snapshot
from ansible_collections.proven.gitops.plugins.plugin_utils.progress_line import LiveLine, LogLines, Meter, decode

MIB = 1 << 20
quick = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def line(now: float, **state: t.Any) -> str:
    return Meter("[web1] oci_push").line(Snapshot(**state), now)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"what": "pushed", "unit": "artifacts", "done": 3, "total": 10}, "pushed 3 of 10 artifacts, 4 s"),
        ({"what": "pushed", "unit": "artifacts", "done": 3}, "pushed 3 artifacts, 4 s"),
        ({"what": "pushed", "unit": "artifacts", "total": 1}, "pushed 0 of 1, 4 s"),
        (
            {"what": "pushed", "unit": "artifacts", "total": 1, "sent": 6 * MIB, "size": 30 * MIB},
            "pushed 6.0 MiB of 30.0 MiB, 1.5 MiB/s, 4 s",
        ),
        (
            {"what": "packed", "unit": "artifacts", "done": 1, "total": 2, "sent": 2048},
            "packed 1 of 2 artifacts, 2.0 KiB, 512 B/s, 4 s",
        ),
        ({"what": "pulled", "total": 1, "size": 5 << 30}, "pulled 0 B of 5.0 GiB, 4 s"),
        (
            {
                "what": "reconciled",
                "unit": "objects",
                "total": 2,
                "name": "OCIRepository a/b",
                "words": "Progressing: x",
            }
            | {"waited": 88.0, "limit": 300},
            "reconciled 0 of 2 objects, 16 of 300 s, waiting for OCIRepository a/b: Progressing: x",
        ),
        (
            {"what": "created", "unit": "clusters", "total": 1, "name": "kind", "waited": 102.0, "limit": 900},
            "2 of 900 s, waiting for kind",
        ),
        ({"what": "created", "total": 1, "name": "kind"}, "4 s, waiting for kind"),
    ],
)
def test_what_it_says(state: dict[str, t.Any], expected: str) -> None:
    assert line(104.0, began=100.0, **state) == f"[web1] oci_push: {expected}"


def test_a_rate_is_that_of_the_last_seconds() -> None:
    meter = Meter("x")
    lines = [
        meter.line(Snapshot("pushed", total=1, sent=sent * MIB, size=99 * MIB, began=100.0), 100.0 + second)
        for second, sent in [(2, 20), (4, 40), (6, 42), (8, 44), (10, 46), (12, 48)]
    ]
    assert [text.split(", ")[1] for text in lines[:2]] == ["10.0 MiB/s", "10.0 MiB/s"]
    assert lines[-1].split(", ")[1] == "1.0 MiB/s"


def test_another_phase_has_a_rate_of_its_own() -> None:
    meter = Meter("x")
    meter.line(Snapshot("packed", total=1, sent=100 * MIB, began=100.0), 110.0)
    assert (
        meter.line(Snapshot("pushed", total=1, sent=2 * MIB, began=110.0), 112.0) == "x: pushed 2.0 MiB, 1.0 MiB/s, 2 s"
    )


def test_what_is_taken_back_is_no_negative_rate() -> None:
    meter = Meter("x")
    meter.line(Snapshot("pushed", total=1, sent=9 * MIB, began=100.0), 100.0)
    assert "0 B/s" in meter.line(Snapshot("pushed", total=1, sent=1 * MIB, began=100.0), 106.0)


@pytest.mark.parametrize("began", [0.0, -1.0, 1e18, 105.0])
def test_a_time_that_cannot_be_is_now(began: float) -> None:
    assert line(104.0, what="pushed", unit="artifacts", total=2, began=began) == (
        "[web1] oci_push: pushed 0 of 2 artifacts, 0 s"
    )


class Terminal:
    """What was written to it."""

    def __init__(self, width: int = 80) -> None:
        self.width = width
        self.texts: list[str] = []

    def live(self) -> LiveLine:
        return LiveLine(self.texts.append, lambda: self.width)


def test_a_live_line_is_drawn_over_and_erased_once() -> None:
    terminal = Terminal()
    live = terminal.live()
    live.clear()
    live.show("one", 0.0)
    live.show("two", 0.25)
    live.clear()
    live.clear()
    assert terminal.texts == ["\rone\x1b[K", "\rtwo\x1b[K", "\r\x1b[K"]


@pytest.mark.parametrize(("width", "shown"), [(80, "abcdef"), (7, "abcdef"), (6, "abcde"), (1, ""), (0, "")])
def test_a_live_line_never_wraps(width: int, shown: str) -> None:
    terminal = Terminal(width)
    terminal.live().show("abcdef", 0.0)
    assert terminal.texts == [f"\r{shown}\x1b[K"]


def test_log_lines_come_now_and_then() -> None:
    written: list[str] = []
    lines = LogLines(written.append)
    for second in range(2, 34):
        lines.show(f"at {second}", float(second))
        lines.clear()
    assert written == ["at 2", "at 12", "at 22", "at 32"]


def test_what_is_written_is_read() -> None:
    state = Snapshot("pushed", "artifacts", 3, 10, 5, 9, "name", "words", 30, 1.5, 2.5)
    content = state.encode()
    assert len(content) == SIZE
    assert decode(content) == state


def test_long_and_foreign_texts_fit_the_file() -> None:
    encoded = Snapshot(name="ä" * 5000, words='"\\\x00' * 5000, what="\U0001f600" * 5000, unit="\n" * 5000).encode()
    found = decode(encoded)
    assert found is not None
    assert (found.name, found.words[:4], len(found.words)) == ("?" * TEXT, '"\\?"', TEXT)


def hostile(**values: t.Any) -> Snapshot:
    found = decode(MAGIC + json.dumps(values).encode())
    assert found is not None
    return found


def test_no_control_sequence_comes_through() -> None:
    found = hostile(what="\x1b]0;owned\x07\r\n\u202e\x9b2J", name="a\tb", words="x" * 10_000)
    assert found.what == "?]0;owned?????2J"
    assert all(" " <= letter <= "~" for letter in found.what + found.name)
    assert len(found.words) == TEXT


@pytest.mark.parametrize("value", [None, True, "3", [], {}, -2, 1 << 70, float("nan"), float("inf")])
def test_what_is_no_number_is_not_taken(value: t.Any) -> None:
    found = hostile(what="pushed", done=value, limit=value, began=value)
    assert (found.done, found.limit, found.began) == (0, 0, 0)


@pytest.mark.parametrize("value", [None, 3, ["x"], {"x": 1}])
def test_what_is_no_text_is_not_taken(value: t.Any) -> None:
    assert hostile(what=value, name=value) == Snapshot()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        MAGIC,
        MAGIC + b"[]",
        MAGIC + b"{" * (SIZE - len(MAGIC)),
        MAGIC + b"[" * (SIZE - len(MAGIC)),
        MAGIC + b'{"what": "\xff"}',
        MAGIC + Snapshot("pushed").encode()[len(MAGIC) : 60] + b" " * 100,
    ],
)
def test_what_cannot_be_read_is_nothing(content: bytes) -> None:
    assert decode(content) is None


@quick
@given(st.binary(max_size=SIZE))
def test_whatever_is_in_the_file_gives_a_printable_line(content: bytes) -> None:
    found = decode(MAGIC + content)
    if found is not None:
        assert Meter("x").line(found, 100.0).isprintable()


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)


@quick
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(Snapshot.__dataclass_fields__, JSON)))
def test_whatever_values_give_a_printable_line(values: dict[str, t.Any]) -> None:
    found = decode(MAGIC + json.dumps(values).encode())
    assert found is not None
    text = Meter("x").line(found, 100.0)
    assert text.isascii()
    assert text.isprintable()
