# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of others: what is read, and what is refused before anything could be written."""

from __future__ import annotations

import gzip
import subprocess
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tars import END, GNU, block, entry, gz, padded, pax, record

from ansible_collections.proven.gitops.plugins.module_utils._artifact.archive import (
    Archive,
    Limits,
    Member,
    UnsafeArchive,
    safe_name,
)


def read(*parts: bytes, end: bytes = END, limits: Limits | None = None) -> dict[str, bytes | str]:
    """Files by their content, others by their kind."""
    archive = Archive(gz(*parts, end=end), limits)
    return {member.name: b"".join(archive.content()) if member.kind == "file" else member.kind for member in archive}


class TestWhatIsRead:
    def test_members(self) -> None:
        archive = Archive(gz(entry(b"./", kind=b"5"), entry(b"./a//b/./c", b"x" * 700), entry(b"l", kind=b"2")))
        assert list(archive) == [Member(".", "directory", 0), Member("a/b/c", "file", 700), Member("l", "link", 0)]

    def test_content_is_optional(self) -> None:
        archive = Archive(gz(entry(b"a", b"x" * 600_000), entry(b"b", b"y"), entry(b"c", b"")))
        members = iter(archive)
        assert next(members).name == "a"
        assert len(next(archive.content())) == 256 * 1024
        assert [member.name for member in members] == ["b", "c"]
        assert list(archive.content()) == []

    def test_files_of_every_size_around_a_block(self) -> None:
        sizes = [0, 1, 511, 512, 513, 1024]
        assert read(*(entry(b"f%d" % size, b"x" * size) for size in sizes)) == {
            f"f{size}": b"x" * size for size in sizes
        }

    @pytest.mark.parametrize("size", [1, 7, 64, 100_000])
    def test_however_it_arrives(self, size: int) -> None:
        data = gz(entry(b"a", b"x" * 3000), entry(b"b", b"y"))[0]
        archive = Archive(data[start : start + size] for start in range(0, len(data), size))
        assert {member.name: b"".join(archive.content()) for member in archive} == {"a": b"x" * 3000, "b": b"y"}

    def test_long_names(self) -> None:
        long = "d" * 90 + "/" + "e" * 200
        assert read(pax({b"path": long.encode()}), entry(b"short", b"1")) == {long: b"1"}
        assert read(entry(b"././@LongLink", long.encode() + b"\0", b"L", magic=GNU), entry(b"short", b"1")) == {
            long: b"1"
        }
        assert read(block(b"e" * 100, 0, prefix=b"d" * 90)) == {"d" * 90 + "/" + "e" * 100: b""}
        target = entry(b"././@LongLink", b"t" * 300, b"K", magic=GNU)
        assert read(target, entry(b"l", kind=b"2", magic=GNU)) == {"l": "link"}

    def test_records_that_change_nothing(self) -> None:
        records = {b"mtime": b"-1.5", b"uid": b"5", b"uname": b"x", b"SCHILY.xattr.security.capability": b"\x01\xff\n="}
        assert read(pax(records), entry(b"a", b"1")) == {"a": b"1"}

    def test_git_archive(self, tmp_path: Path) -> None:
        (tmp_path / "d").mkdir()
        (tmp_path / "d/f").write_text("content")
        person = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"]
        for command in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "m"]):
            subprocess.run(["git", *command], cwd=tmp_path, check=True)
        archive = Archive([subprocess.check_output(["git", "archive", "--format=tar.gz", "HEAD"], cwd=tmp_path)])
        assert {member.name: b"".join(archive.content()) for member in archive} == {"d": b"", "d/f": b"content"}
        assert archive.has_comment

    @pytest.mark.parametrize("style", ["gnu", "oldgnu", "pax", "posix", "ustar"])
    def test_gnu_tar(self, tmp_path: Path, style: str) -> None:
        for name in ("a.yaml", "dir/\u00e9", "dir/" + "n" * 90, "empty"):
            (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "in" / name).write_text(name)
        (tmp_path / "in/link").symlink_to("a.yaml")
        command = ["tar", "-czf", "-", f"--format={style}", "-C", str(tmp_path / "in"), "."]
        found = {member.name: member.kind for member in Archive([subprocess.check_output(command)])}
        files = dict.fromkeys(["a.yaml", "dir/\u00e9", "dir/" + "n" * 90, "empty"], "file")
        assert found == {".": "directory", "dir": "directory", "link": "link", **files}


class TestNames:
    @pytest.mark.fault("A1")
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            (b"", "is not a path inside"),
            (b"../x", "is not a path inside"),
            (b"..", "is not a path inside"),
            (b"a/..", "is not a path inside"),
            (b"a/../b", "is not a path inside"),
            (b"a../b", "is not a path inside"),
            (b"./../b", "is not a path inside"),
            (b"/etc/passwd", "is not a path inside"),
            (b"//x", "is not a path inside"),
            (b"/", "is not a path inside"),
            (b"..\\x", "holds a backslash"),
            (b"C:\\x", "holds a backslash"),
            (b"a\nb", "holds a control character"),
            (b"\x1b]0;x\x07", "holds a control character"),
            (b"\xc2\x9b2J", "holds a control character"),
            (b"\xff", "is not UTF-8"),
            (b"\xed\xa0\x80", "is not UTF-8"),
            (b"\xc0\xae\xc0\xae/x", "is not UTF-8"),
        ],
    )
    @pytest.mark.parametrize("kind", [b"0", b"5", b"2"])
    def test_what_leads_elsewhere(self, name: bytes, reason: str, kind: bytes) -> None:
        for parts in (
            (entry(name, kind=kind),),
            (pax({b"path": name}), entry(b"a", kind=kind)),
            (entry(b"././@LongLink", name + b"\0", b"L", magic=GNU), entry(b"a", kind=kind, magic=GNU)),
        ):
            with pytest.raises(UnsafeArchive, match=reason) as caught:
                read(*parts)
            assert caught.value.code == "unsafe_archive"
            assert caught.value.message.isprintable()

    def test_a_name_with_a_zero_byte(self) -> None:
        with pytest.raises(UnsafeArchive, match="holds a control character"):
            read(pax({b"path": b"a\0b"}), entry(b"a"))
        with pytest.raises(UnsafeArchive, match="holds a control character"):
            read(entry(b"x", b"a\0b", b"L"), entry(b"a"))

    @pytest.mark.parametrize("name", [b"n" * 256, b"/".join([b"n" * 255] * 20), b"\xc3\xa9" * 128])
    def test_names_that_no_disk_can_hold(self, name: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="is longer than"):
            read(pax({b"path": name}), entry(b"a"))

    @given(st.text(max_size=30) | st.from_regex(r"[./a\\]{0,12}", fullmatch=True))
    @settings(max_examples=120, deadline=None)
    def test_a_safe_name_stays_inside(self, name: str) -> None:
        try:
            safe = safe_name(name)
        except UnsafeArchive:
            return
        assert not safe.startswith("/")
        assert ".." not in safe.split("/")
        assert safe_name(safe) == safe

    @pytest.mark.fault("A2")
    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param((entry(b"a"), entry(b"a")), id="a file twice"),
            pytest.param((entry(b"a"), entry(b"./a")), id="in another spelling"),
            pytest.param((entry(b"a"), entry(b"a/", kind=b"5")), id="a file, then a directory"),
            pytest.param((entry(b"a", kind=b"5"), entry(b"a")), id="a directory, then a file"),
            pytest.param((entry(b"a"), entry(b"a/b")), id="below a file"),
            pytest.param((entry(b"a"), entry(b"a/b/c/d", kind=b"5")), id="far below a file"),
            pytest.param((entry(b"a/b"), entry(b"a")), id="a file above a file"),
            pytest.param((entry(b"a/b/c"), entry(b"a")), id="a file far above a file"),
            pytest.param((entry(b"a", kind=b"2"), entry(b"a")), id="through a link"),
            pytest.param((entry(b"a", kind=b"2"), entry(b"a/b")), id="below a link"),
            pytest.param((entry(b"a/b"), entry(b"a", kind=b"2")), id="a link above a file"),
            pytest.param((entry(b"a", kind=b"2"), entry(b"a", kind=b"5")), id="a link, then a directory"),
            pytest.param((entry(b"a", kind=b"2"), entry(b"a", kind=b"2"), entry(b"a/b")), id="a chain of links"),
        ],
    )
    def test_what_could_replace_what_was_checked(self, parts: tuple[bytes, ...]) -> None:
        with pytest.raises(UnsafeArchive, match=r"is in the archive twice|is below"):
            read(*parts)

    @pytest.mark.fault("A5")
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("README", "Readme"),
            ("readme", "README"),
            ("k", "\u212a"),
            ("ß", "ss"),
            ("é", "e\u0301"),
            ("a", "a."),
            ("Dir/a", "dir/b"),
            ("d/x/a", "d/X/b"),
            ("dir", "Dir/b"),
        ],
    )
    def test_what_is_one_file_on_the_disks_of_others(self, first: str, second: str) -> None:
        for names in ((first, second), (second, first)):
            with pytest.raises(UnsafeArchive, match="are one file on the disks of some systems"):
                read(*(entry(name.encode(), b"x") for name in names))
        assert read(entry(first.encode(), b"x"), entry(b"another", b"x"))

    @pytest.mark.fault("A12")
    @pytest.mark.parametrize(
        "name", [".git/config", "a/.GIT/hooks/x", ".git", "git~1/x", ".git. /x", ".g\u200dit/x", ".git:a"]
    )
    @pytest.mark.parametrize("kind", [b"0", b"5", b"2"])
    def test_git_in_every_spelling(self, name: str, kind: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="leads into git's own directory"):
            read(entry(name.encode(), kind=kind))

    def test_a_directory_twice_or_late(self) -> None:
        parts = (
            entry(b"a/b"),
            entry(b"a", kind=b"5"),
            entry(b"a/", kind=b"5"),
            entry(b"c/d/e"),
            entry(b"c/d", kind=b"5"),
        )
        assert list(read(*parts)) == ["a/b", "a", "c/d/e", "c/d"]

    @pytest.mark.parametrize("name", [b".", b"./", b"a/", b"a/.", b"./."])
    def test_a_file_with_the_name_of_a_directory(self, name: bytes) -> None:
        for kind in (b"0", b"\0"):
            with pytest.raises(UnsafeArchive, match="is a file with the name of a directory"):
                read(entry(name, b"x", kind))
        with pytest.raises(UnsafeArchive, match="is a file with the name of a directory"):
            read(pax({b"path": name}), entry(b"b", b"x", b"\0"))


class TestKinds:
    @pytest.mark.fault("A3", "A4")
    @pytest.mark.parametrize("kind", [bytes([code]) for code in b"1346789:SDNVMXAE z\x01\xff"])
    def test_no_links_devices_pipes_sparse_files_or_unknown_things(self, kind: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="'a' is neither a file nor a directory"):
            read(entry(b"a", kind=kind))

    @pytest.mark.parametrize("kind", [b"5", b"2"])
    def test_only_files_have_content(self, kind: bytes) -> None:
        with pytest.raises(UnsafeArchive, match=r"is a (directory|link) with content"):
            read(entry(b"a", entry(b"hidden"), kind))
        with pytest.raises(UnsafeArchive, match="disagree about a size"):
            read(pax({b"size": b"512"}), entry(b"a", entry(b"hidden"), kind, size=0))

    @pytest.mark.fault("A6b")
    @pytest.mark.parametrize(
        "key", [b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.realsize", b"GNU.sparse.name"]
    )
    def test_no_sparse_files(self, key: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="a sparse file"):
            read(pax({key: b"1"}), entry(b"a", b"x"))


class TestExtendedHeaders:
    @pytest.mark.fault("A6c")
    @pytest.mark.parametrize("header", [0, 512, 5])
    def test_sizes_that_disagree(self, header: int) -> None:
        hidden = entry(b"hidden", b"x")
        with pytest.raises(UnsafeArchive, match="disagree about a size"):
            read(pax({b"size": b"%d" % (len(hidden) if header != 1024 else 0)}), block(b"a", header), hidden)

    def test_sizes_that_agree(self) -> None:
        assert read(pax({b"size": b"5"}), entry(b"a", b"hello")) == {"a": b"hello"}

    def test_a_size_that_no_header_can_hold(self) -> None:
        with pytest.raises(UnsafeArchive, match="larger than the limit of 4294967296 bytes"):
            read(pax({b"size": b"8589934592"}), block(b"a", 0))
        with pytest.raises(UnsafeArchive, match="the archive ends too early"):
            read(pax({b"size": b"8589934592"}), block(b"a", 0), limits=Limits(content=2**40))

    @pytest.mark.parametrize("data", [b"x", b"5 a=\n" * 2, record(b"path", b"a") * 2, b"0 a=b\n", b"4 a=", b"99 a=b\n"])
    def test_malformed_records(self, data: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="a PAX header"):
            read(pax(data), entry(b"a"))

    @pytest.mark.parametrize(
        "record",
        [
            {b"size": b""},
            {b"size": b"-1"},
            {b"size": b"+1"},
            {b"size": b"0x1"},
            {b"size": b"1_0"},
            {b"size": b"\xd9\xa1"},
            {b"size": b"9" * 16},
            {b"path": b""},
            {b"": b"x"},
            {b"mtime": b"1e5"},
            {b"uid": b"x"},
            {b"linkpath": b"a\0b"},
        ],
    )
    def test_malformed_values(self, record: dict[bytes, bytes]) -> None:
        with pytest.raises(UnsafeArchive):
            read(pax(record), entry(b"a"))

    def test_two_that_could_contradict_each_other(self) -> None:
        name = entry(b"x", b"b\0", b"L", magic=GNU)
        for parts in (
            (pax({b"path": b"b"}), pax({b"path": b"c"})),
            (pax({b"mtime": b"1"}), pax({b"path": b"c"})),
            (name, name),
            (pax({b"path": b"c"}), name),
        ):
            with pytest.raises(UnsafeArchive, match="two extended headers"):
                read(*parts, entry(b"a"))

    def test_one_without_a_member(self) -> None:
        with pytest.raises(UnsafeArchive, match="ends after an extended header"):
            read(entry(b"a"), pax({b"path": b"b"}))

    @pytest.mark.parametrize("kind", [b"x", b"L", b"K", b"g"])
    def test_one_that_is_huge(self, kind: bytes) -> None:
        tracemalloc.start()
        with pytest.raises(UnsafeArchive, match=r"larger than 65536 bytes"):
            read(block(b"pax_global_header", 8**11 - 1, kind), bytes(10**7))
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
        tracemalloc.stop()

    def test_global_headers_say_nothing_but_a_comment(self) -> None:
        parts = pax({b"path": b"../x"}, b"g"), pax({b"size": b"5"}, b"g"), pax({b"comment": b"x"}, b"g")
        for part in parts:
            with pytest.raises(UnsafeArchive, match="a global header"):
                read(part, entry(b"a"))
        comment = block(b"pax_global_header", 13, b"g") + padded(record(b"comment", b"x"))
        with pytest.raises(UnsafeArchive, match="a global header"):
            read(pax({b"path": b"b"}), comment, entry(b"a"))


class TestTheEnd:
    @pytest.mark.parametrize("end", [bytes(512), bytes(1024), bytes(10240), bytes(512 * 1000), bytes(513)])
    def test_zeros(self, end: bytes) -> None:
        assert read(entry(b"a", b"1"), end=end) == {"a": b"1"}

    @pytest.mark.fault("A6d")
    @pytest.mark.parametrize(
        "end", [END + b"x", END + entry(b"b"), bytes(512) + entry(b"b") + END, bytes(10**6) + b"x"]
    )
    def test_nothing_hides_behind_it(self, end: bytes) -> None:
        with pytest.raises(UnsafeArchive, match="data after its end"):
            read(entry(b"a"), end=end)

    @pytest.mark.parametrize("zeros", [512, 1024])
    def test_nothing_hides_behind_it_in_a_gzip_member_of_its_own(self, zeros: int) -> None:
        first, second = gzip.compress(entry(b"a") + bytes(zeros)), gzip.compress(entry(b"hidden") + END)
        for pieces in ([first + second], [first, second], [first, b"", second]):
            with pytest.raises(UnsafeArchive, match="data after its end"):
                list(Archive(pieces))
        with pytest.raises(UnsafeArchive, match="the gzip stream is malformed"):
            list(Archive([first, b"junk" * 10]))

    @pytest.mark.parametrize("zeros", [512, 1024, 600_000])
    def test_the_source_is_read_to_its_end(self, zeros: int) -> None:
        """Only there does a stream say whether all of it had the digest that it should have."""
        ended = []

        def source() -> t.Iterator[bytes]:
            yield gzip.compress(entry(b"a") + bytes(zeros))
            ended.append(True)

        assert [member.name for member in Archive(source())] == ["a"]
        assert ended

    @pytest.mark.fault("A6d")
    def test_a_tar_cut_at_every_block(self) -> None:
        data = entry(b"a", b"x" * 700) + pax({b"path": b"b"}) + entry(b"c", b"y")
        for length in range(0, len(data) + 1, 256):
            with pytest.raises(UnsafeArchive, match="ends too early"):
                read(data[:length], end=b"")

    def test_an_empty_archive(self) -> None:
        assert read() == {}


@pytest.mark.fault("P6")
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    whole = bytearray(entry(b"d/", kind=b"5") + pax({b"path": b"d/e"}) + entry(b"x", b"hello") + END)
    for _turn in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    archive = Archive([gzip.compress(bytes(whole), 1)])
    try:
        found = {member.name: b"".join(archive.content()) for member in archive}
    except UnsafeArchive:
        return
    assert set(found) <= {"d", "d/e"} or all(safe_name(name) == name for name in found)
