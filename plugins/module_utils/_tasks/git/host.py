# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module git_host_repository: a repository and its deploy keys, through the API of its host.

A repository is made, and never changed or removed. Deploy keys are told by what they are, not by their title.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ..._githost import errors
from ..._githost.hosts import DeployKey, Found, Host, Place
from .._case import Outcome, would_fail


@dataclass(frozen=True)
class WantedKey:
    """A deploy key, and whether it is to be there."""

    key: DeployKey
    present: bool = True


@dataclass(frozen=True)
class Wanted:
    """The options. Without `create`, the repository has to be there."""

    place: Place
    create: bool = True
    private: bool = True
    description: str = ""
    default_branch: str = "main"
    keys: tuple[WantedKey, ...] = ()


@dataclass(frozen=True)
class Step:
    """What happens to one deploy key: `remove` are the host's own names of those that go, `add` is what comes."""

    title: str
    read_only: bool
    remove: tuple[str, ...] = ()
    add: DeployKey | None = None

    @property
    def change(self) -> str:
        """`added`, `replaced`, `removed` or `unchanged`."""
        if self.add:
            return "replaced" if self.remove else "added"
        return "removed" if self.remove else "unchanged"


@dataclass(frozen=True)
class Plan:
    """The repository as it is, and the steps for its keys. `blocked` is why a run would fail now."""

    found: Found | None
    steps: tuple[Step, ...]
    blocked: errors.HostError | None = None


class GitHostRepository:
    """The use-case."""

    def __init__(self, wanted: Wanted, host: Host) -> None:
        self._wanted = wanted
        self._host = host

    def plan(self) -> Plan:
        """Raises HostError's kinds."""
        place = self._wanted.place
        found = self._host.find(place)
        if found is None:
            steps = tuple(_step(wanted, []) for wanted in self._wanted.keys)
            if self._wanted.create or not any(step.add for step in steps):
                return Plan(None, steps)
            missing = errors.NotFound(f"{place}: there is no such repository, or none that this token may see")
            return Plan(None, steps, missing)
        keys = self._host.deploy_keys(place) if self._wanted.keys else []
        return Plan(found, tuple(_step(wanted, keys) for wanted in self._wanted.keys))

    def predict(self, plan: Plan) -> Outcome:
        """What would be made, changed or removed."""
        warnings = would_fail(plan.blocked)
        return self._outcome(plan, plan.found, warnings)

    def apply(self, plan: Plan) -> Outcome:
        """Raises HostError's kinds."""
        if plan.blocked:
            raise plan.blocked
        found = plan.found
        if found is None and self._wanted.create:
            found = self._create()
        for step in plan.steps:
            for identity in step.remove:
                self._host.remove_key(self._wanted.place, identity)
            if step.add:
                self._host.add_key(self._wanted.place, step.add)
        return self._outcome(plan, found, [])

    def _create(self) -> Found:
        wanted = self._wanted
        try:
            return self._host.create(
                wanted.place,
                private=wanted.private,
                description=wanted.description,
                default_branch=wanted.default_branch,
            )
        except errors.HostError:
            made = self._host.find(wanted.place)  # by somebody else, or by a request whose answer got lost
            if made is None:
                raise
            return made

    def _outcome(self, plan: Plan, found: Found | None, warnings: list[str]) -> Outcome:
        wanted, create = self._wanted, plan.found is None and self._wanted.create
        acting = [step for step in plan.steps if step.change != "unchanged"]
        if found is not None and wanted.private and not found.private:
            warnings = [*warnings, f"{wanted.place}: is public, and stays so; private is for a repository to be made"]
        actions = [f"create the repository {wanted.place}"] if create else []
        actions += [f"{_VERBS[step.change]} the deploy key {step.title}" for step in acting]
        return Outcome(
            changed=bool(actions),
            values={
                "repository": {
                    "owner": wanted.place.owner,
                    "name": wanted.place.name,
                    "created": create,
                    "private": found.private if found else wanted.private,
                    "default_branch": (found.default_branch if found else "") or wanted.default_branch,
                    "clone_url": found.clone_url if found else None,
                    "ssh_url": found.ssh_url if found else None,
                },
                "deploy_keys": [
                    {"title": step.title, "read_only": step.read_only, "change": step.change} for step in plan.steps
                ],
            },
            actions=actions,
            diff={
                "before": "".join(f"{step.title}\n" for step in acting if step.remove),
                "after": "".join(f"{step.title}: {step.add.key}\n" for step in acting if step.add),
                "before_header": str(wanted.place),
                "after_header": str(wanted.place),
            },
            warnings=warnings,
        )


_VERBS = {"added": "add", "replaced": "replace", "removed": "remove"}


def _step(wanted: WantedKey, there: t.Sequence[DeployKey]) -> Step:
    key = wanted.key
    step = Step(key.title, key.read_only)
    same = [one for one in there if key.key and one.key == key.key]
    if not wanted.present:
        gone = same or [one for one in there if not key.key and one.title == key.title]
        return replace(step, remove=tuple(one.id for one in gone))
    if any(one.read_only == key.read_only for one in same):
        return step
    # Its title belongs to this cluster: another key under it is one that this cluster no longer has.
    stale = [*same, *(one for one in there if one.title == key.title and one not in same)]
    return replace(step, remove=tuple(one.id for one in stale), add=key)
