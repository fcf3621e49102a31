# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret for Flux in a cluster, by server-side apply: what it holds is compared by meaning, and never shown."""

from __future__ import annotations

import base64
import binascii
import typing as t
from dataclasses import dataclass, field

from ..._flux.declare.live import owned_fields
from ..._flux.secrets.secret_data import Content, TrustedKeys, fingerprints
from ..._flux.secrets.trust import SUFFIX
from ..._flux.version import VERIFIES_AGAIN, verifies_again
from ..._kube.client import FIELD_MANAGER, Address, KubeClient
from ..._kube.errors import Conflict, NoNamespace
from .._case import Diff, Outcome

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.version import FluxVersion

Object = dict[str, t.Any]
Change = t.Literal["created", "updated", "deleted", "unchanged"]
_VERBS = {"created": "create", "updated": "update", "deleted": "delete"}


@dataclass(frozen=True)
class Plan:
    """What is to happen. `blocked` is what a run would fail with, though an earlier task may still mend it."""

    change: Change
    manifest: Object = field(default_factory=dict, repr=False)
    uid: str = ""
    diff: Diff | None = None
    warnings: tuple[str, ...] = ()
    blocked: NoNamespace | None = None


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
        self._address = Address("v1", "Secret", "secrets", namespace, name)
        self._content = content
        self._version = version
        self._force = force

    def plan(self) -> Plan:
        """Read, and let the server try. Raises KubeError's kinds."""
        live = self._client.get(self._address)
        if self._content is None:
            return self._deletion(live)
        if live is not None and live["metadata"].get("deletionTimestamp"):
            raise Conflict(
                f"{self._address} is being deleted: run the task again when it is gone", host=self._client.host
            )
        return self._application(self._content, live)

    def predict(self, plan: Plan) -> Outcome:
        blocked = (f"a run would fail now: {plan.blocked.message}",) if plan.blocked else ()
        return self._outcome(plan, blocked)

    def apply(self, plan: Plan) -> Outcome:
        if plan.blocked:
            raise plan.blocked
        if plan.change == "deleted":
            self._client.delete(self._address, plan.uid, dry_run=False)
        elif plan.change != "unchanged":
            self._client.apply(self._address, plan.manifest, dry_run=False, force=self._force)
        return self._outcome(plan, ())

    def _application(self, content: Content, live: Object | None) -> Plan:
        before = _data(live)
        manifest = self._manifest(content, before)
        try:
            after = self._client.apply(self._address, manifest, dry_run=True, force=self._force)
        except NoNamespace as error:
            return Plan("created", manifest, diff=self._diff(content, {}, content.data), blocked=error)
        result = _data(after)
        self._check_trust(content, result)
        if live is None:
            change: Change = "created"
        else:
            kept = owned_fields(live, FIELD_MANAGER) == owned_fields(after, FIELD_MANAGER)
            change = "unchanged" if kept and before == result else "updated"
        warnings = (*self._rotation(content, before, result), *self._strangers(content, result))
        diff = None if change == "unchanged" else self._diff(content, before, result)
        return Plan(change, manifest, diff=diff, warnings=warnings)

    def _deletion(self, live: Object | None) -> Plan:
        if live is None or live["metadata"].get("deletionTimestamp"):
            return Plan("unchanged")
        uid = str(live["metadata"].get("uid"))
        self._client.delete(self._address, uid, dry_run=True)
        gone: Diff = {"before": f"{self._address}\n", "after": ""}
        return Plan("deleted", uid=uid, diff=gone)

    def _manifest(self, content: Content, live: t.Mapping[str, bytes]) -> Object:
        # What means the same already is kept byte for byte: an equal Secret of somebody else is no conflict.
        chosen = {
            name: live[name] if name in live and content.equal(name, live[name]) else value
            for name, value in content.data.items()
        }
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._address.name, "namespace": self._address.namespace},
            "type": content.type,
            "data": {name: base64.b64encode(value).decode() for name, value in chosen.items()},
        }

    def _check_trust(self, content: Content, result: t.Mapping[str, bytes]) -> None:
        """Flux trusts every `.pub` in the Secret: one that was not declared must not stay unseen."""
        others = sorted(name for name in result if name.endswith(SUFFIX) and name not in content.data)
        if isinstance(content, TrustedKeys) and others:
            raise Conflict(
                f"{self._address}: somebody else put {', '.join(others)} there, and Flux would trust it: declare it in"
                f" public_keys, or remove it there first",
                host=self._client.host,
                fields=others,
            )

    def _rotation(self, content: Content, before: t.Mapping[str, bytes], after: t.Mapping[str, bytes]) -> list[str]:
        gone = fingerprints(before) - fingerprints(after) if isinstance(content, TrustedKeys) else set()
        if not gone or (self._version is not None and verifies_again(self._version)):
            return []
        said = (
            f"{self._address}: {', '.join(sorted(gone))} is no longer trusted for what is new, but Flux before"
            f" {VERIFIES_AGAIN.major}.{VERIFIES_AGAIN.minor} does not verify again what it has fetched: put the keys"
            " into a Secret of another name, and name that in the source"
        )
        return [said]

    def _strangers(self, content: Content, result: t.Mapping[str, bytes]) -> list[str]:
        others = sorted(set(result) - set(content.data))
        if not others:
            return []
        return [f"{self._address}: somebody else put {', '.join(others)} there; Flux does not read it, and it stays"]

    def _diff(self, content: Content, before: t.Mapping[str, bytes], after: t.Mapping[str, bytes]) -> Diff:
        def line(name: str, value: bytes) -> str:
            # Two secrets look the same here; that one was replaced has to be seen all the same.
            other = before.get(name) not in (None, value) and content.shown(name, before[name])
            text = content.shown(name, value)
            return f"{name}: {text}{' (another one)' if other == text else ''}\n"

        def lines(data: t.Mapping[str, bytes]) -> str:
            return "".join(line(name, data[name]) for name in sorted(data))

        header = str(self._address)
        return {"before": lines(before), "after": lines(after), "before_header": header, "after_header": header}

    def _outcome(self, plan: Plan, blocked: tuple[str, ...]) -> Outcome:
        content = self._content
        data = content.data if content else {}
        acting = plan.change != "unchanged"
        return Outcome(
            changed=acting,
            values={
                "secret": {
                    "namespace": self._address.namespace,
                    "name": self._address.name,
                    "type": content.type if content else "",
                    "change": plan.change,
                    "data": {name: content.shown(name, value) for name, value in data.items()} if content else {},
                }
            },
            actions=[f"{_VERBS[plan.change]} {self._address}"] if acting else [],
            diff=plan.diff if plan.diff is not None else [],
            warnings=[*plan.warnings, *blocked],
        )


def _data(value: Object | None) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, text in ((value or {}).get("data") or {}).items():
        try:
            found[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            found[name] = b""
    return found
