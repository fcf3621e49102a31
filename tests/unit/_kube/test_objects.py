# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as a cluster returns them. The managedFields are what kube-apiserver 1.36 wrote."""

from __future__ import annotations

import typing as t

from ansible_collections.proven.gitops.plugins.module_utils._kube import objects
from ansible_collections.proven.gitops.plugins.module_utils._kube.objects import owned_fields, shown
from ansible_collections.proven.gitops.plugins.module_utils._tasks.flux.source_cluster import DEFAULTS, weakened

OURS: dict[str, t.Any] = {
    "f:spec": {"f:interval": {}, "f:url": {}, "f:verify": {"f:provider": {}, "f:secretRef": {"f:name": {}}}}
}
SPEC: dict[str, t.Any] = {
    "interval": "5m",
    "url": "oci://x.y/z",
    "verify": {"provider": "cosign", "secretRef": {"name": "cosign-pub"}},
}
MANIFEST: dict[str, t.Any] = {"spec": SPEC}


def _entry(manager: str, fields: t.Any, operation: str = "Apply", **more: str) -> dict[str, t.Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, "time": "2026-11-22T19:16:01Z", **more}


def _object(spec: dict[str, t.Any], *entries: dict[str, t.Any], **metadata: t.Any) -> dict[str, t.Any]:
    return {
        "apiVersion": "v1",
        "kind": "K",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "managedFields": list(entries), **metadata},
        "spec": spec,
        "status": {"observedGeneration": -1},
    }


def foreign_fields(value: dict[str, t.Any], manifest: dict[str, t.Any], manager: str) -> dict[str, str]:
    return objects.foreign_fields(value, manifest, manager, DEFAULTS)


def test_finds_what_a_manager_applied() -> None:
    value = _object(SPEC, _entry("other", {}), _entry("me", {"f:x": {}}, "Update"), _entry("me", OURS))
    assert owned_fields(value, "me") == OURS
    assert owned_fields(value, "nobody") is None
    assert owned_fields({}, "me") is None


def test_finds_fields_of_others_that_we_do_not_declare() -> None:
    verify: dict[str, t.Any] = {"f:matchOIDCIdentity": {}, "f:provider": {}}
    theirs: dict[str, t.Any] = {"f:spec": {"f:suspend": {}, "f:url": {}, "f:verify": verify}}
    spec = {**SPEC, "suspend": True, "verify": {**SPEC["verify"], "matchOIDCIdentity": [{}]}}
    value = _object(spec, _entry("me", OURS), _entry("flux", theirs, "Update"))
    assert foreign_fields(value, MANIFEST, "me") == {
        "spec.suspend": "flux",
        "spec.verify.matchOIDCIdentity": "flux",
    }


def test_a_default_that_a_creator_is_noted_for_is_nobodys() -> None:
    theirs: dict[str, t.Any] = {"f:spec": {"f:provider": {}, "f:timeout": {}}}
    spec = {**SPEC, "provider": "generic", "timeout": "90s"}
    assert foreign_fields(_object(spec, _entry("kubectl", theirs, "Update")), MANIFEST, "me") == {
        "spec.timeout": "kubectl"
    }


def test_the_status_is_not_a_declaration_and_what_is_gone_is_gone() -> None:
    fields: dict[str, t.Any] = {"f:spec": {"f:suspend": {}}}
    assert foreign_fields(_object(SPEC, _entry("c", fields, subresource="status")), MANIFEST, "me") == {}
    assert foreign_fields(_object(SPEC, _entry("c", fields)), MANIFEST, "me") == {}


def test_odd_entries_are_passed_over() -> None:
    value = _object(SPEC, _entry("a", None), _entry("b", {"f:spec": None}), _entry("c", {"f:spec": {"k:{}": {}}}))
    value["metadata"]["managedFields"].append("x")
    assert foreign_fields(value, MANIFEST, "me") == {}


def test_our_own_leftovers_from_an_update_are_foreign_too() -> None:
    value = _object({**SPEC, "suspend": True}, _entry("me", {"f:spec": {"f:suspend": {}}}, "Update"))
    assert foreign_fields(value, MANIFEST, "me") == {"spec.suspend": "me"}


def test_what_changes_verification() -> None:
    for path in ("spec.verify.matchOIDCIdentity", "spec.verify", "spec.ref.digest", "spec.insecure"):
        assert weakened(path)
    for path in ("spec.suspend", "spec.reference", "spec.interval"):
        assert not weakened(path)


def test_shows_what_matters() -> None:
    last = "kubectl.kubernetes.io/last-applied-configuration"
    before = _object(SPEC, labels={"team": "a", "tier": "1"}, annotations={last: "{}", "note": "x"})
    after = _object(SPEC, labels={"team": "a", "tier": "2"}, annotations={last: "{}", "note": "x"})
    assert shown(after, before) == {
        "apiVersion": "v1",
        "kind": "K",
        "metadata": {"name": "a", "namespace": "n", "labels": {"tier": "2"}},
        "spec": SPEC,
    }
    assert shown(before)["metadata"] == {
        "name": "a",
        "namespace": "n",
        "labels": {"team": "a", "tier": "1"},
        "annotations": {"note": "x"},
    }


def test_shows_the_spec_in_one_order() -> None:
    assert list(shown(_object({"b": [{"d": 1, "c": 2}], "a": 1}))["spec"]) == ["a", "b"]


def test_of_a_secret_nothing_is_shown_also_not_in_the_copy_that_kubectl_keeps() -> None:
    copy = {"kubectl.kubernetes.io/last-applied-configuration": '{"data": {"a": "Y2FuYXJ5"}}'}
    secret = {"kind": "Secret", "metadata": {"name": "a", "annotations": copy}, "data": {"a": "Y2FuYXJ5"}}
    assert "Y2FuYXJ5" not in str(shown(secret))
    assert shown(secret)["data"] == {"a": "(hidden)"}
