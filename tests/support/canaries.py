# SPDX-License-Identifier: GPL-3.0-or-later
"""Canaries: a value for each secret input of the modules that stands nowhere else, and every form it could leak in.

What the inputs are is read from the argument specifications: an option with `no_log`, known by its first variable.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import importlib
import inspect
import secrets
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.proven.gitops.plugins.module_utils._ansible.argspec import ArgumentSpec, Option

ROOT = Path(__file__).resolve().parents[2]
MODULES = tuple(sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py")))

# Arguments that make a module return its parameters, as one under -vvv does; ansible-core 2.19 does so always.
_INVOCATION = "_ansible_inject_invocation"
WITH_INVOCATION = {_INVOCATION: True} if _INVOCATION in inspect.getsource(AnsibleModule) else {}


class _Parsed(Exception):  # the way out of a module's main()
    pass


@functools.cache
def options(module: str) -> t.Mapping[str, Option]:
    """The options of a module, as its main() hands them to Ansible: they are the same as long as a process lives."""
    found: list[t.Mapping[str, Option]] = []

    def parsed(spec: ArgumentSpec, **_more: t.Any) -> t.NoReturn:
        found.append(spec.options)
        raise _Parsed

    imported = importlib.import_module(f"ansible_collections.proven.gitops.plugins.modules.{module}")
    with mock.patch.object(ArgumentSpec, "create_module", parsed), contextlib.suppress(_Parsed):
        imported.main()
    return dict(found[0])


def _walk(given: t.Mapping[str, Option], where: str = "") -> t.Iterator[tuple[str, Option]]:
    for name, option in given.items():
        yield where + name, option
        yield from _walk(option.get("options", {}), f"{where}{name}.")


@functools.cache
def inputs() -> dict[str, dict[str, tuple[str, ...]]]:
    """Module to its secret options, each with the variables that can give it."""
    return {
        module: {
            name: tuple(option["fallback"][1])
            for name, option in _walk(options(module))
            if option.get("no_log") and "fallback" in option
        }
        for module in MODULES
    }


def without_variable() -> list[str]:
    """Secret options that no variable gives, which `inputs` would not know."""
    return [
        f"{module}.{name}"
        for module in MODULES
        for name, option in _walk(options(module))
        if option.get("no_log") and "fallback" not in option
    ]


@dataclass(frozen=True)
class Canary:
    """A secret and the texts that would give it away; of a key, each line of its body is one."""

    name: str
    value: str = field(repr=False)

    @classmethod
    def make(cls, name: str) -> Canary:
        # Characters that URLs, shells and JSON write otherwise; not what else could stand in an output.
        return cls(name, f"cnry/{secrets.token_hex(6)}+%{secrets.token_hex(6)}")

    @property
    def forms(self) -> frozenset[bytes]:
        lines = [line for line in self.value.splitlines() if "-----" not in line]
        body = lines[1:-1] if len(lines) > 2 else lines  # a key's first line is alike in all keys, its last is short
        return frozenset(form for line in body for form in _forms(line))

    def inside(self, content: bytes) -> bool:
        return any(form in content for form in self.forms)


def _forms(text: str) -> set[bytes]:
    plain = text.encode()
    found = {plain, quote(text).encode(), quote(text, safe="").encode()}
    for one in (plain, *_base64(plain)):
        found |= {one, *_base64(one)}  # twice: what Kubernetes holds of a docker configuration
    return found


def _base64(content: bytes) -> set[bytes]:
    """What is in the base64 of any text that holds `content`, wherever it stands in that: `user:password` is one."""
    found = set()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + content)
        length = (shift + len(content)) * 4 // 3
        inner = encoded[-(-shift * 4 // 3) : length]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


class Canaries(dict[str, Canary]):
    """One for each secret input, by its first variable; `add` makes those of files and addresses."""

    @classmethod
    def of_modules(cls) -> Canaries:
        names = {variables[0] for known in inputs().values() for variables in known.values()}
        return cls({name: Canary.make(name) for name in sorted(names)})

    def add(self, name: str, value: str = "") -> str:
        self[name] = Canary(name, value) if value else Canary.make(name)
        return self[name].value

    def found(self, content: bytes | str) -> list[str]:
        """The names of those that are in there."""
        raw = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return [name for name, canary in self.items() if canary.inside(raw)]
