# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs because of a Kustomization: the workloads that it applied, their pods, and what a service answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.kinds import KUSTOMIZATION
from ..._flux.status import conditions, inventory
from ..._flux.status.inventory import Entry
from ..._kube.client import Address, KubeClient
from ..._kube.errors import KubeError
from ..._shared.errors import GitopsError
from .._case import Outcome

_SHOWN = 500  # characters of an answer

Info = dict[str, t.Any]


class NoKustomization(GitopsError):
    """There is no such Kustomization."""

    code = "not_found"


@dataclass(frozen=True)
class Question:
    """A GET to a port (number or name) of a service, by way of the API server."""

    namespace: str
    service: str
    port: str
    path: str = "/"


class FluxWorkloads:
    """The use-case; the plan is the answer, since nothing is ever changed."""

    def __init__(self, client: KubeClient, namespace: str, name: str, questions: t.Sequence[Question] = ()) -> None:
        self._client = client
        kind = KUSTOMIZATION
        self._address = Address(kind.api_version, kind.name, kind.plural, namespace, name)
        self._questions = questions

    def plan(self) -> Info:
        """Read everything. Raises KubeError's kinds, and NoKustomization."""
        live = self._client.get(self._address)
        if live is None:
            raise NoKustomization(f"{self._address} is not there, so nothing runs because of it")
        reading = conditions.read(live, KUSTOMIZATION)
        workloads = [self._workload(entry, entry.plural) for entry in inventory.entries(live) if entry.plural]
        return {
            "revision": reading.revision or None,
            "digest": reading.digest or None,
            "workloads": workloads,
            "running": all(one["ready"] for one in workloads),
            "answers": [self._answer(question) for question in self._questions],
        }

    def predict(self, plan: Info) -> Outcome:
        return self.apply(plan)

    def apply(self, plan: Info) -> Outcome:
        return Outcome(values=plan)

    def _workload(self, entry: Entry, plural: str) -> Info:
        live = self._client.get(Address(entry.api_version, entry.kind, plural, entry.namespace, entry.name))
        chosen = inventory.selector(live) if live else ""
        pods = []
        if chosen:  # without one a list would find every pod of the namespace
            collection = Address("v1", "Pod", "pods", entry.namespace, "")
            found = self._client.find(collection, label_selector=chosen)
            pods = [inventory.pod_of(one) for one in found if not inventory.is_leaving(one)]
        return {
            "kind": entry.kind,
            "namespace": entry.namespace,
            "name": entry.name,
            "ready": bool(pods) and all(pod["ready"] for pod in pods),
            "pods": sorted(pods, key=lambda pod: str(pod["name"])),
        }

    def _answer(self, question: Question) -> Info:
        said: Info = {
            "namespace": question.namespace,
            "service": question.service,
            "port": question.port,
            "path": question.path,
        }
        try:
            status, text = self._client.proxy(question.namespace, question.service, question.port, question.path)
        except KubeError as error:
            return {**said, "status": None, "body": None, "reason": error.message}
        return {**said, "status": status, "body": text[:_SHOWN], "reason": None}
