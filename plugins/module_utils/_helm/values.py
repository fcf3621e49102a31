# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of Chart.yaml's fields, as helm reads them into its structs and writes them as JSON.

Sources: helm v4.3.1 pkg/chart/v2/metadata.go and dependency.go; sigs.k8s.io/yaml v1.6.0.
"""

from __future__ import annotations

import re
import typing as t

from .._shared import strict_json
from .._shared.strict_yaml import as_text
from .errors import InvalidChart

Document = dict[str, t.Any]
_ALIAS = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)
_WIDE = 10**21  # from here on Go writes an exponent
_DEPENDENCY = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")


def sanitized(text: str) -> str:
    """Without what cannot be printed, and with plain blanks for all others."""
    return "".join(" " if _is_space(one) else one for one in text if one.isprintable() or _is_space(one))


def _is_space(character: str) -> bool:
    return character.isspace() and not "\x1c" <= character <= "\x1f"


def check_keys(value: t.Mapping[str, t.Any], fields: t.Collection[str], where: str) -> None:
    """InvalidChart for a key that Go would take for one of `fields`, and others would not."""
    if key := strict_json.lookalike(value, fields):
        raise InvalidChart(f"{where}: the field {key[:80]!r} differs from a known one only in case")


def text(value: t.Any, where: str) -> str:
    """A text; helm makes one of a number or a truth value."""
    if value is None:
        return ""
    if isinstance(value, (str, int, float)):
        return as_text(value) if not isinstance(value, str) else value
    raise InvalidChart(f"{where} is not a text")


def truth(value: t.Any, where: str) -> bool:
    """A truth value."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise InvalidChart(f"{where} is neither true nor false")


def sequence(value: t.Any, where: str) -> list[t.Any]:
    """A list; none is an empty one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise InvalidChart(f"{where} is not a list")


def texts(value: t.Any, where: str) -> list[str]:
    """A list of texts, sanitized."""
    return [sanitized(text(one, f"{where}[{number}]")) for number, one in enumerate(sequence(value, where))]


def text_map(value: t.Any, where: str) -> dict[str, str]:
    """A map of texts, in the order of its keys."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidChart(f"{where} is not a map")
    return {key: text(value[key], f"{where}.{key[:80]}") for key in sorted(value, key=_as_go)}


def _as_go(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def maintainers(value: t.Any, where: str) -> list[Document]:
    """Each with its name, email and url, as far as they are there."""
    found = []
    for number, one in enumerate(sequence(value, where)):
        at = f"{where}[{number}]"
        given = _mapping(one, at)
        check_keys(given, ("name", "email", "url"), at)
        read = {key: sanitized(text(given.get(key), f"{at}.{key}")) for key in ("name", "email", "url")}
        found.append({key: said for key, said in read.items() if said})
    return found


def dependencies(value: t.Any, where: str, *, unique: bool = True) -> list[Document]:
    """Each as helm writes it; InvalidChart for two of one name or alias, which only a lock may have."""
    found: list[Document] = []
    known: set[str] = set()
    for number, one in enumerate(sequence(value, where)):
        read = _dependency(_mapping(one, f"{where}[{number}]"), f"{where}[{number}]")
        key = read.get("alias") or read["name"]
        if unique and key in known:
            raise InvalidChart(f"{where}: more than one dependency with the name or alias {key[:80]!r}")
        known.add(key)
        found.append(read)
    return found


def _dependency(given: Document, where: str) -> Document:
    check_keys(given, _DEPENDENCY, where)
    clean = {
        key: sanitized(text(given.get(key), f"{where}.{key}")) for key in ("name", "version", "repository", "condition")
    }
    alias = text(given.get("alias"), f"{where}.alias")
    if alias and not _ALIAS.fullmatch(alias):
        raise InvalidChart(f"{where}.alias may hold letters, digits, _ and - only")
    read = {
        **clean,
        "tags": texts(given.get("tags"), f"{where}.tags"),
        "enabled": truth(given.get("enabled"), f"{where}.enabled"),
        "import-values": [_plain(one) for one in sequence(given.get("import-values"), f"{where}.import-values")],
        "alias": alias,
    }
    return {key: value for key, value in read.items() if value or key in ("name", "repository")}


def _plain(value: t.Any) -> t.Any:
    """A value of any kind as Go's JSON has it: sorted keys, and no fraction where there is none."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value, key=_as_go)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _WIDE else value


def _mapping(value: t.Any, where: str) -> Document:
    if not isinstance(value, dict):
        raise InvalidChart(f"{where} is not a map")
    return value
