# SPDX-License-Identifier: GPL-3.0-or-later
"""Many items in one task: bounded concurrency, and no failure that hides another."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._shared.errors import GitopsError, InvalidOption

if t.TYPE_CHECKING:  # pragma: no cover
    from ._case import Progress

I = t.TypeVar("I")  # noqa: E741
O = t.TypeVar("O")  # noqa: E741


_LISTED, _SHOWN = 5, 1200  # failures in the task's message, and their characters in all


class BatchFailed(GitopsError):
    """Some items of a batch failed; `details.failures` has one `{item, code, message, details}` for each."""

    code = "batch_failed"


@dataclass(frozen=True)
class Batch:
    """How a use-case works on its items: at most `concurrency` at a time, each told to `progress` as one of `unit`."""

    progress: Progress
    concurrency: int
    unit: str = "artifacts"

    def each(
        self, what: str, work: t.Callable[[I], O], items: t.Sequence[I | GitopsError], size: int = 0
    ) -> list[O | GitopsError]:
        """`work` done on every item, in the items' order; `what` is true of them then, and `size` bytes are moved.

        An expected error takes the place of its item's outcome, and one in the place of an item stays there. A wrong
        option is not an item's failure but the task's: it is raised at once.
        """

        def guarded(item: I | GitopsError) -> O | GitopsError:
            try:
                return item if isinstance(item, GitopsError) else work(item)
            except InvalidOption:
                raise
            except GitopsError as error:
                return error
            finally:
                self.progress.advance(1)

        self.progress.start(what, len(items), self.unit)
        if size:
            self.progress.expect(size)
        if len(items) <= 1 or self.concurrency <= 1:
            return [guarded(item) for item in items]
        from concurrent.futures import ThreadPoolExecutor  # not for one item: it takes 10 ms to import

        with ThreadPoolExecutor(min(self.concurrency, len(items)), "item") as pool:
            return list(pool.map(guarded, items))


def failure(names: t.Sequence[str], outcomes: t.Sequence[object]) -> GitopsError | None:
    """The one error that stands for all errors among `outcomes`; None if there is none."""
    errors = [(name, error) for name, error in zip(names, outcomes, strict=True) if isinstance(error, GitopsError)]
    if not errors:
        return None
    if len(outcomes) == 1:
        return errors[0][1]
    listed = errors[:_LISTED]
    listing = "; ".join(_named(name, error, _SHOWN // len(listed)) for name, error in listed)
    more = f"; and {len(errors) - len(listed)} more" if len(errors) > len(listed) else ""
    return BatchFailed(
        f"{len(errors)} of {len(outcomes)} failed: {listing}{more}",
        failures=[{"item": name, **error.as_failure()} for name, error in errors],
    )


def _named(name: str, error: GitopsError, limit: int) -> str:
    """The error with its item's name, once, and short: all of it is in `details.failures`."""
    named = error.message.startswith(f"{name}: ") or error.message.endswith(f" ({name})")
    said = error.message if named else f"{name}: {error.message}"
    return said if len(said) <= limit else f"{said[:limit]}…"
