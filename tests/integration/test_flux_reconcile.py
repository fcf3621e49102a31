# SPDX-License-Identifier: GPL-3.0-or-later
"""flux_reconcile as a task: an API server with recorded answers over real sockets. The real ones: tests/interop."""

from __future__ import annotations

import json
import socket
import typing as t

import pytest
from support.flux_api import FluxApi
from support.flux_status import FIRST, MOVED, recorded

MODULE = "flux_reconcile"
TOKEN = "canary-token"

Object = dict[str, t.Any]


class Reconcile(t.Protocol):
    def __call__(self, *, check: bool = False, **options: t.Any) -> Object: ...


@pytest.fixture
def api() -> t.Iterator[FluxApi]:
    with FluxApi() as running:
        yield running


@pytest.fixture
def reconcile(run_module: t.Callable[..., Object], api: FluxApi) -> Reconcile:
    def run(*, check: bool = False, **options: t.Any) -> Object:
        given = {"host": api.url, "api_key": TOKEN, "request_timeout": 5, "wait_timeout": 5, "wait_sleep": 0.05}
        if "resources" not in options:
            given["name"] = "app"
        return run_module(MODULE, check=check, **{**given, **options})

    return run


def test_check_run_check_run(api: FluxApi, reconcile: Reconcile) -> None:
    api.put(recorded("unsigned"))
    api.answers("ocirepositories", recorded("fetching"), recorded("verified"))
    options: Object = {"expected_digest": FIRST, "require_verification": True}
    predicted = reconcile(check=True, **options)
    assert (predicted["changed"], api.asked) == (True, [])
    done = reconcile(**options)
    assert (done["changed"], done["ready"], done["actions"]) == (True, True, predicted["actions"])
    assert done["diff"] == predicted["diff"]
    [found] = done["resources"]
    assert (found["state"], found["verified"], found["revision"]) == ("ready", True, f"1.0.0@{FIRST}")
    assert (found["reason"], found["generation"], found["requested"]) == ("Succeeded", 1, True)
    assert found["last_handled"] == api.tokens[0]
    for check in (True, False):
        again = reconcile(check=check, **options)
        assert (again["changed"], again["diff"], again["resources"][0]["requested"]) == (False, [], False)
    assert len(api.asked) == 1


def test_a_refusal_is_a_failure_with_everything_that_is_known(api: FluxApi, reconcile: Reconcile) -> None:
    api.put(recorded("verified"))
    api.answers("ocirepositories", recorded("moved to unsigned"))
    failed = reconcile(expected_digest=MOVED)
    assert failed["failed"]
    assert failed["changed"]
    assert failed["failure"]["code"] == "refused"
    assert "no matching signatures were found" in failed["msg"]
    [found] = failed["resources"]
    assert (found["state"], found["ready"], found["verified"], found["digest"]) == ("refused", False, False, FIRST)
    assert found["failure"]["details"]["reason"] == "VerificationError"


def test_a_list_in_its_order(api: FluxApi, reconcile: Reconcile) -> None:
    applier = recorded("applied", "kustomizations")
    applier["spec"]["sourceRef"] = {"kind": "OCIRepository", "name": "app"}
    applied = json.loads(json.dumps(applier).replace(applier["status"]["lastAppliedRevision"], f"1.0.0@{FIRST}"))
    api.put(recorded("ready", "gitrepositories"), applier, recorded("unsigned"))
    api.answers("gitrepositories", recorded("ready", "gitrepositories"))
    api.answers("ocirepositories", recorded("verified"))
    api.answers("kustomizations", applied)
    done = reconcile(
        resources=[
            {"kind": "GitRepository", "name": "app", "namespace": "flux-system"},
            {
                "kind": "Kustomization",
                "name": "app",
                "with_source": True,
                "expected_digest": FIRST.removeprefix("sha256:"),
            },
        ]
    )
    assert not done.get("failed"), done
    assert [(one["kind"], one["state"]) for one in done["resources"]] == [
        ("GitRepository", "ready"),
        ("OCIRepository", "ready"),
        ("Kustomization", "ready"),
    ]
    assert api.asked == ["gitrepositories/app", "ocirepositories/app", "kustomizations/app"]


def test_a_time_out_is_bounded(api: FluxApi, reconcile: Reconcile) -> None:
    api.put(recorded("connection refused"))
    api.answers("ocirepositories", recorded("connection refused"))
    failed = reconcile(wait_timeout=1)
    assert failed["failure"]["code"] == "timed_out"
    assert "not ready within 1 s" in failed["msg"]
    assert 1 <= failed["resources"][0]["duration"] < 4


def test_without_waiting(api: FluxApi, reconcile: Reconcile) -> None:
    api.put(recorded("unsigned"))
    done = reconcile(wait=False)
    assert (done["changed"], done.get("failed"), done["resources"][0]["state"]) == (True, None, "working")


def test_what_is_missing_is_only_a_warning_in_check_mode(api: FluxApi, reconcile: Reconcile) -> None:
    predicted = reconcile(check=True)
    assert predicted["changed"]
    assert any("there is no OCIRepository flux-system/app" in str(text) for text in predicted["warnings"])
    assert reconcile()["failure"]["code"] == "not_found"
    assert reconcile(namespace="elsewhere")["failure"]["code"] == "no_namespace"


def test_a_server_that_is_not_there(reconcile: Reconcile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for check in (True, False):
        failed = reconcile(host=f"http://127.0.0.1:{port}", check=check)
        assert failed["failure"]["code"] == "unreachable"
        assert f"127.0.0.1:{port}" in failed["msg"]


def test_the_token_is_in_no_result(api: FluxApi, reconcile: Reconcile) -> None:
    value = recorded("unsigned")
    api.put(value)
    api.answers("ocirepositories", recorded("unsigned"))
    failed = reconcile()
    assert TOKEN not in json.dumps({name: text for name, text in failed.items() if name != "invocation"})
    assert all(seen.headers["Authorization"] == f"Bearer {TOKEN}" for seen in api.seen)


WRONG: list[tuple[Object, str]] = [
    ({"name": "App"}, "name: 'App' is not a name"),
    ({"name": "a/b"}, "name: 'a/b' is not a name"),
    ({"namespace": "a.b"}, "namespace: 'a.b' is not a name"),
    ({"expected_digest": "1.0.0"}, "expected_digest: '1.0.0' is neither a digest"),
    ({"expected_digest": ""}, "expected_digest: '' is neither a digest"),
    ({"expected_digest": "sha256:abc"}, "expected_digest: 'sha256:abc' is neither"),
    ({"expected_digest": "sha1:" + "a" * 64}, "is neither a digest"),
    ({"kind": "HelmChart", "expected_digest": FIRST}, "holds no digest"),
    ({"with_source": True}, "with_source: a source such as OCIRepository takes from no other"),
    ({"wait_timeout": 0}, "wait_timeout: must be at least 1 second"),
    ({"wait_sleep": 0}, "wait_sleep: must be between"),
    ({"resources": []}, "resources: is empty"),
    ({"resources": [{"name": "a"}, {"name": "A"}]}, "resources[1].name: 'A' is not a name"),
    ({"resources": [{"name": "a"}, {"name": "a"}]}, "resources[1].name: OCIRepository flux-system/a is there twice"),
    ({"resources": [{"name": "a", "expected_digest": "x"}]}, "resources[0].expected_digest: 'x'"),
    ({"resources": [{"name": "a", "namespace": "B"}]}, "resources[0].namespace: 'B'"),
    ({"resources": [{"name": "a"}], "name": "a"}, "mutually exclusive"),
    ({"resources": [{"name": "a"}], "expected_digest": FIRST}, "mutually exclusive"),
    ({"kind": "Secret"}, "kind"),
    ({"request_timeout": 0}, "request_timeout"),
]


@pytest.mark.parametrize(("options", "text"), WRONG)
def test_a_wrong_option_is_found_before_anything_is_sent(
    api: FluxApi, reconcile: Reconcile, options: Object, text: str
) -> None:
    failed = reconcile(**options)
    assert failed["failed"]
    assert text in failed["msg"]
    assert api.seen == []


def test_one_of_name_and_resources(run_module: t.Callable[..., Object], api: FluxApi) -> None:
    assert "one of the following is required" in run_module(MODULE, host=api.url)["msg"]


@pytest.mark.parametrize(
    "commit", ["5b052cbc8a7e807ad52cb149e816dbc989058ea8", "SHA1:5b052cbc8a7e807ad52cb149e816dbc989058EA8"]
)
def test_a_commit_is_a_digest(api: FluxApi, reconcile: Reconcile, commit: str) -> None:
    api.put(recorded("ready", "gitrepositories"))
    assert not reconcile(kind="GitRepository", expected_digest=commit)["changed"]
