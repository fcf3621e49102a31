# SPDX-License-Identifier: GPL-3.0-or-later
"""A declared source in a cluster, by server-side apply.

The plan is the server's own: a dry run says what every object would be, with its defaults filled in, so that only what
would really differ is a change. Nothing is applied before the dry runs of all objects have passed.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.declare import manifest_yaml
from ..._flux.declare.live import foreign_fields, owned_fields, shown, weakened
from ..._kube.client import FIELD_MANAGER, Address, KubeClient
from ..._kube.errors import Conflict, KubeError, NoNamespace, NotInstalled
from .source import Change, Plan

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.declare.render import Manifest, ObjectKey
    from .._case import Diff
    from .source import Wanted

Object = dict[str, t.Any]


@dataclass(frozen=True)
class Step:
    """What happens to one object. `manifest` None deletes it; `uid` is the object that was looked at."""

    key: ObjectKey
    change: Change
    manifest: Manifest | None = None
    uid: str = ""
    before: str = ""
    after: str = ""
    warnings: tuple[str, ...] = ()
    blocked: KubeError | None = None

    @property
    def action(self) -> str:
        verb = {"created": "create", "updated": "update", "deleted": "delete"}.get(self.change, "leave")
        return f"{verb} {self.key}"

    @property
    def diff(self) -> Diff:
        return {
            "before": self.before,
            "after": self.after,
            "before_header": str(self.key),
            "after_header": str(self.key),
        }


class ClusterTarget:
    """One cluster. `force` takes fields over from other field managers."""

    name = "cluster"

    def __init__(self, client: KubeClient, *, force: bool = False) -> None:
        self._client = client
        self._force = force

    def plan(self, wanted: Wanted) -> Plan:
        """Read, and let the server try. Raises KubeError's kinds; what an earlier task may yet provide only blocks."""
        if wanted.manifests:
            steps = [self._step(key, manifest) for key, manifest in zip(wanted.names, wanted.manifests, strict=True)]
        else:
            steps = [self._deletion(key) for key in wanted.names]
        acting = [step for step in steps if step.change != "unchanged"]
        if not wanted.manifests:  # the Kustomization goes first: it still cleans up by what its source gave it
            acting.reverse()
        return Plan(
            changes=tuple((step.key, step.change) for step in steps),
            changed=bool(acting),
            actions=tuple(step.action for step in acting),
            diff=tuple(step.diff for step in acting),
            warnings=tuple(warning for step in steps for warning in step.warnings),
            blocked=next((step.blocked for step in steps if step.blocked), None),
            details=acting,
        )

    def apply(self, plan: Plan) -> None:
        for step in t.cast("list[Step]", plan.details):
            if step.manifest is None:
                self._client.delete(_address(step.key), step.uid, dry_run=False)
            else:
                self._client.apply(_address(step.key), step.manifest, dry_run=False, force=self._force)

    def _step(self, key: ObjectKey, manifest: Manifest) -> Step:
        try:
            live = self._client.get(_address(key))
            self._check_not_leaving(key, live)
            after = self._client.apply(_address(key), manifest, dry_run=True, force=self._force)
        except (NotInstalled, NoNamespace) as error:
            return Step(key, "created", manifest, after=manifest_yaml.dump([manifest]), blocked=error)
        foreign = foreign_fields(after, manifest, FIELD_MANAGER)
        self._check_strength(key, foreign)
        same = live is not None and shown(live, after) == shown(after, live)
        kept = owned_fields(live or {}, FIELD_MANAGER) == owned_fields(after, FIELD_MANAGER)
        return Step(
            key,
            "created" if live is None else "unchanged" if same and kept else "updated",
            manifest,
            before=manifest_yaml.dump([shown(live, after)]) if live else "",
            after=manifest_yaml.dump([shown(after, live)]),
            warnings=tuple(
                f"{key}: {path} is set by {manager}, and stays as it is" for path, manager in sorted(foreign.items())
            ),
        )

    def _deletion(self, key: ObjectKey) -> Step:
        try:
            live = self._client.get(_address(key))
        except NotInstalled:  # what has no kind has no objects
            live = None
        if live is None or live["metadata"].get("deletionTimestamp"):
            return Step(key, "unchanged")
        uid = str(live["metadata"].get("uid"))
        self._client.delete(_address(key), uid, dry_run=True)
        return Step(key, "deleted", uid=uid, before=manifest_yaml.dump([shown(live, None)]))

    def _check_not_leaving(self, key: ObjectKey, live: Object | None) -> None:
        if live and live["metadata"].get("deletionTimestamp"):
            raise Conflict(f"{key} is being deleted: run the task again when it is gone", host=self._client.host)

    def _check_strength(self, key: ObjectKey, foreign: t.Mapping[str, str]) -> None:
        """Verification must be what was declared: server-side apply keeps what others added to it."""
        bad = {path: manager for path, manager in foreign.items() if weakened(path)}
        if bad:
            listing = ", ".join(f"{path} (by {manager})" for path, manager in sorted(bad.items()))
            raise Conflict(
                f"{key}: others also set {listing}, which changes what Flux verifies: remove it there first",
                host=self._client.host,
                fields=bad,
            )


def _address(key: ObjectKey) -> Address:
    return Address(key.api_version, key.kind, key.plural, key.namespace, key.name)
