# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with git, one class for each thing a person would do something different about."""

from __future__ import annotations

from .._shared.errors import GitopsError


class GitError(GitopsError):
    """git failed in a way without a name of its own; `details` holds `command`, `exit_code` and `stderr` (scrubbed)."""

    code = "git_failed"
    # Whether it came before anything could have reached the repository.
    unsent: bool = True


class GitUnavailable(GitError):
    """A program that is needed (git, ssh, ssh-keygen) is missing, cannot be run or is too old."""

    code = "git_unavailable"


class AuthenticationFailed(GitError):
    """The server knows us not, or lets us not do it; says which kinds of credentials were tried."""

    code = "authentication_failed"


class HostKeyRefused(GitError):
    """The SSH server's host key is unknown or is not the one on record."""

    code = "host_key_refused"


class CertificateRefused(GitError):
    """The HTTPS server's certificate does not prove who it is."""

    code = "certificate_refused"


class RepositoryNotFound(GitError):
    """There is no such repository, or none that these credentials may see."""

    code = "repository_not_found"


class Unreachable(GitError):
    """No connection, a connection that broke, or a server that cannot answer now; `details` holds `seconds`."""

    code = "unreachable"


class BranchMissing(GitError):
    """The repository has no such branch."""

    code = "branch_missing"


class BranchMoved(GitError):
    """The branch is no longer where it was fetched: nothing was pushed, and it is worth trying again on top of it."""

    code = "branch_moved"


class PushDeclined(GitError):
    """The server's rules (a protected branch, a hook) refuse the push: trying again does not help."""

    code = "push_declined"


class PushUnknown(GitError):
    """The connection ended after the push was sent and before the server's answer: `details` holds the `commit`."""

    code = "push_unknown"


class SigningFailed(GitError):
    """A signature of the commit was wanted and could not be made."""

    code = "signing_failed"


class PathConflict(GitError):
    """A path cannot be written: the repository has something else there or on the way to it."""

    code = "path_conflict"
