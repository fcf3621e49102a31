# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as YAML text: the same bytes for the same data, and one meaning for every reader.

A string is written plain only where no YAML reader, 1.1 or 1.2, could take it for anything else: `y`, `1e3` and
`0o17` are strings to one parser and something else to another, so they are quoted.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ..._shared.errors import GitopsError
from ..._shared.requirements import third_party

with third_party():
    import yaml

MAX_LENGTH = 1024 * 1024  # characters of a file that is read back; a cluster takes no larger object

_WORD = re.compile(r"(?:\./)?[A-Za-z/](?:[A-Za-z0-9/_.:@+-]*[A-Za-z0-9/_])?|\./?", re.ASCII)
_DURATION = re.compile(r"(?:[0-9]+(?:ms|s|m|h))+", re.ASCII)
_NOT_TEXT = re.compile(r"y|n|yes|no|on|off|true|false|null|nan|inf(?:inity)?", re.IGNORECASE | re.ASCII)


class InvalidYaml(GitopsError):
    """Text that is not a stream of YAML objects."""

    code = "invalid_yaml"


def dump(manifests: t.Sequence[t.Mapping[str, t.Any]], comment: str = "") -> str:
    """One document for each manifest, each begun by `---`, in the order of the data; `comment` goes on top."""
    lines = [f"# {line}\n" for line in comment.splitlines()]
    return "".join(lines) + "".join(f"---\n{_document(manifest)}" for manifest in manifests)


def load(text: str, what: str) -> list[dict[str, t.Any]]:
    """The objects in `text`; empty documents count for nothing. Raises InvalidYaml naming `what`."""
    if len(text) > MAX_LENGTH:
        raise InvalidYaml(f"{what}: larger than {MAX_LENGTH} characters")
    try:
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidYaml(f"{what}: {' '.join(str(error).split())[:200]}") from None
    for document in documents:
        if not isinstance(document, dict):
            raise InvalidYaml(f"{what}: a document is a {type(document).__name__}, not an object")
    return documents


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
    plain = _DURATION.fullmatch(text) or (_WORD.fullmatch(text) and not _NOT_TEXT.fullmatch(text))
    return None if plain else '"'


def _is_block(text: str) -> bool:
    """Whether a literal block shows `text` as it is: nothing but printable lines without blanks at their ends."""
    return all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))
