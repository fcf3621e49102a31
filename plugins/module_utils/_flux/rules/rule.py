# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule is: a small function that looks at a declared source, and the releases of Flux for which it holds."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..declare.source import Source
from ..version import FluxVersion

Problem = tuple[str, str]  # the option at fault (with its path, such as `verify.secret_ref`), and the reason
Check = t.Callable[[Source], t.Iterable[Problem]]


@dataclass(frozen=True)
class Finding:
    """What a rule has to say about one option. An `error` is what Flux would refuse, or silently not verify.

    A `note` is good to know, and nothing is wrong.
    """

    rule: str
    severity: t.Literal["error", "warning", "note"]
    option: str
    reason: str

    def as_value(self) -> dict[str, str]:
        """As a task returns it."""
        return {"rule": self.rule, "severity": self.severity, "option": self.option, "reason": self.reason}


@dataclass(frozen=True)
class Rule:
    """`check` holds from the release `since` on, and before the release `until`."""

    name: str
    check: Check
    severity: t.Literal["error", "warning"] = "error"
    since: FluxVersion | None = None
    until: FluxVersion | None = None

    def holds_for(self, version: FluxVersion) -> bool:
        """Whether this rule says anything about that release."""
        return not (self.since and version < self.since) and not (self.until and version >= self.until)

    def findings(self, source: Source) -> list[Finding]:
        """One finding for each problem that the source has with this rule."""
        return [Finding(self.name, self.severity, option, reason) for option, reason in self.check(source)]
