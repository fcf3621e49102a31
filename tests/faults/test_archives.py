# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of an attacker, from the registry to the disk: nothing is written unless all of it is safe."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import time
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from support.artifacts import put
from support.registry import RunningRegistry, registry
from support.tars import END, block, entry, gz, pax

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]

MIB = 1 << 20
GOOD = entry(b"good", b"1")
LONG = b"d" * 247  # as in CVE-2025-4517: a path longer than PATH_MAX once it is resolved


class Pull:
    """`pull(parts…)` packs them behind a good file, pushes and pulls; `dest` is where that goes."""

    def __init__(self, run_module: RunModule, registry: RunningRegistry, directory: Path) -> None:
        self._run_module = run_module
        self._registry = registry
        self.outside = directory / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("untouched")
        self.dest = directory / "dest"

    def __call__(self, *parts: bytes, end: bytes = END, **options: t.Any) -> Result:
        return self.packed(b"".join(gz(GOOD, *parts, end=end)), **options)

    def packed(self, layer: bytes, **options: t.Any) -> Result:
        put(self._registry.address, "team/app", "v1", [layer], {})
        reference = f"{self._registry.address}/team/app:v1"
        return self._run_module("oci_pull", reference=reference, dest=str(self.dest), **options)

    def refuses(self, *parts: bytes, end: bytes = END, **options: t.Any) -> str:
        """The message; nothing was written, here or elsewhere."""
        result = self(*parts, end=end, **options)
        assert result["failure"]["code"] == "unsafe_archive", result
        self.nothing_happened()
        return str(result["msg"])

    def nothing_happened(self) -> None:
        assert not self.dest.exists()
        assert {path.name: path.read_text() for path in self.outside.iterdir()} == {"secret": "untouched"}


@pytest.fixture
def pull(run_module: RunModule, registry: RunningRegistry, tmp_path: Path) -> Pull:
    return Pull(run_module, registry, tmp_path)


@pytest.mark.fault("A1")
@pytest.mark.parametrize(
    "name",
    [
        b"../outside/x",
        b"a/../../outside/x",
        b"/tmp/x",
        b"//tmp/x",
        b"..\\outside\\x",
        b"C:\\x",
        b"a\nb",
        b"\xff",
        b"..",
    ],
)
@pytest.mark.parametrize("kind", [b"0", b"5", b"2"], ids=["file", "directory", "link"])
def test_names_that_lead_out(pull: Pull, name: bytes, kind: bytes) -> None:
    pull.refuses(entry(name, kind=kind))
    pull.refuses(pax({b"path": name}), entry(b"x", kind=kind))


def _link(name: bytes, target: bytes, kind: bytes = b"2") -> bytes:
    """A link as tarfile writes it."""
    info = tarfile.TarInfo(name.decode())
    info.type, info.linkname = kind, target.decode()
    return info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.fault("A2")
@pytest.mark.parametrize("target", [b"../outside", b"/", b".", b"good"])
def test_links_are_skipped(pull: Pull, target: bytes) -> None:
    result = pull(_link(b"link", target))
    assert result["artifacts"][0]["skipped_links"] == ["link"]
    assert [path.name for path in pull.dest.iterdir()] == ["good"]


@pytest.mark.fault("A2", "A9")
@pytest.mark.parametrize(
    "parts",
    [
        (_link(b"link", b"../outside"), entry(b"link/x")),
        (_link(b"link", b"../outside/secret"), entry(b"link", b"evil")),
        (_link(b"a", b"."), _link(b"a/b", b".."), entry(b"a/b/outside/x")),
        (_link(b"a", b"b"), _link(b"b", b"../outside"), entry(b"a/x")),
        (_link(b"a", b"../outside"), entry(b"a", kind=b"5"), entry(b"a/x")),
        (entry(b"a", kind=b"5"), _link(b"a", b"../outside"), entry(b"a/x")),
        (
            pax({b"path": LONG}) + entry(b"x", kind=b"5"),
            pax({b"path": LONG + b"/l"}) + _link(b"x", b"../outside"),
            pax({b"path": LONG + b"/l/x"}) + entry(b"y"),
        ),
    ],
    ids=["below", "through", "a chain", "two links", "then a directory", "after a directory", "long"],
)
def test_links_that_are_written_through(pull: Pull, parts: tuple[bytes, ...]) -> None:
    pull.refuses(*parts)


@pytest.mark.fault("A2")
@pytest.mark.parametrize("name", ["good", "sub"])
def test_links_that_stand_in_the_destination(pull: Pull, name: str) -> None:
    """Made by somebody who may write there: what is replaced is the link, and a directory is never reached by one."""
    pull.dest.mkdir()
    (pull.dest / name).symlink_to(pull.outside / "secret" if name == "good" else pull.outside)
    result = pull(entry(b"sub/x", b"evil"))
    assert (pull.outside / "secret").read_text() == "untouched"
    assert [path.name for path in pull.outside.iterdir()] == ["secret"]
    if name == "good":
        assert (pull.dest / "good").read_text() == "1"
        assert not (pull.dest / "good").is_symlink()
    else:
        assert result["failure"]["code"] == "unwritable_file"


@pytest.mark.fault("A3", "A9")
@pytest.mark.parametrize("target", [b"good", b"../outside/secret", b"/etc/passwd"])
def test_hard_links(pull: Pull, target: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """GHSA-fxhp-mv3v-67qp: their target was looked for in the working directory."""
    monkeypatch.chdir(pull.outside)
    assert "neither a file nor a directory" in pull.refuses(_link(b"hard", target, b"1"), entry(b"hard", b"evil"))
    pull.refuses(_link(b"hard", b"secret", b"1"))


@pytest.mark.fault("A4")
@pytest.mark.parametrize("kind", [b"3", b"4", b"6", b"7", b"V", b"z"])
def test_devices_pipes_and_unknown_things(pull: Pull, kind: bytes) -> None:
    assert "neither a file nor a directory" in pull.refuses(entry(b"x", kind=kind))


@pytest.mark.fault("A6a")
def test_a_gzip_bomb(pull: Pull) -> None:
    bomb = gzip.compress(block(b"x", 512 * MIB) + bytes(512 * MIB) + END, 9)
    assert len(bomb) < MIB
    began = time.process_time()
    tracemalloc.start()
    result = pull.packed(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result["failure"]["code"] == "unsafe_archive"
    assert peak < 32 * MIB
    assert time.process_time() - began < 20
    pull.nothing_happened()


@pytest.mark.fault("A6a")
def test_more_than_is_allowed(pull: Pull) -> None:
    assert "more than 9 entries" in pull.refuses(*(entry(b"f%d" % number) for number in range(10)), max_entries=9)
    assert "larger than the limit" in pull.refuses(entry(b"x", bytes(2 * MIB)), max_size=MIB)
    assert "extended header" in pull.refuses(block(b"x", 8**11 - 1, b"x"), bytes(MIB), end=b"")


@pytest.mark.fault("A6b")
def test_sparse_files(pull: Pull) -> None:
    pull.refuses(entry(b"x", kind=b"S"))
    assert "sparse" in pull.refuses(pax({b"GNU.sparse.major": b"1"}), entry(b"x"))


@pytest.mark.fault("A6c", "A9")
def test_sizes_that_disagree(pull: Pull) -> None:
    hidden = entry(b"hidden", b"evil")
    assert "disagree" in pull.refuses(pax({b"size": b"0"}), entry(b"x", hidden))
    assert "disagree" in pull.refuses(pax({b"size": b"%d" % len(hidden)}), block(b"x", 0), hidden)


@pytest.mark.fault("A6d")
@pytest.mark.parametrize("end", [b"", b"x" * 512, END + b"x", END + entry(b"hidden")], ids=["cut", "no", "x", "tar"])
def test_the_end(pull: Pull, end: bytes) -> None:
    pull.refuses(end=end)


@pytest.mark.fault("A6d")
@pytest.mark.parametrize("cut", [0, 1, 10, 40, -8, -1])
def test_a_layer_that_was_pushed_cut(pull: Pull, cut: int) -> None:
    result = pull.packed(b"".join(gz(GOOD, entry(b"x", os.urandom(2000))))[:cut])
    assert result["failure"]["code"] == "unsafe_archive"
    pull.nothing_happened()


@pytest.mark.fault("A7")
@pytest.mark.parametrize("mode", [0o6777, 0o000, 0o777])
def test_modes_are_ours(pull: Pull, mode: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, kind in (("d", tarfile.DIRTYPE), ("d/f", tarfile.REGTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid, info.gid, info.mtime = kind, mode, 12345, 12345, 2**31
            archive.addfile(info, io.BytesIO())
    assert pull.packed(buffer.getvalue())["changed"]
    found = [(path.lstat(), path.is_dir()) for path in sorted(pull.dest.rglob("*"))]
    assert [stat.S_IMODE(entry.st_mode) & 0o7022 for entry, _directory in found] == [0, 0]
    assert {entry.st_uid for entry, _directory in found} == {os.geteuid()}
    assert stat.S_IMODE(found[1][0].st_mode) == 0o644


@pytest.mark.fault("A9")
def test_cve_2024_12718_nothing_outside_is_touched_by_a_directory_entry(pull: Pull) -> None:
    """`filter="data"` once changed the mode and time of what is outside."""
    before = pull.outside.stat()
    pull.refuses(entry(b"../outside", kind=b"5"))
    pull.refuses(_link(b"x", b"../outside"), entry(b"x", kind=b"5"))
    after = pull.outside.stat()
    assert (before.st_mode, before.st_mtime_ns) == (after.st_mode, after.st_mtime_ns)
