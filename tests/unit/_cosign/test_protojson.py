# SPDX-License-Identifier: GPL-3.0-or-later
"""ProtoJSON, read as strictly as the peers read it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._cosign import protojson as pj

SCHEMA = {
    "name": pj.string,
    "rawBytes": pj.binary,
    "logIndex": pj.int64,
    "kind": pj.enum("SHA2_256"),
    "rfc3161Timestamps": pj.repeated(pj.message({"signedTimestamp": pj.binary}), 2),
    "digest": pj.string_map(2),
    "predicate": pj.struct,
}


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("{}", {}),
        ('{"name":null}', {}),
        ('{"name":"é"}', {"name": "é"}),
        ('{"rawBytes":"+/8="}', {"rawBytes": b"\xfb\xff"}),
        ('{"rawBytes":"-_8="}', {"rawBytes": b"\xfb\xff"}),
        ('{"rawBytes":"-_8"}', {"rawBytes": b"\xfb\xff"}),
        ('{"raw_bytes":"+/8"}', {"rawBytes": b"\xfb\xff"}),
        ('{"rawBytes":"AA=\\n=\\r\\n\\n"}', {"rawBytes": b"\0"}),
        ('{"rawBytes":""}', {"rawBytes": b""}),
        ('{"logIndex":5}', {"logIndex": 5}),
        ('{"log_index":"-5"}', {"logIndex": -5}),
        ('{"logIndex":1e3}', {"logIndex": 1000}),
        ('{"logIndex":"1.0"}', {"logIndex": 1}),
        ('{"logIndex":1.5e1}', {"logIndex": 15}),
        ('{"logIndex":10e-1}', {"logIndex": 1}),
        ('{"logIndex":-0}', {"logIndex": 0}),
        ('{"logIndex":0e99999999999}', {"logIndex": 0}),
        ('{"logIndex":1.' + "0" * 5000 + "}", {"logIndex": 1}),
        ('{"logIndex":9223372036854775807}', {"logIndex": 2**63 - 1}),
        ('{"kind":77.0}', {"kind": 77}),
        (
            '{"predicate":{"n":1.5,"m":[12345678901234567890]}}',
            {"predicate": {"n": 1.5, "m": [12345678901234567890.0]}},
        ),
        ('{"kind":"SHA2_256"}', {"kind": "SHA2_256"}),
        ('{"kind":1}', {"kind": 1}),
        ('{"rfc3161_timestamps":[{"signed_timestamp":"AA=="}]}', {"rfc3161Timestamps": [{"signedTimestamp": b"\0"}]}),
        ('{"digest":{"sha256":"ab"}}', {"digest": {"sha256": "ab"}}),
        ('{"predicate":{"any":["thing"]}}', {"predicate": {"any": ["thing"]}}),
    ],
)
def test_reads(raw: str, value: dict[str, t.Any]) -> None:
    assert pj.loads(raw.encode(), SCHEMA, "it") == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("[]", "it: a JSON object"),
        ('{"nam":1}', "it: unknown field 'nam'"),
        ('{"Name":"x"}', "unknown field 'Name'"),
        ('{"name":"x","name":"x"}', "duplicate"),
        ('{"rawBytes":"AA==","raw_bytes":"AA=="}', "rawBytes is there twice"),
        ('{"name":1}', "it.name: not a string"),
        ('{"rawBytes":"+_8="}', "it.rawBytes: not base64"),
        ('{"rawBytes":"A"}', "not base64"),
        ('{"rawBytes":"AA="}', "not base64"),
        ('{"rawBytes":"é"}', "not base64"),
        ('{"rawBytes":null,"raw_bytes":"AA=="}', "rawBytes is there twice"),
        ('{"logIndex":1.5}', "not a 64-bit integer"),
        ('{"logIndex":1e19}', "not a 64-bit integer"),
        ('{"logIndex":1e-1}', "not a 64-bit integer"),
        ('{"logIndex":10e-3}', "not a 64-bit integer"),
        ('{"logIndex":1e99999999999}', "not a 64-bit integer"),
        ('{"logIndex":"01"}', "not a 64-bit integer"),
        ('{"logIndex":"+1"}', "not a 64-bit integer"),
        ('{"logIndex":"1e"}', "not a 64-bit integer"),
        ('{"kind":"SHA256"}', "unknown name 'SHA256'"),
        ('{"kind":"1"}', "unknown name '1'"),
        ('{"kind":2147483648}', "not a 32-bit integer"),
        ('{"predicate":{"a":[1e999]}}', "a number is too large"),
        ('{"logIndex":true}', "not a 64-bit integer"),
        ('{"logIndex":"9223372036854775808"}', "not a 64-bit integer"),
        ('{"logIndex":" 1"}', "not a 64-bit integer"),
        ('{"kind":{}}', "not a 32-bit integer"),
        ('{"rfc3161Timestamps":{}}', "not a list"),
        ('{"rfc3161Timestamps":[{},{},{}]}', "more than 2 entries"),
        ('{"rfc3161Timestamps":[{},1]}', r"it.rfc3161Timestamps\[1\]: not an object"),
        ('{"digest":{"a":1}}', "not a map of strings"),
        ('{"digest":{"a":"","b":"","c":""}}', "more than 2 entries"),
        ('{"predicate":"text"}', "not an object"),
        ('{"predicate":{"a":"\\ud83d"}}', "surrogates"),
        ('{"predicate":{"\\uDE00":1}}', "surrogates"),
        ('{"predicate":NaN}', "NaN is not JSON"),
        ('{"name":"x"} {}', "Extra data"),
        ('{"predicate":' + "[" * 100000, "it: "),
        ('{"predicate":{"n":' + "9" * 5000 + "}}", "a number is too large"),
    ],
)
def test_refuses(raw: str, reason: str) -> None:
    with pytest.raises(pj.MalformedMessage, match=reason):
        pj.loads(raw.encode(), SCHEMA, "it")


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert pj.loads(b'{"name":"\\ud83d\\ude00"}', SCHEMA, "it") == {"name": "😀"}


@pytest.mark.parametrize(
    "raw", ['{"logIndex":1e}', '{"logIndex":1E+}', '{"logIndex":"1 x"}', '{"predicate":' + "[" * 100000]
)
def test_what_the_peers_may_read_is_told_apart(raw: str) -> None:
    """Their parser takes an exponent without digits, goes deeper, and in older versions stops behind the number."""
    with pytest.raises(pj.UnreadMessage):
        pj.loads(raw.encode(), SCHEMA, "it")


@pytest.mark.parametrize("raw", ['{"logIndex":1x}', '{"logIndex":1.}', "{", '{"name":"\x01"}', "nothing"])
def test_what_they_refuse_is_told_apart(raw: str) -> None:
    with pytest.raises(pj.MalformedMessage) as caught:
        pj.loads(raw.encode(), SCHEMA, "it")
    assert not isinstance(caught.value, pj.UnreadMessage)


def test_original_names_are_the_schemas_own() -> None:
    schema, original = {"payloadType": pj.string, "_type": pj.string}, {"payloadType": "payloadType", "_type": "type"}
    assert pj.loads(b'{"payloadType":"x","type":"y"}', schema, "it", original) == {"payloadType": "x", "_type": "y"}
    with pytest.raises(pj.MalformedMessage, match="unknown field 'payload_type'"):
        pj.loads(b'{"payload_type":"x"}', schema, "it", original)
