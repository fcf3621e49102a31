# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever wrote an archive: an equal digest means the same names, the same bytes, in the same order, nothing else."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tars import END, GNU, V7, block, entry, go_tar, gz, padded, pax, record

from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball
from ansible_collections.proven.gitops.plugins.module_utils._artifact.archive import (
    Limits,
    UnsafeArchive,
    content_digest,
    contents,
)
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.tree import Tree

Files = dict[str, "bytes | None"]
FILES: Files = {
    "README": b"read me",
    "a.yaml": b"kind: Secret\n",
    "dir": None,
    "dir/empty": b"",
    "dir/" + "l" * 120: b"long",
    "dir/" + "p" * 60: None,
    "dir/" + "p" * 60 + "/" + "q" * 60: b"prefix",
    "dir/\u00e9": b"x" * 1000,
}


def ours(root: Path) -> str:
    """The digest of our own tar of what is on disk."""
    digest = hashlib.sha256()
    for piece in tarball.stream(Tree(str(root), Ignore([])).entries()):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def write(root: Path, files: Files) -> Path:
    root.mkdir(exist_ok=True)
    for name, content in files.items():
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    return root


def theirs(data: bytes) -> str | None:
    return content_digest([gzip.compress(data)])


def python_tar(files: Files, style: int, change: t.Callable[[tarfile.TarInfo], None]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=style) as archive:
        for name, content in {".": None, **files}.items():
            info = tarfile.TarInfo(name)
            info.type, info.size = (tarfile.DIRTYPE, 0) if content is None else (tarfile.REGTYPE, len(content))
            change(info)
            archive.addfile(info, io.BytesIO(content or b""))
    return output.getvalue()


class TestTheSame:
    def test_as_flux_writes_it(self, tmp_path: Path) -> None:
        assert theirs(go_tar(FILES)) == ours(write(tmp_path / "tree", FILES))

    def test_a_single_file_as_flux_up_to_2_8_and_since(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"x")
        assert theirs(go_tar({"a.yaml": b"x"}, root=False)) == ours(tmp_path / "a.yaml")
        assert theirs(go_tar({"a.yaml": b"x"})) == ours(tmp_path / "a.yaml")

    @pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
    def test_whatever_owner_mode_time_and_format(self, tmp_path: Path, style: int) -> None:
        def change(info: tarfile.TarInfo) -> None:
            info.mode, info.mtime, info.uid, info.uname = 0o7777, 2**34, 2**40, "somebody"
            if style == tarfile.PAX_FORMAT:
                info.mtime = 1.5

        assert theirs(python_tar(FILES, style, change)) == ours(write(tmp_path / "tree", FILES))

    def test_our_own(self, tmp_path: Path) -> None:
        root = write(tmp_path / "tree", FILES)
        data = b"".join(tarball.stream(Tree(str(root), Ignore([])).entries()))
        found = contents([gzip.compress(data)])
        assert found
        assert found.digest == found.diff_id == ours(root)

    def test_the_diff_id_is_that_of_the_tar(self) -> None:
        data = go_tar(FILES) + bytes(5000)
        found = contents([gzip.compress(data)])
        assert found
        assert found.diff_id == f"sha256:{hashlib.sha256(data).hexdigest()}" != found.digest

    @given(
        st.dictionaries(
            st.from_regex(r"[A-Za-z0-9_.\-\u00e0-\u00ff ]{1,40}(/[a-z\u4e00-\u4e10]{1,80}){0,3}", fullmatch=True),
            st.binary(max_size=1100),
            min_size=1,
            max_size=5,
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_any_tree(self, files: dict[str, bytes]) -> None:
        names: Files = {}
        for name, content in files.items():
            parts = name.split("/")
            names |= {"/".join(parts[:length]): None for length in range(1, len(parts))}
            names[name] = content
        if any(names.get(name.rpartition("/")[0]) is not None for name in names) or {".", ".."} & set(names):
            return  # a file where another needs a directory
        ordered = dict(sorted(names.items(), key=lambda item: item[0].encode().split(b"/")))
        expected = hashlib.sha256(tarball.header(".", 0, directory=True))
        for name, data in ordered.items():
            expected.update(tarball.header(name, len(data or b""), directory=data is None))
            expected.update(padded(data or b""))
        expected.update(END)
        if any(name.endswith("..") or "../" in name for name in ordered):
            return
        assert theirs(go_tar(ordered)) == f"sha256:{expected.hexdigest()}"


class TestNotTheSame:
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda files: files | {"a.yaml": b"kind: Secret\t"}, id="content"),
            pytest.param(lambda files: files | {"extra": b""}, id="one more"),
            pytest.param(lambda files: files | {"extra": None}, id="one more directory"),
            pytest.param(lambda files: {name: files[name] for name in files if name != "README"}, id="one less"),
            pytest.param(lambda files: {name: files[name] for name in files if name != "dir"}, id="no directory"),
            pytest.param(lambda files: {name.lower(): files[name] for name in files}, id="another name"),
            pytest.param(lambda files: dict(reversed(files.items())), id="another order"),
            pytest.param(lambda files: files | {"dir/empty": None}, id="a directory for a file"),
        ],
    )
    def test_other_trees(self, change: t.Callable[[Files], Files]) -> None:
        assert theirs(go_tar(FILES))
        assert theirs(go_tar(change(FILES))) != theirs(go_tar(FILES))

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param((), id="nothing"),
            pytest.param((entry(b"a"), entry(b"l", kind=b"2")), id="a link"),
            pytest.param(
                (block(b"pax_global_header", 13, b"g"), padded(record(b"comment", b"x")), entry(b"a")), id="git"
            ),
        ],
    )
    def test_what_we_would_never_have_made(self, parts: tuple[bytes, ...]) -> None:
        assert content_digest(gz(*parts)) is None

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param((entry(b"a"), entry(b"../b")), id="out"),
            pytest.param((entry(b"a"), entry(b"b", kind=b"1")), id="hard link"),
            pytest.param((entry(b"a"), entry(b"b", kind=b"3")), id="device"),
            pytest.param((entry(b"a"), entry(b"a")), id="twice"),
            pytest.param((entry(b"a", size=b"\0" * 11 + b"5"), entry(b"hidden")), id="a size with two readings"),
            pytest.param((block(b"b", magic=GNU, prefix=b"x"),), id="a name with two readings"),
            pytest.param((block(b"b", magic=V7, prefix=b"x"),), id="a name with two readings, old"),
            pytest.param((pax({b"size": b"512"}), block(b"a"), entry(b"hidden")), id="two sizes"),
            pytest.param((entry(b"a"), END, entry(b"hidden")), id="behind the end"),
        ],
    )
    def test_what_is_unsafe(self, parts: tuple[bytes, ...]) -> None:
        with pytest.raises(UnsafeArchive):
            content_digest(gz(*parts))

    def test_limits_hold(self) -> None:
        with pytest.raises(UnsafeArchive, match="larger than the limit"):
            content_digest(gz(block(b"a", 4097)), Limits(content=4096))
