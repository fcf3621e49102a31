# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in a branch of a git repository, as one commit on its tip, also when others push at the same time.

The branch is the lock: a push counts only if the branch still is where the commit was built on. If it is not, the new
tip is fetched and the files are written on top of it, a bounded number of times, and never is anything forced.
"""

from __future__ import annotations

import random
import time
import typing as t
from dataclasses import dataclass, field

from ..._git import errors
from ..._git.access import Access, connect, username_for
from ..._git.identity import Author, Signing
from ..._git.program import Git
from ..._git.repository import CommitRequest, Repository, Tip, check_branch, unknown_outcome
from ..._git.tree import Change, File, compare
from ..._shared.errors import InvalidOption
from ..._shared.scrub import Scrubber
from .._case import QUIET, Diff, Outcome

if t.TYPE_CHECKING:  # pragma: no cover
    from pathlib import Path

    from ..._git.address import Address
    from .._case import Progress

# Ansible's own limit for what a diff shows of a file.
_MAX_SHOWN = 104448
_MAX_LISTED = 50
_MAX_WAIT_SECONDS = 5.0
_LOOKS = 3


@dataclass(frozen=True)
class Publication:
    """What is to be where. An empty `message` is made from the files. `attempts`: pushes to try at most."""

    address: Address
    files: tuple[File, ...]
    access: Access = field(default_factory=Access)
    branch: str = "main"
    message: str = ""
    author: Author = field(default_factory=Author)
    signing: Signing = field(default_factory=Signing)
    attempts: int = 10
    depth: int = 1
    timeout: float = 120


@dataclass(frozen=True)
class Plan:
    """The changes to make on a tip; `diff` shows them, one element for each changed file."""

    tip: Tip
    changes: tuple[Change, ...]
    diff: tuple[Diff, ...]

    @property
    def new_commit(self) -> bool:
        """Whether there is anything to commit."""
        return any(change.status != "unchanged" for change in self.changes)

    @property
    def new_branch(self) -> bool:
        """Whether the branch has to be made; one that is missing already lacks the files to remove."""
        return not self.tip.exists and any(change.file.content is not None for change in self.changes)

    @property
    def changed(self) -> bool:
        """Whether the branch would be another one."""
        return self.new_commit or self.new_branch


class GitPublish:
    """The use-case. `directory` is private to it and is to be removed after apply() or predict()."""

    def __init__(
        self,
        publication: Publication,
        directory: Path,
        progress: Progress = QUIET,
        *,
        wait: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._publication = publication
        self._progress = progress
        self._directory = directory
        self._wait = wait
        self._opened: Repository | None = None

    def plan(self) -> Plan:
        """Fetch the branch and compare. Raises InvalidOption, GitError and its kinds; the repository is only read."""
        wanted = self._publication
        access = wanted.access
        scrub = Scrubber(secrets=(access.token, access.privatekey_content))
        if access.token:
            scrub.add_login(username_for(wanted.address, access), access.token)
        git = Git.locate(self._directory, scrub)
        try:
            check_branch(git, wanted.branch)
        except ValueError as error:
            raise InvalidOption("branch", str(error)) from error
        connection = connect(wanted.address, access, git)
        self._opened = Repository(git, connection, timeout=wanted.timeout, depth=wanted.depth)
        self._tell("the branch")
        return self._plan_on(self._opened.clone(wanted.branch))

    def predict(self, plan: Plan) -> Outcome:
        """The commit that would be pushed."""
        return self._outcome(plan, commit="" if plan.new_commit else plan.tip.commit, attempts=0, changed=plan.changed)

    def apply(self, plan: Plan) -> Outcome:
        """Commit and push until the branch holds the files. When it raises, nothing of ours is in the repository,
        with the one exception of PushUnknown, which says so.
        """
        attempts = 0
        perhaps_ours = False
        while plan.changed:
            attempts += 1
            commit = self._commit(plan)
            self._tell(f"push {attempts} of at most {self._publication.attempts}")
            try:
                self._repository.push(commit, self._publication.branch)
            except (errors.BranchMoved, errors.PushUnknown) as error:
                lost = error
            else:
                return self._outcome(plan, commit, attempts, changed=True)
            perhaps_ours = perhaps_ours or not lost.unsent
            self._pause(attempts)
            fresh = self._look_again(commit, lost)
            if fresh.tip.commit == commit:  # the push did arrive, only its answer did not
                return self._outcome(plan, commit, attempts, changed=True)
            if fresh.changed and attempts >= self._publication.attempts:
                raise self._given_up(attempts, lost)
            plan = fresh
        # After a push of unknown outcome, the files can be there under somebody's later commit.
        return self._outcome(plan, plan.tip.commit, attempts, changed=perhaps_ours)

    def _tell(self, what: str) -> None:
        wanted = self._publication
        self._progress.start("published", 1, "commits")
        self._progress.waiting(f"{wanted.branch} of {wanted.address.url}", what, 0, wanted.timeout)

    @property
    def _repository(self) -> Repository:
        if self._opened is None:
            raise errors.GitError("a plan comes first")
        return self._opened

    def _plan_on(self, tip: Tip) -> Plan:
        files = self._publication.files
        changes = compare(files, self._repository.entries(tip, [file.path for file in files]))
        diff = tuple(self._show(change) for change in changes if change.status != "unchanged")
        return Plan(tip, tuple(changes), diff)

    def _commit(self, plan: Plan) -> str:
        if not plan.new_commit:  # only a branch to make
            return plan.tip.commit
        message = self._publication.message or generated_message(plan.changes)
        request = CommitRequest(message, self._publication.author, self._publication.signing)
        return self._repository.commit(plan.tip, plan.changes, request)

    def _given_up(self, attempts: int, error: errors.GitError) -> errors.GitError:
        branch, url = self._publication.branch, self._publication.address.url
        details = {**error.details, "attempts": attempts}
        if isinstance(error, errors.BranchMoved):
            message = f"others kept pushing to {branch} of {url}: nothing was pushed in {attempts} attempts"
            return errors.BranchMoved(message, **details)
        cause = error.details["cause"]
        message = f"{branch} of {url} has nothing of what was pushed in {attempts} attempts: {cause}"
        return errors.Unreachable(message, **details)

    def _look_again(self, commit: str, lost: errors.GitError) -> Plan:
        """The plan on the branch as it is now, asked for more than once: it tells what became of the last push."""
        error: errors.GitError = lost
        for attempt in range(_LOOKS):
            try:
                return self._plan_on(self._repository.fetch(self._publication.branch))
            except errors.Unreachable as unreachable:
                error = unreachable
                self._pause(attempt + _LOOKS)
        raise error if lost.unsent else unknown_outcome(commit, self._publication.address.url, error)

    def _pause(self, attempt: int) -> None:
        """Publishers that collided once must not collide again in step."""
        self._wait(random.uniform(0, min(_MAX_WAIT_SECONDS, 0.1 * 2**attempt)))  # noqa: S311  # no secret depends on it

    def _show(self, change: Change) -> Diff:
        entry, content = change.before, change.file.content
        before = ""
        if entry is not None:
            before = _readable(self._repository.read(entry.oid) if entry.size <= _MAX_SHOWN else b"", entry.size)
        after = "" if content is None else _readable(content, len(content))
        path = change.file.path
        return {"before": before, "after": after, "before_header": path, "after_header": path}

    def _outcome(self, plan: Plan, commit: str, attempts: int, *, changed: bool) -> Outcome:
        branch = self._publication.branch
        return Outcome(
            changed=changed,
            values={
                "branch": branch,
                "commit": commit or None,
                "revision": f"{branch}@sha1:{commit}" if commit else None,
                "files": {change.file.path: change.status for change in plan.changes},
                "attempts": attempts,
            },
            actions=_actions(plan, branch) if plan.changed else [],
            diff=list(plan.diff),
        )


def _actions(plan: Plan, branch: str) -> list[str]:
    verbs = {"written": "write", "removed": "remove"}
    actions = [f"{verbs[change.status]} {change.file.path}" for change in plan.changes if change.status in verbs]
    if plan.new_branch:
        actions.append(f"create the branch {branch}")
    return [*actions, f"push to {branch}"]


def _readable(content: bytes, size: int) -> str:
    if size > _MAX_SHOWN:
        return f"(a file of {size} bytes)\n"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    return f"(a binary file of {size} bytes)\n" if "\0" in text else text


def generated_message(changes: t.Sequence[Change]) -> str:
    """A subject that says what the commit does, and the files in the body when there is more than one."""
    verbs = {"written": "Update", "removed": "Remove", "unchanged": ""}
    lines = [
        f"{'Add' if change.status == 'written' and change.before is None else verbs[change.status]} {change.file.path}"
        for change in changes
        if change.status != "unchanged"
    ]
    if len(lines) == 1:
        return lines[0]
    more = [f"and {len(lines) - _MAX_LISTED} more"] if len(lines) > _MAX_LISTED else []
    return "\n".join([f"Publish {len(lines)} files", "", *lines[:_MAX_LISTED], *more])
