# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a task's options where a whole task would prove no more: odd text, and the generated message."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._ansible.publish_options import files, publication
from ansible_collections.proven.gitops.plugins.module_utils._git.tree import Entry, File, compare
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._tasks.git.publish import generated_message

OPTIONS: dict[str, t.Any] = {
    **dict.fromkeys(["username", "token", "privatekey_path", "privatekey_content", "known_hosts_path", "known_hosts"]),
    **dict.fromkeys(["ca_path", "commit_message", "author_name", "author_email", "signing_key", "signing_format"]),
    "repository": "/srv/x",
    "validate_certs": True,
    "insecure": False,
    "branch": "main",
    "files": [],
    "sign": "auto",
    "attempts": 10,
    "depth": 1,
    "timeout": 120,
}


def test_secrets_are_registered_before_anything_can_fail() -> None:
    secrets: list[str] = []
    with pytest.raises(InvalidOption):
        publication({**OPTIONS, "repository": "https://ann:canary@h/x"}, secrets.append)
    assert secrets == ["canary"]
    publication({**OPTIONS, "repository": " https://h/x\n", "token": "canary2\n"}, secrets.append)
    assert secrets[1:] == ["", "canary2"]


@pytest.mark.parametrize("message", ["", "a\0b", "\ud800"])
def test_messages_that_git_would_not_take(message: str) -> None:
    with pytest.raises(InvalidOption, match="commit_message: "):
        publication({**OPTIONS, "commit_message": message}, lambda _each: None)


def test_text_that_is_none() -> None:
    one = {"path": "a", "state": "present", "content": "\ud800", "src": None, "executable": None, "force": True}
    with pytest.raises(InvalidOption, match=r"files\[0\]\.content: is not valid UTF-8"):
        files([one])


def test_generated_message() -> None:
    entries = {"b": Entry("100644", "blob", "1" * 40), "c": Entry("100644", "blob", "1" * 40)}
    wanted = [File("a", b"x"), File("b", b"x"), File("c", None), File("d", None)]
    assert generated_message(compare(wanted, entries)) == "Publish 3 files\n\nAdd a\nUpdate b\nRemove c"
    assert generated_message(compare(wanted[2:], entries)) == "Remove c"


def test_a_generated_message_has_an_end() -> None:
    lines = generated_message(compare([File(f"{number}", b"x") for number in range(60)], {})).splitlines()
    assert lines[0] == "Publish 60 files"
    assert len(lines) == 53
    assert lines[-1] == "and 10 more"
