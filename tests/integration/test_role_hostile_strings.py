# SPDX-License-Identifier: GPL-3.0-or-later
"""What a survey or a webhook puts into a role's option is refused by its name, or handed on as it is.

The options come from the argument specifications, so a new one is tried without being named here.
"""

from __future__ import annotations

import copy
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from support.playbook import Ran
from support.role_cases import ROLES, Files, cases_of, files_in, options_of
from support.twin import HEAD, Twin, strings

HOSTILE = "'\"\\,:1,{}[]\": \"x\"}, {{ lookup('env', 'HOME') }}{% raw %}$(id)`id`; & | # !x\n- a: b\n\tc=d \\n é"
DOWNLOADS = ("flux_install", "kind_cluster")  # write files of their own, and none beside this one
_MARK = re.compile(r"canary[0-9]+")

Variables = dict[str, t.Any]
Leaf = tuple[str, ...]  # the names on the way to a string; [] stands for each member of a list


class Unsafe(str):
    """A text that Ansible must not take for a template, as a survey's answer is."""

    __slots__ = ()


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", text, style='"'))


def leaves(options: t.Mapping[str, t.Any], above: Leaf = ()) -> t.Iterator[tuple[Leaf, str]]:
    """Every place of a string and its type: `("publish_artifacts", "[]", "tag"), "str"`.

    A mapping without options of its own has a string called `name`.
    """
    for name, option in options.items():
        here = (*above, name)
        if option["type"] == "list":
            here = (*here, "[]")
        kind = option.get("elements", option["type"])
        if option.get("options"):
            yield from leaves(option["options"], here)
        elif kind in ("str", "path"):
            yield here, kind
        elif kind == "dict":
            yield (*here, "name"), "str"


def put(value: t.Any, leaf: Leaf, text: str) -> t.Any:
    """A copy of it with the text in that place; what is missing on the way is made."""
    if not leaf:
        return Unsafe(text)
    step, *rest = leaf
    if step == "[]":
        return [put(one, tuple(rest), text) for one in value or [None]]
    return {**(value or {}), step: put((value or {}).get(step), tuple(rest), text)}


def run(twin: Twin, role: str, given: Variables) -> Ran:
    """The role with these variables, that come from a file as AWX writes one."""
    path = twin.home / "variables.yml"
    path.write_text(yaml.safe_dump(given, allow_unicode=True))
    return twin.play(f"{HEAD}  roles:\n    - role: proven.gitops.{role}\n", {}, "-e", f"@{path}")


def told(twin: Twin) -> set[str]:
    """Every string that a module got. Of a document, which ends with a line break, every string in it."""
    found: set[str] = set()
    for text in (text for call in twin.calls for text in strings(call.options)):
        found |= set(strings(list(yaml.safe_load_all(text)))) if text.endswith("\n") else {text}
    return found


def refused_in(ran: Ran, twin: Twin, hostile: t.Mapping[Leaf, str]) -> set[Leaf]:
    """The places whose option the failure names; nothing was called before."""
    assert twin.calls == [], ran.output
    (failure,) = [result for _task, outcome, result in ran.results if outcome == "failed"][-1:]
    said = json.dumps([failure.get("msg"), failure.get("argument_errors")])
    found = {leaf for leaf in hostile if re.search(rf"\b{leaf[0]}\b", said)}
    assert found, f"names none of the options that are wrong: {said}"
    return found


def tried(twin: Twin, role: str, given: Variables, hostile: t.Mapping[Leaf, str]) -> set[Leaf]:
    """Run the role with all hostile strings, then without those that it refused, and so on. Which it refused."""
    absent = {name for name, value in given.items() if value is None}
    trying = {leaf: text for leaf, text in hostile.items() if leaf[0] not in absent}
    while True:
        variables: Variables = {name: copy.deepcopy(value) for name, value in given.items() if name not in absent}
        for leaf, text in trying.items():
            variables |= put(variables, leaf, text)
        ran = run(twin, role, variables)
        if ran.code == 0:
            return {leaf for leaf in hostile if leaf not in trying and leaf[0] not in absent}
        refused = refused_in(ran, twin, trying)
        trying = {leaf: text for leaf, text in trying.items() if leaf not in refused}


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    return Twin(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> t.Iterator[Files]:
    with files_in(tmp_path) as found:
        yield found


@pytest.mark.parametrize("role", ROLES)
def test_every_string_is_refused_or_handed_on_as_it_is(twin: Twin, files: Files, role: str) -> None:
    hostile: dict[Leaf, str] = {}
    for number, (leaf, kind) in enumerate(leaves(options_of(role))):
        inside = kind == "path" and role in DOWNLOADS
        # In a path, Ansible puts variables of the environment in by design.
        hostile[leaf] = f"{files.home}/" * inside + f"canary{number}{HOSTILE}" + " $HOME ${HOME}" * (kind == "str")
    arrived: set[str] = set()
    refused: set[Leaf] = set()
    for name, given in cases_of(role, files).items():
        refused |= tried(twin, role, given, {leaf: text for leaf, text in hostile.items() if leaf not in refused})
        texts = told(twin)
        arrived |= texts
        for text in texts:
            whole = {mark for one in hostile.values() if one in text for mark in _MARK.findall(one)}
            assert set(_MARK.findall(text)) <= whole, f"mangled on its way, in the run {name}"
    lost = [leaf for leaf, text in hostile.items() if leaf not in refused and not any(text in one for one in arrived)]
    assert lost == [], "neither refused nor handed on"
