# SPDX-License-Identifier: GPL-3.0-or-later
"""Which attestation decides: the newest where there is a time, all of them where there is none, and never any."""

from __future__ import annotations

import typing as t

import pytest
from support.predicates import PREDICATES, TIME

from ansible_collections.proven.gitops.plugins.module_utils._cosign import predicates
from ansible_collections.proven.gitops.plugins.module_utils._cosign.age import Age
from ansible_collections.proven.gitops.plugins.module_utils._cosign.attestations import Asked, Choice, decide
from ansible_collections.proven.gitops.plugins.module_utils._cosign.policy import AtLeast, Evidence, Judgement, Trust
from ansible_collections.proven.gitops.plugins.module_utils._cosign.predicate_schema import PredicateSchema
from ansible_collections.proven.gitops.plugins.module_utils._cosign.verdicts import Finding, Verdict, overall
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption

VULN = predicates.KINDS["vuln"]


class Anybody:
    """A trust in whoever signed."""

    def judge(self, evidence: Evidence) -> Judgement:
        raise AssertionError(evidence)

    def accepted(self, signers: t.Collection[str]) -> frozenset[str]:
        return frozenset(signers)

    def satisfied(self, signers: t.Collection[str]) -> bool:
        return bool(signers)

    def lacking(self, signers: t.Collection[str]) -> str:
        return str(signers)


def finding(said: str, time: float | None = None, key: str = "a", verdict: Verdict = Verdict.VERIFIED) -> Finding:
    return Finding(verdict, "bundle", "", key, predicate_type=VULN.uri, predicate={"said": said}, time=time)


def refuse_bad(predicate: t.Mapping[str, t.Any]) -> str:
    return "valid, but bad" if predicate["said"] == "bad" else ""


def choose(
    *findings: Finding, trust: Trust | None = None, asked: Asked | None = None, age: Age | None = None
) -> Choice:
    def unfit(one: Finding) -> str:
        return age.refusal(one.time) if age else ""

    return decide(findings, trust or Anybody(), asked or Asked(VULN, check=refuse_bad), unfit)


def said(choice: Choice) -> list[tuple[str, str]]:
    return [(one.predicate["said"], one.verdict.value) for one in choice.deciding if one.predicate]


def test_the_newest_decides_whatever_others_say() -> None:
    assert said(choose(finding("bad", 1), finding("good", 2))) == [("good", "verified")]
    assert said(choose(finding("good", 1), finding("bad", 2))) == [("bad", "wrong_identity")]


def test_of_the_same_second_all_decide() -> None:
    choice = choose(finding("good", 2), finding("bad", 2), finding("bad", 1))
    assert said(choice) == [("good", "verified"), ("bad", "wrong_identity")]
    assert choice.refused is not None


def test_without_a_time_all_decide() -> None:
    assert choose(finding("good"), finding("bad")).refused is not None
    assert choose(finding("good"), finding("good")).refused is None
    # One that nobody has timed could be newer than all others.
    assert choose(finding("good", 5), finding("bad")).refused is not None


def test_what_is_not_valid_decides_nothing() -> None:
    choice = choose(finding("bad", 9, verdict=Verdict.WRONG_KEY), finding("good", 1))
    assert (said(choice), len(choice.findings)) == ([("good", "verified")], 2)
    assert choose(finding("good", verdict=Verdict.TAMPERED)).deciding == ()


def test_where_two_have_to_agree_the_newest_of_each_decides() -> None:
    trust = AtLeast(2, Anybody())
    good = choose(finding("bad", 1, "a"), finding("good", 2, "a"), finding("good", 3, "b"), trust=trust)
    assert said(good) == [("good", "verified")] * 2
    assert overall(good.deciding, trust) is Verdict.VERIFIED
    assert choose(finding("bad", 2, "a"), finding("good", 3, "b"), trust=trust).refused is not None
    alone = choose(finding("good", 2, "a"), finding("good", 3, "a"), trust=trust)
    assert overall(alone.deciding, trust) is Verdict.WRONG_KEY


def test_only_those_of_a_run_count() -> None:
    def of(run: str, time: float) -> Finding:
        value = {**PREDICATES["vuln"], "invocation": {"event_id": run}, "said": "good"}
        return Finding(Verdict.VERIFIED, "bundle", "", "a", predicate=value, time=time)

    asked = Asked(VULN, invocation_id="17")
    [deciding] = choose(of("17", 1), of("18", 2), asked=asked).deciding
    assert deciding.time == 1
    other = choose(of("18", 2), asked=asked)
    assert (other.deciding, other.findings[0].verdict) == ((), Verdict.WRONG_IDENTITY)


@pytest.mark.parametrize(
    ("time", "least", "most", "part"),
    [
        (None, 1, None, "no log or time stamp"),
        (None, None, 1, "no log or time stamp"),
        (999, 10, None, "min_age"),
        (900, None, 10, "max_age"),
        (2000, None, 10, "in the future"),
        (990, 5, 20, ""),
        (1000, None, 0.5, ""),
        (990, 10, 10, ""),
    ],
)
def test_age(time: float | None, least: float | None, most: float | None, part: str) -> None:
    refusal = Age(1000, least, most).refusal(time)
    assert part in refusal if part else refusal == ""


def test_an_old_one_that_is_the_newest_is_refused() -> None:
    assert choose(finding("good", 10), age=Age(1000, None, 100)).refused is not None
    assert choose(finding("good", 950), age=Age(1000, None, 100)).refused is None


SCHEMA = {"required": ["scanner"], "properties": {"scanner": {"properties": {"result": {"maxProperties": 0}}}}}


def test_a_schema_is_a_policy() -> None:
    schema = PredicateSchema(SCHEMA, "predicate_schema")
    refusal = schema.refusal(PREDICATES["vuln"])
    assert "the policy refuses the predicate: scanner.result: " in refusal
    assert schema.refusal({"scanner": {"result": {}}}) == ""
    assert "'scanner' is a required property" in schema.refusal({})


@pytest.mark.parametrize(
    "schema",
    [{}, {"type": "nonsense"}, {"$schema": "https://example.com/none"}, {"required": "scanner"}],
)
def test_what_is_no_schema_is_refused(schema: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidOption, match="predicate_schema"):
        PredicateSchema(schema, "predicate_schema")


def test_nothing_that_a_schema_refers_to_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib.request

    def refuse(*_args: object, **_options: object) -> t.NoReturn:
        raise AssertionError("asked the network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    schema = PredicateSchema({"$ref": "http://127.0.0.1:9/schema.json"}, "predicate_schema")
    with pytest.raises(InvalidOption, match="refers to what is not in it"):
        schema.refusal({})


def test_a_check_without_end_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.proven.gitops.plugins.module_utils._cosign import predicate_schema

    monkeypatch.setattr(predicate_schema, "_SECONDS", 0.3)
    slow = PredicateSchema({"properties": {"a": {"pattern": "^(a+)+$"}}}, "predicate_schema")
    assert "could not be checked within" in slow.refusal({"a": "a" * 40 + "!"})
    assert slow.refusal({"a": "aaa"}) == ""


@pytest.mark.parametrize("name", PREDICATES)
def test_good_predicates(name: str) -> None:
    kind = predicates.kind_of(name)
    if name != "custom":
        assert predicates.from_data(kind, PREDICATES[name], "predicate", TIME) == PREDICATES[name]


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("cyclonedx", '{"spdxVersion": "SPDX-2.3"}', "no document of the type"),
        ("spdx", '{"bomFormat": "CycloneDX"}', "no document of the type"),
        ("openvex", "{}", "no document of the type"),
        ("vuln", '{"scanner": {}}', "scanner.uri is missing"),
        ("vuln", '{"scanner": []}', "scanner must be an object"),
        ("slsaprovenance", '{"builder": {"id": "x"}}', "buildType is missing"),
        ("slsaprovenance1", '{"buildDefinition": {"buildType": "x"}}', "runDetails.builder.id is missing"),
        ("link", '{"a": 1, "a": 2}', "duplicate key"),
        ("link", "[]", "object is expected"),
        ("link", '{"a": NaN}', "NaN"),
        ("link", '{"a":' * 101 + "1" + "}" * 101, "100 levels deep"),
        ("link", '{"a":' * 100_000, "it: "),
        ("custom", b"\xff", "UTF-8"),
    ],
)
def test_bad_predicates(name: str, text: str | bytes, part: str) -> None:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(InvalidOption, match=part) as refused:
        predicates.from_text(predicates.kind_of(name), raw, "predicate_path", TIME)
    assert refused.value.details["option"] == "predicate_path"


def test_a_predicate_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicates, "MAX_PREDICATE", 100)
    with pytest.raises(InvalidOption, match="more than 100"):
        predicates.from_data(predicates.kind_of("link"), {"a": "b" * 100}, "predicate", TIME)


@pytest.mark.parametrize("name", ["", "nonsense", "no scheme/x", "https://", "https://a b", "x" * 2000, "ü:x"])
def test_what_is_no_type(name: str) -> None:
    with pytest.raises(InvalidOption, match="neither a URI nor one of"):
        predicates.kind_of(name)


def test_a_uri_of_a_known_type_is_that_type() -> None:
    assert predicates.kind_of("https://cyclonedx.org/bom") is predicates.KINDS["cyclonedx"]
    assert predicates.kind_of("urn:example:x").uri == "urn:example:x"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": [0]}, {"a": [False]}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
    ],
)
def test_same(one: t.Any, other: t.Any, same: bool) -> None:
    assert predicates.same(VULN, one, other) is same


def test_when_a_custom_one_was_signed_does_not_count() -> None:
    kind = predicates.KINDS["custom"]
    one, other = (predicates.from_text(kind, b"x", "p", time) for time in (TIME, "2027-01-01T00:00:00Z"))
    assert predicates.same(kind, one, other)
    assert not predicates.same(kind, one, predicates.from_text(kind, b"y", "p", TIME))
