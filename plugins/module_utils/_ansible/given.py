# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task was given, before Ansible turns it into what the options ask for: rules that hold for every option.

- A null counts as not given, at every depth that a specification describes.
- An empty list and an empty path are refused, but where the specification says what they mean.
- Text is text: YAML has made 1.1 of 1.10 and true of yes before we see it.
- No text holds a NUL or what is no Unicode character, as JSON and variables may, but what becomes a file as it is.

Sources of the values that core would take instead: ansible.module_utils.common.validation, check_type_*.
"""

from __future__ import annotations

import json
import math
import os
import typing as t
from dataclasses import dataclass

from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import AnsibleFallbackNotFound

from .._shared.errors import InvalidOption

Option = t.Mapping[str, t.Any]
Options = t.Mapping[str, Option]
Given = dict[str, t.Any]

_LARGEST = 2**53  # from here on a float does not know its neighbours
_KINDS = {bool: "a truth value", int: "a number", float: "a number", dict: "a map", list: "a list"}


@dataclass(frozen=True)
class Rules:
    """Options, by their path without numbers (`files.path`), to which a rule does not apply.

    `may_be_empty`: an empty list or path has a documented meaning. `numbers`: a number is one, whatever YAML wrote.
    `contents`: becomes a file as it is, whatever it holds.
    """

    may_be_empty: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()

    def and_those_of(self, other: Rules) -> Rules:
        """Both as one."""
        return Rules(
            self.may_be_empty | other.may_be_empty, self.numbers | other.numbers, self.contents | other.contents
        )


def environment(*names: str, may_be_empty: bool = False) -> str:
    """A fallback for options: the first of these variables that is set. An empty one counts as unset."""
    for name in names:
        value = os.environ.get(name)
        if value is not None and (value or may_be_empty):
            return value
    raise AnsibleFallbackNotFound


def environment_or_empty(*names: str) -> str:
    """As `environment`, but an empty variable is an empty passphrase, as it is for cosign."""
    return environment(*names, may_be_empty=True)


@dataclass
class Reader:
    """Reads what was given by a specification; `refused` says what is wrong with it."""

    rules: Rules
    refused: list[InvalidOption]
    secrets: set[str]

    def read(self, options: Options, given: Given, where: str = "", path: str = "") -> None:
        """Take nulls out of `given`, in place, and note what is refused and what is secret."""
        names = {alias: name for name, option in options.items() for alias in (name, *option.get("aliases", ()))}
        for key in [key for key in given if key in names]:
            option = options[names[key]]
            if given[key] is None:
                del given[key]
                continue
            given[key] = self._structured(option, given[key], f"{where}{key}")
            if option.get("no_log"):
                self.secrets |= set(_texts(given[key]))
            self._check(option, given[key], f"{where}{key}", f"{path}{names[key]}")
        taken = {names[key] for key in given if key in names}
        for name, option in options.items():
            value = None if name in taken else _by_variable(option)
            if value is not None:
                self._check(option, value, f"{where}{name}", f"{path}{name}")

    def _structured(self, option: Option, value: t.Any, where: str) -> t.Any:
        """A map or list of maps that came as text, read; core would refuse a list so, and not say of which option."""
        wanted = {"list": list, "dict": dict}.get(option.get("type", "str"))
        if not isinstance(value, str) or wanted is None or (wanted is list and option.get("elements") != "dict"):
            return value
        if value == "" and wanted is list:
            return []
        try:
            read = check_type_dict(value) if wanted is dict else json.loads(value)
        except (TypeError, ValueError, SyntaxError, RecursionError):
            read = None
        if not isinstance(read, wanted):
            self._refuse(where, f"is text that is not {_KINDS[wanted]}")
            return value
        return read

    def _check(self, option: Option, value: t.Any, where: str, path: str) -> None:
        kind = option.get("type", "str")
        if kind == "list":
            self._check_list(option, value, where, path)
        elif kind == "dict" and not isinstance(value, dict):
            if not isinstance(value, str):  # such text is refused already
                self._refuse(where, f"is {_KINDS.get(type(value), 'text')}, where a map is expected")
        elif kind == "dict" and "options" in option:
            self.read(option["options"], value, f"{where}.", f"{path}.")
        else:
            self._check_scalar(kind, option, value, where, path)

    def _check_list(self, option: Option, value: t.Any, where: str, path: str) -> None:
        if value in ([], "") and path not in self.rules.may_be_empty:
            self._refuse(where, "is empty: at least one is needed")
        element = {**option, "type": option.get("elements", "raw")}
        if not isinstance(value, list):
            self._check_scalar(element["type"], element, value, where, path)
            return
        for number, one in enumerate(value):
            at = f"{where}[{number}]"
            if one is None:
                self._refuse(at, "is null")
            elif element["type"] == "dict" and not isinstance(one, dict):
                self._refuse(at, f"is {_KINDS.get(type(one), 'text')}, where a map is expected")
            else:
                self._check(element, one, at, path)

    def _check_scalar(self, kind: str, option: Option, value: t.Any, where: str, path: str) -> None:
        if path not in self.rules.contents:
            self._check_text(_is_passphrase(option), value, where)
        if isinstance(value, str) and kind in ("str", "path", "raw"):
            if kind == "path" and not value.strip() and path not in self.rules.may_be_empty:
                self._refuse(where, "is an empty path: name one, or leave it out")
        elif kind in ("str", "path") and "choices" not in option and path not in self.rules.numbers:
            name = _KINDS.get(type(value), f"a {type(value).__name__}")
            more = f" ({value!r} by now): put it in quotes" if isinstance(value, (bool, int, float)) else ""
            self._refuse(where, f"is {name}{more or ', where text is expected'}")
        elif kind in ("int", "float"):
            self._check_number(value, where)

    def _check_text(self, is_passphrase: bool, value: t.Any, where: str) -> None:
        """A text, or all those in a structure. Only a passphrase may be other bytes: core cannot log them elsewhere."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        if "\0" in text:
            self._refuse(where, "holds a NUL character")
        try:
            text.encode("utf-8", "surrogateescape" if is_passphrase else "strict")
        except UnicodeEncodeError:
            self._refuse(where, "holds what is no Unicode character: give it as UTF-8")

    def _check_number(self, value: t.Any, where: str) -> None:
        if isinstance(value, bool):
            self._refuse(where, "is a truth value, where a number is expected")
        elif isinstance(value, (int, float, str)):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.inf if isinstance(value, int) else 0.0  # what is no number at all, core says
            if not abs(number) <= _LARGEST:  # NaN compares false; core ends in a traceback for it
                self._refuse(where, "is no number that can be worked with")

    def _refuse(self, where: str, reason: str) -> None:
        self.refused.append(InvalidOption(where, reason))


def secret_variables(options: Options) -> set[str]:
    """What the environment holds for the secret options; they may be shown before the options are read."""
    found = set()
    for option in options.values():
        if option.get("no_log") and "fallback" in option:
            found |= {os.environ[name] for name in option["fallback"][1] if os.environ.get(name)}
        found |= secret_variables(option.get("options", {}))
    return found


def _by_variable(option: Option) -> str | None:
    strategy, names = option.get("fallback", (None, ()))
    try:
        return t.cast("str", strategy(*names)) if strategy else None
    except AnsibleFallbackNotFound:
        return None


def _is_passphrase(option: Option) -> bool:
    return option.get("fallback", (None,))[0] is environment_or_empty


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
