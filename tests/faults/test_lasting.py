# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong and stays so: a clear error in time, and never a word about signatures."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from support.faulty import Fault, content, endless, unannounced
from support.use_cases import (
    ALL,
    Info,
    Pull,
    Push,
    SignBundle,
    Tag,
    UseCase,
    Verify,
    VerifyAsFlux,
    VerifyBundle,
    VerifyLegacy,
    VerifyPastBundles,
    VerifyPastLegacy,
    first,
    sampled,
)

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Response

if t.TYPE_CHECKING:
    from faults.conftest import Attempt

GONE: dict[str, dict[str, t.Any]] = {
    "429": {"answer": Response(429)},
    "503": {"answer": Response(503, {}, b"<html>down")},
    "reset": {"cut": 0, "ending": "reset"},
    "closed-in-the-head": {"cut": 20},
}
FLOODS: dict[str, t.Callable[[], t.Iterable[bytes]]] = {
    "interim answers": lambda: endless(piece=b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "interim headers": lambda: endless(b"HTTP/1.1 100 Continue\r\n", b"A: b\r\n" * 1000),
    "headers": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 1000),
    "a header": lambda: endless(b"HTTP/1.1 200 OK\r\nA: "),
    "a status line": lambda: endless(b"HTTP/1.1 200 "),
    "a chunk size": lambda: endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 65536),
    "a chunk extension": lambda: endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a="),
    "trailers": lambda: endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n" * 1000),
    "a chunked body": lambda: endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"
    ),
    "a body": lambda: endless(b"HTTP/1.1 200 OK\r\n\r\n"),
    "a body of a refusal": lambda: endless(b"HTTP/1.1 403 No\r\n\r\n"),
}
MIB = 1 << 20
each_case = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name.replace(" ", "-"))


@pytest.mark.fault("R2b", "R3a", "R16a")
@pytest.mark.parametrize("name", first(GONE, "503", "closed-in-the-head"))
@each_case
@sampled(3)
def test_a_registry_that_is_gone(attempt: Attempt, case: type[UseCase], name: str, step: int) -> None:
    outcomes = attempt.everywhere(
        case, lambda number: Fault(".*", "", skip=number, times=None, **GONE[name]), step, retries=0
    )
    assert outcomes == dict.fromkeys(outcomes, "unreachable")


@pytest.mark.fault("R1c")
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_beyond_the_deadline_is_not_waited_for(attempt: Attempt, status: int) -> None:
    busy = Response(status, {"Retry-After": "3600"})
    assert attempt(Verify, Fault(".*", "", times=None, answer=busy)) == "unreachable"
    assert attempt.seconds < 5
    assert "asks to wait 3600 s" in attempt.result["msg"]


@pytest.mark.fault("R4b", "R16a")
@pytest.mark.parametrize("case", [Verify, Pull, Tag, Info], ids=lambda case: case.name)
@sampled(97, every=13, night=5)
def test_an_answer_that_ends_at_any_byte(attempt: Attempt, case: type[UseCase], step: int) -> None:
    """The signatures are there; "unsigned" would be the worst that could be said of a broken connection."""
    assert attempt(case) == "done"
    for number in range(attempt.requests):
        for cut in itertools.count(number % step, step):
            fault = Fault(".*", "", skip=number, times=None, cut=cut)
            assert attempt(case, fault, retries=0) == "unreachable", (number, cut)
            if cut + step >= fault.length:
                break


@pytest.mark.fault("R4c")
@pytest.mark.parametrize("target", ["/manifests/sha256:", "/referrers/", r"/manifests/sha256-\w+\.sig", "/blobs/"])
@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_body_cut_where_nothing_announced_its_length(attempt: Attempt, target: str, size: int) -> None:
    def shorter(_request: object, answer: Response) -> Response:
        return unannounced(answer, content(answer)[:size])

    case = VerifyLegacy if ".sig" in target else VerifyBundle if "referrers" in target else Verify
    verdict = attempt(case, Fault("GET", target, times=None, change=shorter), retries=0)
    # What has a digest, or announces one, does not match it; a list of referrers is no list.
    assert verdict == ("unreachable" if "referrers" in target else "tampered")


@pytest.mark.fault("R4c")
@pytest.mark.parametrize(
    ("case", "target", "expected"),
    [
        (VerifyPastBundles, "/referrers/", "done"),
        (VerifyAsFlux, "/referrers/", "unreachable"),
        (VerifyPastLegacy, r"/manifests/sha256-\w+\.sig", "done"),
    ],
    ids=["past bundles", "as Flux", "past legacy"],
)
@pytest.mark.parametrize("size", [0, -1])
def test_a_body_cut_beside_a_good_signature_of_the_other_format(
    attempt: Attempt, case: type[UseCase], target: str, expected: str, size: int
) -> None:
    def shorter(_request: object, answer: Response) -> Response:
        return unannounced(answer, content(answer)[:size])

    assert attempt(case, Fault("GET", target, times=None, change=shorter), retries=0) == expected


@pytest.mark.fault("R3b")
@sampled(61)
def test_an_upload_reset_at_any_byte(attempt: Attempt, step: int) -> None:
    assert attempt(Push) == "done"
    for take in range(0, attempt.result["artifact"]["layer_size"] + 1, step):
        assert attempt(Push, Fault("PUT", "/blobs/uploads/", take=take)) == "done"
    assert attempt(Push, Fault("PUT", "/blobs/uploads/", take=10, times=None), retries=0) == "unreachable"
    assert attempt(SignBundle, Fault("PUT", "/blobs/uploads/", take=10, times=None), retries=0) == "unreachable"


@pytest.mark.fault("R6a", "R16a")
@pytest.mark.parametrize("cut", [0, 30, pytest.param(-1, id="in the body")])
@pytest.mark.parametrize(
    ("case", "number"),
    [
        (Verify, 1),
        (Pull, 1),
        (Push, 3),
        # Pull asks twice only: for the manifest and for the layer.
        *(
            pytest.param(case, number, marks=pytest.mark.slow)
            for case in ALL
            for number in (0, 2)
            if (case, number) != (Pull, 2)
        ),
    ],
)
def test_an_answer_that_stalls(attempt: Attempt, case: type[UseCase], number: int, cut: int) -> None:
    assert attempt(case, Fault(".*", "", skip=number, cut=cut, ending="stall"), timeout=1, retries=0) == "unreachable"
    assert "no answer for 1 s" in attempt.result["msg"]
    assert attempt.seconds < 6


@pytest.mark.fault("R6b")
@pytest.mark.parametrize("case", [Verify, pytest.param(Pull, marks=pytest.mark.slow)], ids=lambda case: case.name)
def test_an_answer_that_drips(attempt: Attempt, case: type[UseCase]) -> None:
    def dripping() -> t.Iterator[bytes]:
        for number in itertools.count():
            attempt.pause(0.05)
            yield b"HTTP/1.1 200 OK\r\n" if number == 0 else b"x"

    fault = Fault("GET", "/manifests/", times=None, raw=dripping)
    assert attempt(case, fault, timeout=1, deadline=2, retries=5) == "unreachable"
    assert "the deadline of 2 s has passed" in attempt.result["msg"]
    assert attempt.seconds < 5


@pytest.mark.fault("R6c", "R16a")
@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("target", ["/manifests/", "/referrers/", pytest.param("/blobs/", marks=pytest.mark.slow)])
def test_what_never_ends(attempt: Attempt, name: str, target: str) -> None:
    fault = Fault("GET", target, times=None, raw=FLOODS[name])
    with attempt.memory(48 * MIB):
        verdict = attempt(VerifyBundle, fault, timeout=2, deadline=2, retries=0)
    # A blob that is longer than its descriptor says is not that blob.
    assert verdict in ("unreachable", "tampered") if target == "/blobs/" else verdict == "unreachable"
    assert attempt.seconds < 10


@pytest.mark.fault("R6c", "R16a", "R16d")
@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("case", [VerifyPastBundles, VerifyAsFlux], ids=lambda case: case.name)
def test_referrers_that_never_end_beside_a_legacy_signature(attempt: Attempt, case: type[UseCase], name: str) -> None:
    """A list that is too long may be anybody's work, and the other format goes on; to Flux it may hide it."""
    fault = Fault("GET", "/referrers/", times=None, raw=FLOODS[name])
    with attempt.memory(48 * MIB):
        verdict = attempt(case, fault, timeout=5, deadline=5, retries=0)
    too_long = name in ("a chunked body", "a body")
    assert verdict == ("done" if too_long and case is VerifyPastBundles else "unreachable")
    assert attempt.seconds < 10
