# SPDX-License-Identifier: GPL-3.0-or-later
"""From what git and its transports print, in English, to an error that says what to do about it. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from . import errors

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.process import Result
    from .access import Connection

_MAX_SHOWN = 2000
_TELLING = ("remote:", "fatal:", "error:", "ssh:", "No user exists")


@dataclass(frozen=True)
class _Rule:
    """`unsent`: the failure came before anything could have reached the repository."""

    pattern: re.Pattern[str]
    error: type[errors.GitError]
    message: str
    unsent: bool = True


def _rule(pattern: str, error: type[errors.GitError], message: str, *, unsent: bool = True) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), error, message, unsent)


# The first that matches counts, so what is special stands before what is general: ssh, for one, ends every failure with
# "Could not read from remote repository".
_RULES = (
    _rule(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed",
        errors.HostKeyRefused,
        "the host key of {host} is not the one in known_hosts: the server's key was renewed, or somebody else answers",
    ),
    _rule(
        r"Host key verification failed|host key is known for",
        errors.HostKeyRefused,
        "the host key of {host} is not known: add it to known_hosts (ssh-keyscan shows it; compare the fingerprint)",
    ),
    _rule(
        r"No user exists for uid",
        errors.GitError,
        "ssh does not run for a user id that has no entry in passwd, so {url} cannot be reached: {detail}",
    ),
    _rule(
        r"certificate problem|certificate verif|unable to get local issuer|self.signed certificate|no alternative cert"
        r"|certificate subject name",
        errors.CertificateRefused,
        "the certificate of {host} does not prove who it is (a private CA is given with ca_path): {detail}",
    ),
    _rule(r"returned error: 403", errors.AuthenticationFailed, "access to {url} was denied (HTTP 403); tried: {tried}"),
    _rule(
        r"Authentication failed|could not read (Username|Password)|returned error: 401|HTTP Basic: Access denied"
        r"|Permission denied \(|Too many authentication failures|no supported authentication methods",
        errors.AuthenticationFailed,
        "authentication at {url} failed; tried: {tried}",
    ),
    _rule(r"could ?n.t find remote ref", errors.BranchMissing, "{url} has no such branch"),
    _rule(
        r"dubious ownership",
        errors.GitError,
        "git refuses {url}, which belongs to another user: run the task as its owner, or add it to safe.directory",
    ),
    _rule(
        r"repository .* not found|does not appear to be a git repository|invalid gitfile format|returned error: 404"
        r"|Repository not found|not a git repository|no such repository|is this a git repository",
        errors.RepositoryNotFound,
        "there is no repository {url}, or it may not be seen; tried: {tried}",
    ),
    _rule(
        r"mismatched algorithms|unknown object format|unsupported object format",
        errors.GitError,
        "{url} names its objects by SHA-256, which Flux and this collection do not handle",
    ),
    _rule(r"transport '.*' not allowed", errors.GitError, "{url} leads to a protocol that is not allowed: {detail}"),
    _rule(r"No space left on device|Disk quota exceeded", errors.GitError, "no space left: {detail}", unsent=False),
    _rule(
        r"Could not resolve|Name or service not known|Temporary failure in name resolution",
        errors.Unreachable,
        "the name {host} cannot be resolved (after {seconds:.1f} s)",
    ),
    _rule(
        r"Failed to connect|Couldn't connect|Connection refused|connect to host .* port|Network is unreachable"
        r"|No route to host",
        errors.Unreachable,
        "{url} cannot be reached (after {seconds:.1f} s): {detail}",
    ),
    _rule(
        r"returned error: (429|5\d\d)|Connection (reset|closed|timed out)|unexpected disconnect|early EOF"
        r"|RPC failed|hung up|Empty reply|Operation timed out|Could not read from remote repository"
        r"|GnuTLS|SSL_|curl \d+",
        errors.Unreachable,
        "the connection to {url} broke (after {seconds:.1f} s): {detail}",
        unsent=False,
    ),
)


def failure(result: Result, connection: Connection | None = None) -> errors.GitError:
    """The error for a failed command; its `unsent` tells whether a push cannot have had an effect."""
    detail = summary(result.stderr) or f"git ended with code {result.exit_code} and said nothing"
    details: dict[str, t.Any] = {
        "command": f"git {result.command.arguments[1]}",
        "exit_code": result.exit_code,
        "stderr": result.stderr.strip()[-_MAX_SHOWN:],
        "seconds": round(result.seconds, 1),
    }
    if connection is None:
        return errors.GitError(f"{details['command']} failed: {detail}", **details)
    address = connection.address
    if result.timed_out:
        message = f"{address.url} did not finish within the timeout of {result.command.timeout:g} s"
        return _sent(errors.Unreachable(message, **details))
    # Lines that begin with "remote:" are the server's own words; they must not choose the class of the error.
    local = "\n".join(line for line in result.stderr.splitlines() if not line.startswith("remote:"))
    for rule in _RULES:
        if rule.pattern.search(local):
            message = rule.message.format(
                url=address.url, host=address.server, tried=connection.tried, detail=detail, seconds=result.seconds
            )
            error = rule.error(message, **details)
            return error if rule.unsent else _sent(error)
    return _sent(errors.GitError(f"{details['command']} failed for {address.url}: {detail}", **details))


def _sent(error: errors.GitError) -> errors.GitError:
    error.unsent = False
    return error


def summary(stderr: str) -> str:
    """The lines that say what happened, in one: what the server said and what git made of it."""
    lines = [line.strip() for line in stderr.splitlines()]
    telling = [line for line in lines if line.startswith(_TELLING)] or lines
    shown = [line for line in telling if line not in ("", "remote:")]
    return "; ".join(shown)[-_MAX_SHOWN:]
