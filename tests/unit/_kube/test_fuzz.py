# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an API server answers is read, or refused in words: no reader of it fails in any other way."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.flux_status import states
from support.json_fuzz import json_values

from ansible_collections.proven.gitops.plugins.module_utils._flux.declare import sync
from ansible_collections.proven.gitops.plugins.module_utils._flux.kinds import KINDS, KUSTOMIZATION
from ansible_collections.proven.gitops.plugins.module_utils._flux.secrets import trust
from ansible_collections.proven.gitops.plugins.module_utils._flux.status import conditions, inventory
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.judgement import judge
from ansible_collections.proven.gitops.plugins.module_utils._flux.status.survey import survey
from ansible_collections.proven.gitops.plugins.module_utils._kube import objects, pods, readiness, secrets
from ansible_collections.proven.gitops.plugins.module_utils._kube.apply import Planner
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.errors import KubeError
from ansible_collections.proven.gitops.plugins.module_utils._kube.status import Status
from ansible_collections.proven.gitops.plugins.module_utils._kube.transport import Answer, Transport
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

Object = dict[str, t.Any]
words = st.sampled_from(
    [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
        "items",
        "name",
        "namespace",
        "uid",
        "labels",
        "annotations",
        "managedFields",
        "fieldsV1",
        "f:spec",
        "f:verify",
        "manager",
        "operation",
        "Apply",
        "proven.gitops",
        "finalizers",
        "deletionTimestamp",
        "generation",
        "observedGeneration",
        "conditions",
        "type",
        "reason",
        "message",
        "Ready",
        "True",
        "False",
        "SourceVerified",
        "Reconciling",
        "verify",
        "mode",
        "secretRef",
        "matchOIDCIdentity",
        "ref",
        "digest",
        "sourceRef",
        "chartRef",
        "chart",
        "inventory",
        "entries",
        "id",
        "v",
        "a_b_apps_Deployment",
        "healthChecks",
        "selector",
        "matchLabels",
        "matchExpressions",
        "operator",
        "In",
        "values",
        "containerStatuses",
        "state",
        "waiting",
        "terminated",
        "data",
        "causes",
        "field",
        "details",
        "resources",
        "namespaced",
        "path",
        "url",
        "Secret",
        "v1",
    ]
)
values = json_values(words, max_leaves=30)
mappings = st.dictionaries(words, values, max_size=8)
recorded = [*states("ocirepositories").values(), *states("kustomizations").values()]
thorough = settings(max_examples=200)


@dataclass
class FakeConnection:
    host: str = "https://192.0.2.1"
    origin: str = "nowhere"
    headers: t.Callable[[], dict[str, str]] = field(default=dict)


class Answers:
    """A transport that gives one answer to everything."""

    def __init__(self, status: int, body: bytes) -> None:
        self.connection = FakeConnection()
        self._answer = Answer(status, body)

    def request(self, *_arguments: t.Any) -> Answer:
        return self._answer


def _client(status: int, value: object) -> KubeClient:
    return KubeClient(t.cast(Transport, Answers(status, json.dumps(value).encode())))


ID = ObjectId("apps/v1", "Deployment", "web", "front")
MANIFEST = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "front", "namespace": "web"}}


@given(st.sampled_from([200, 201, 400, 403, 404, 409, 500, 503]), values)
@thorough
def test_every_call_ends_in_an_object_or_in_words(status: int, value: object) -> None:
    client = _client(status, value)
    other = ObjectId("x.y/v1", "Odd", "web", "front")
    calls: list[t.Callable[[], object]] = [
        lambda: client.get(client.locate(ID)),
        lambda: client.locate(other),
        lambda: list(client.find(client.locate(ID))),
        lambda: client.annotate(client.locate(ID), {"a": "b"}, dry_run=True),
        lambda: [step.diff for step in Planner(client).plan([MANIFEST])],
        lambda: Planner(client).removal(ID, {"metadata": {"uid": "u"}}),
        lambda: pods.held_up(client, [ID]),
    ]
    for call in calls:
        try:
            call()
        except KubeError as error:
            assert error.message  # noqa: PT017  # every one of them may end so
    Status.parse(status, json.dumps(value).encode())


def _read(value: Object) -> None:
    """Every reader of an object that the client let pass."""
    for kind in KINDS.values():
        reading = conditions.read(value, kind)
        json.dumps([judge(reading).message, [one.as_value() for one in reading.conditions.values()]])
        json.dumps(survey(value, kind, trust.read(value)).describe())
        conditions.source_of(value, kind)
    inventory.entries(value)
    inventory.checked(value)
    sync.essence(value)
    sync.essence({**value, "kind": KUSTOMIZATION.name})
    secrets.values_of(value)
    objects.same(value, value)
    json.dumps(objects.shown(value, value))
    objects.owned_fields(value, "proven.gitops")
    objects.foreign_fields(value, {"spec": {}}, "proven.gitops", {})
    pods.selector(value)
    pods.pod_trouble(value)
    json.dumps(pods.described(value))
    for judgement in (readiness.unestablished, readiness.unavailable, readiness.still_there, readiness.unready):
        assert isinstance(judgement(value), str)


@given(mappings)
@thorough
def test_every_reader_reads_anything(value: Object) -> None:
    if not objects.fault(value):
        _read(value)


@given(st.data())
@thorough
def test_a_recorded_object_with_anything_in_it(data: st.DataObject) -> None:
    value: t.Any = json.loads(json.dumps(data.draw(st.sampled_from(recorded))))
    place = value
    while isinstance(place, dict) and place and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[name], dict) and place[name]:
            place = place[name]
        else:
            place[name] = data.draw(values)
            break
    else:
        place[data.draw(words)] = data.draw(values)
    if isinstance(value, dict) and not objects.fault(value):
        _read(value)


@pytest.mark.parametrize("labels", [5, "x", [], {"a": 5}, {"a": None}, {"a": {}}])
def test_odd_labels_are_refused_at_the_door(labels: object) -> None:
    client = _client(200, {"metadata": {"labels": labels}})
    with pytest.raises(KubeError, match=r"metadata\.labels is no map of texts"):
        client.get(client.locate(ID))
