# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that does not parse is named by file and line; what nobody reads as YAML is not looked at."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._artifact import yaml_check
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree

Broken = t.Callable[..., list[str]]

GOOD = "kind: A\n---\nkind: B\nx: !custom [&a 1, *a]\n"
BAD = "kind: A\nmetadata:\n  name: x: y\n"
TEMPLATE = "{{- if .Values.x }}\nkind: A\n{{- end }}\n"


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    def check(files: dict[str, str | bytes], *ignored: str) -> list[str]:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return yaml_check.broken(Tree(str(tmp_path), Ignore(ignored)))

    return check


def test_file_and_line(broken: Broken) -> None:
    found = broken({"a.yaml": GOOD, "b/c.yml": BAD, "z.yaml": "a: [\n"})
    assert found[0] == "b/c.yml:3: mapping values are not allowed in this context"
    assert found[1].startswith("z.yaml:2: ")
    assert len(found) == 2


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": BAD, "README.md": BAD, "a.yaml.j2": TEMPLATE},
        {"chart/Chart.yaml": GOOD, "chart/templates/a.yaml": TEMPLATE, "chart/templates/sub/b.yaml": TEMPLATE},
        {"Chart.yaml": GOOD, "templates/a.yaml": TEMPLATE},
        {".sourceignore": "ci/\n", "ci/a.yaml": BAD},
        {"app/.sourceignore": "/x.yaml\n", "app/x.yaml": BAD},
        {"empty.yaml": "", "crlf.yaml": "a: 1\r\nb: 2\r\n", "bom.yaml": b"\xef\xbb\xbfa: 1\n"},
        {"two.yaml": "%YAML 1.1\n---\na: 1\n...\n---\nb: 1\n"},
    ],
)
def test_what_is_not_warned_about(files: dict[str, str | bytes], broken: Broken) -> None:
    assert broken(files) == []


def test_a_neighbour_of_a_chart_is_looked_at(broken: Broken) -> None:
    found = broken({"chart/Chart.yaml": GOOD, "templates/a.yaml": TEMPLATE, "chart/values.yaml": BAD, "x.yaml": GOOD})
    assert [line.partition(":")[0] for line in found] == ["chart/values.yaml", "templates/a.yaml"]


def test_what_is_not_packed_is_not_looked_at(broken: Broken) -> None:
    assert broken({"a.yaml": BAD}, "a.yaml") == []


def test_bytes_that_are_no_text(broken: Broken) -> None:
    assert broken({"a.yaml": b"a: \xff\xfe\n"}) == ["a.yaml: not UTF-8 text"]


def test_deep_and_large_files_cost_little(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_check, "_FILE", 50_000)
    assert broken({"deep.yaml": "[" * 40_000, "large.yaml": BAD * 10_000, "z.yaml": BAD})[-1].startswith("z.yaml:3")


def test_no_more_is_read_than_the_limit(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_check, "_TOTAL", 2 * len(BAD))
    assert len(broken({f"{number}.yaml": BAD for number in range(5)})) == 2
