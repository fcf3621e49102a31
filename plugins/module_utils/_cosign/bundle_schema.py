# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that a bundle and its statement are: which fields there are, and how many of each.

Sources: sigstore/protobuf-specs, protos/{sigstore_bundle,sigstore_common,sigstore_rekor,envelope}.proto; in-toto
attestation, protos/in_toto_attestation/v1.
"""

from __future__ import annotations

import typing as t

from . import protojson as pj

MAX_ENTRIES = 32  # log entries, time stamps, digests of a subject, as in sigstore-go (CVE-2024-45395)
MAX_SUBJECTS = 1024  # also where the peers read on without a limit
_MAX_HASHES = 64  # a tree of 2^64 leaves

HASH_ALGORITHM = pj.enum("HASH_ALGORITHM_UNSPECIFIED", "SHA2_256", "SHA2_384", "SHA2_512", "SHA3_256", "SHA3_384")
STATEMENT_NAMES: t.Final = {"_type": "type"}

TLOG_ENTRY = {
    "logIndex": pj.int64,
    "logId": pj.message({"keyId": pj.binary}),
    "kindVersion": pj.message({"kind": pj.string, "version": pj.string}),
    "integratedTime": pj.int64,
    "inclusionPromise": pj.message({"signedEntryTimestamp": pj.binary}),
    "inclusionProof": pj.message(
        {
            "logIndex": pj.int64,
            "rootHash": pj.binary,
            "treeSize": pj.int64,
            "hashes": pj.repeated(pj.binary, _MAX_HASHES, ours=True),
            "checkpoint": pj.message({"envelope": pj.string}),
        }
    ),
    "canonicalizedBody": pj.binary,
}
_CERTIFICATE = pj.message({"rawBytes": pj.binary})
BUNDLE = {
    "mediaType": pj.string,
    "verificationMaterial": pj.message(
        {
            "publicKey": pj.message({"hint": pj.string}),
            "x509CertificateChain": pj.message({"certificates": pj.repeated(_CERTIFICATE, MAX_ENTRIES, ours=True)}),
            "certificate": _CERTIFICATE,
            "tlogEntries": pj.repeated(pj.message(TLOG_ENTRY), MAX_ENTRIES),
            "timestampVerificationData": pj.message(
                {"rfc3161Timestamps": pj.repeated(pj.message({"signedTimestamp": pj.binary}), MAX_SUBJECTS, ours=True)}
            ),
        }
    ),
    "messageSignature": pj.message(
        {"messageDigest": pj.message({"algorithm": HASH_ALGORITHM, "digest": pj.binary}), "signature": pj.binary}
    ),
    "dsseEnvelope": pj.message(
        {
            "payload": pj.binary,
            "payloadType": pj.string,
            "signatures": pj.repeated(pj.message({"sig": pj.binary, "keyid": pj.string}), MAX_SUBJECTS, ours=True),
        },
        {"payloadType": "payloadType"},
    ),
}
_SUBJECT = pj.message(
    {
        "name": pj.string,
        "uri": pj.string,
        "digest": pj.string_map(MAX_ENTRIES),
        "content": pj.binary,
        "downloadLocation": pj.string,
        "mediaType": pj.string,
        "annotations": pj.struct,
    }
)
STATEMENT = {
    "_type": pj.string,
    "subject": pj.repeated(_SUBJECT, MAX_SUBJECTS),
    "predicateType": pj.string,
    "predicate": pj.struct,
}
