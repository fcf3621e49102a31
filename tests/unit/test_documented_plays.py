# SPDX-License-Identifier: GPL-3.0-or-later
"""Every play and task that the READMEs and docs/ show has options that its module or role really knows."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from support.documented import module_options

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "roles").glob("*/README.md")])
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PREFIX = "proven.gitops."


def _blocks() -> t.Iterator[t.Any]:
    for page in PAGES:
        for number, text in enumerate(_BLOCK.findall(page.read_text()), start=1):
            yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")


def _mappings(value: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Every mapping in it, with its own variables beside it."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _mappings(one)


def _role_options(name: str) -> set[str]:
    text = (ROOT / "roles" / name / "meta" / "argument_specs.yml").read_text()
    return set(yaml.safe_load(text)["argument_specs"]["main"]["options"])


def _unknown(mapping: dict[str, t.Any]) -> t.Iterator[str]:
    for key, value in mapping.items():
        if key.startswith(_PREFIX) and isinstance(value, dict):
            yield from (f"{key}: {one}" for one in set(value) - module_options(key.removeprefix(_PREFIX)))
    role = mapping.get("role") or (mapping.get("ansible.builtin.include_role") or {}).get("name") or ""
    if role.startswith(_PREFIX):
        name = role.removeprefix(_PREFIX)
        given = {one for one in {**mapping, **mapping.get("vars", {})} if one.startswith(f"{name}_")}
        yield from (f"{role}: {one}" for one in given - _role_options(name))


@pytest.mark.parametrize("text", list(_blocks()))
def test_options_are_known(text: str) -> None:
    unknown = [one for mapping in _mappings(yaml.safe_load(text)) for one in _unknown(mapping)]
    assert unknown == []


def test_the_check_finds_what_is_wrong() -> None:
    play = yaml.safe_load("""
- roles: [{role: proven.gitops.publish, publish_artefacts: []}]
  tasks:
    - proven.gitops.oci_push: {refrence: x, ca_path: y}
    - ansible.builtin.include_role: {name: proven.gitops.flux_source}
      vars: {flux_source_nam: x, other: y}
""")
    unknown = sorted(one for mapping in _mappings(play) for one in _unknown(mapping))
    assert unknown == [
        "proven.gitops.flux_source: flux_source_nam",
        "proven.gitops.oci_push: refrence",
        "proven.gitops.publish: publish_artefacts",
    ]
