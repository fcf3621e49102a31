# SPDX-License-Identifier: GPL-3.0-or-later
"""The tar's bytes: the same everywhere, readable by everybody, and never a mixture of two states of a file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import locale
import os
import subprocess
import tarfile
import time
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball
from ansible_collections.proven.gitops.plugins.module_utils._artifact.compress import Compressor
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Entry, Tree, UnreadableTree

LONG, LONGER = "n" * 101, "/".join(["directory" * 8] * 5) + "/f"
FILES = {
    "a.yaml": b"kind: ConfigMap\n",
    "empty": b"",
    "sub/block": b"x" * 512,
    "sub/k.yaml": b"y" * 513,
    "\u00e9": b"\xff\x00",
    LONG: b"long",
    LONGER: b"longer",
}
# These digests are the promise: whoever packs this tree, wherever, gets this tar; with zlib-ng 1.1.0 this gzip, too.
TAR = "07b0ed138e7d9fcd8ce5f8dd523b7d052b822a9e8da5e61049a998ba8b365888"
GZIP = "a2900783a372f29dc60707ff2075d6e4e02097efd3dcac48ca5ff852fb9553c3"


def write(root: Path, files: t.Mapping[str, bytes] | None = None) -> Path:
    for name, content in (FILES if files is None else files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def open_below(root: Path) -> list[str]:
    """What this process has open there."""
    targets = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is closed by now
            targets.append(os.readlink(f"/proc/self/fd/{number}"))
    return [target for target in targets if target.startswith(str(root))]


def pack(root: Path) -> bytes:
    return b"".join(tarball.stream(Tree(str(root), Ignore()).entries()))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class TestTheSameBytes:
    def test_golden(self, tmp_path: Path) -> None:
        data = pack(write(tmp_path))
        assert sha256(data) == TAR
        with Compressor(1) as compressor:
            assert sha256(b"".join(compressor.gzip([data]))) == GZIP

    @pytest.mark.fault("A8")
    def test_whatever_the_disk_and_the_process_look_like(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        umask = os.umask(0o077)
        try:
            root = write(tmp_path / "a" / "b", dict(reversed(FILES.items())))
        finally:
            os.umask(umask)
        for number, path in enumerate(sorted(root.rglob("*"))):
            if os.getuid() == 0:
                os.chown(path, number, number + 1)
            os.utime(path, (number, 2**33 + number))
            path.chmod(0o7777 if path.is_dir() else (0o4755, 0o600, 0o444)[number % 3])
        monkeypatch.setenv("TZ", "Pacific/Kiritimati")
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
        time.tzset()
        monkeypatch.chdir(root)
        try:
            assert sha256(pack(Path("."))) == TAR
        finally:
            monkeypatch.delenv("TZ")
            time.tzset()

    @pytest.mark.fault("A8")
    def test_whatever_order_the_directory_has(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(tmp_path)
        listing = os.listdir
        monkeypatch.setattr(os, "listdir", lambda path: sorted(listing(path), reverse=True))
        assert sha256(pack(tmp_path)) == TAR

    @pytest.mark.fault("A8")
    def test_whatever_the_locale(self, tmp_path: Path) -> None:
        write(tmp_path)
        before = locale.setlocale(locale.LC_ALL)
        locale.setlocale(locale.LC_ALL, "C")
        try:
            assert sha256(pack(tmp_path)) == TAR
        finally:
            locale.setlocale(locale.LC_ALL, before)

    def test_a_single_file(self, tmp_path: Path) -> None:
        write(tmp_path)
        data = pack(tmp_path / "a.yaml")
        assert data[:512] == tarball.header(".", 0, directory=True)
        assert data[512:1024] == tarball.header("a.yaml", 16)
        assert data[1024:] == b"kind: ConfigMap\n".ljust(512, b"\0") + bytes(1024)

    @pytest.mark.fault("A8")
    def test_no_owner_no_time_no_mode(self, tmp_path: Path) -> None:
        with tarfile.open(fileobj=io.BytesIO(pack(write(tmp_path)))) as archive:
            for member in archive:
                assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
                assert member.mode == (0o755 if member.isdir() else 0o644)

    @given(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=150),
        st.integers(0, 2**40),
        st.booleans(),
    )
    @settings(max_examples=150, deadline=None)
    def test_headers_are_those_of_tarfile(self, name: str, size: int, directory: bool) -> None:
        info = tarfile.TarInfo(name.strip("/") or "x")
        info.type = tarfile.DIRTYPE if directory else tarfile.REGTYPE
        info.size, info.mode = 0 if directory else size, 0o755 if directory else 0o644
        expected = info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
        assert tarball.header(info.name, info.size, directory=directory) == expected

    @pytest.mark.parametrize("length", [99, 100, 101, 255, 256, 999])
    @pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11])
    def test_what_does_not_fit_into_a_header(self, length: int, size: int) -> None:
        data = tarball.header("n" * length, size)
        assert len(data) == 512 if length <= 100 and size < 8**11 else 1536
        with tarfile.open(fileobj=io.BytesIO(data + bytes(1024)), mode="r:") as archive:
            info = archive.next()
        assert info
        assert (info.name, info.size) == ("n" * length, size)


class TestOthersCanReadIt:
    def test_python(self, tmp_path: Path) -> None:
        with tarfile.open(fileobj=io.BytesIO(pack(write(tmp_path)))) as archive:
            names = [member.name for member in archive]
            assert names[0] == "."
            contents = {name: archive.extractfile(name) for name in names}
            assert {name: file.read() for name, file in contents.items() if file} == FILES

    def test_gnu_tar(self, tmp_path: Path) -> None:
        data = pack(write(tmp_path / "in"))
        out = tmp_path / "out"
        out.mkdir()
        subprocess.run(
            ["tar", "-xf", "-", "-C", str(out)], input=data, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )
        found = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        assert found == FILES
        assert pack(out) == data


class TestFilesThatChange:
    """A file that changes under our hands is an error: nobody has ever seen what would be signed."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return write(tmp_path, {"f": b"x" * 600_000}) / "f"

    @pytest.fixture
    def pieces(self, file: Path) -> t.Iterator[bytes]:
        """The archive, about to give the second piece of the file."""
        pieces = tarball.stream(Tree(str(file.parent), Ignore()).entries())
        assert [len(next(pieces)) for _turn in range(3)] == [512, 512, 256 * 1024]
        return pieces

    def test_it_shrinks(self, file: Path, pieces: t.Iterator[bytes]) -> None:
        os.truncate(file, 300_000)
        with pytest.raises(UnreadableTree, match="f shrank while it was read") as caught:
            list(pieces)
        assert caught.value.details == {"entry": "f"}

    def test_it_grows(self, file: Path, pieces: t.Iterator[bytes]) -> None:
        with file.open("ab") as target:
            target.write(b"x")
        with pytest.raises(UnreadableTree, match="f changed while it was read"):
            list(pieces)

    def test_it_is_written_in_place(self, file: Path, pieces: t.Iterator[bytes]) -> None:
        with file.open("r+b") as target:
            target.write(b"y")
        os.utime(file, ns=(1, 1))
        with pytest.raises(UnreadableTree, match="f changed while it was read"):
            list(pieces)

    def test_it_is_replaced(self, file: Path, pieces: t.Iterator[bytes]) -> None:
        (file.parent / "g").write_bytes(b"y")
        os.replace(file.parent / "g", file)
        assert b"y" not in b"".join(pieces)

    def test_the_disk_fails(self, file: Path, pieces: t.Iterator[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_descriptor: int, _size: int) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(os, "read", fail)
        with pytest.raises(UnreadableTree, match="f cannot be read: Input/output error"):
            list(pieces)

    @pytest.mark.parametrize(
        ("become", "reason"),
        [
            (lambda path: None, "cannot be read: No such file or directory"),
            (lambda path: path.symlink_to("/etc/hostname"), "cannot be read: Too many levels of symbolic links"),
            (os.mkfifo, "is no longer a regular file"),
            (lambda path: path.mkdir(), "is no longer a regular file"),
        ],
    )
    def test_it_becomes_something_else(self, file: Path, become: t.Callable[[Path], None], reason: str) -> None:
        entries = Tree(str(file.parent), Ignore()).entries()
        found = [next(entries), next(entries)]
        file.unlink()
        become(file)
        with pytest.raises(UnreadableTree, match=reason) as caught:
            list(tarball.stream(found))
        assert caught.value.details == {"entry": "f"}
        assert open_below(file.parent) == [str(file.parent)]
        assert next(entries, None) is None
        assert open_below(file.parent) == []

    def test_its_directory_becomes_a_link(self, tmp_path: Path) -> None:
        root = write(tmp_path / "root", {"a/f": b"ours"})
        write(tmp_path / "secret", {"f": b"hidden"})
        entries = Tree(str(root), Ignore()).entries()
        stream = tarball.stream(entries)
        data = next(stream) + next(stream)
        os.rename(root / "a", tmp_path / "moved")
        (root / "a").symlink_to("../secret")
        with contextlib.suppress(UnreadableTree):
            data += b"".join(stream)
        assert b"hidden" not in data

    def test_a_file_is_closed_when_nobody_reads_on(self, file: Path, pieces: t.Iterator[bytes]) -> None:
        assert str(file) in open_below(file.parent)
        t.cast("t.Generator[bytes, None, None]", pieces).close()
        assert str(file) not in open_below(file.parent)


def test_pieces_are_small(tmp_path: Path) -> None:
    write(tmp_path, {"f": b"x" * 700_000})
    assert max(map(len, tarball.stream([Entry("f", str(tmp_path / "f"))]))) == 256 * 1024
