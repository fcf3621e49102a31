# SPDX-License-Identifier: GPL-3.0-or-later
"""What is believed of the ledger, and what is not: on a real disk."""

from __future__ import annotations

import os
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._artifact.contents import Contents
from ansible_collections.proven.gitops.plugins.module_utils._shared.digest import of_bytes
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact import ledger as ledgers
from ansible_collections.proven.gitops.plugins.module_utils._tasks.artifact.ledger import Ledger

LAYER, OTHER = of_bytes(b"layer"), of_bytes(b"other")
HELD = Contents(of_bytes(b"tar"), of_bytes(b"their tar"))
NAME = LAYER.partition(":")[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "layers"


def noted(path: Path) -> Ledger:
    ledger = Ledger(str(path))
    ledger.note({LAYER: HELD})
    assert ledger.find(LAYER) == HELD
    return ledger


def test_it_tells_what_was_noted_and_nothing_else(path: Path) -> None:
    ledger = Ledger(str(path))
    assert ledger.find(LAYER) is None
    ledger.note({})
    assert not path.exists()
    noted(path)
    assert Ledger(str(path)).find(LAYER) == HELD
    assert ledger.find(OTHER) is None
    assert ledger.refusal == ""
    assert (path.stat().st_mode & 0o777, (path / NAME).stat().st_mode & 0o777) == (0o700, 0o600)
    assert os.listdir(path) == [NAME]


@pytest.mark.parametrize("umask", [0, 0o77])
def test_the_umask_opens_nothing(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        noted(path)
    finally:
        os.umask(before)
    assert not path.stat().st_mode & 0o077
    assert not (path / NAME).stat().st_mode & 0o077


def test_without_a_directory_nothing_is_known() -> None:
    ledger = Ledger(None)
    ledger.note({LAYER: HELD})
    assert ledger.find(LAYER) is None
    assert ledger.refusal == ""


def open_directory(path: Path) -> None:
    path.chmod(0o770)


def open_file(path: Path) -> None:
    (path / NAME).chmod(0o602)


def link_to_directory(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def link_to_file(path: Path) -> None:
    (path / NAME).rename(path.parent / "entry")
    (path / NAME).symlink_to(path.parent / "entry")


def directory_as_entry(path: Path) -> None:
    (path / NAME).unlink()
    (path / NAME).mkdir()


@pytest.mark.parametrize("spoil", [open_directory, open_file, link_to_directory, link_to_file, directory_as_entry])
def test_what_others_could_have_written_is_not_believed(path: Path, spoil: t.Callable[[Path], None]) -> None:
    ledger = noted(path)
    spoil(path)
    assert ledger.find(LAYER) is None
    refused = spoil in (open_directory, link_to_directory)
    assert bool(ledger.refusal) is refused
    assert not refused or str(path) in ledger.refusal


def test_what_is_not_our_own_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = noted(path)
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert ledger.find(LAYER) is None
    assert "only we can write to" in ledger.refusal


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"2 " + HELD.digest.encode(),
        f"1 {HELD.digest} {HELD.diff_id}\n".encode(),
        f"2 {HELD.digest} {HELD.diff_id}\nmore".encode(),
        f"2 {HELD.digest.upper()} {HELD.diff_id}\n".encode(),
        bytes(range(256)) * 100,
    ],
)
def test_what_is_no_entry_is_not_believed(path: Path, content: bytes) -> None:
    ledger = noted(path)
    (path / NAME).write_bytes(content)
    assert ledger.find(LAYER) is None
    ledger.note({LAYER: HELD})
    assert ledger.find(LAYER) == HELD


@pytest.mark.parametrize("where", ["/proc/no/such/place", "file/below"])
def test_a_place_that_cannot_be_written_fails_nothing(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(str(tmp_path / where))
    ledger.note({LAYER: HELD})
    assert ledger.find(LAYER) is None


def test_the_oldest_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "_MAX_ENTRIES", 4)
    ledger = Ledger(str(path))
    layers = [of_bytes(bytes([number])) for number in range(5)]
    for age, layer in enumerate(layers[:4]):
        ledger.note({layer: HELD})
        os.utime(path / layer.partition(":")[2], (age, age))
    ledger.note({layers[4]: HELD})
    assert [ledger.find(layer) is not None for layer in layers] == [False, False, True, True, True]


def test_many_writers(path: Path) -> None:
    layers = [of_bytes(bytes([number])) for number in range(40)]
    threads = [
        threading.Thread(target=Ledger(str(path)).note, args=(dict.fromkeys(layers, HELD),)) for _each in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(Ledger(str(path)).find(layer) == HELD for layer in layers)
    assert len(os.listdir(path)) == len(layers)
