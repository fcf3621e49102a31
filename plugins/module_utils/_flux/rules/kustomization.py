# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the Kustomization. Source: kustomize-controller v1.10.1, its CRD and kustomization_controller.go."""

from __future__ import annotations

import re
import typing as t

from .. import durations, names
from ..declare.source import Kustomization, PostBuild, Source
from .rule import Problem, Rule
from .source import metadata_problems

_VARIABLE = re.compile(r"[_A-Za-z][_A-Za-z0-9]*", re.ASCII)


def _names(source: Source) -> t.Iterator[Problem]:
    one = source.kustomization
    if one is None:
        return
    # Name and namespace become labels on everything that the Kustomization applies, so they are no longer than those.
    checks: list[tuple[str, str | None, t.Callable[[str], str | None]]] = [
        ("kustomization.name", source.applier[1], _wrong_name),
        ("kustomization.namespace", one.namespace, names.wrong_label_name),
        ("kustomization.target_namespace", one.target_namespace, names.wrong_label_name),
        ("kustomization.service_account_name", one.service_account_name, names.wrong_subdomain),
    ]
    for place, dependency in enumerate(one.depends_on):
        where = f"kustomization.depends_on[{place}]"
        checks += [(f"{where}.name", dependency.name, names.wrong_subdomain)]
        checks += [(f"{where}.namespace", dependency.namespace, names.wrong_label_name)]
    for option, value, wrong in checks:
        reason = wrong(value) if value is not None else None
        if reason:
            yield option, reason


def _wrong_name(text: str) -> str | None:
    too_long = f"{text[:80]!r} is longer than the 63 characters of the label that Flux makes of it"
    return names.wrong_subdomain(text) or (too_long if len(text) > 63 else None)


def _itself(source: Source) -> t.Iterator[Problem]:
    for place, other in enumerate(source.kustomization.depends_on if source.kustomization else ()):
        if (other.namespace or source.applier[0], other.name) == source.applier:
            yield f"kustomization.depends_on[{place}]", "it cannot wait for itself"


def _durations(source: Source) -> t.Iterator[Problem]:
    for name in ("interval", "retry_interval", "timeout") if source.kustomization else ():
        value = getattr(source.kustomization, name)
        reason = durations.wrong(value) if value is not None else None
        if reason:
            yield f"kustomization.{name}", reason


def _path(source: Source) -> t.Iterator[Problem]:
    path = (source.kustomization or Kustomization()).path
    if path is not None and (path.startswith("/") or ".." in path.split("/")):
        yield "kustomization.path", f"{path[:200]!r} must be relative to the artifact's root, and inside it"


def _metadata(source: Source) -> t.Iterator[Problem]:
    if source.kustomization:
        yield from metadata_problems(
            source.kustomization.labels, source.kustomization.annotations, where="kustomization."
        )


def _variables(source: Source) -> t.Iterator[Problem]:
    build = (source.kustomization or Kustomization()).post_build or PostBuild()
    for name, value in (build.substitute or {}).items():
        if not _VARIABLE.fullmatch(str(name)):
            yield "kustomization.post_build.substitute", f"{str(name)[:80]!r} is no name of a variable"
        if not isinstance(value, str):
            yield "kustomization.post_build.substitute", f"the value of {str(name)[:80]!r} is no text: put it in quotes"
    for place, one in enumerate(build.substitute_from):
        reason = names.wrong_subdomain(one.name)
        if reason:
            yield f"kustomization.post_build.substitute_from[{place}].name", reason


def _health_checks(source: Source) -> t.Iterator[Problem]:
    if source.kustomization and source.kustomization.wait and source.kustomization.health_checks:
        yield (
            "kustomization.health_checks",
            "Flux ignores them while kustomization.wait is true, and waits for all objects",
        )


def _other_namespace(source: Source) -> t.Iterator[Problem]:
    if source.kustomization and source.applier[0] != source.namespace:
        yield (
            "kustomization.namespace",
            f"its source is in {source.namespace}, and Flux refuses that where it runs with --no-cross-namespace-refs",
        )


RULES = (
    Rule("kustomization-names", _names),
    Rule("kustomization-waits-for-itself", _itself),
    Rule("kustomization-durations", _durations),
    Rule("kustomization-path", _path),
    Rule("kustomization-metadata", _metadata),
    Rule("kustomization-variables", _variables),
    Rule("health-checks-ignored", _health_checks),
    Rule("cross-namespace", _other_namespace, severity="warning"),
)
