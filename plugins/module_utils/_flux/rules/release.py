# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about releases: which of them have the API at all, and since when each field exists."""

from __future__ import annotations

import typing as t

from ..declare.source import Source
from ..kinds import OCI_REPOSITORY
from ..version import OLDEST_SUPPORTED, TRUSTED_ROOT, FluxVersion
from .rule import Problem, Rule

# Fields younger than their kind: a CRD without one drops it, and with it what it was to protect.
FIELDS = ((("verify", "trusted_root_secret_ref"), TRUSTED_ROOT),)


def rules(version: FluxVersion) -> tuple[Rule, ...]:
    """The rules that compare a source with `version`."""

    def no_api(source: Source) -> t.Iterator[Problem]:
        for kind in source.kinds:
            if version < kind.since:
                served = kind.api_version.rpartition("/")[2]
                needs = f"which is what is written here: it needs Flux {kind.since}"
                yield "flux_version", f"Flux {version} has no {served} {kind.name}, {needs}"

    def unsupported(source: Source) -> t.Iterator[Problem]:
        del source
        yield (
            "flux_version",
            f"Flux {version} is no longer supported by its makers: {OLDEST_SUPPORTED} is the oldest that is",
        )

    def too_young(source: Source) -> t.Iterator[Problem]:
        for path, since in FIELDS:
            if version < since and _value(source, path) is not None:
                yield ".".join(path), f"Flux {version} does not have it and would ignore it: it needs Flux {since}"

    return (
        Rule("release-without-api", no_api),
        Rule(
            "release-unsupported", unsupported, severity="warning", since=OCI_REPOSITORY.since, until=OLDEST_SUPPORTED
        ),
        Rule("field-unknown", too_young),
    )


def _value(source: Source, path: tuple[str, ...]) -> object:
    value: object = source
    for name in path:
        value = getattr(value, name, None)
    return value
