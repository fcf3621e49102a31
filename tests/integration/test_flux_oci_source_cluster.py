# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_oci_source to a cluster: a scripted API server over real sockets. The real one is in tests/interop."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from support.wire import Wire

MODULE = "flux_oci_source"
SOURCE = "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/ocirepositories/app"
APPLIER = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/app"
APPLY = "?fieldManager=proven.gitops&fieldValidation=Strict&force=false"
DRY = f"{APPLY}&dryRun=All"
TOKEN = "canary-token"

Object = dict[str, t.Any]
Run = t.Callable[..., dict[str, t.Any]]


def _json(value: t.Any) -> bytes:
    return json.dumps(value).encode()


def _missing(name: str = "app", kind: str = "ocirepositories") -> bytes:
    return _json({"kind": "Status", "message": f"{kind} not found", "details": {"name": name, "kind": kind}})


def _live(manifest: Object, **spec: t.Any) -> Object:
    """A manifest as the server returns it: with defaults, a uid and the fields we own."""
    value = copy.deepcopy(manifest)
    value["spec"] = {**value["spec"], **spec}
    owned = {"manager": "proven.gitops", "operation": "Apply", "fieldsV1": {"f:spec": dict.fromkeys(manifest["spec"])}}
    value["metadata"] |= {"uid": f"uid-{value['kind']}", "managedFields": [owned], "resourceVersion": "1"}
    return value


@pytest.fixture
def wire() -> t.Iterator[Wire]:
    with Wire() as running:
        yield running


@pytest.fixture
def declare(run_module: Run, wire: Wire) -> Run:
    def run(**options: t.Any) -> dict[str, t.Any]:
        access = {"host": wire.url, "api_key": TOKEN, "request_timeout": 5}
        return run_module(MODULE, target="cluster", name="app", **{**access, "url": "oci://ghcr.io/org/app", **options})

    return run


@pytest.fixture
def manifests(run_module: Run) -> list[Object]:
    rendered = run_module(MODULE, target="none", name="app", url="oci://ghcr.io/org/app", kustomization={})
    return t.cast("list[Object]", rendered["manifests"])


def _expect_new(wire: Wire, manifests: list[Object]) -> None:
    """What is read and tried before two objects are made."""
    for path, manifest in zip((SOURCE, APPLIER), manifests, strict=True):
        wire.expect("GET", path, status=404, body=_missing(), sent={"Authorization": f"Bearer {TOKEN}"})
        wire.expect("PATCH", path + DRY, body=_json(_live(manifest)), sent_body=_compact(manifest))


def _compact(manifest: Object) -> bytes:
    return json.dumps(manifest, separators=(",", ":")).encode()


def test_check_mode_only_lets_the_server_try(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    _expect_new(wire, manifests)
    predicted = declare(kustomization={}, check=True)
    assert predicted["changed"]
    assert predicted["actions"] == ["create OCIRepository flux-system/app", "create Kustomization flux-system/app"]
    assert TOKEN not in json.dumps({key: predicted[key] for key in predicted if key != "invocation"})


def test_both_are_tried_before_either_is_applied(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    _expect_new(wire, manifests)
    for path, manifest in zip((SOURCE, APPLIER), manifests, strict=True):
        wire.expect("PATCH", path + APPLY, status=201, body=_json(_live(manifest)), sent_body=_compact(manifest))
    done = declare(kustomization={})
    assert done["changed"]
    assert done["target"] == "cluster"
    assert [one["change"] for one in done["resources"]] == ["created", "created"]
    assert [one["before"] for one in done["diff"]] == ["", ""]
    assert "managedFields" not in done["diff"][0]["after"]


def test_what_the_server_fills_in_is_no_change(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    live = _live(manifests[0], provider="generic", timeout="60s")
    wire.expect("GET", SOURCE, body=_json({**live, "status": {"observedGeneration": 3}}))
    wire.expect("PATCH", SOURCE + DRY, body=_json(live))
    done = declare()
    assert not done["changed"]
    assert done["diff"] == []
    assert done["actions"] == []


def test_only_what_differs_is_applied(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    wire.expect("GET", SOURCE, body=_json(_live(manifests[0])))
    wire.expect("PATCH", SOURCE + DRY, body=_json(_live(manifests[0])))
    wire.expect("GET", APPLIER, body=_json(_live(manifests[1], interval="2h")))
    wire.expect("PATCH", APPLIER + DRY, body=_json(_live(manifests[1])))
    wire.expect("PATCH", APPLIER + APPLY, body=_json(_live(manifests[1])))
    done = declare(kustomization={})
    assert [one["change"] for one in done["resources"]] == ["unchanged", "updated"]
    assert done["actions"] == ["update Kustomization flux-system/app"]
    assert "interval: 2h" in done["diff"][0]["before"]
    assert "interval: 1h" in done["diff"][0]["after"]


def test_an_equal_object_of_others_becomes_ours(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    """Else a field that is later left out would stay, because somebody else set it."""
    theirs = _live(manifests[0])
    theirs["metadata"]["managedFields"] = []
    wire.expect("GET", SOURCE, body=_json(theirs))
    wire.expect("PATCH", SOURCE + DRY, body=_json(_live(manifests[0])))
    assert declare(check=True)["actions"] == ["update OCIRepository flux-system/app"]


def _with_foreign(manifest: Object, fields: Object, spec: Object) -> Object:
    value = _live(manifest, **spec)
    value["metadata"]["managedFields"].append(
        {"manager": "flux", "operation": "Update", "fieldsV1": {"f:spec": fields}}
    )
    return value


def test_what_others_add_is_told(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    live = _with_foreign(manifests[0], {"f:suspend": {}}, {"suspend": True})
    wire.expect("GET", SOURCE, body=_json(live))
    wire.expect("PATCH", SOURCE + DRY, body=_json(live))
    done = declare()
    assert not done["changed"]
    assert any("spec.suspend is set by flux" in str(warning) for warning in done["warnings"])


def test_what_others_add_to_the_verification_is_refused(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    verify = {**manifests[0]["spec"]["verify"], "matchOIDCIdentity": [{"issuer": ".*", "subject": ".*"}]}
    live = _with_foreign(manifests[0], {"f:verify": {"f:matchOIDCIdentity": {}}}, {"verify": verify})
    wire.expect("GET", SOURCE, body=_json(live))
    wire.expect("PATCH", SOURCE + DRY, body=_json(live))
    refused = declare()
    assert refused["failed"]
    assert refused["failure"]["code"] == "conflict"
    assert refused["failure"]["details"]["fields"] == {"spec.verify.matchOIDCIdentity": "flux"}


def test_a_conflict_is_told_in_check_mode_too(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    causes = [{"message": f'conflict with "{one}"', "field": ".spec.interval"} for one in ("kubectl", "argocd")]
    live = _live(manifests[0], interval="7m")
    wire.expect("GET", SOURCE, body=_json(live))
    wire.expect("PATCH", SOURCE + DRY, status=409, body=_json({"kind": "Status", "details": {"causes": causes}}))
    wire.expect("PATCH", SOURCE + DRY.replace("force=false", "force=true"), body=_json(_live(manifests[0])))
    refused = declare(check=True)
    assert "set force_conflicts" in refused["msg"]
    assert refused["failure"]["details"]["fields"] == {".spec.interval": "argocd"}


def test_what_a_person_set_gives_way(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    cause = {"message": 'conflict with "kubectl-edit"', "field": ".spec.interval"}
    forced = SOURCE + DRY.replace("force=false", "force=true"), SOURCE + APPLY.replace("force=false", "force=true")
    wire.expect("GET", SOURCE, body=_json(_live(manifests[0], interval="7m")))
    wire.expect("PATCH", SOURCE + DRY, status=409, body=_json({"kind": "Status", "details": {"causes": [cause]}}))
    for path in forced:
        wire.expect("PATCH", path, body=_json(_live(manifests[0])))
    done = declare()
    assert done["actions"] == ["update OCIRepository flux-system/app"]
    assert "interval: 7m" in done["diff"][0]["before"]


def test_fields_are_taken_over_when_told(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    wire.expect("GET", SOURCE, status=404, body=_missing())
    wire.expect("PATCH", SOURCE + DRY.replace("force=false", "force=true"), body=_json(_live(manifests[0])))
    wire.expect("PATCH", SOURCE + APPLY.replace("force=false", "force=true"), body=_json(_live(manifests[0])))
    assert declare(force_conflicts=True)["changed"]


BLOCKERS = [
    (404, b"404 page not found\n", "install Flux", "not_installed"),
    (404, _missing("flux-system", "namespaces"), "no namespace flux-system", "no_namespace"),
]


@pytest.mark.parametrize(("status", "body", "reason", "code"), BLOCKERS)
def test_what_an_earlier_task_may_provide_only_warns_in_check_mode(
    declare: Run, wire: Wire, status: int, body: bytes, reason: str, code: str
) -> None:
    for _turn in range(2):
        wire.expect("GET", SOURCE, status=404, body=_missing())
        wire.expect("PATCH", SOURCE + DRY, status=status, body=body)
    predicted = declare(check=True)
    assert predicted["changed"]
    assert any(reason in str(warning) for warning in predicted["warnings"])
    failed = declare()
    assert failed["failed"]
    assert reason in failed["msg"]
    assert failed["failure"]["code"] == code


def test_an_object_that_is_leaving_is_not_declared(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    live = _live(manifests[0])
    live["metadata"]["deletionTimestamp"] = "2026-11-22T19:16:01Z"
    wire.expect("GET", SOURCE, body=_json(live))
    assert "is being deleted" in declare()["msg"]


def _delete(uid: str, *, dry_run: bool) -> bytes:
    options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
    return _compact({**options, "dryRun": ["All"]} if dry_run else options)


def test_absent_removes_the_kustomization_first(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    for path, manifest in zip((SOURCE, APPLIER), manifests, strict=True):
        live = _live(manifest)
        wire.expect("GET", path, body=_json(live))
        wire.expect("DELETE", path, body=b"{}", sent_body=_delete(live["metadata"]["uid"], dry_run=True))
    wire.expect("DELETE", APPLIER, body=b"{}", sent_body=_delete("uid-Kustomization", dry_run=False))
    wire.expect("DELETE", SOURCE, body=b"{}", sent_body=_delete("uid-OCIRepository", dry_run=False))
    done = declare(state="absent", kustomization={})
    assert done["changed"]
    assert [one["change"] for one in done["resources"]] == ["deleted", "deleted"]
    assert done["actions"] == ["delete Kustomization flux-system/app", "delete OCIRepository flux-system/app"]
    assert [one["after"] for one in done["diff"]] == ["", ""]


def test_absent_changes_nothing_where_nothing_is(declare: Run, wire: Wire, manifests: list[Object]) -> None:
    leaving = _live(manifests[1])
    leaving["metadata"]["deletionTimestamp"] = "2026-11-22T19:16:01Z"
    wire.expect("GET", SOURCE, status=404, body=b"404 page not found\n")
    wire.expect("GET", APPLIER, body=_json(leaving))
    done = declare(state="absent", kustomization={})
    assert not done["changed"]
    assert [one["change"] for one in done["resources"]] == ["unchanged", "unchanged"]


def test_bad_options_are_found_before_anything_is_sent(declare: Run, wire: Wire) -> None:
    assert declare(interval="x")["msg"].startswith("interval: ")
    assert declare(request_timeout=0)["msg"].startswith("request_timeout: ")
    assert declare(host="nowhere")["msg"].startswith("host: ")
    assert wire.seen == []


def test_the_way_to_the_cluster_comes_from_the_environment(
    run_module: Run, wire: Wire, manifests: list[Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", wire.url)
    monkeypatch.setenv("K8S_AUTH_API_KEY", TOKEN)
    wire.expect("GET", SOURCE, status=404, body=_missing(), sent={"Authorization": f"Bearer {TOKEN}"})
    wire.expect("PATCH", SOURCE + DRY, body=_json(_live(manifests[0])))
    assert run_module(MODULE, target="cluster", name="app", url="oci://ghcr.io/org/app", check=True)["changed"]


def test_the_token_is_in_no_output(declare: Run, wire: Wire) -> None:
    for status, code in ((401, "unauthorized"), (403, "forbidden")):
        wire.expect("GET", SOURCE, status=status, body=_json({"message": f"who is {TOKEN}?"}))
        refused = declare()
        assert refused["failure"]["code"] == code
        assert TOKEN not in json.dumps(refused)
