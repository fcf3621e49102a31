# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that anybody may have written: one document, with one reading, at a bounded cost.

It is read from the parser's events, so that neither depth nor aliases can grow: an alias of more than a scalar,
a tag, a key given twice, and a key that is no text are refused. What plain scalars mean is what go-yaml 2 makes of
them, by which helm and Kubernetes read. Source: go.yaml.in/yaml/v2 v2.4.4 resolve.go.
"""

from __future__ import annotations

import math
import re
import struct
import typing as t

from .errors import GitopsError
from .requirements import third_party

with third_party():
    import yaml

Value: t.TypeAlias = "dict[str, t.Any] | list[t.Any] | str | int | float | bool | None"

_MAX_DEPTH = 50
_MAX_VALUES = 200_000
_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?", re.ASCII)
_FIXED = 6  # the power of ten from which Go writes an exponent
_STRINGS = ("!", "tag:yaml.org,2002:str")


class MalformedYaml(GitopsError):
    """Bytes that are not one YAML document with one meaning."""

    code = "malformed_yaml"


def load(data: bytes, what: str, limit: int) -> t.Any:
    """The one value in `data`, of at most `limit` bytes; MalformedYaml naming `what` otherwise."""
    if len(data) > limit:
        raise MalformedYaml(f"{what}: larger than {limit} bytes")
    try:
        text = data.decode("utf-8")
        return _Reader(what).read(text)
    except UnicodeDecodeError:
        raise MalformedYaml(f"{what}: not UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MalformedYaml(f"{what}: {fault(error)}") from None


def load_map(data: bytes, what: str, limit: int) -> dict[str, t.Any]:
    """The map in `data`; MalformedYaml for any other value, as in `load`."""
    value = load(data, what, limit)
    if not isinstance(value, dict):
        raise MalformedYaml(f"{what}: not a map")
    return value


def fault(error: Exception) -> str:
    """What is wrong with a text that is no YAML, and where. Never the lines around it: they may be a Secret's."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{str(problem).splitlines()[0][:100] if problem else 'no valid YAML'}{place}"


def syntax_fault(data: bytes) -> str:
    """What keeps `data` from being YAML, of whatever meaning; empty where nothing does. Nothing of it is kept."""
    try:
        for _event in yaml.parse(data.decode("utf-8"), Loader=loader()):
            pass
    except UnicodeDecodeError:
        return "not UTF-8"
    except (yaml.YAMLError, RecursionError) as error:
        return fault(error)
    return ""


def loader() -> t.Any:
    """A safe one. That in C is twenty times as fast, and need not be there."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def has_comments(text: str) -> bool:
    """Whether a valid text holds anything between its tokens but blanks."""
    end = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if text[end : token.start_mark.index].strip(" \n\r\t\ufeff"):
            return True
        end = max(end, token.end_mark.index)
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            header = text[token.start_mark.index : end].partition("\n")[0]
            if not re.fullmatch(r"[|>][-+0-9]*", header):
                return True
    return bool(text[end:].strip())


class _Reader:
    """One reading: a stack of the collections that are open, and what is known of scalars by their anchors."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._stack: list[_Open] = []
        self._anchors: dict[str, Value] = {}
        self._values = self._documents = 0
        self._result: Value = None

    def read(self, text: str) -> Value:
        for event in yaml.parse(text, Loader=loader()):
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    self._refuse("more than one document", event)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._put(self._stack.pop().value, event)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self._anchors:
                    self._refuse("an alias that is not one of a scalar", event)
                self._put(self._anchors[event.anchor], event)
        return self._result

    def _open(self, event: t.Any) -> None:
        if event.tag is not None:
            self._refuse("a tag", event)
        if len(self._stack) >= _MAX_DEPTH:
            self._refuse(f"nested more than {_MAX_DEPTH} deep", event)
        self._anchors.pop(event.anchor, None)
        self._stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else []))

    def _scalar(self, event: t.Any) -> None:
        if event.tag is not None and event.tag not in _STRINGS:
            self._refuse("a tag", event)
        value = resolve(event.value) if event.implicit[0] and event.tag is None else event.value
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        self._put(value, event)

    def _put(self, value: Value, event: t.Any) -> None:
        self._values += 1
        if self._values > _MAX_VALUES:
            self._refuse(f"more than {_MAX_VALUES} values", event)
        if not self._stack:
            self._result = value
            return
        if problem := self._stack[-1].put(value):
            self._refuse(problem, event)

    def _refuse(self, problem: str, event: t.Any) -> t.NoReturn:
        raise MalformedYaml(f"{self._what}: {problem} in line {event.start_mark.line + 1}")


class _Open:
    """A collection that is being read."""

    def __init__(self, value: dict[str, t.Any] | list[t.Any]) -> None:
        self.value = value
        self._key: str | None = None

    def put(self, value: Value) -> str | None:
        """Take a value, or the key of the next; what is wrong with it, if anything is."""
        if isinstance(self.value, list):
            self.value.append(value)
        elif self._key is not None:
            self.value[self._key] = value
            self._key = None
        elif isinstance(value, (dict, list)) or value is None:
            return "a key that is no text"
        else:
            self._key = as_text(value)
            if self._key == "<<":
                return "a merge key"
            if self._key in self.value:
                return f"the key {self._key[:80]!r} twice"
        return None


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain scalar stands for."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text.lower() in (".nan", ".inf", "+.inf", "-.inf"):
        raise ValueError(text)  # no JSON, which is what helm makes of it
    if text[0] not in "+-.0123456789" or _DATE.fullmatch(text):
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    if _INTEGER.fullmatch(plain) and (number := _integer(plain)) is not None:
        return number
    return _float(plain, text)


def _integer(plain: str) -> int | None:
    """The number in 64 bits, with or without a sign; None where it needs more."""
    digits = plain.lstrip("+-")
    is_octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    if len(plain) > 80:
        return None
    number = int(digits, 8) if is_octal else int(digits, 0)
    number = -number if plain[0] == "-" else number
    return number if -(2**63) <= number < 2**64 and not (plain[0] == "+" and number >= 2**63) else None


def _float(plain: str, text: str) -> float | str:
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    return text if number in (float("inf"), float("-inf")) else number


def as_text(value: str | float | bool) -> str:
    """The text that sigs.k8s.io/yaml makes of a scalar where a text is wanted: 1.10 is "1.1" by then."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _shortest(value) if isinstance(value, float) else str(value)


def _shortest(number: float) -> str:
    """Go's FormatFloat(number, 'g', -1, 32): the fewest digits that are the same number in 32 bits."""
    short = _in_32_bits(number)
    if math.isinf(short):
        return "+Inf" if number > 0 else "-Inf"
    text = next(
        text for digits in range(9) if _in_32_bits(float(text := f"{short:.{digits}e}")) == short or digits == 8
    )
    mantissa, _e, power = text.partition("e")
    exponent = int(power)
    if exponent < -4 or exponent >= _FIXED:
        return f"{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return (
        f"{float(text):.{max(len(mantissa.lstrip('-')) - 2 - exponent, 0) if '.' in mantissa else max(-exponent, 0)}f}"
    )


def _in_32_bits(number: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:  # some releases of Python round to infinity instead
        return math.copysign(math.inf, number)
