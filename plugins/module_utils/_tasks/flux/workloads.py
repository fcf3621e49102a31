# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs because of a Kustomization: the workloads that it applied, their pods, and what a service answers."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._flux.kinds import KUSTOMIZATION
from ..._flux.status import conditions, inventory
from ..._kube import pods
from ..._kube.client import KubeClient
from ..._kube.errors import KubeError
from ..._shared.errors import GitopsError
from ..._shared.object_id import ObjectId
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
        self._id = ObjectId(KUSTOMIZATION.api_version, KUSTOMIZATION.name, namespace, name)
        self._questions = questions

    def plan(self) -> Info:
        """Read everything. Raises KubeError's kinds, and NoKustomization."""
        live = self._client.get(self._client.locate(self._id))
        if live is None:
            raise NoKustomization(f"{self._id} is not there, so nothing runs because of it")
        reading = conditions.read(live, KUSTOMIZATION)
        workloads = [self._workload(entry) for entry in inventory.entries(live) if pods.is_workload(entry)]
        return {
            "revision": reading.revision or None,
            "digest": reading.digest or None,
            "workloads": workloads,
            "running": all(one["ready"] for one in workloads),
            "answers": [self._answer(question) for question in self._questions],
        }

    def predict(self, plan: Info) -> Outcome:
        """As apply(): nothing is changed."""
        return self.apply(plan)

    def apply(self, plan: Info) -> Outcome:
        """What was read."""
        return Outcome(values=plan)

    def _workload(self, identity: ObjectId) -> Info:
        live = self._client.get(self._client.locate(identity))
        found = [pods.described(one) for one in pods.pods_of(self._client, identity, live)]
        return {
            "kind": identity.kind,
            "namespace": identity.namespace,
            "name": identity.name,
            "ready": bool(found) and all(pod["ready"] for pod in found),
            "pods": sorted(found, key=lambda pod: str(pod["name"])),
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
