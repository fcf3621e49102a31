# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sources of a cluster are proven: a survey of one, of some, or of all of them. Nothing is changed."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..._flux.kinds import Kind
from ..._flux.status.conditions import label
from ..._flux.status.survey import Survey, survey
from ..._flux.version import FluxVersion
from ..._kube.client import KubeClient, Object
from ..._kube.errors import Forbidden, NotInstalled
from ..._shared.errors import InvalidOption
from ..._shared.object_id import ObjectId
from .._case import Outcome, would_fail
from . import trust as flux_trust

if t.TYPE_CHECKING:  # pragma: no cover
    from ..._flux.secrets.trust import Trust

_CONTROLLER = "app.kubernetes.io/part-of=flux,app.kubernetes.io/component=source-controller"
_VERSION_LABEL = "app.kubernetes.io/version"


@dataclass(frozen=True)
class Query:
    """Which sources: of these kinds, and with this name, in this namespace, with these labels, where given.

    `with_keys` looks into the Secrets that they name. `version` is the release of Flux, where it is known better.
    """

    kinds: tuple[Kind, ...]
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    with_keys: bool = True
    version: FluxVersion | None = None


@dataclass
class Found:
    """The survey. `missing` is a kind that this cluster does not know."""

    sources: list[Survey] = field(default_factory=list)
    version: FluxVersion | None = None
    missing: NotInstalled | None = None


class FluxSourceInfo:
    """The use-case; the plan is the answer. A Secret that may not be read is a finding, not a failure."""

    def __init__(self, client: KubeClient, query: Query) -> None:
        self._client = client
        self._query = query
        self._trusts: dict[tuple[str, str], Trust] = {}

    def plan(self) -> Found:
        """Raises KubeError's kinds."""
        query, found = self._query, Found()
        try:
            listed = [(kind, value) for kind in query.kinds for value in self._list(kind)]
        except NotInstalled as error:
            found.missing = error
            return found
        found.version = query.version or self._version()
        for kind, value in listed:
            found.sources.append(self._survey(kind, value, found.version))
        return found

    def predict(self, plan: Found) -> Outcome:
        """As apply(), but no API of Flux is a warning."""
        if plan.missing:  # an earlier task may be going to install Flux
            outcome = self._outcome(plan)
            outcome.warnings = would_fail(plan.missing)
            return outcome
        return self.apply(plan)

    def apply(self, plan: Found) -> Outcome:
        """What was found. Raises NotInstalled."""
        if plan.missing:
            raise plan.missing
        return self._outcome(plan)

    def _list(self, kind: Kind) -> t.Iterator[Object]:
        query = self._query
        collection = self._client.locate(ObjectId(kind.api_version, kind.name, query.namespace, query.name))
        return self._client.find(collection, label_selector=query.label_selector)

    def _survey(self, kind: Kind, value: Object, version: FluxVersion | None) -> Survey:
        plain = survey(value, kind, version=version)
        if not (plain.keys_in_secret and self._query.with_keys):
            return plain
        return survey(value, kind, self._trust(plain.namespace, plain.key_secret), version)

    def _trust(self, namespace: str, name: str) -> Trust:
        """One look at each Secret, however many sources name it."""
        if (namespace, name) not in self._trusts:
            self._trusts[namespace, name] = flux_trust.read(self._client, namespace, name)
        return self._trusts[namespace, name]

    def _version(self) -> FluxVersion | None:
        """The release of Flux, which the install manifests write on its controllers."""
        collection = self._client.locate(ObjectId("apps/v1", "Deployment", "", ""))
        try:
            for value in self._client.find(collection, label_selector=_CONTROLLER):
                return FluxVersion.parse(label(value, _VERSION_LABEL))
        except (Forbidden, NotInstalled, InvalidOption):
            return None
        return None

    def _outcome(self, plan: Found) -> Outcome:
        listed = [one.describe() for one in plan.sources]
        counts = {
            verdict: sum(one["verdict"] == verdict for one in listed)
            for verdict in ("verified", "refused", "not_enforced", "unknown", "off")
        }
        return Outcome(
            values={
                "sources": listed,
                "verdicts": counts,
                "flux_version": str(plan.version) if plan.version else None,
            }
        )
