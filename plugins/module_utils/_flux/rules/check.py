# SPDX-License-Identifier: GPL-3.0-or-later
"""What Flux would refuse in a declared source, or take and silently not verify, by tables for each kind."""

from __future__ import annotations

from ..declare.source import Source
from ..kinds import KUSTOMIZATION, OCI_REPOSITORY
from ..version import FluxVersion
from . import kustomization as rules_kustomization
from . import release as rules_release
from . import source as rules_source
from . import verify as rules_verify
from .rule import Finding, Rule

NAMING = ("names", "kustomization-names")
RULES = {
    OCI_REPOSITORY.name: (*rules_source.RULES, *rules_verify.RULES),
    KUSTOMIZATION.name: rules_kustomization.RULES,
}


def judge(source: Source, version: FluxVersion) -> list[Finding]:
    """Everything that is to be said about `source` on Flux `version`: errors first, else in the order of the tables."""
    rules = (*rules_release.rules(version), *_rules(source))
    found = [finding for rule in rules if rule.holds_for(version) for finding in rule.findings(source)]
    return sorted(found, key=lambda finding: finding.severity != "error")


def judge_names(source: Source) -> list[Finding]:
    """What is wrong with the names alone: all that matters of objects that are to go."""
    return [finding for rule in _rules(source) if rule.name in NAMING for finding in rule.findings(source)]


def _rules(source: Source) -> list[Rule]:
    return [rule for kind in source.kinds for rule in RULES[kind.name]]
