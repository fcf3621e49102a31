# SPDX-License-Identifier: GPL-3.0-or-later
"""Many items in one task: order, concurrency, and failures that do not hide one another."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._tasks import batch
from ansible_collections.proven.gitops.plugins.module_utils._tasks._case import QUIET, Quiet


class Watched:
    """Work that takes a moment, fails on odd numbers, and knows how many threads were in it at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, number: int) -> int:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        if number % 2:
            raise GitopsError(f"{number} is odd")
        return number * 10


@pytest.mark.parametrize("concurrency", [1, 3])
def test_outcomes_keep_their_order(concurrency: int) -> None:
    work = Watched()
    done = batch.Batch(QUIET, concurrency).each("tried", work, range(8))
    assert [str(item) for item in done] == ["0", "1 is odd", "20", "3 is odd", "40", "5 is odd", "60", "7 is odd"]
    assert work.most == concurrency


class Told(Quiet):
    """A Progress that keeps what it is told, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def start(self, what: str, total: int | None, unit: str) -> None:
        self.heard.append((what, total, unit))

    def expect(self, amount: int) -> None:
        self.heard.append(f"{amount} bytes")

    def advance(self, amount: int) -> None:
        self.heard.append(amount)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_each_item_is_counted_also_a_failed_one(concurrency: int) -> None:
    told = Told()
    batch.Batch(told, concurrency, "numbers").each("tried", Watched(), range(8), 5)
    assert told.heard == [("tried", 8, "numbers"), "5 bytes", *[1] * 8]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_has_failed_stays_so(concurrency: int) -> None:
    """Nothing is done on it; it is counted, and keeps its place."""
    error = GitopsError("not there")
    told = Told()
    items: list[int | GitopsError] = [2, error, 4]
    done = batch.Batch(told, concurrency).each("tried", Watched(), items)
    assert done == [20, error, 40]
    assert told.heard[1:] == [1] * 3


def test_a_wrong_option_is_the_tasks_failure() -> None:
    def work(number: int) -> int:
        raise InvalidOption("path", f"{number} is wrong")

    with pytest.raises(InvalidOption):
        batch.Batch(QUIET, 2).each("tried", work, [1, 2])


def test_no_failure() -> None:
    assert batch.failure(["a"], [1]) is None


def test_one_item_fails_as_itself() -> None:
    error = GitopsError("reason")
    assert batch.failure(["a"], [error]) is error


def test_forty_failures_are_a_short_list_and_a_count() -> None:
    names = [f"registry.example/app-{number}" for number in range(40)]
    failure = batch.failure(names, [GitopsError("no signature by any key " + "x" * 1000) for _name in names])
    assert failure is not None
    assert failure.message.startswith("40 of 40 failed: registry.example/app-0: no signature by any key x")
    assert failure.message.endswith("…; and 35 more")
    assert len(failure.message) < 1300
    assert len(failure.details["failures"]) == 40


def test_every_failure_is_named_once() -> None:
    outcomes = [GitopsError("b: reason"), 1, *(GitopsError("other") for _each in range(6))]
    failure = batch.failure(["b", "c", "d", "e", "f", "g", "h", "i"], outcomes)
    assert failure is not None
    assert failure.message == "7 of 8 failed: b: reason; d: other; e: other; f: other; g: other; and 2 more"
    assert [entry["item"] for entry in failure.details["failures"]] == ["b", "d", "e", "f", "g", "h", "i"]
