# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of repositories: which are taken, and that no secret gets through."""

from __future__ import annotations

import re

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.address import Address, parse_address, password_in


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://git.example.com/fleet/clusters.git",
            Address("https://git.example.com/fleet/clusters.git", "https", "git.example.com"),
        ),
        (
            "HTTPS://Git.Example.com:8443/a%20b.git",
            Address("https://git.example.com:8443/a%20b.git", "https", "git.example.com", 8443),
        ),
        ("http://[::1]:3000/x", Address("http://[::1]:3000/x", "http", "[::1]", 3000)),
        (
            "https://ann@dev.azure.com/org/_git/x",
            Address("https://dev.azure.com/org/_git/x", "https", "dev.azure.com", None, "ann"),
        ),
        (
            "ssh://git@git.example.com:2222/x.git",
            Address("ssh://git@git.example.com:2222/x.git", "ssh", "git.example.com", 2222, "git"),
        ),
        ("ssh://git.example.com/x.git", Address("ssh://git.example.com/x.git", "ssh", "git.example.com")),
        (
            "git@git.example.com:fleet/x.git",
            Address("git@git.example.com:fleet/x.git", "ssh", "git.example.com", None, "git"),
        ),
        ("git.example.com:x.git", Address("git.example.com:x.git", "ssh", "git.example.com")),
        ("git@[::1]:x.git", Address("git@[::1]:x.git", "ssh", "[::1]", None, "git")),
        ("/srv/git/x.git", Address("/srv/git/x.git", "file")),
        ("/home/my name/x", Address("/home/my name/x", "file")),
        ("file:///srv/git/x.git", Address("file:///srv/git/x.git", "file")),
    ],
)
def test_taken(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("https://git.example.com/a b", "blanks"),
        ("https://git.example.com/a\nb", "control"),
        ("https://ann:s3cret@git.example.com/x", "password"),
        ("https://:s3cret@git.example.com/x", "password"),
        ("https://ann:@git.example.com/x", "password"),
        ("https://ghp_s3cret@git.example.com/x", "token"),
        ("ssh://git:s3cret@git.example.com/x", "password"),
        ("https://git.example.com", "no repository"),
        ("https://git.example.com/", "no repository"),
        ("https://git.example.com/x?token=s3cret", "query"),
        ("https://git.example.com/x#s3cret", "fragment"),
        ("https:///x", "host"),
        ("https://-x/y", "host"),
        ("https://ex[ample/y", "valid URL"),
        ("https://git.example.com:99999/y", "valid URL"),
        ("https://bücher.example/x", "xn--"),
        ("git://git.example.com/x", "git://"),
        ("ftp://git.example.com/x", "ftp://"),
        ("git+ssh://git.example.com/x", "git+ssh://"),
        ("ext::sh -c evil", "blanks"),
        ("/srv/a\nb", "control"),
        ("ext::evil", "helpers"),
        ("::evil", "helpers"),
        ("file://git.example.com/x", "names no host"),
        ("relative/path", "absolute path"),
        ("./x.git", "absolute path"),
        ("-oProxyCommand=evil:x", "host"),
        ("git@-oProxyCommand=evil:x", "host"),
        ("ssh://-oProxyCommand=evil/x", "host"),
        ("-evil@git.example.com:x", "user name"),
        ("git@git.example.com:-x", "no repository"),
        ("ssh://git.example.com/", "no repository"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        parse_address(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ann:s3%2Fcret@h/x", "s3/cret"),
        ("https://a:b@c@h/x", "b@c"),
        ("https://github_pat_11AA@h/x", "github_pat_11AA"),
        ("https://glpat-abc@h/x", "glpat-abc"),
        ("https://0123456789abcdef0123456789abcdef01234567@h/x", "0123456789abcdef0123456789abcdef01234567"),
        ("https://ann@h/x", ""),
        ("https://h/x@y:z", ""),
        ("git@h:x", ""),
        ("/srv/x", ""),
    ],
)
def test_password_in(text: str, expected: str) -> None:
    assert password_in(text) == expected


def test_the_password_as_it_is_written() -> None:
    """Both forms are to be masked: the options of a task that was refused show the one that was written."""
    text = "https://ann:a%2Fb%2Bc@git.example.com/fleet.git"
    assert (password_in(text), password_in(text, written=True)) == ("a/b+c", "a%2Fb%2Bc")


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost/x", True),
        ("http://127.9.9.9/x", True),
        ("http://[::1]/x", True),
        ("http://10.0.0.1/x", False),
        ("http://localhost.example.com/x", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    assert parse_address(url).loopback is loopback


def test_a_credential_is_bound_to_scheme_host_and_port() -> None:
    assert parse_address("https://h.example:8443/a/b").origin == "https://h.example:8443"
    assert parse_address("https://h.example/a/b").origin == "https://h.example"
