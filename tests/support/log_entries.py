# SPDX-License-Identifier: GPL-3.0-or-later
"""An entry of a transparency log that is whole, and about nothing."""

from __future__ import annotations

import typing as t

ENTRY: t.Final[t.Mapping[str, t.Any]] = {
    "logIndex": "1",
    "logId": {"keyId": "AA=="},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1700000000",
    "inclusionPromise": {"signedEntryTimestamp": "AA=="},
    "inclusionProof": {
        "logIndex": "1",
        "rootHash": "AA==",
        "treeSize": "2",
        "hashes": ["AA=="],
        "checkpoint": {"envelope": "x"},
    },
    "canonicalizedBody": "",
}
