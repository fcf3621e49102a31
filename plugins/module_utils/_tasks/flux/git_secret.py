# SPDX-License-Identifier: GPL-3.0-or-later
"""Use-case of the module flux_git_secret: the Secret by which Flux gets into a git repository.

A key that is in the Secret already is kept, so that a run which was broken off between the Secret and the registration
of its public key goes on with the same key.
"""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass, field, replace

from ..._flux.declare.install_manifests import ObjectId
from ..._flux.secrets import git_secret
from .._case import Outcome
from .kube_objects import KubeObjects, Step

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.secrets.git_secret import Data, GitCredentials
    from ..._kube.cluster import KubeCluster
    from ..._shared.errors import GitopsError
    from .._case import Diff

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Plan:
    """The one step, if any, and what the Secret will hold. `made` is whether a key was made for this plan alone."""

    step: Step | None
    before: Data = field(default_factory=dict, repr=False)
    after: Data = field(default_factory=dict, repr=False)
    made: bool = False

    @property
    def change(self) -> str:
        return self.step.change if self.step else "unchanged"

    @property
    def blocked(self) -> GitopsError | None:
        return self.step.blocked if self.step else None


class FluxGitSecret:
    """The use-case. `credentials` None takes the Secret away."""

    def __init__(
        self,
        cluster: KubeCluster,
        namespace: str,
        name: str,
        credentials: GitCredentials | None,
        register_secret: t.Callable[[str], None],
        *,
        force: bool = False,
    ) -> None:
        self._objects = KubeObjects(cluster, force=force)
        self._id = ObjectId("v1", "Secret", namespace, name)
        self._credentials = credentials
        self._register = register_secret

    def plan(self) -> Plan:
        """Raises KubeError's kinds."""
        before = _data(self._objects.live(self._id))
        if self._credentials is None:
            removals = self._objects.plan_removal([self._manifest({})])
            return Plan(removals[0] if removals else None, before)
        after = self._credentials.data(before)
        self._hide(after)
        made = git_secret.IDENTITY in after and git_secret.public_key(before) != git_secret.public_key(after)
        [step] = self._objects.plan([self._manifest(after)])
        return Plan(step, before, after, made)

    def predict(self, plan: Plan) -> Outcome:
        warnings = [f"a run would fail now: {plan.blocked.message}"] if plan.blocked else []
        if plan.made and isinstance(self._credentials, git_secret.Identity) and self._credentials.key is None:
            unknown = {git_secret.IDENTITY: b"", git_secret.PUBLIC: b"(to be made)"}  # a run makes another key
            plan = replace(plan, after={**plan.after, **unknown})
        return self._outcome(plan, warnings)

    def apply(self, plan: Plan) -> Outcome:
        """Raises KubeError's kinds."""
        if plan.blocked:
            raise plan.blocked
        if plan.step:
            self._objects.carry_out([plan.step])
        return self._outcome(plan, [])

    def _manifest(self, data: Data) -> Object:
        metadata = {"name": self._id.name, "namespace": self._id.namespace}
        encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}

    def _hide(self, data: Data) -> None:
        """In the forms in which it goes over the wire; what is there already is compared, and never shown."""
        for name in (git_secret.IDENTITY, git_secret.PASSWORD):
            if name in data:
                self._register(data[name].decode("utf-8", "replace"))
                self._register(base64.b64encode(data[name]).decode())

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
            actions=[plan.step.action] if plan.step and changed else [],
            diff=[self._diff(plan)] if changed else [],
            warnings=warnings,
        )

    def _diff(self, plan: Plan) -> Diff:
        def text(data: Data, other: Data) -> str:
            # Two secrets look the same here; that one was replaced has to be seen all the same.
            lines = []
            for name, value in sorted(data.items()):
                another = name in other and other[name] != value and data is plan.after
                lines.append(f"{name}: {git_secret.shown(name, value)}{' (another one)' if another else ''}\n")
            return "".join(lines)

        header = str(self._id)
        before, after = text(plan.before, plan.after), text(plan.after, plan.before)
        return {"before": before, "after": after, "before_header": header, "after_header": header}


def _data(live: Object | None) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, text in ((live or {}).get("data") or {}).items():
        try:
            found[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            found[name] = b""
    return found
