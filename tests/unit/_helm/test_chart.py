# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of files: order, bytes, subcharts, and when two are the same chart to helm."""

from __future__ import annotations

import gzip
import hashlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._artifact import go_tar, tarball
from ansible_collections.proven.gitops.plugins.module_utils._artifact.gunzip import HEADER
from ansible_collections.proven.gitops.plugins.module_utils._helm import chart, contents
from ansible_collections.proven.gitops.plugins.module_utils._helm.chart import Chart
from ansible_collections.proven.gitops.plugins.module_utils._helm.errors import InvalidChart
from ansible_collections.proven.gitops.plugins.module_utils._helm.limits import Budget

YAML = b"apiVersion: v2\nname: app\nversion: 1.0.0\n"
SUB = b"apiVersion: v2\nname: sub\nversion: 0.1.0\n"
LOCK = b"dependencies: []\ndigest: sha256:a\ngenerated: %s\n"


def load(files: dict[str, bytes]) -> Chart:
    return chart.load({"Chart.yaml": YAML, **files}, Budget())


def packed(loaded: Chart) -> bytes:
    return HEADER + gzip.compress(b"".join(loaded.tar()), mtime=0)[10:]


def as_helm(files: t.Mapping[str, bytes], time: int = 1, header: bytes = contents.HEADERS[0]) -> bytes:
    """A chart as helm packs it: other headers in the tar, and a header of its own around it."""
    parts = []
    for name, content in files.items():
        parts += [go_tar.header(f"app/{name}", len(content), 0o644, time=time), content, tarball.padding(len(content))]
    plain = gzip.compress(b"".join([*parts, tarball.END]), mtime=0)
    return header + plain[10:]


def test_the_order_and_bytes_of_the_archive() -> None:
    """The digest of the tar is a promise: it never changes."""
    names = [
        "z",
        "charts/sub/Chart.yaml",
        "templates/b",
        "values.schema.json",
        "a",
        "values.yaml",
        "Chart.lock",
        "crds/c",
    ]
    given = {
        name: SUB if name.endswith("Chart.yaml") else LOCK % b"1" if name.endswith("lock") else b"{}" for name in names
    }
    loaded = load({**given, "charts/_x": b"", "charts/.y/z": b"", "charts/sub.tgz.prov": b"p"})
    assert list(loaded.files) == [
        *("Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", "templates/b", "z", "a", "crds/c"),
        *("charts/sub/Chart.yaml", "charts/sub.tgz.prov"),
    ]
    assert loaded.passed_over == ("charts/_x", "charts/.y/z")
    digest = hashlib.sha256(b"".join(loaded.tar())).hexdigest()
    assert digest == "90650593a7a8d02298495587853cda8f85d89b88b8ebf088f0ef30d2269d1b0c"


def test_a_chart_is_what_helm_makes_of_it() -> None:
    sub = chart.load({"Chart.yaml": SUB, "values.yaml": b"a: 1\n"}, Budget())
    tree = {"values.yaml": b"x: 1\n", "Chart.lock": LOCK % b"1", "charts/any/Chart.yaml": SUB}
    one = load({**tree, "charts/any/values.yaml": b"a: 1\n"})
    packed_sub = gzip.compress(b"".join(sub.tar()))
    other = load({"values.yaml": b"x: 1\n", "Chart.lock": LOCK % b"2 # later", "charts/sub-0.1.0.tgz": packed_sub})
    rewritten = chart.load(
        {**one.files, "Chart.yaml": b"# c\nversion: 1.0.0\nname: app\napiVersion: v2\nx: y\n"}, Budget()
    )
    assert one.meaning == other.meaning == rewritten.meaning
    for name, content in [("values.yaml", b"x: 2\n"), ("new", b""), ("charts/any/values.yaml", b"a: 2\n")]:
        assert load({**one.files, name: content}).meaning != one.meaning
    assert load({**one.files, "Chart.yaml": YAML + b"icon: x\n"}).meaning != one.meaning


@pytest.mark.parametrize("header", contents.HEADERS)
def test_what_helm_packed_is_known(header: bytes) -> None:
    files = {"Chart.yaml": YAML, "values.yaml": b"a: 1\n", f"files/{'long/' * 22}größe": b"x"}
    ours = load({**files, "Chart.yaml": b"# ours\nversion: 1.0.0\nname: app\napiVersion: v2\n"})
    digest = f"sha256:{hashlib.sha256(b''.join(ours.tar())).hexdigest()}"
    found = contents.contents([as_helm(files, 1_700_000_000, header)], digest, lambda: ours.meaning)
    assert found is not None
    assert found.digest == digest
    own = contents.contents([packed(ours)], digest, lambda: "")
    assert own is not None
    assert own.diff_id == digest


@pytest.mark.parametrize(
    "files",
    [
        {"Chart.yaml": YAML + b"# hidden\n"},
        {"Chart.yaml": YAML + b"hidden: x\n"},
        {"Chart.yaml": b"version: 1.0.0\n" + YAML.replace(b"version: 1.0.0\n", b"")},
        {"Chart.yaml": YAML, "charts/_hidden": b"x"},
        {"Chart.yaml": YAML, "requirements.yaml": b"dependencies: []\n"},
        {"Chart.yaml": YAML, "Chart.lock": b"# hidden\n" + LOCK % b"1"},
        {"Chart.yaml": YAML, "new": b""},
    ],
)
def test_what_helm_would_not_have_packed_is_not(files: dict[str, bytes]) -> None:
    ours = load({"Chart.lock": LOCK % b"1"} if "Chart.lock" in files else {})
    assert contents.contents([as_helm(files)], "sha256:x", lambda: ours.meaning) is None


def test_bytes_that_nobody_reads_are_no_part_of_helms() -> None:
    ours, good = load({}), as_helm({"Chart.yaml": YAML})
    known = [contents.contents([one], "sha256:x", lambda: ours.meaning) for one in (good, good + good, b"x" + good)]
    assert [one is not None for one in known] == [True, False, False]
    other = contents.HEADERS[0].replace(b"Helm", b"Evil") + good[len(contents.HEADERS[0]) :]
    assert contents.contents([other], "sha256:x", lambda: ours.meaning) is None


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"values.yaml": b"a: ["}, "values.yaml: "),
        ({"values.schema.json": b"{"}, "is not JSON"),
        ({"charts/README.md": b""}, "is a file, and no packed chart"),
        ({"charts/sub/values.yaml": b""}, "charts/sub/Chart.yaml is missing"),
        ({"charts/sub.tgz": b"x"}, "charts/sub.tgz: the gzip"),
        ({"charts/sub.tgz/Chart.yaml": SUB}, "the name of a packed chart"),
        ({"charts/sub/Chart.yaml": b"name: 1"}, "charts/sub/Chart.yaml: "),
        ({"Chart.lock": b"[]"}, "Chart.lock: not a map"),
    ],
)
def test_refuses_what_helm_would_not_load(files: dict[str, bytes], reason: str) -> None:
    with pytest.raises(InvalidChart, match=reason):
        load(files)


def test_dependencies_must_be_there() -> None:
    declared = YAML + b"dependencies: [{name: sub}, {name: gone}]\n"
    loaded = chart.load({"Chart.yaml": declared, "charts/x/Chart.yaml": SUB}, Budget())
    with pytest.raises(InvalidChart, match=r"dependencies gone are not in charts/"):
        loaded.check_dependencies()


@given(
    st.dictionaries(st.text("ab/", min_size=1, max_size=6).filter(lambda name: "//" not in name), st.binary(max_size=9))
)
def test_neither_order_nor_anything_else_changes_the_meaning(files: dict[str, bytes]) -> None:
    assert load(files).meaning == load(dict(reversed(files.items()))).meaning
