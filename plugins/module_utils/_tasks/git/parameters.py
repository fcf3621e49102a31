# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's options for git, checked and turned into values. Every InvalidOption about their form is raised here."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..._git.access import Access, check
from ..._git.address import Address, parse_address, password_in
from ..._git.identity import Author, Signing, check_author
from ..._git.tree import File, check_files, check_path
from ..._shared.errors import InvalidOption
from .publish import Publication

Parameters = t.Mapping[str, t.Any]


def address_and_access(parameters: Parameters, register_secret: t.Callable[[str], None]) -> tuple[Address, Access]:
    """The options of the documentation fragment `_git_access`: where the repository is and how to get in."""
    text = parameters["repository"].strip()
    for password in sorted({password_in(text), password_in(text, written=True)}):
        register_secret(password)  # the refusal shows the task's options
    try:
        address = parse_address(text)
    except ValueError as error:
        raise InvalidOption("repository", str(error)) from error
    # A token read from a file ends with a line break.
    token = (parameters["token"] or "").strip()
    register_secret(token)
    access = Access(
        username=parameters["username"] or "",
        token=token,
        privatekey_path=parameters["privatekey_path"] or "",
        privatekey_content=parameters["privatekey_content"] or "",
        known_hosts_path=parameters["known_hosts_path"] or "",
        known_hosts=parameters["known_hosts"] or "",
        ca_path=parameters["ca_path"] or "",
        validate_certs=parameters["validate_certs"],
        insecure=parameters["insecure"],
    )
    check(address, access)
    return address, access


def publication(parameters: Parameters, register_secret: t.Callable[[str], None]) -> Publication:
    """The options of git_publish."""
    address, access = address_and_access(parameters, register_secret)
    for option, least in (("attempts", 1), ("timeout", 1), ("depth", 0)):
        if parameters[option] < least:
            raise InvalidOption(option, f"must be at least {least}")
    return Publication(
        address=address,
        access=access,
        files=files(parameters["files"]),
        branch=parameters["branch"],
        message=_message(parameters["commit_message"]),
        author=_author(parameters),
        signing=Signing(parameters["sign"], parameters["signing_key"] or "", parameters["signing_format"] or ""),
        attempts=parameters["attempts"],
        depth=parameters["depth"],
        timeout=parameters["timeout"],
    )


def files(wanted: t.Sequence[Parameters]) -> tuple[File, ...]:
    """The option `files`; raises InvalidOption that names the element."""
    found = tuple(_file(f"files[{number}]", one) for number, one in enumerate(wanted))
    try:
        check_files(found)
    except ValueError as error:
        raise InvalidOption("files", str(error)) from error
    return found


def _file(option: str, one: Parameters) -> File:
    try:
        check_path(one["path"])
    except ValueError as error:
        raise InvalidOption(f"{option}.path", f"{one['path']!r} {error}") from error
    if one["state"] == "absent":
        return File(one["path"], None)
    return File(one["path"], _content(option, one), one["executable"], one["force"])


def _content(option: str, one: Parameters) -> bytes:
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


def _author(parameters: Parameters) -> Author:
    author = Author(parameters["author_name"] or "", parameters["author_email"] or "")
    for option, value in (("author_name", author.name), ("author_email", author.email)):
        try:
            check_author(value)
        except ValueError as error:
            raise InvalidOption(option, str(error)) from error
    return author
