# SPDX-License-Identifier: GPL-3.0-or-later
"""One object: a request, and what comes of it."""

from __future__ import annotations

import base64
import json
import re
import typing as t

import pytest
from support.flux_api import FluxApi
from support.flux_case import Case, FakeClock, failure, run, target
from support.flux_status import FIRST, MOVED, VECTORS, recorded, requested

from ansible_collections.proven.gitops.plugins.module_utils._kube.errors import Forbidden, Unreachable
from ansible_collections.proven.gitops.plugins.module_utils._tasks.flux.wait import SystemClock

OCI = "ocirepositories"
OTHER = "sha256:" + "f" * 64

Object = dict[str, t.Any]


@pytest.fixture
def api() -> t.Iterator[FluxApi]:
    with FluxApi() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def case(api: FluxApi, clock: FakeClock) -> Case:
    return Case(api, clock)


def at(state: str, digest: str) -> Object:
    """A recorded state, with another digest than the recorded one."""
    return t.cast("Object", json.loads(json.dumps(recorded(state)).replace(FIRST, digest)))


def test_waits_for_this_request(api: FluxApi, case: Case) -> None:
    """A verdict that is there already belongs to the time before."""
    api.put(requested(recorded("verified"), "old"))
    api.answers(OCI, recorded("verified"), recorded("fetching"), recorded("verified"))
    outcome = run(case(target()))
    assert (outcome.changed, outcome.failure, outcome.values["ready"]) == (True, None, True)
    [found] = outcome.values["resources"]
    assert (found["state"], found["verified"], found["digest"]) == ("ready", True, FIRST)
    assert found["last_handled"] == api.tokens[0]
    assert api.asked == ["ocirepositories/app"]
    assert outcome.actions == ["request the reconciliation of OCIRepository flux-system/app"]


def test_a_later_request_of_somebody_else_is_an_answer(api: FluxApi, case: Case) -> None:
    api.put(recorded("unsigned"))
    theirs = recorded("verified")
    api.answers(OCI, recorded("unsigned"))
    plan = case(target())
    planned = plan.plan()
    api._answers["ocirepositories/app"] = []
    api._coming["ocirepositories/app"] = []
    api.faults = [(200, recorded("unsigned")), (200, requested(theirs, "theirs"))]
    assert plan.apply(planned).failure is None


def test_what_is_there_already_is_left_alone(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("verified"))
    outcome = run(case(target(expected=FIRST)))
    assert (outcome.changed, outcome.actions, outcome.diff, outcome.failure) == (False, [], [], None)
    assert (api.asked, api.tried, clock.time) == ([], [], 0)


def test_unless_it_is_to_be_asked_always(api: FluxApi, case: Case) -> None:
    api.put(recorded("verified"))
    api.answers(OCI, recorded("verified"))
    assert run(case(target(expected=FIRST), request="always")).changed
    assert api.asked == ["ocirepositories/app"]


def test_never_asks_only_waits(api: FluxApi, case: Case) -> None:
    api.put(recorded("verified"))
    api.faults = [(200, recorded("fetching"))] * 4
    outcome = run(case(target(), request="never"))
    assert (outcome.changed, outcome.failure, api.asked, api.tried) == (False, None, [], [])


def test_check_mode_asks_nothing(api: FluxApi, case: Case) -> None:
    api.put(requested(recorded("unsigned"), "old"))
    one = case(target())
    outcome = one.predict(one.plan())
    assert (outcome.changed, api.asked, api.tried) == (True, [], ["ocirepositories/app"])
    assert outcome.diff == [
        {
            "before": "reconcile.fluxcd.io/requestedAt: old\n",
            "after": "reconcile.fluxcd.io/requestedAt: (a new token)\n",
            "before_header": "OCIRepository flux-system/app",
            "after_header": "OCIRepository flux-system/app",
        }
    ]
    assert outcome.values["resources"][0]["state"] == "refused"


def test_without_waiting_nothing_is_judged(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("unsigned"))
    outcome = run(case(target(), wait=False))
    assert (outcome.changed, outcome.failure, clock.time) == (True, None, 0)
    assert (outcome.values["ready"], outcome.values["resources"][0]["ready"]) == (False, None)


def test_a_refusal_fails_at_once(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("moved back"))
    api.answers(OCI, recorded("moved to unsigned"))
    outcome = run(case(target(expected=MOVED)))
    code, message = failure(outcome)
    assert code == "refused"
    assert "VerificationError: failed to verify the signature using provider 'cosign'" in message
    assert f"it keeps 1.0.0@{FIRST}" in message
    assert outcome.failure is not None
    assert outcome.failure.details["digest"] == FIRST
    assert {one["type"] for one in outcome.failure.details["conditions"]} >= {"Ready", "SourceVerified"}
    assert outcome.values["resources"][0]["verified"] is False
    assert clock.time == 0


def test_what_nothing_can_mend_fails_at_once(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("not observed"))
    api.answers(OCI, recorded("url with tag"))
    assert failure(run(case(target())))[0] == "not_ready"
    assert clock.time == 0


def test_the_refusal_of_what_was_there_before_is_not_taken_for_this_one(api: FluxApi, case: Case) -> None:
    """The request was answered by a look at the registry that came too early: Flux goes on, and so do we."""
    api.put(recorded("moved to unsigned"))
    api.answers(OCI, recorded("moved to unsigned"))
    api.answers(OCI, at("verified", OTHER))
    assert run(case(target(expected=OTHER))).failure is None
    assert len(api.asked) == 2


def test_another_digest_is_asked_about_again_and_then_reported(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("moved back"))
    api.answers(OCI, recorded("moved back"))
    code, message = failure(run(case(target(expected=OTHER))))
    assert code == "elsewhere"
    assert f"it is at 1.0.0@{FIRST}, not at {OTHER}" in message
    assert 30 <= clock.time < 35
    assert len(api.asked) == 3


def test_who_asks_for_nothing_waits_to_the_end(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("verified"))
    code, _message = failure(run(case(target(expected=OTHER), request="never", timeout=120.0)))
    assert code == "elsewhere"
    assert clock.time == pytest.approx(120, abs=1)


def test_what_may_pass_is_waited_for(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("not observed"))
    for _each in range(3):
        api.answers(OCI, recorded("connection refused"))
    api.answers(OCI, recorded("verified"))
    assert run(case(target())).failure is None
    assert 30 <= clock.time < 35
    assert len(api.asked) == 4


def test_a_time_out_says_what_was_seen_last(api: FluxApi, case: Case, clock: FakeClock) -> None:
    api.put(recorded("not observed"))
    api.answers(OCI, recorded("connection refused"))
    outcome = run(case(target(), timeout=25.0))
    code, message = failure(outcome)
    assert code == "timed_out"
    assert "not ready within 25 s" in message
    assert "FetchFailed=True OCIArtifactPullFailed: failed to determine artifact digest" in message
    assert "connection refused" in message
    assert outcome.failure is not None
    assert len(outcome.failure.details["conditions"]) == 3
    assert clock.time == pytest.approx(25, abs=0.5)
    assert outcome.values["resources"][0]["duration"] == pytest.approx(25, abs=0.5)


def test_nobody_answers(api: FluxApi, case: Case, clock: FakeClock) -> None:
    """There is no controller."""
    api.put(recorded("verified"))
    code, message = failure(run(case(target(), timeout=20.0)))
    assert code == "timed_out"
    assert "is its controller running?" in message
    assert len(api.asked) == 1


def test_an_api_server_that_restarts_is_no_verdict(api: FluxApi, case: Case) -> None:
    api.put(recorded("not observed"))
    api.answers(OCI, recorded("verified"))
    plan = case(target())
    planned = plan.plan()
    api.faults = [(200, recorded("not observed")), *[(503, {})] * 7]
    assert plan.apply(planned).failure is None


def test_an_api_server_that_does_not_come_back(api: FluxApi, case: Case) -> None:
    api.put(recorded("not observed"))
    plan = case(target(), timeout=10.0)
    planned = plan.plan()
    api.faults = [(200, recorded("not observed")), *[(503, {})] * 100]
    outcome = plan.apply(planned)
    assert isinstance(outcome.failure, Unreachable)


def test_a_server_that_refuses_the_request_refuses_it_before_anything_is_asked(api: FluxApi, case: Case) -> None:
    api.put(recorded("verified"))
    api.faults = [(403, {"kind": "Status", "message": "no"})]
    with pytest.raises(Forbidden):
        case(target()).plan()


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"spec": {"suspend": True}}, "suspended", "suspended: Flux does not look at it until spec.suspend is taken"),
        ({"metadata": {"deletionTimestamp": "2026-11-22T00:00:00Z"}}, "not_found", "is being deleted"),
        ({"kind": "HelmRepository", "spec": {"type": "oci"}}, "not_ready", "of type oci"),
    ],
)
def test_what_flux_does_not_look_at(api: FluxApi, case: Case, change: Object, code: str, text: str) -> None:
    value = recorded("verified")
    kind = change.get("kind", "OCIRepository")
    value["kind"] = kind
    for part in ("spec", "metadata"):
        value[part] |= change.get(part, {})
    api.put(value)
    one = case(target(kind))
    planned = one.plan()
    predicted = one.predict(planned)
    assert predicted.changed
    assert text in predicted.warnings[0]
    found = failure(one.apply(planned))
    assert (found[0], api.asked) == (code, [])
    assert text in found[1]


def test_an_object_that_is_missing(api: FluxApi, case: Case) -> None:
    one = case(target())
    predicted = one.predict(one.plan())
    assert predicted.warnings == ["a run would fail now: there is no OCIRepository flux-system/app: declare it first"]
    assert (predicted.changed, predicted.values["resources"][0]["state"]) == (True, "missing")
    assert failure(run(one))[0] == "not_found"
    api.namespaces.clear()
    assert failure(run(case(target())))[0] == "no_namespace"


def test_a_namespace_that_one_may_not_see_may_be_there(
    api: FluxApi, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(name: str) -> t.Any:
        from support.wire import Step

        return Step("GET", None, 403, {}, b"{}", {}, None)

    monkeypatch.setattr(api, "_namespace", forbidden)
    assert failure(run(case(target())))[0] == "not_found"


def test_a_kind_that_is_not_installed(api: FluxApi, case: Case) -> None:
    api.faults = [(404, {})] * 4
    one = case(target())
    planned = one.plan()
    assert "install Flux" in one.predict(planned).warnings[0]
    api.faults = [(404, {})] * 4
    assert failure(one.apply(planned))[0] == "not_installed"


def test_an_object_that_goes_away_meanwhile(api: FluxApi, case: Case) -> None:
    api.put(recorded("verified"))
    one = case(target())
    planned = one.plan()
    api.objects.clear()
    assert failure(one.apply(planned))[0] == "not_found"
    api.faults = [(200, recorded("verified"))]  # seen, and gone when it is asked
    assert failure(one.apply(planned))[0] == "not_found"
    api.put(recorded("verified"))
    gone = recorded("verified")
    gone["metadata"]["deletionTimestamp"] = "now"
    api.answers(OCI, gone)
    assert failure(run(case(target())))[0] == "not_found"


def test_verification_can_be_required(api: FluxApi, case: Case) -> None:
    api.put(recorded("unverified"))
    api.answers(OCI, recorded("unverified"))
    assert run(case(target(expected=FIRST))).failure is None
    code, message = failure(run(case(target(expected=FIRST), must_verify=True)))
    assert (code, "asks for no signature" in message) == ("not_ready", True)


def test_tokens_are_times_and_never_the_same() -> None:
    clock = SystemClock()
    tokens = {clock.token() for _each in range(100)}
    assert len(tokens) > 90
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", token) for token in tokens)
    before = clock.now()
    clock.sleep(0.01)
    assert clock.now() > before


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "there is no Secret cosign-pub"),
        ({"cosign.key": "eA=="}, "no key of the Secret cosign-pub ends in .pub"),
        ({"cosign.pub": "eA=="}, "cosign-pub: cosign.pub: "),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_secret(api: FluxApi, case: Case, data: Object | None, said: str) -> None:
    api.put(recorded("unsigned"))
    api.answers(OCI, recorded("unsigned"))
    if data is not None:
        metadata = {"name": "cosign-pub", "namespace": "flux-system"}
        api.put({"kind": "Secret", "metadata": metadata, "data": data}, plural="secrets")
    code, message = failure(run(case(target())))
    assert code == "refused"
    assert said in message
    assert message.endswith("the module flux_secret makes it right")


def test_a_refusal_of_what_the_keys_do_not_prove_says_nothing_of_the_secret(api: FluxApi, case: Case) -> None:
    api.put(recorded("unsigned"))
    api.answers(OCI, recorded("unsigned"))
    vectors = json.loads((VECTORS.parents[1] / "_cosign" / "vectors" / "keys.json").read_text())
    pem = base64.b64encode(vectors["p256"]["public"].encode()).decode()
    metadata = {"name": "cosign-pub", "namespace": "flux-system"}
    api.put({"kind": "Secret", "metadata": metadata, "data": {"cosign.pub": pem}}, plural="secrets")
    assert "Secret" not in failure(run(case(target())))[1]
