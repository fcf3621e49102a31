# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark itself: what it measures, counts and says. What it says of the tools is tests/interop/test_bench.py."""

from __future__ import annotations

import hashlib
import os
import sys
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from bench import measure, report, trees
from bench.measure import Failed, Sample
from bench.rows import Row, Scale
from bench.world import World


def python(code: str) -> Sample:
    return measure.run([sys.executable, "-S", "-c", code], os.environ)


def test_time_is_measured_on_the_wall_and_on_the_processor() -> None:
    idle = python("import time; time.sleep(0.5)")
    assert idle.wall >= 0.5
    assert idle.cpu < 0.4
    busy = python("import time\nwhile time.process_time() < 0.5: pass")
    assert busy.cpu >= 0.5


def test_children_count() -> None:
    child = "import time\nwhile time.process_time() < 0.4: pass\nx = bytearray(90 << 20)"
    both = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)")
    assert both.cpu >= 0.4
    assert both.peak >= 90


def test_memory_is_that_of_the_command_alone() -> None:
    ours = bytearray(os.urandom(1) * (150 << 20))  # in the process that measures
    assert python("pass").peak < 100
    assert python("x = bytearray(120 << 20)").peak >= 120
    del ours


def test_what_fails_is_no_figure() -> None:
    with pytest.raises(Failed, match="ends with 3: said before the end"):
        python("print('said before the end', flush=True); import os; os._exit(3)")


def test_samples_are_compared() -> None:
    assert Sample(5, 3, 70).less(Sample(1, 1, 50)) == Sample(4, 2, 70)
    assert Sample(5, 3, 70).each(10) == Sample(0.5, 0.3, 70)
    assert measure.spread([3, 1, 2]) == {"min": 1, "median": 2, "max": 3}


def test_trees_are_the_same_each_time(tmp_path: Path) -> None:
    def digest(root: Path) -> str:
        files = sorted(path for path in root.rglob("*") if path.is_file())
        text = b"".join(str(path.relative_to(root)).encode() + path.read_bytes() for path in files)
        return hashlib.sha256(text).hexdigest()

    for name in ("one", "two"):
        assert trees.large(tmp_path / name, 3 << 20) > 20
        assert len(trees.small(tmp_path / name / "small", 3)) == 3
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    size = sum(path.stat().st_size for path in (tmp_path / "one").glob("group-*/*"))
    assert abs(size - (3 << 20)) < 1 << 19


LOG = """time="x" level=error msg="response completed" http.request.method=PUT http.request.uri=/v2/b/manifests/v1
127.0.0.1 - - [25/Nov/2026:20:43:38 +0000] "GET /v2/a/manifests/v1 HTTP/1.1" 404 96 "" "proven.gitops"
127.0.0.1 - - [25/Nov/2026:20:43:38 +0000] "HEAD /v2/a/blobs/sha256:0 HTTP/1.1" 404 96 "" "proven.gitops"
127.0.0.1 - - [25/Nov/2026:20:43:38 +0000] "POST /v2/a/blobs/uploads/ HTTP/1.1" 202 0 "" "proven.gitops"
127.0.0.1 - - [25/Nov/2026:20:43:38 +0000] "PUT /v2/a/manifests/v1 HTTP/1.1" 201 0 "" "proven.gitops"
"""


def test_requests_are_counted_in_the_registrys_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text('127.0.0.1 "PUT /v2/before/manifests/v1 HTTP/1.1" 201\n')
    with World(tmp_path, "127.0.0.1:1", {}, log).counted() as counted, log.open("a") as file:
        file.write(LOG)
    (requests,) = counted
    assert len(requests) == 4
    assert requests.uploads == 2


def row(ratio: float, *, at_most: bool = False, held: bool = True) -> Row:
    made = Row("some work", "the peer", "times faster", 2, at_most)
    for factor in (0.9, 1, 1.1):
        made.add(Sample(1, 0.5, 40), Sample(ratio, 1, 80), ratio * factor)
    made.condition("upload requests", 0, held)
    return made


@pytest.mark.parametrize(
    ("made", "reached"),
    [
        (row(3), True),
        (row(1), False),
        (row(3, held=False), False),
        (row(1, at_most=True), True),
        (row(3, at_most=True), False),
    ],
)
def test_the_median_decides(made: Row, reached: bool) -> None:
    assert made.reached is reached
    assert made.as_json()["reached"] is reached


@pytest.fixture
def measured() -> report.Document:
    return report.document([row(3), row(1)], Scale.quick(), 0.25)


def test_the_table_says_what_was_measured(measured: report.Document) -> None:
    lines = report.table(measured).splitlines()
    assert "processors" in lines[0]
    reached = "3.00 (2.70 – 3.30) times faster; 0.00 upload requests | yes |"
    assert f"| some work | the peer | at least 2 times faster | {reached}" in lines
    assert lines[5].endswith("| no |")
    assert "| some work | 1.00 s · 0.50 s · 40 MiB | 3.00 s · 1.00 s · 80 MiB |" in lines


def test_the_plot_is_an_svg_of_both_sides(measured: report.Document) -> None:
    text = report.plot(measured)
    root = ET.fromstring(text)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    shown = " ".join(t.cast("t.Iterator[str]", root.itertext()))
    for expected in ("proven.gitops", "the peer", "some work"):
        assert expected in shown
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/", "")


def test_the_document_is_brought_up_to_date(measured: report.Document, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _turn in range(2):
        report.write(measured, tmp_path)
        text = page.read_text()
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert text.count("some work") == 4
        assert "old" not in text
    assert (tmp_path / report.PLOT).read_text() == report.plot(measured)
