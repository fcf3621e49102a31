# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of server-side apply, on a scripted wire. tests/interop has the same on a real API server."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._kube.apply import Planner, Rule, Step, by_hand
from ansible_collections.proven.gitops.plugins.module_utils._kube.client import KubeClient
from ansible_collections.proven.gitops.plugins.module_utils._kube.errors import Conflict, NoNamespace
from ansible_collections.proven.gitops.plugins.module_utils._shared.object_id import ObjectId

PATH = "/api/v1/namespaces/web/secrets/x"
ID = ObjectId("v1", "Secret", "web", "x")
QUERY = f"{PATH}?fieldManager=proven.gitops&fieldValidation=Strict&force="
TRY, TRY_BY_FORCE = f"{QUERY}false&dryRun=All", f"{QUERY}true&dryRun=All"
APPLY, FORCE = f"{QUERY}false", f"{QUERY}true"
Object = dict[str, t.Any]


def _manifest(value: str = "new") -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "web"}, "data": {"a": value}}


def _live(value: str = "new", *, ours: bool = True, **metadata: t.Any) -> Object:
    owner = {"manager": "proven.gitops", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}}
    found = _manifest(value)
    found["metadata"] |= {"uid": "u-1", "managedFields": [owner] if ours else [], **metadata}
    return found


def _json(value: Object) -> bytes:
    return json.dumps(value).encode()


def _conflict(*managers: str) -> bytes:
    causes = [{"message": f'conflict with "{one}" using v1', "field": ".data.a"} for one in managers]
    return _json({"kind": "Status", "details": {"causes": causes}})


GONE = _json({"kind": "Status", "details": {"name": "x", "kind": "secrets"}})
NO_NAMESPACE = _json({"kind": "Status", "details": {"name": "web", "kind": "namespaces"}})


def _one(client: KubeClient, rule: Rule | None = None) -> Step:
    [step] = Planner(client, rule).plan([_manifest()])
    return step


def test_what_is_not_there_is_tried_and_created(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, status=404, body=GONE)
    wire.expect("PATCH", TRY, body=_json(_live()), sent_body=json.dumps(_manifest(), separators=(",", ":")).encode())
    step = _one(client)
    assert (step.change, step.action, step.diff["before"]) == ("created", "create Secret web/x", "")
    assert "a: (hidden)" in step.diff["after"].replace('"', "")
    assert step.as_value() == {**ID.as_value(), "change": "created"}
    wire.expect("PATCH", APPLY, body=b"{}")
    Planner(client).carry_out([step])


def test_an_equal_object_of_somebody_else_is_left_alone_unless_it_is_claimed(wire: Wire, client: KubeClient) -> None:
    for claim, change in ((False, "unchanged"), (True, "updated")):
        wire.expect("GET", PATH, body=_json(_live(ours=False)))
        wire.expect("PATCH", TRY, body=_json(_live()))
        assert _one(client, Rule(claim=claim)).change == change


@pytest.mark.parametrize(
    ("manager", "hand"),
    [
        ("kubectl", True),
        ("kubectl-client-side-apply", True),
        ("kubectl-edit", True),
        ("flux", True),
        ("before-first-apply", True),
        ("kubectlish", False),
        ("flux-operator", False),
        ("kustomize-controller", False),
        ("argocd-controller", False),
        ("", False),
    ],
)
def test_what_is_set_by_hand(manager: str, hand: bool) -> None:
    assert by_hand(manager) is hand


@pytest.mark.parametrize(
    ("managers", "rule", "taken"),
    [
        (["kubectl"], Rule(), True),
        (["flux", "kubectl-edit"], Rule(), True),
        (["argocd"], Rule(), False),
        (["kubectl", "argocd"], Rule(), False),
        (["argocd", "kubectl"], Rule(), False),
        (["kustomize-controller"], Rule(), False),
        (["kustomize-controller"], Rule(allies=frozenset({"kustomize-controller"})), True),
        ([""], Rule(), False),
    ],
)
def test_whose_fields_are_taken_over(
    wire: Wire, client: KubeClient, managers: list[str], rule: Rule, taken: bool
) -> None:
    wire.expect("GET", PATH, body=_json(_live("old")))
    wire.expect("PATCH", TRY, status=409, body=_conflict(*managers))
    wire.expect("PATCH", TRY_BY_FORCE, body=_json(_live("new")))
    if not taken:
        with pytest.raises(Conflict, match=r"others manage \.data\.a") as caught:
            _one(client, rule)
        strangers = [one for one in managers if one != "kubectl"]
        assert caught.value.details["fields"] == {".data.a": ", ".join(strangers)}
        return
    step = _one(client, rule)
    assert (step.change, step.force) == ("updated", True)
    wire.expect("PATCH", FORCE, body=b"{}")
    Planner(client, rule).carry_out([step])


def test_who_is_told_so_takes_everything_over(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, body=_json(_live("old")))
    wire.expect("PATCH", TRY_BY_FORCE, body=_json(_live("new")))
    wire.expect("PATCH", FORCE, body=b"{}")
    rule = Rule(force=True)
    Planner(client, rule).carry_out([_one(client, rule)])


def test_what_only_the_server_writes_in_another_way_is_no_conflict(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, body=_json(_live()))
    wire.expect("PATCH", TRY, status=409, body=_conflict("argocd"))
    wire.expect("PATCH", TRY_BY_FORCE, body=_json(_live()))
    assert _one(client).change == "unchanged"


def test_a_conflict_about_no_field_is_one(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, body=_json(_live("old")))
    wire.expect("PATCH", TRY, status=409, body=_json({"kind": "Status", "message": "the object has been modified"}))
    with pytest.raises(Conflict, match="changed meanwhile"):
        _one(client)


def test_what_is_going_is_waited_for_by_the_user(wire: Wire, client: KubeClient) -> None:
    wire.expect("GET", PATH, body=_json(_live(deletionTimestamp="2026-01-01T00:00:00Z")))
    with pytest.raises(Conflict, match="Secret web/x is being deleted"):
        _one(client)


def test_a_namespace_that_is_missing_blocks_unless_it_comes(wire: Wire, client: KubeClient) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}
    wire.expect("GET", PATH, status=404, body=GONE)
    wire.expect("PATCH", TRY, status=404, body=NO_NAMESPACE)
    assert isinstance(_one(client).blocked, NoNamespace)
    wire.expect("GET", "/api/v1/namespaces/web", status=404, body=NO_NAMESPACE)
    wire.expect("PATCH", body=_json(namespace))
    wire.expect("GET", PATH, status=404, body=GONE)
    wire.expect("PATCH", TRY, status=404, body=NO_NAMESPACE)
    steps = Planner(client).plan([namespace, _manifest()])
    assert [(step.change, step.blocked) for step in steps] == [("created", None)] * 2
    wire.expect("PATCH", APPLY.replace("/secrets/x", ""), body=b"{}")
    wire.expect("PATCH", TRY, body=_json(_live()))  # the server had no word to say before
    wire.expect("PATCH", APPLY, body=b"{}")
    Planner(client).carry_out(steps)


def _sent(wire: Wire) -> Object:
    return t.cast("Object", json.loads(wire.seen[-1].body))


def test_only_the_object_that_was_seen_is_deleted(wire: Wire, client: KubeClient) -> None:
    planner = Planner(client)
    wire.expect("GET", PATH, body=_json(_live()))
    wire.expect("DELETE", PATH, body=b"{}")
    step = planner.removal(ID, planner.live(ID))
    assert (step.change, _sent(wire)["dryRun"], _sent(wire)["preconditions"]) == ("deleted", ["All"], {"uid": "u-1"})
    wire.expect("DELETE", PATH, body=b"{}")
    planner.carry_out([step])
    assert _sent(wire) == {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "u-1"}}


def test_what_is_gone_or_going_is_not_deleted(client: KubeClient) -> None:
    for live in (None, _live(deletionTimestamp="2026-01-01T00:00:00Z")):
        step = Planner(client).removal(ID, live)
        assert not step.acting
        Planner(client).carry_out([step])


def test_each_step_is_told(wire: Wire, client: KubeClient) -> None:
    told: list[int] = []
    wire.expect("GET", PATH, body=_json(_live()))
    wire.expect("PATCH", TRY, body=_json(_live()))
    planner = Planner(client, advance=told.append)
    planner.carry_out(planner.plan([_manifest()]))
    assert told == [1]
