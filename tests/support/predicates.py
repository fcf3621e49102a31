# SPDX-License-Identifier: GPL-3.0-or-later
"""A small predicate of each type that cosign has a name for, valid by its specification."""

from __future__ import annotations

import typing as t

TIME = "2026-11-01T10:00:00Z"
URI = "https://example.com/reviewed/v1"

PREDICATES: dict[str, dict[str, t.Any]] = {
    "slsaprovenance": {
        "builder": {"id": "https://ci.example/builder"},
        "buildType": "https://ci.example/type",
        "invocation": {
            "configSource": {"uri": "git+https://git.example/app", "digest": {"sha1": "a" * 40}},
            "parameters": {"größe": "<14> µm"},
        },
        "metadata": {"buildInvocationId": "run-17", "buildStartedOn": TIME},
    },
    "slsaprovenance1": {
        "buildDefinition": {
            "buildType": "https://ci.example/type",
            "externalParameters": {"source": "git+https://git.example/app"},
            "resolvedDependencies": [{"uri": "git+https://git.example/app", "digest": {"gitCommit": "a" * 40}}],
        },
        "runDetails": {
            "builder": {"id": "https://ci.example/builder"},
            "metadata": {"invocationId": "run-17", "startedOn": TIME},
        },
    },
    "spdxjson": {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "app",
        "documentNamespace": "https://example.com/spdx/app",
        "creationInfo": {"created": TIME, "creators": ["Tool: nobody"]},
        "packages": [],
    },
    "cyclonedx": {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []},
    "openvex": {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "nobody",
        "timestamp": TIME,
        "version": 1,
        "statements": [],
    },
    "vuln": {
        "invocation": {"parameters": None, "uri": "", "event_id": "run-17", "builder.id": ""},
        "scanner": {
            "uri": "https://scanner.example",
            "version": "1.5",
            "db": {"uri": "", "version": ""},
            "result": {"critical": ["CVE-2026-1"]},
        },
        "metadata": {"scanStartedOn": TIME, "scanFinishedOn": TIME},
    },
    URI: {"reviewers": ["alice", "bob"], "score": 1.5, "many": 10**15, "yes": True},
    "custom": {"anything": "<&>é"},
}
