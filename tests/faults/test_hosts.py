# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials, and a registry that leads elsewhere, to another host, port or scheme: what is sent there is seen."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from support.artifacts import flux_tar, put
from support.faulty import Fault, endless
from support.registry import RunningRegistry
from support.use_cases import ALL, REPOSITORY, Info, Pull, Push, SignBundle, Tag, UseCase, Verify, first, sampled
from support.wire import Wire

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Request, Response

if t.TYPE_CHECKING:
    from faults.conftest import Attempt

PASSWORD = "canary-password"
MIB = 1 << 20
REALMS = [
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/token",
    "http://10.0.0.1/token",
    "http://[::1]:{port}/token",
    "http://localhost:{port}/token",
    "http://registry.example/token",
    "https://user@registry.example/token",
    "ftp://127.0.0.1:{port}/token",
    "/token",
    "",
]
each_case = pytest.mark.parametrize("case", ALL, ids=lambda case: case.name.replace(" ", "-"))


@pytest.fixture
def elsewhere() -> t.Iterator[Wire]:
    """Another port, under another name of this machine; whoever comes is answered, and remembered."""
    with Wire(name="localhost") as wire:
        for method in ("GET", "HEAD", "PUT", "POST"):
            wire.expect(method, status=201 if method == "PUT" else 404, always=True)
        yield wire


def _told(wire: Wire) -> str:
    """All that was said there."""
    return "\n".join(f"{seen.method} {seen.target}\n{seen.headers}\n{seen.body!r}" for seen in wire.seen)


@pytest.mark.fault("R9")
@pytest.mark.parametrize("realm", REALMS)
@pytest.mark.parametrize("case", [Verify, Push], ids=lambda case: case.name)
def test_a_realm_elsewhere(attempt: Attempt, elsewhere: Wire, case: type[UseCase], realm: str) -> None:
    realm = realm.format(port=elsewhere.host.partition(":")[2])
    challenge = Response(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="x"'})
    found = attempt(case, Fault(".*", "/v2/", times=None, answer=challenge), auth="bearer")
    # Without a realm it is no challenge, and a refusal like any other.
    assert found == ("unreachable" if case is Verify else "bad_answer" if realm else "unauthorized")
    assert elsewhere.seen == []


@pytest.mark.fault("R8")
@pytest.mark.parametrize("announced", [True, False])
def test_a_token_without_an_end(attempt: Attempt, announced: bool) -> None:
    token = Response(200, {}, b'{"token": "' + b"a" * MIB if announced else endless(b'{"token": "', b"a" * 65536))
    with attempt.memory(48 * MIB):
        assert attempt(Pull, Fault("GET", "^/token", times=None, answer=token), auth="bearer") == "bad_answer"


@pytest.mark.fault("R10")
@pytest.mark.parametrize("case", [Push, SignBundle], ids=lambda case: case.name)
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_an_upload_location_elsewhere(attempt: Attempt, elsewhere: Wire, case: type[UseCase], auth: str) -> None:
    """Stores of their own are usual, so the blob goes there; who we are does not."""

    def away(_request: Request, answer: Response) -> Response:
        return Response(202, {**answer.headers, "Location": f"{elsewhere.url}/upload?x=1"})

    # The registry never gets to see the blob.
    assert attempt(case, Fault("POST", "/blobs/uploads/", times=None, change=away), auth=auth) == "refused"
    assert elsewhere.seen
    assert all(seen.headers.get("Authorization") is None for seen in elsewhere.seen)
    assert PASSWORD not in _told(elsewhere)


@pytest.mark.fault("R11a", "R11b")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_redirect_elsewhere(attempt: Attempt, elsewhere: Wire, status: int, auth: str) -> None:
    netrc = Path(os.environ["HOME"], ".netrc")
    netrc.write_text(f"machine localhost login canary password {PASSWORD}\n")
    netrc.chmod(0o600)

    def away(request: Request) -> Response:
        return Response(status, {"Location": f"{elsewhere.url}{request.target}"})

    for case in (Pull, Verify):
        # Where a redirect ends, a 404 says nothing about the registry.
        expected = "unreachable" if case is Verify else "bad_answer"
        fault = Fault("GET|HEAD", "/(manifests|blobs)/", times=None, answer=away)
        assert attempt(case, fault, auth=auth) == expected
    assert elsewhere.seen
    assert all(seen.headers.get("Authorization") is None for seen in elsewhere.seen)
    assert PASSWORD not in _told(elsewhere)


@pytest.mark.fault("R11c")
def test_redirects_in_a_circle(attempt: Attempt) -> None:
    def again(request: Request) -> Response:
        return Response(307, {"Location": request.target})

    fault = Fault("GET|HEAD", "/manifests/", times=None, answer=again)
    assert attempt(Pull, fault) == "bad_answer"
    assert fault.happened == 6
    assert attempt(Verify, Fault("GET|HEAD", "/manifests/", times=None, answer=again)) == "unreachable"


def _forget_tokens(registry: RunningRegistry) -> None:
    """Every token given so far has expired."""
    registry.server.api.authenticator._key = os.urandom(32)  # type: ignore[attr-defined]


@pytest.mark.fault("R12a")
@each_case
@sampled(3)
def test_tokens_that_expire_at_any_request(attempt: Attempt, case: type[UseCase], step: int) -> None:
    outcomes = attempt.everywhere(
        case, lambda number: Fault(".*", "", skip=number, meanwhile=_forget_tokens), step, auth="bearer"
    )
    assert outcomes == dict.fromkeys(outcomes, "done")


ECHOES: dict[str, t.Callable[[str], bytes]] = {
    "text": lambda said: f"who is {said}?".encode(),
    "JSON": lambda said: json.dumps({"errors": [{"code": said, "message": said, "detail": said}]}).encode(),
    "HTML": lambda said: f"<html>{said}".encode(),
    "long": lambda said: ("x" * 290 + said + "y" * 100_000).encode(),
    "once in each line": lambda said: (said + "\n").encode() * 1000,
}


@pytest.mark.fault("R15")
@pytest.mark.parametrize("name", first(ECHOES, "JSON", "long"))
@pytest.mark.parametrize("status", first([400, 403, 404, 500], 403, 500))
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_an_error_that_repeats_the_credentials(attempt: Attempt, name: str, status: int, auth: str) -> None:
    secrets = {PASSWORD}

    def echo(request: Request) -> Response:
        header = request.headers.get("Authorization", "")
        secrets.add(header.partition(" ")[2] or PASSWORD)
        return Response(status, {}, ECHOES[name](f"{header} {PASSWORD}"))

    for case in (Push, Verify, Tag):
        fault = Fault("GET|POST", "/manifests/|/uploads/", times=None, answer=echo)
        assert attempt(case, fault, auth=auth, retries=0) not in ("done", "unsigned")
        said = json.dumps(attempt.result)
        assert not [secret for secret in secrets if secret in said]


@pytest.mark.fault("R18")
@pytest.mark.parametrize("case", [Pull, Verify, Tag, Info], ids=lambda case: case.name)
def test_a_tag_that_moves_between_two_requests(attempt: Attempt, case: type[UseCase]) -> None:
    """Whatever the tag said first is what is worked on to the end."""

    class ByTag(case):  # type: ignore[misc,valid-type]
        reference: str

        def prepare(self) -> None:
            super().prepare()
            registry: RunningRegistry = self.place.registry
            tagged = self.place.run_module("oci_tag", reference=self.reference, tags=["moving"])
            self.digest = tagged["artifacts"][0]["digest"]
            self.reference = f"{registry.address}/{REPOSITORY}:moving"

        def complete(self, result: t.Any) -> bool:
            attempt.digests.add(result[self.listed][0]["digest"])
            return case is Info or bool(super().complete(result))

        listed = "verdicts" if case is Verify else "artifacts"

    def move(registry: RunningRegistry) -> None:
        put(registry.address, REPOSITORY, "moving", [flux_tar({"evil.yaml": b"kind: Evil\n"})], {})

    assert attempt(ByTag) == "done"
    for number in range(2 if case is Info else 1, attempt.requests):  # after the tag was asked for
        attempt.digests.clear()
        assert attempt(ByTag, Fault(".*", "", skip=number, meanwhile=move)) == "done"
        assert attempt.digests == {attempt.case.digest}
