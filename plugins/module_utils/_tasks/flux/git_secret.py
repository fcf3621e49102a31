# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module flux_git_secret: the Secret by which Flux gets into a git repository.

A key that is in the Secret already is kept, so that a run which was broken off between the Secret and the registration
of its public key goes on with the same key.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from ..._flux.secrets import git_secret
from ..._kube import secrets
from ..._kube.apply import Planner, Rule, Step
from ..._shared import base64
from ..._shared.object_id import ObjectId
from .._case import Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.secrets.git_secret import Data, GitCredentials
    from ..._kube.client import KubeClient
    from ..._shared.errors import GitopsError


@dataclass(frozen=True)
class Plan:
    """The one step, and what the Secret will hold. `made` is whether a key was made for this plan alone."""

    step: Step
    before: Data = field(default_factory=dict, repr=False)
    after: Data = field(default_factory=dict, repr=False)
    made: bool = False

    @property
    def change(self) -> str:
        """`created`, `updated`, `deleted` or `unchanged`."""
        return self.step.change

    @property
    def blocked(self) -> GitopsError | None:
        """What stops a run, if anything."""
        return self.step.blocked


class FluxGitSecret:
    """The use-case. `credentials` None takes the Secret away."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        credentials: GitCredentials | None,
        register_secret: t.Callable[[str], None],
        *,
        force: bool = False,
    ) -> None:
        self._planner = Planner(client, Rule(force=force))
        self._id = ObjectId("v1", "Secret", namespace, name)
        self._credentials = credentials
        self._register = register_secret

    def plan(self) -> Plan:
        """Raises KubeError's kinds."""
        live = self._planner.live(self._id)
        before = secrets.values_of(live)
        if self._credentials is None:
            return Plan(self._planner.removal(self._id, live), before)
        after = self._credentials.data(before)
        self._hide(after)
        made = git_secret.IDENTITY in after and git_secret.public_key(before) != git_secret.public_key(after)
        step = self._planner.plan_one(secrets.manifest(self._id, "Opaque", after), live)
        return Plan(step, before, after, made)

    def predict(self, plan: Plan) -> Outcome:
        """What would change; of a key that is not made yet, nothing is known."""
        warnings = would_fail(plan.blocked)
        if plan.made and isinstance(self._credentials, git_secret.Identity) and self._credentials.key is None:
            unknown = {git_secret.IDENTITY: b"", git_secret.PUBLIC: b"(to be made)"}  # a run makes another key
            plan = replace(plan, after={**plan.after, **unknown})
        return self._outcome(plan, warnings)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds."""
        if plan.blocked:
            raise plan.blocked
        self._planner.carry_out([plan.step])
        return self._outcome(plan, [])

    def _hide(self, data: Data) -> None:
        """In the forms in which it goes over the wire; what is there already is compared, and never shown."""
        for name in (git_secret.IDENTITY, git_secret.PASSWORD):
            if name in data:
                self._register(data[name].decode("utf-8", "replace"))
                self._register(base64.encode(data[name]))

    def _outcome(self, plan: Plan, warnings: list[str]) -> Outcome:
        public = git_secret.public_key(plan.after)
        changed = plan.change != "unchanged"
        return Outcome(
            changed=changed,
            values={
                "secret": {
                    "namespace": self._id.namespace,
                    "name": self._id.name,
                    "change": plan.change,
                    "data": {name: git_secret.shown(name, value) for name, value in plan.after.items()},
                },
                "public_key": public.decode().strip() or None,
                "fingerprint": git_secret.SshKey(b"", public).fingerprint if public else None,
            },
            actions=[plan.step.action] if changed else [],
            diff=[secrets.diff(self._id, plan.before, plan.after, git_secret.shown)] if changed else [],
            warnings=warnings,
        )
