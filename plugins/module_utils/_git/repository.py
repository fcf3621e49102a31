# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository on a server, and a private shallow copy of one branch of it.

The copy is bare: commits are built in the object database (hash-object, update-index, write-tree, commit-tree), so
nothing that the repository brings along is ever written to the file system under its own name, followed or run.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from . import errors, failures
from .identity import Author, Signing, author_environment, signing_arguments
from .tree import Change, Entry, parents
from .workspace import write_private

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.process import Result
    from .access import Connection
    from .program import Git

_FETCHED = "refs/remotes/origin/tip"
_NOTHING = "0" * 40
_OBJECT_NAME = re.compile(r"[0-9a-f]{40}")
_PATHS_PER_COMMAND = 200
# A push that the server refused for one of these has lost a race against another.
_RACE = re.compile(
    r"fetch first|non-fast-forward|stale info|failed to (update|lock) ref|cannot lock ref|incorrect old value"
    r"|reference already exists"
)


@dataclass(frozen=True)
class Tip:
    """Where to build on: `commit` is empty when there is nothing yet; `exists` tells whether the branch is there."""

    commit: str
    exists: bool


@dataclass(frozen=True)
class CommitRequest:
    """Everything about a commit but its tree and parent."""

    message: str
    author: Author = field(default_factory=Author)
    signing: Signing = field(default_factory=Signing)


class Repository:
    """Create one per task and clone() it; the rest may follow any number of times.

    `timeout`: seconds that one exchange with the server may take. `depth`: commits to fetch, 0 for all of them.
    """

    def __init__(self, git: Git, connection: Connection, *, timeout: float = 120, depth: int = 1) -> None:
        self._git = git
        self.connection = connection
        self._timeout = timeout
        self._depth = depth
        self._directory = git.directory / "repository.git"
        self._blobs = 0

    def clone(self, branch: str) -> Tip:
        """Make the private copy and fetch the branch into it. Raises what fetch() raises."""
        # An empty template: no hooks, whatever init.templateDir says.
        self._local("init", "--quiet", "--bare", "--template=", str(self._directory))
        return self.fetch(branch)

    def fetch(self, branch: str) -> Tip:
        """The tip of the branch as it is now.

        A branch that is missing is to start where the repository's HEAD points, or from nothing in an empty one.
        Raises AuthenticationFailed, HostKeyRefused, CertificateRefused, RepositoryNotFound, Unreachable, GitError.
        """
        try:
            return Tip(self._fetch_ref(f"refs/heads/{branch}"), exists=True)
        except errors.BranchMissing:
            pass
        try:
            return Tip(self._fetch_ref("HEAD"), exists=False)
        except errors.BranchMissing:
            return Tip("", exists=False)

    def _fetch_ref(self, ref: str) -> str:
        depth = [f"--depth={self._depth}"] if self._depth else []
        arguments = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", *depth]
        self._remote(*arguments, "--", self.connection.url, f"+{ref}:{_FETCHED}")
        return self._object_name(self._local("rev-parse", "--verify", "--quiet", f"{_FETCHED}^{{commit}}"))

    def entries(self, tip: Tip, paths: t.Iterable[str]) -> dict[str, Entry]:
        """What the tip's tree has at these paths and at each of their parents; what is not there is left out."""
        wanted = sorted({name for path in paths for name in (path, *parents(path))})
        return self._list(tip.commit, wanted) if tip.commit else {}

    def _list(self, tree: str, wanted: t.Sequence[str]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for start in range(0, len(wanted), _PATHS_PER_COMMAND):
            names = wanted[start : start + _PATHS_PER_COMMAND]
            listing = self._local("ls-tree", "-z", "-t", "--long", "--full-tree", tree, "--", *names).stdout
            for line in filter(None, listing.decode("utf-8", "surrogateescape").split("\0")):
                attributes, _tab, path = line.partition("\t")
                mode, kind, oid, size = attributes.split()
                found[path] = Entry(mode, kind, oid, int(size) if size.isdigit() else 0)
        return found

    def read(self, oid: str) -> bytes:
        """The content of a blob (at most 256 MiB)."""
        return self._local("cat-file", "blob", oid).stdout

    def commit(self, tip: Tip, changes: t.Sequence[Change], request: CommitRequest) -> str:
        """One commit on top of the tip that makes the changes; its object name. Nothing is pushed by it.

        Raises SigningFailed when a signature is wanted and cannot be made.
        """
        tree = self._write_tree(tip, [change for change in changes if change.status != "unchanged"])
        settings = (("gpg.format", request.signing.format),) if request.signing.format else ()
        arguments = ["commit-tree", *signing_arguments(self._git, request.signing)]
        if tip.commit:
            arguments += ["-p", tip.commit]
        result = self._git.run(
            *arguments,
            tree,
            stdin=request.message.rstrip().encode() + b"\n",
            config=settings,
            environment={**self._location(), **author_environment(self._git, request.author)},
            timeout=self._timeout,
        )
        if result.exit_code != 0:
            raise self._commit_failure(result, request, signed="--no-gpg-sign" not in arguments)
        return self._object_name(result)

    def _commit_failure(self, result: Result, request: CommitRequest, *, signed: bool) -> errors.GitError:
        if not signed:
            return failures.failure(result)
        why = "no answer within the timeout" if result.timed_out else failures.summary(result.stderr)
        key = request.signing.key or "the key that git is set up with"
        return errors.SigningFailed(f"git could not sign the commit with {key}: {why}", stderr=result.stderr[-2000:])

    def _write_tree(self, tip: Tip, changes: t.Sequence[Change]) -> str:
        self._local("read-tree", tip.commit) if tip.commit else self._local("read-tree", "--empty")
        written = [change for change in changes if change.status == "written"]
        oids = self._write_blobs([change.file.content or b"" for change in written])
        # Removals first: a file may have to make room for a directory.
        lines = [f"0 {_NOTHING}\t{change.file.path}" for change in changes if change.status == "removed"]
        lines += [f"{change.mode} {oid}\t{change.file.path}" for change, oid in zip(written, oids, strict=True)]
        self._local("update-index", "-z", "--index-info", stdin="".join(f"{line}\0" for line in lines).encode())
        tree = self._object_name(self._local("write-tree"))
        self._check_tree(tree, changes, dict(zip((change.file.path for change in written), oids, strict=True)))
        return tree

    def _check_tree(self, tree: str, changes: t.Sequence[Change], oids: t.Mapping[str, str]) -> None:
        """update-index leaves out a path that it does not like, and succeeds."""
        found = self._list(tree, [change.file.path for change in changes])
        for change in changes:
            entry = found.get(change.file.path)
            if entry is not None and entry.kind == "tree" and change.status == "removed":
                continue  # it made room for a directory
            if (entry.oid if entry else None) != oids.get(change.file.path):
                raise errors.PathConflict(
                    f"files: {change.file.path}: git does not take this path", path=change.file.path
                )

    def _write_blobs(self, contents: t.Sequence[bytes]) -> list[str]:
        names = []
        for content in contents:
            self._blobs += 1
            names.append(write_private(self._git.directory / f"blob-{self._blobs}", content).name)
        if not names:
            return []
        listing = "".join(f"{name}\n" for name in names).encode()
        oids = self._local("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listing).text.split()
        for name in names:
            (self._git.directory / name).unlink()
        return oids

    def push(self, commit: str, branch: str) -> None:
        """Make the branch point to a commit built on its tip, which the server does only if it still is the tip.

        Raises BranchMoved (fetch and build again), PushDeclined (nothing was pushed, nor will be), PushUnknown (the
        answer got lost; fetch() tells), or what fetch() raises: then nothing was sent.
        """
        arguments = ["push", "--porcelain", "--quiet", "--no-follow-tags", "--no-verify", "--recurse-submodules=no"]
        try:
            self._remote(*arguments, "--", self.connection.url, f"{commit}:refs/heads/{branch}", push=True)
        except errors.GitError as error:
            if error.unsent:
                raise
            if isinstance(error, errors.BranchMoved):
                raise
            raise unknown_outcome(commit, self.connection.address.url, error) from None

    def _remote(self, *arguments: str, push: bool = False) -> Result:
        environment = {**self._location(), **self.connection.environment}
        result = self._git.run(
            *arguments, config=self.connection.config, environment=environment, timeout=self._timeout
        )
        if result.exit_code == 0 and not result.timed_out:
            return result
        if push:
            self._raise_refusal(result)
        raise failures.failure(result, self.connection)

    def _raise_refusal(self, result: Result) -> None:
        """Raise for the status that git-push(1) prints for a reference: `!`, from:to, summary (reason)."""
        for line in result.stdout.decode("utf-8", "replace").splitlines():
            if not line.startswith("!\t"):
                continue
            reason = self._git.scrub.lines(line.split("\t")[-1])
            details = {"reason": reason, "stderr": result.stderr.strip()[-2000:]}
            if _RACE.search(reason):
                moved = errors.BranchMoved(f"the branch moved at {self.connection.address.url}: {reason}", **details)
                # The server's word is not the last one: curl sends again what it sent on a connection that broke, and
                # then the second copy is refused because the first one did arrive.
                moved.unsent = "[remote rejected]" not in reason
                raise moved
            said = "; ".join(line for line in result.stderr.splitlines() if line.startswith("remote:"))
            message = f"{self.connection.address.url} declines the push, and nothing was changed: {reason}"
            if "shallow" in reason:
                message += " (depth=0 fetches the whole history)"
            raise errors.PushDeclined(f"{message}: {said}"[:2000] if said else message, **details)

    def _location(self) -> dict[str, str]:
        return {"GIT_DIR": str(self._directory)}

    def _local(self, *arguments: str, stdin: bytes = b"") -> Result:
        environment = {} if arguments[0] == "init" else self._location()
        result = self._git.run(*arguments, stdin=stdin, environment=environment, timeout=self._timeout)
        if result.exit_code != 0 or result.timed_out:
            raise failures.failure(result)
        return result

    @staticmethod
    def _object_name(result: Result) -> str:
        if not _OBJECT_NAME.fullmatch(result.text):
            raise errors.GitError("git printed no object name where one was due")
        return result.text


def unknown_outcome(commit: str, url: str, cause: errors.GitError) -> errors.PushUnknown:
    """The error for a push without an answer."""
    message = f"it is not known whether the push of {commit} reached {url}; run the task again: {cause.message}"
    unknown = errors.PushUnknown(message, **{**cause.details, "commit": commit, "cause": cause.message})
    unknown.unsent = False
    return unknown


def check_branch(git: Git, branch: str) -> None:
    """Raise ValueError with the reason for a name that is not a branch's, by git-check-ref-format(1)."""
    if branch.startswith("refs/"):
        raise ValueError("must be the short name of a branch, without refs/heads/")
    if branch.startswith("-") or git.run("check-ref-format", f"refs/heads/{branch}").exit_code != 0:
        raise ValueError("is not a valid name for a branch")
