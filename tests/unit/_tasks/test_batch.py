# SPDX-License-Identifier: GPL-3.0-or-later
"""Many items in one task: order, concurrency, and failures that do not hide one another."""

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import GitopsError, InvalidOption
from ansible_collections.proven.gitops.plugins.module_utils._tasks import batch


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
    done = batch.each(work, range(8), concurrency)
    assert [str(item) for item in done] == ["0", "1 is odd", "20", "3 is odd", "40", "5 is odd", "60", "7 is odd"]
    assert work.most == concurrency


@pytest.mark.parametrize("concurrency", [1, 3])
def test_each_item_is_counted_also_a_failed_one(concurrency: int) -> None:
    told: list[int] = []
    batch.each(Watched(), range(8), concurrency, told.append)
    assert told == [1] * 8


def test_a_wrong_option_is_the_tasks_failure() -> None:
    def work(number: int) -> int:
        raise InvalidOption("path", f"{number} is wrong")

    with pytest.raises(InvalidOption):
        batch.each(work, [1, 2], 2)


def test_no_failure() -> None:
    assert batch.failure(["a"], [1]) is None


def test_one_item_fails_as_itself() -> None:
    error = GitopsError("reason")
    assert batch.failure(["a"], [error]) is error


def test_every_failure_is_named_once() -> None:
    outcomes = [GitopsError("b: reason"), 1, *(GitopsError("other") for _each in range(6))]
    failure = batch.failure(["b", "c", "d", "e", "f", "g", "h", "i"], outcomes)
    assert failure is not None
    assert failure.message == "7 of 8 failed: b: reason; d: other; e: other; f: other; g: other; and 2 more"
    assert [entry["item"] for entry in failure.details["failures"]] == ["b", "d", "e", "f", "g", "h", "i"]
