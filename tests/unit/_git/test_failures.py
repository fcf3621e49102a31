# SPDX-License-Identifier: GPL-3.0-or-later
"""What git, ssh and curl print, and which error it is."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git import errors
from ansible_collections.proven.gitops.plugins.module_utils._git.access import Connection
from ansible_collections.proven.gitops.plugins.module_utils._git.address import parse_address
from ansible_collections.proven.gitops.plugins.module_utils._git.failures import failure, summary
from ansible_collections.proven.gitops.plugins.module_utils._shared.process import Command, Result

SSH_END = (
    "fatal: Could not read from remote repository.\n\n"
    "Please make sure you have the correct access rights\nand the repository exists.\n"
)


def result(stderr: str, *, timed_out: bool = False) -> Result:
    command = Command(("/usr/bin/git", "fetch"), {}, timeout=7)
    return Result(command, 128, b"", stderr, seconds=1.25, timed_out=timed_out)


def connection(url: str = "https://git.example.com/x") -> Connection:
    return Connection(parse_address(url), (), {}, "the option token, with the user name git")


@pytest.mark.parametrize(
    ("stderr", "error", "said"),
    [
        (
            "fatal: could not read Username for 'https://git.example.com': terminal prompts disabled\n",
            errors.AuthenticationFailed,
            "authentication at https://git.example.com/x failed; tried: the option token, with the user name git",
        ),
        (
            "remote: Invalid username or token.\nfatal: Authentication failed for 'https://git.example.com/x/'\n",
            errors.AuthenticationFailed,
            "tried: the option token",
        ),
        (
            "fatal: unable to access 'https://git.example.com/x/': The requested URL returned error: 403\n",
            errors.AuthenticationFailed,
            "HTTP 403",
        ),
        (
            "No user exists for uid 1000670000\n" + SSH_END,
            errors.GitError,
            "no entry in passwd, so https://git.example.com/x cannot be reached: No user exists for uid 1000670000",
        ),
        (
            "error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403\nsend-pack: broke\n",
            errors.AuthenticationFailed,
            "HTTP 403",
        ),
        ("git@git.example.com: Permission denied (publickey).\n" + SSH_END, errors.AuthenticationFailed, "tried"),
        (
            "No ED25519 host key is known for git.example.com and you have requested strict checking.\n"
            "Host key verification failed.\n" + SSH_END,
            errors.HostKeyRefused,
            "the host key of git.example.com is not known",
        ),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.\n" + SSH_END,
            errors.HostKeyRefused,
            "is not the one in known_hosts",
        ),
        (
            "fatal: unable to access 'https://git.example.com/x/': server certificate verification failed.\n",
            errors.CertificateRefused,
            "certificate of git.example.com",
        ),
        (
            "fatal: unable to access 'https://git.example.com/x/': SSL certificate problem: self-signed certificate\n",
            errors.CertificateRefused,
            "ca_path",
        ),
        ("fatal: couldn't find remote ref refs/heads/main\n", errors.BranchMissing, "no such branch"),
        (
            "remote: Not Found\nfatal: repository 'https://git.example.com/x/' not found\n",
            errors.RepositoryNotFound,
            "no repository",
        ),
        (
            "fatal: '/srv/x' does not appear to be a git repository\n" + SSH_END,
            errors.RepositoryNotFound,
            "no repository",
        ),
        ("ERROR: Repository not found.\n" + SSH_END, errors.RepositoryNotFound, "no repository"),
        (
            "fatal: detected dubious ownership in repository at '/srv/x'\n" + SSH_END,
            errors.GitError,
            "safe.directory",
        ),
        ("fatal: mismatched algorithms: client sha1; server sha256\n", errors.GitError, "SHA-256"),
        ("fatal: transport 'ftp' not allowed\n", errors.GitError, "a protocol that is not allowed"),
        ("fatal: write error: No space left on device\n", errors.GitError, "no space left"),
        (
            "fatal: unable to access 'https://git.example.com/x/': Could not resolve host: git.example.com\n",
            errors.Unreachable,
            "the name git.example.com cannot be resolved (after 1.2 s)",
        ),
        (
            "ssh: Could not resolve hostname git.example.com: Name or service not known\n" + SSH_END,
            errors.Unreachable,
            "cannot be resolved",
        ),
        (
            "fatal: unable to access 'https://git.example.com/x/': Failed to connect to git.example.com port 443\n",
            errors.Unreachable,
            "cannot be reached (after 1.2 s)",
        ),
        (
            "ssh: connect to host git.example.com port 22: Connection timed out\n" + SSH_END,
            errors.Unreachable,
            "cannot be reached",
        ),
    ],
)
def test_before_anything_is_sent(stderr: str, error: type[errors.GitError], said: str) -> None:
    found = failure(result(stderr), connection())
    assert found.__class__ is error
    assert said in found.message
    assert found.unsent is (error is not errors.GitError or "space" not in said)
    assert found.details["exit_code"] == 128
    assert found.details["command"] == "git fetch"


@pytest.mark.parametrize(
    ("stderr", "error"),
    [
        ("error: RPC failed; HTTP 504 curl 22 The requested URL returned error: 504\n", errors.Unreachable),
        ("error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429\n", errors.Unreachable),
        ("fatal: the remote end hung up unexpectedly\n", errors.Unreachable),
        ("fatal: unable to access 'https://git.example.com/x/': Empty reply from server\n", errors.Unreachable),
        ("Connection reset by peer\n" + SSH_END, errors.Unreachable),
        ("fatal: something new\n", errors.GitError),
        ("", errors.GitError),
    ],
)
def test_when_something_may_have_been_sent(stderr: str, error: type[errors.GitError]) -> None:
    found = failure(result(stderr), connection())
    assert found.__class__ is error
    assert not found.unsent


def test_a_timeout() -> None:
    found = failure(result("", timed_out=True), connection())
    assert isinstance(found, errors.Unreachable)
    assert "within the timeout of 7 s" in found.message
    assert not found.unsent


def test_the_server_does_not_choose_the_error() -> None:
    found = failure(result("remote: Authentication failed\nfatal: the remote end hung up unexpectedly\n"), connection())
    assert isinstance(found, errors.Unreachable)


def test_a_local_command() -> None:
    found = failure(result("error: broken\n"))
    assert found.__class__ is errors.GitError
    assert found.message == "git fetch failed: error: broken"


def test_summary() -> None:
    assert summary("hint: x\nremote: \nremote: no\nfatal: y\n\n") == "remote: no; fatal: y"
    assert summary("only this\n") == "only this"
    assert summary("") == ""
    assert len(summary("x" * 5000)) == 2000
