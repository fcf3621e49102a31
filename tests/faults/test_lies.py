# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry, or whoever may push to it, that says what is not so."""

from __future__ import annotations

import json
import typing as t

import pytest
from support.artifacts import client, flux_tar, put
from support.faulty import Fault, content, endless, unframed
from support.use_cases import (
    ALL,
    REPOSITORY,
    Info,
    Pull,
    SignBundle,
    SignLegacy,
    Tag,
    UseCase,
    Verify,
    VerifyAsFlux,
    VerifyBundle,
    VerifyPastBundles,
    first,
)

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import Request, Response
from ansible_collections.proven.gitops.plugins.module_utils._oci.descriptor import INDEX, MANIFEST

if t.TYPE_CHECKING:
    from faults.conftest import Attempt

Change = t.Callable[[Request, Response], Response]
OTHER = "sha256:" + "1" * 64
MIB = 1 << 20
NO_DIGESTS = ["sha256:../../etc", "sha256:" + "A" * 64, "sha256:12", "md5:" + "1" * 32, "x", "sha512:" + "1" * 128]


def header(name: str, value: str) -> Change:
    return lambda _request, answer: Response(answer.status, {**answer.headers, name: value}, answer.body)


def body(make: t.Callable[[bytes], bytes]) -> Change:
    return lambda _request, answer: Response(answer.status, unframed(answer), make(content(answer)))


def bundles(attempt: Attempt) -> list[str]:
    """What was said of the bundles, each by itself."""
    [verdict] = attempt.result["verdicts"]
    return [one["verdict"] for one in verdict["signatures"] if one["format"] == "bundle"]


def document(make: t.Callable[[dict[str, t.Any]], object]) -> Change:
    return body(lambda raw: json.dumps(make(json.loads(raw))).encode())


@pytest.mark.fault("R5a")
@pytest.mark.parametrize("announced", first([OTHER, *NO_DIGESTS], OTHER, NO_DIGESTS[0]))
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_digest_in_a_header(attempt: Attempt, case: type[UseCase], announced: str) -> None:
    """On every answer, so on the first that counts; of an upload, too."""
    fault = Fault("GET|HEAD|PUT", "/manifests/", times=None, change=header("Docker-Content-Digest", announced))
    # An answer that contradicts itself is no proof of tampering by whoever stored it; one that can be read is refused.
    assert attempt(case, fault, retries=0) in ("bad_answer", "unreachable", "tampered")


@pytest.mark.fault("R5b")
@pytest.mark.parametrize("longer", [True, False], ids=["longer", "other"])
@pytest.mark.parametrize(
    ("case", "target"),
    [
        *((case, "/manifests/") for case in (Verify, Pull, Info, SignLegacy, SignBundle, Tag)),
        *((case, "/blobs/sha256:") for case in (Verify, Pull)),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_other_bytes(attempt: Attempt, case: type[UseCase], target: str, longer: bool) -> None:
    change = body(lambda raw: raw + b" " if longer else raw[:-1] + b"~")
    expected = "tampered" if case is Verify else "bad_answer"
    assert attempt(case, Fault("GET", target, times=None, change=change)) == expected


@pytest.mark.fault("R7a")
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("case", [VerifyBundle, VerifyAsFlux, Pull, Info, SignLegacy], ids=lambda case: case.name)
def test_more_than_4_mib(attempt: Attempt, case: type[UseCase], announced: bool) -> None:
    padding = b" " * (5 * MIB)
    answer = Response(200, {"Content-Type": INDEX}, padding if announced else endless())
    expected = "unreachable" if case in (VerifyBundle, VerifyAsFlux) else "bad_answer"
    with attempt.memory(48 * MIB):
        assert attempt(case, Fault("GET", "/manifests/", times=None, answer=answer)) == expected
        if case in (Pull, SignLegacy):  # which read no referrers
            return
        found = attempt(case, Fault("GET", "/referrers/", times=None, answer=answer))
    assert found == ("done" if case is Info else "unreachable")
    if case is Info:
        assert "4194304" in str(Info.faults(attempt.result)["bundle"])


@pytest.mark.fault("R7a", "R16d")
@pytest.mark.parametrize("announced", [True, False])
def test_referrers_of_more_than_4_mib_hinder_no_legacy_signature(attempt: Attempt, announced: bool) -> None:
    answer = Response(200, {"Content-Type": INDEX}, b" " * (5 * MIB) if announced else endless())
    with attempt.memory(48 * MIB):
        assert attempt(VerifyPastBundles, Fault("GET", "/referrers/", times=None, answer=answer)) == "done"
    assert bundles(attempt) == ["unreachable"]


def _size(size: object) -> Change:
    return document(lambda value: {**value, "layers": [{**layer, "size": size} for layer in value["layers"]]})


@pytest.mark.fault("R7b")
@pytest.mark.parametrize("size", [2**62, 2**63, 2**200, -1, 1e300, "9", None, True])
def test_a_size_beyond_all_memory(attempt: Attempt, size: object) -> None:
    """Stored by whoever may push: digests are right, so that nothing but the number warns."""
    with attempt.memory(48 * MIB):
        found = attempt(_huge(size))
    assert found == ("bad_answer" if size == 2**62 else "malformed_manifest")


def _huge(size: object) -> type[UseCase]:
    class Huge(Pull):
        def prepare(self) -> None:
            registry = self.place.registry
            manifest = put(registry.address, REPOSITORY, "good", [flux_tar({"a": b"b"})], {})
            value = json.loads(manifest.raw)
            value["layers"][0]["size"] = size
            raw = json.dumps(value).encode()
            client(registry.address).put_manifest(REPOSITORY, "v1", raw, manifest.media_type)
            self.reference = f"{registry.address}/{REPOSITORY}:v1"

    return Huge


MISSING = {"mediaType": MANIFEST, "digest": OTHER, "size": 2}
BAD_ENTRY = {"mediaType": MANIFEST, "digest": "sha256:../../blobs/x", "size": 2}
FAILING: dict[str, dict[str, t.Any]] = {
    **{str(status): {"answer": Response(status)} for status in (401, 403, 409, 418, 429, 451, 500, 502, 503, 504)},
    "no JSON": {"change": body(lambda _raw: b"[not json")},
    "an array": {"change": document(lambda value: [value])},
    "no list": {"change": document(lambda value: {**value, "manifests": {}})},
    "no manifests": {"change": document(lambda value: {k: v for k, v in value.items() if k != "manifests"})},
    "null": {"change": body(lambda _raw: b"null")},
    "nothing": {"change": body(lambda _raw: b"")},
    "manifests twice": {"change": body(lambda raw: raw.replace(b'"manifests"', b'"manifests":[],"manifests"', 1))},
    "Manifests": {"change": body(lambda raw: raw.replace(b'"manifests"', b'"Manifests":[],"manifests"', 1))},
    "more behind it": {"change": body(lambda raw: raw + b"{}")},
    "a bad digest": {"change": document(lambda value: {**value, "manifests": [*value["manifests"], BAD_ENTRY]})},
    "a bad size": {
        "change": document(lambda value: {**value, "manifests": [{**BAD_ENTRY, "digest": OTHER, "size": -1}]})
    },
    "an image": {"change": document(lambda value: {**value, "layers": [], "config": {}})},
    "a page elsewhere": {"change": header("Link", '<http://localhost:1/v2/x>; rel="next"')},
    "a page in a circle": {"change": header("Link", '<?page=1>; rel="next"')},
    "a redirect to another page": {"answer": Response(302, {"Location": "//"})},
}


@pytest.mark.fault("R16b", "R16a")
@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize(
    "case",
    first([VerifyBundle, VerifyAsFlux, Info, SignBundle], VerifyBundle, VerifyAsFlux),
    ids=lambda case: case.name,
)
def test_referrers_that_fail(attempt: Attempt, case: type[UseCase], name: str) -> None:
    """Never "unsigned"; and nothing is signed twice because nobody knows what is there."""
    found = attempt(case, Fault("GET", "/referrers/", times=None, **FAILING[name]), retries=0)
    assert attempt.writes == 0
    if case is Info and not name.isdigit():  # nonsense in the place of one format hinders no other one
        assert found == "done"
        assert Info.faults(attempt.result)["bundle"]
        return
    said = {"401": "unauthorized", "403": "unauthorized", "429": "unreachable"}.get(name)
    if name.isdigit():
        said = said or ("unreachable" if int(name) in (429, 500, 502, 503, 504) else "refused")
    assert found == ("unreachable" if case in (VerifyBundle, VerifyAsFlux) else said or "bad_answer")


@pytest.mark.fault("R16a")
@pytest.mark.parametrize("case", [VerifyBundle, VerifyPastBundles], ids=lambda case: case.name)
def test_a_registry_that_has_no_referrers_any_more(attempt: Attempt, case: type[UseCase]) -> None:
    """410 says so, as 404 does: then the fallback tag is asked, and there is none."""
    found = attempt(case, Fault("GET", "/referrers/", times=None, answer=Response(410)), retries=0)
    assert found == ("unsigned" if case is VerifyBundle else "done")


@pytest.mark.fault("R16b", "R16a")
@pytest.mark.parametrize("name", FAILING)
def test_nonsense_in_the_place_of_bundles_hinders_no_legacy_signature(attempt: Attempt, name: str) -> None:
    """Whoever may push could else keep everybody from verifying. A refusal is none of their doing: it stays one."""
    found = attempt(VerifyPastBundles, Fault("GET", "/referrers/", times=None, **FAILING[name]), retries=0)
    assert found == ("unreachable" if name.isdigit() else "done")
    assert name.isdigit() or bundles(attempt) == ["unreachable"]


def _listed(change: t.Callable[[list[t.Any]], list[t.Any]]) -> Fault:
    """The referrers as they are, in another list."""
    make = document(lambda value: {**value, "manifests": change(value["manifests"])})
    return Fault("GET", "/referrers/", times=None, change=make)


LYING: dict[str, t.Callable[[list[t.Any]], list[t.Any]]] = {
    "an entry that is not there": lambda entries: [MISSING, *entries],
    "the same again and again": lambda entries: entries * 50,
    "another artifact type": lambda entries: [{**entry, "artifactType": "application/vnd.x"} for entry in entries],
    "the type of an empty config": lambda entries: [
        {**entry, "artifactType": "application/vnd.oci.empty.v1+json"} for entry in entries
    ],
    "no artifact type": lambda entries: [{**entry, "artifactType": None} for entry in entries],
    "another media type": lambda entries: [{**entry, "mediaType": INDEX} for entry in entries],
    "another size": lambda entries: [{**entry, "size": 1} for entry in entries],
}


@pytest.mark.fault("R16c", "S45")
@pytest.mark.parametrize("name", LYING)
def test_a_list_is_a_hint_and_the_manifests_are_the_truth(attempt: Attempt, name: str) -> None:
    assert attempt(Verify, _listed(LYING[name])) == "done"


@pytest.mark.fault("R16c")
def test_the_artifact_itself_listed_as_its_referrer(attempt: Attempt) -> None:
    def itself(entries: list[t.Any]) -> list[t.Any]:
        return [*entries, {"mediaType": MANIFEST, "digest": attempt.case.reference.partition("@")[2], "size": 1}]

    assert attempt(Verify, _listed(itself)) == "done"


@pytest.mark.fault("R16d")
@pytest.mark.parametrize("case", [VerifyBundle, VerifyAsFlux, VerifyPastBundles, Info], ids=lambda case: case.name)
def test_more_referrers_than_anybody_reads(attempt: Attempt, case: type[UseCase]) -> None:
    flood = [{**MISSING, "digest": f"sha256:{number:064x}"} for number in range(1001)]
    found = attempt(case, _listed(lambda entries: entries + flood))
    assert found == ("done" if case in (Info, VerifyPastBundles) else "unreachable")
    if case is VerifyPastBundles:
        assert bundles(attempt) == ["unreachable"]
    else:
        said = Info.faults(attempt.result)["bundle"] if case is Info else attempt.result["msg"]
        assert "more than 1000" in str(said)
    assert attempt.requests < 10
