# SPDX-License-Identifier: GPL-3.0-or-later
"""Chart.yaml: what helm 4.3.1 makes of it. The config was read back from what it pushed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._helm import metadata
from ansible_collections.proven.gitops.plugins.module_utils._helm.errors import InvalidChart

LEAST = b"name: app\nversion: 1.0.0\n"
LINES = st.sampled_from(
    [
        "apiVersion: v2",
        "name: app",
        "name: 5",
        "version: 1.0.0",
        "version: 1",
        "type: library",
        "description: a\x07b",
        "annotations: {a: 1, b: null}",
        "maintainers: [{name: x}]",
        "dependencies: [{name: a}]",
        "tags: [x]",
        "icon: {}",
        "keywords: [1, true, null]",
        "deprecated: yes",
        "deprecated: 'yes'",
        "home: ~",
        "sources: x",
        "x: *y",
        "- a",
        "\t",
    ]
)


def test_the_least_chart() -> None:
    read = metadata.read(LEAST)
    assert read.config == b'{"name":"app","version":"1.0.0","apiVersion":"v1"}'
    assert read.annotations == {metadata.TITLE: "app", metadata.VERSION: "1.0.0"}
    assert (read.tag, read.dependencies) == ("1.0.0", [])


def test_values_are_written_as_go_writes_them() -> None:
    read = metadata.read(
        b'apiVersion: v2\nname: app\nversion: 1.2.3+b.1\nappVersion: 1.10\ndescription: "a\\tb\\u0007 <&>"\n'
        b"deprecated: on\nannotations: {z: 010, a: yes}\nkeywords: [1.0, ~]\n"
        b"dependencies: [{name: d, import-values: [{b: 1.0, a: 2}]}]\n"
    )
    assert read.config == (
        b'{"name":"app","version":"1.2.3+b.1","description":"a b \\u003c\\u0026\\u003e","keywords":["1",""],'
        b'"apiVersion":"v2","appVersion":"1.1","deprecated":true,"annotations":{"a":"true","z":"8"},'
        b'"dependencies":[{"name":"d","repository":"","import-values":[{"a":2,"b":1}]}]}'
    )
    assert read.tag == "1.2.3_b.1"


def test_annotations_follow_from_the_chart_and_its_own_come_over_them() -> None:
    read = metadata.read(
        LEAST
        + b"home: h\nsources: [s, o]\ndescription: ' '\nmaintainers: [{name: A, email: a@b}, {email: c@d}, {name: E}]\n"
        b"annotations: {org.opencontainers.image.url: mine, org.opencontainers.image.version: no, empty: ''}\n"
    )
    image = "org.opencontainers.image."
    assert read.annotations == {
        f"{image}title": "app",
        f"{image}version": "1.0.0",
        f"{image}url": "mine",
        f"{image}source": "s",
        f"{image}authors": "A (a@b),  (c@d), E",
        "empty": "",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"version: 1.0.0\n", "name is missing"),
        (b"name: a/b\nversion: 1.0.0\n", "cannot be a name"),
        (b"name: ..\nversion: 1.0.0\n", "cannot be a name"),
        (b"name: app\n", "not one of SemVer"),
        (b"name: app\nversion: one\n", "not one of SemVer"),
        (LEAST + b"apiVersion: v3\n", "helm knows v1 and v2"),
        (LEAST + b"dependencies: [{name: a, alias: 'a b'}]\n", "letters, digits"),
        (LEAST + b"dependencies: [{Name: a}]\n", "only in case"),
        (b"[]\n", "not a map"),
    ],
)
def test_refuses_what_helm_would_not_load(text: bytes, reason: str) -> None:
    with pytest.raises(InvalidChart, match=reason):
        metadata.read(text)


def test_requirements_of_version_1_are_dependencies() -> None:
    read = metadata.read(LEAST)
    assert read.with_requirements(b"dependencies: [{name: a}]\n", "r").dependencies == [{"name": "a", "repository": ""}]
    assert read.with_requirements(b"other: 1\n", "r") == read
    with pytest.raises(InvalidChart, match=r"name belongs into Chart\.yaml"):
        read.with_requirements(b"name: evil\n", "r")


@given(st.lists(LINES, max_size=8, unique=True))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    try:
        read = metadata.read("\n".join(lines).encode())
    except InvalidChart:
        return
    assert json.loads(read.config)["name"] == read.name
    assert all(isinstance(value, str) for value in read.annotations.values())
