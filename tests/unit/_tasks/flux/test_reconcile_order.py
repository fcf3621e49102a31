# SPDX-License-Identifier: GPL-3.0-or-later
"""Several objects: sources before what takes from them, and failures that hide nothing."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.flux_api import FluxApi
from support.flux_case import Case, FakeClock, failure, run, target
from support.flux_status import APPLIED, COMMIT, FIRST, MOVED, recorded

OCI, KS, GIT = "ocirepositories", "kustomizations", "gitrepositories"
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


def at(state: str, digest: str, plural: str = KS) -> Object:
    """A recorded state, with another digest than the recorded one."""
    return t.cast("Object", json.loads(json.dumps(recorded(state, plural)).replace(APPLIED, digest)))


def _pair(api: FluxApi, source: Object, applier: Object) -> None:
    """A source and what applies it."""
    api.put(source, applier)
    applier["spec"]["sourceRef"] = {"kind": "OCIRepository", "name": "app"}


def test_the_source_comes_first(api: FluxApi, case: Case) -> None:
    """And what applies it has to arrive where the source is, though it says to be ready before."""
    _pair(api, recorded("unsigned"), at("applied", OTHER, KS))
    api.answers(OCI, recorded("verified"))
    api.answers(KS, at("applied", OTHER, KS), at("applied", OTHER, KS))
    api.answers(KS, at("applied", FIRST, KS))
    outcome = run(case(target("Kustomization", with_source=True)))
    assert outcome.failure is None
    assert api.asked == ["ocirepositories/app", "kustomizations/app", "kustomizations/app"]
    assert [(one["kind"], one["digest"]) for one in outcome.values["resources"]] == [
        ("OCIRepository", FIRST),
        ("Kustomization", FIRST),
    ]


def test_both_are_left_alone_when_both_are_there(api: FluxApi, case: Case) -> None:
    _pair(api, recorded("verified"), at("applied", FIRST, KS))
    outcome = run(case(target("Kustomization", expected=FIRST, with_source=True)))
    assert (outcome.changed, outcome.failure, api.asked) == (False, None, [])


def test_nothing_is_waited_for_behind_a_source_that_failed(api: FluxApi, case: Case, clock: FakeClock) -> None:
    _pair(api, recorded("verified"), at("applied", FIRST, KS))
    api.answers(OCI, recorded("moved to unsigned"))
    outcome = run(case(target("Kustomization", with_source=True)))
    assert failure(outcome)[0] == "batch_failed"
    states = [(one["state"], one["failure"]["code"]) for one in outcome.values["resources"]]
    assert states == [("refused", "refused"), ("unknown", "source_failed")]
    assert (api.asked, clock.time) == (["ocirepositories/app"], 0)


def test_one_that_failed_does_not_keep_others_from_being_tried(api: FluxApi, case: Case) -> None:
    api.put(recorded("unsigned"), recorded("unsigned", name="other"))
    api.answers(OCI, recorded("unsigned"))
    api.answers(OCI, recorded("verified", name="other"), name="other")
    outcome = run(case(target(), target(name="other")))
    assert [one["state"] for one in outcome.values["resources"]] == ["refused", "ready"]
    code, message = failure(outcome)
    assert code == "batch_failed"
    assert message.startswith("1 of 2 failed: OCIRepository flux-system/app: Flux refuses it")


def test_what_an_earlier_object_brings_is_there_in_its_turn(api: FluxApi, case: Case) -> None:
    """Flux applies a commit, and with it the objects that the rest of the task is about."""
    api.put(recorded("ready", GIT))
    api.answers(GIT, recorded("ready", GIT))
    one = case(target("GitRepository"), target("Kustomization", with_source=True))
    planned = one.plan()
    assert [step.blocked is None for step in planned] == [True, False]
    assert "declare it first" in one.predict(planned).warnings[0]
    _pair(api, recorded("unsigned"), at("applied", OTHER, KS))
    api.answers(OCI, recorded("verified"))
    api.answers(KS, at("applied", FIRST, KS))
    outcome = one.apply(planned)
    assert outcome.failure is None
    assert [one["kind"] for one in outcome.values["resources"]] == ["GitRepository", "OCIRepository", "Kustomization"]
    assert outcome.changed


def test_what_was_there_and_is_so_no_more_is_asked_for(api: FluxApi, case: Case) -> None:
    """Between the plan and its turn, an earlier object changed this one."""
    api.put(recorded("ready", GIT), recorded("verified"))
    one = case(target("GitRepository", expected=COMMIT), target(expected=FIRST))
    planned = one.plan()
    assert [step.asks for step in planned] == [False, False]
    api.put(recorded("suspended") | {"spec": {"verify": {"provider": "cosign"}}})
    changed = recorded("verified")
    changed["metadata"]["generation"] = 2
    for condition in changed["status"]["conditions"]:
        condition["observedGeneration"] = 2
    api.answers(OCI, changed)
    outcome = one.apply(planned)
    assert (outcome.failure, outcome.changed, api.asked) == (None, True, ["ocirepositories/app"])


def test_a_time_out_looks_at_the_source_too(api: FluxApi, case: Case) -> None:
    _pair(api, recorded("moved to unsigned"), at("applied", FIRST, KS))
    api.answers(KS, at("applied", FIRST, KS))
    code, message = failure(run(case(target("Kustomization", expected=MOVED), timeout=60.0)))
    assert code == "timed_out"
    assert "Its source OCIRepository flux-system/app is refused: VerificationError" in message
    del api.objects["ocirepositories/app"]
    assert (
        "Its source: there is no OCIRepository"
        in failure(run(case(target("Kustomization", expected=MOVED), timeout=60.0)))[1]
    )


def test_a_source_that_was_asked_for_by_name_is_not_asked_twice(api: FluxApi, case: Case) -> None:
    _pair(api, recorded("unsigned"), at("applied", FIRST, KS))
    api.answers(OCI, recorded("verified"))
    api.answers(KS, at("applied", FIRST, KS))
    outcome = run(case(target(), target("Kustomization", with_source=True)))
    assert (outcome.failure, api.asked) == (None, ["ocirepositories/app", "kustomizations/app"])
