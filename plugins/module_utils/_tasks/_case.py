# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of every use-case: a plan, then its application.

Check mode stops after the plan and diff prints it, so what check mode predicts and what a run does cannot drift apart.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:  # pragma: no cover
    from .._shared.errors import GitopsError

Diff = dict[str, str]  # {"before": …, "after": …, "before_header": …, "after_header": …}


@dataclass
class Outcome:
    """What a task returns.

    `values` are the module's documented return values; no name in it may be `results`, `items` or `keys`.
    `actions` says in order what was done (or, for a plan, would be done), a short sentence each.
    `failure` fails the task *after* all items were worked on: values are returned beside it.
    """

    changed: bool = False
    values: dict[str, t.Any] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    diff: Diff | list[Diff] | None = None
    failure: GitopsError | None = None
    warnings: list[str] = field(default_factory=list)


def would_fail(*blocked: GitopsError | None) -> list[str]:
    """Check mode's warnings for what makes a run fail as things are: an earlier task of the play may mend it."""
    return [f"a run would fail now: {error.message}" for error in blocked if error is not None]


P = t.TypeVar("P")


class UseCase(t.Protocol[P]):
    """plan() only reads; predict() turns a plan into check mode's outcome without any I/O; apply() carries it out."""

    def plan(self) -> P:
        """What is there and what is to be done. Raises GitopsError's kinds."""

    def predict(self, plan: P) -> Outcome:
        """What apply() would return."""

    def apply(self, plan: P) -> Outcome:
        """Do it; what was done. Raises GitopsError's kinds."""


class Progress(t.Protocol):
    """The port to which long work reports, from any thread.

    `what`, in the past tense, becomes true of `total` of `unit`: "pushed 3 of 10 artifacts". The total is None where it
    is not known. `finish` is not owed by work that fails.
    """

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Work on `total` of `unit` begins."""

    def expect(self, amount: int) -> None:
        """So many more bytes are to come."""

    def advance(self, amount: int) -> None:
        """So many more of them are done; what was waited for is there."""

    def transfer(self, amount: int) -> None:
        """So many more bytes are done; a negative number takes back what a failed attempt had counted."""

    def waiting(self, name: str, words: str, spent: float, limit: float) -> None:
        """`name` is being waited for, since `spent` of `limit` seconds; `words` is what it says of itself now."""

    def finish(self) -> None:
        """Nothing is being worked on."""


class Quiet:
    """The Progress that shows nothing."""

    def start(self, what: str, total: int | None, unit: str) -> None:
        """Nothing is shown."""
        del what, total, unit

    def expect(self, amount: int) -> None:
        """Nothing is shown."""
        del amount

    def advance(self, amount: int) -> None:
        """Nothing is shown."""
        del amount

    def transfer(self, amount: int) -> None:
        """Nothing is shown."""
        del amount

    def waiting(self, name: str, words: str, spent: float, limit: float) -> None:
        """Nothing is shown."""
        del name, words, spent, limit

    def finish(self) -> None:
        """Nothing is shown."""


QUIET: Progress = Quiet()
