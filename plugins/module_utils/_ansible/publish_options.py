# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of git_publish, and what they mean."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .._git.identity import Author, Signing, check_author
from .._git.tree import File, check_files, check_path
from .._shared.errors import InvalidOption
from .._tasks.git.publish import Publication
from .argspec import ArgumentSpec, Option, Params, Register, variable
from .git_options import GIT_ACCESS, address_and_access
from .given import Rules

_FILE: dict[str, Option] = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "content": {"type": "raw"},
    "src": {"type": "path"},
    "executable": {"type": "bool"},
    "force": {"type": "bool", "default": True},
}
_FILES: Option = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": _FILE,
    "mutually_exclusive": [("content", "src")],
    "required_if": [("state", "present", ("content", "src"), True)],
}
PUBLISH = GIT_ACCESS.merge(
    ArgumentSpec(
        options={
            "branch": {"type": "str", "default": "main"},
            "files": _FILES,
            "commit_message": {"type": "str"},
            "author_name": {"type": "str"},
            "author_email": {"type": "str"},
            "sign": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
            "signing_key": variable("str", "PROVEN_GIT_SIGNING_KEY", no_log=False),
            "signing_format": {"type": "str", "choices": ["openpgp", "ssh", "x509"]},
            "attempts": {"type": "int", "default": 10},
            "depth": {"type": "int", "default": 1},
        },
        rules=Rules(contents=frozenset({"files.content"})),
    )
)


def publication(params: Params, register_secret: Register) -> Publication:
    """What to publish, where. Raises InvalidOption before anything is sent."""
    address, access = address_and_access(params, register_secret)
    for option, least in (("attempts", 1), ("timeout", 1), ("depth", 0)):
        if params[option] < least:
            raise InvalidOption(option, f"must be at least {least}")
    return Publication(
        address=address,
        access=access,
        files=files(params["files"]),
        branch=params["branch"],
        message=_message(params["commit_message"]),
        author=_author(params),
        signing=Signing(params["sign"], params["signing_key"] or "", params["signing_format"] or ""),
        attempts=params["attempts"],
        depth=params["depth"],
        timeout=params["timeout"],
    )


def files(wanted: t.Sequence[Params]) -> tuple[File, ...]:
    """The option `files`; raises InvalidOption that names the element."""
    found = tuple(_file(f"files[{number}]", one) for number, one in enumerate(wanted))
    try:
        check_files(found)
    except ValueError as error:
        raise InvalidOption("files", str(error)) from error
    return found


def _file(option: str, one: Params) -> File:
    try:
        check_path(one["path"])
    except ValueError as error:
        raise InvalidOption(f"{option}.path", f"{one['path']!r} {error}") from error
    if one["state"] == "absent":
        return File(one["path"], None)
    return File(one["path"], _content(option, one), one["executable"], one["force"])


def _content(option: str, one: Params) -> bytes:
    content, source = one["content"], one["src"]
    if content is not None:
        if not isinstance(content, str):
            raise InvalidOption(
                f"{option}.content", "must be text: a structure is made text by a filter, to_nice_yaml say"
            )
        try:
            return content.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidOption(f"{option}.content", "is not valid UTF-8: give a file of any bytes with src") from error
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise InvalidOption(f"{option}.src", f"cannot read {source}: {error.strerror}") from error


def _message(text: str | None) -> str:
    if text is None:
        return ""
    if not text.strip() or "\0" in text:
        raise InvalidOption("commit_message", "must not be empty or hold NUL; leave it out for one made from the files")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidOption("commit_message", "is not valid UTF-8") from error
    return text


def _author(params: Params) -> Author:
    author = Author(params["author_name"] or "", params["author_email"] or "")
    for option, value in (("author_name", author.name), ("author_email", author.email)):
        try:
            check_author(value)
        except ValueError as error:
            raise InvalidOption(option, str(error)) from error
    return author
