# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret for Flux in a cluster, by server-side apply: what it holds is compared by meaning, and never shown."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.secrets.secret_data import Content, TrustedKeys, fingerprints
from ..._flux.secrets.trust import SUFFIX
from ..._flux.version import VERIFIES_AGAIN, verifies_again
from ..._kube import secrets
from ..._kube.apply import Planner, Rule, Step
from ..._kube.client import KubeClient
from ..._kube.errors import Conflict
from ..._shared.object_id import ObjectId
from .._case import Diff, Outcome, would_fail

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.version import FluxVersion


@dataclass(frozen=True)
class Plan:
    """What is to happen, and how it is shown."""

    step: Step
    diff: Diff | None = None
    warnings: tuple[str, ...] = ()


class FluxSecret:
    """The use-case. `content` None takes the Secret away. `version` is the oldest Flux that reads it, if known."""

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        content: Content | None,
        *,
        version: FluxVersion | None = None,
        force: bool = False,
    ) -> None:
        self._client = client
        self._planner = Planner(client, Rule(force=force, claim=True))
        self._id = ObjectId("v1", "Secret", namespace, name)
        self._content = content
        self._version = version

    def plan(self) -> Plan:
        """Read, and let the server try. Raises KubeError's kinds."""
        live = self._planner.live(self._id)
        if self._content is None:
            step = self._planner.removal(self._id, live)
            return Plan(step, {"before": f"{self._id}\n", "after": ""} if step.acting else None)
        before = secrets.values_of(live)
        # What means the same already is kept byte for byte: an equal Secret of somebody else is no conflict.
        chosen = {
            name: before[name] if name in before and self._content.equal(name, before[name]) else value
            for name, value in self._content.data.items()
        }
        wanted = secrets.manifest(self._id, self._content.type, chosen)
        return self._application(self._content, self._planner.plan_one(wanted, live))

    def predict(self, plan: Plan) -> Outcome:
        """What would change, without its secrets."""
        blocked = plan.step.blocked
        return self._outcome(plan, tuple(would_fail(blocked)))

    def apply(self, plan: Plan) -> Outcome:
        """Write or delete the Secret. Raises KubeError's kinds."""
        if plan.step.blocked:
            raise plan.step.blocked
        self._planner.carry_out([plan.step])
        return self._outcome(plan, ())

    def _application(self, content: Content, step: Step) -> Plan:
        before, after = secrets.values_of(step.before), secrets.values_of(step.after)
        self._check_trust(content, after)
        differing = content.replaced(before) if isinstance(content, TrustedKeys) else []
        warnings = (
            *(f"{self._id}: {text}" for text in differing),
            *self._rotation(content, before, after),
            *self._strangers(content, after),
        )
        return Plan(step, secrets.diff(self._id, before, after, content.shown) if step.acting else None, warnings)

    def _check_trust(self, content: Content, result: t.Mapping[str, bytes]) -> None:
        """Flux trusts every `.pub` in the Secret: one that was not declared must not stay unseen."""
        others = sorted(name for name in result if name.endswith(SUFFIX) and name not in content.data)
        if isinstance(content, TrustedKeys) and others:
            raise Conflict(
                f"{self._id}: somebody else put {', '.join(others)} there, and Flux would trust it: declare it in"
                f" public_keys, or remove it there first",
                host=self._client.host,
                fields=others,
            )

    def _rotation(self, content: Content, before: t.Mapping[str, bytes], after: t.Mapping[str, bytes]) -> list[str]:
        gone = fingerprints(before) - fingerprints(after) if isinstance(content, TrustedKeys) else set()
        if not gone or (self._version is not None and verifies_again(self._version)):
            return []
        said = (
            f"{self._id}: {', '.join(sorted(gone))} is no longer trusted for what is new, but Flux before"
            f" {VERIFIES_AGAIN.major}.{VERIFIES_AGAIN.minor} does not verify again what it has fetched: put the keys"
            " into a Secret of another name, and name that in the source"
        )
        return [said]

    def _strangers(self, content: Content, result: t.Mapping[str, bytes]) -> list[str]:
        others = sorted(set(result) - set(content.data))
        if not others:
            return []
        return [f"{self._id}: somebody else put {', '.join(others)} there; Flux does not read it, and it stays"]

    def _outcome(self, plan: Plan, blocked: tuple[str, ...]) -> Outcome:
        content, step = self._content, plan.step
        data = content.data if content else {}
        return Outcome(
            changed=step.acting,
            values={
                "secret": {
                    "namespace": self._id.namespace,
                    "name": self._id.name,
                    "type": content.type if content else "",
                    "change": step.change,
                    "origins": dict(content.origins) if isinstance(content, TrustedKeys) else {},
                    "data": {name: content.shown(name, value) for name, value in data.items()} if content else {},
                }
            },
            actions=[step.action] if step.acting else [],
            diff=plan.diff if plan.diff is not None else [],
            warnings=[*plan.warnings, *blocked],
        )
