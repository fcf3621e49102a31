# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as YAML text: the same bytes for the same data, and one meaning for every reader.

A string is written plain only where no YAML reader, 1.1 or 1.2, could take it for anything else: `y`, `1e3` and
`0o17` are strings to one parser and something else to another, so they are quoted.
"""

from __future__ import annotations

import functools
import json
import re
import typing as t

from ..._shared import strict_yaml
from ..._shared.errors import GitopsError, InvalidOption
from ..._shared.requirements import third_party
from .. import durations

with third_party():
    import yaml

MAX_LENGTH = 1024 * 1024  # characters of a file that is read back; a cluster takes no larger object

Manifests: t.TypeAlias = "t.Sequence[t.Mapping[str, t.Any]]"
Path: t.TypeAlias = "tuple[str | int, ...]"
Option: t.TypeAlias = "t.Callable[[int, Path], str]"  # from an object's number and a path in it to an option's name

# Control characters (C1 and NEL too), the other line ends, surrogates, and what is no character.
_UNSTABLE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufeff\\ufffe\\uffff]")
_WORD = re.compile(r"(?:\./)?[A-Za-z/](?:[A-Za-z0-9/_.:@+-]*[A-Za-z0-9/_])?|\./?", re.ASCII)
# What a YAML reader takes for something else than text: Go writes it in double quotes.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "", "=", "<<", ".nan", ".inf"})
_NUMBER = re.compile(
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?|\.inf"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t ].*)?",
    re.IGNORECASE | re.ASCII,
)
# What it cannot be without quotes: Go writes it in single ones.
_SYNTAX = re.compile(r"[,\[\]{}#&*!|>'\"%@`]|[-?:](?: |\Z)|.*(?:: | #|:\Z| \Z)| ")
_NOT_TEXT = re.compile(r"y|n|yes|no|on|off|true|false|null|nan|inf(?:inity)?", re.IGNORECASE | re.ASCII)


class InvalidYaml(GitopsError):
    """Text that is not a stream of YAML objects."""

    code = "invalid_yaml"


def dump(manifests: Manifests, comment: str = "") -> str:
    """One document for each manifest, each begun by `---`, in the order of the data; `comment` goes on top.

    It is to be shown: what is to be kept is written by `write`.
    """
    lines = [f"# {line}\n" for line in comment.splitlines()]
    return "".join(lines) + "".join(f"---\n{_document(manifest)}" for manifest in manifests)


def write(manifests: Manifests, option: Option, comment: str = "") -> str:
    """The text of `dump`, proven to read back as the same data. InvalidOption names what does not."""
    return _prove(dump(manifests, comment), manifests, dump, option)


def write_as_go(manifests: Manifests, option: Option) -> str:
    """Also proven, in Go's style: objects of objects and scalars, nothing quoted that need not be."""
    return _prove(_as_go(manifests), manifests, _as_go, option)


def _as_go(manifests: Manifests) -> str:
    return "".join(f"---\n{_go_document(manifest)}" for manifest in manifests)


def is_text(value: str) -> bool:
    """Whether `value` holds nothing but characters that a file and every YAML reader keep as they are."""
    return not _UNSTABLE.search(value)


def load(text: str, what: str) -> list[dict[str, t.Any]]:
    """The objects in `text`; empty documents count for nothing. Raises InvalidYaml naming `what`."""
    if len(text) > MAX_LENGTH:
        raise InvalidYaml(f"{what}: larger than {MAX_LENGTH} characters")
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidYaml(f"{what}: {strict_yaml.fault(error)}") from None
    for document in documents:
        if not isinstance(document, dict):
            raise InvalidYaml(f"{what}: a document is a {type(document).__name__}, not an object")
    return documents


def _prove(text: str, manifests: Manifests, write: t.Callable[[Manifests], str], option: Option) -> str:
    if _reads_back(text, manifests):
        return text
    for number, manifest in enumerate(manifests):
        for path, value in _leaves(manifest, ()):
            if not _reads_back(write([{"value": value}]), [{"value": value}]):
                reason = "holds something that YAML does not keep as it is, such as a control character"
                raise InvalidOption(option(number, path), reason)
    raise InvalidYaml("these manifests do not read back from YAML as what they are")


def _reads_back(text: str, manifests: Manifests) -> bool:
    try:
        return list(yaml.load_all(text.encode(), strict_yaml.loader())) == [dict(manifest) for manifest in manifests]
    except (yaml.YAMLError, ValueError, RecursionError):
        return False


def _leaves(value: object, path: Path) -> t.Iterator[tuple[Path, object]]:
    if isinstance(value, t.Mapping):
        for key, one in value.items():
            yield from _leaves(one, (*path, str(key)))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _leaves(one, (*path, place))
    else:
        yield path, value


def _go_document(manifest: t.Mapping[str, t.Any]) -> str:
    """YAML as Go writes it: sorted already, lists not indented, nothing quoted that need not be."""
    lines: list[str] = []
    _go_write(manifest, 0, lines)
    return "".join(f"{line}\n" for line in lines)


def _go_write(value: t.Mapping[str, t.Any], depth: int, lines: list[str]) -> None:
    for key, one in value.items():
        if isinstance(one, dict):
            lines.append(f"{'  ' * depth}{key}:")
            _go_write(one, depth + 1, lines)
        else:
            lines.append(f"{'  ' * depth}{key}: {_go_scalar(one)}")


def _go_scalar(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text.lower() in _WORDS or _NUMBER.fullmatch(text) or not text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return "'" + text.replace("'", "''") + "'" if _SYNTAX.match(text) else text


def _document(manifest: t.Mapping[str, t.Any]) -> str:
    text: str = yaml.dump(
        dict(manifest),
        Dumper=_dumper(),
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=2**31,
    )
    return text


@functools.cache
def _dumper() -> type[t.Any]:
    """Made when used: PyYAML may be missing, and its own SafeDumper must stay as others know it."""

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: t.Any) -> bool:
            del data
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            del indentless
            super().increase_indent(flow, False)

    Dumper.add_representer(str, _text)
    return Dumper


def _text(dumper: t.Any, text: str) -> t.Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    if "\n" in text and not text[0].isspace() and _is_block(text):
        return "|"
    duration = "." not in text and durations.milliseconds(text) is not None
    plain = duration or (_WORD.fullmatch(text) and not _NOT_TEXT.fullmatch(text))
    return None if plain else '"'


def _is_block(text: str) -> bool:
    """Whether a literal block shows `text` as it is: nothing but printable lines without blanks at their ends."""
    return all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))
