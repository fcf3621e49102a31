# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that the flux CLI or we wrote: an equal digest means the same names and bytes, in the same order.

What anybody else wrote is nothing that we would sign unread, whatever its files are.
"""

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
from support.tars import END, GNU, V7, block, entry, go_gzip, go_tar, gz, padded, pax, record

from ansible_collections.proven.gitops.plugins.module_utils._artifact import tarball
from ansible_collections.proven.gitops.plugins.module_utils._artifact.contents import contents
from ansible_collections.proven.gitops.plugins.module_utils._artifact.ignore import Ignore
from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import Limits, UnsafeArchive
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
    found = contents([go_gzip(data)])
    return found.digest if found else None


class TestTheSame:
    def test_as_flux_writes_it(self, tmp_path: Path) -> None:
        assert theirs(go_tar(FILES)) == ours(write(tmp_path / "tree", FILES))

    def test_a_single_file_as_flux_up_to_2_8_and_since(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"x")
        assert theirs(go_tar({"a.yaml": b"x"}, root=False)) == ours(tmp_path / "a.yaml")
        assert theirs(go_tar({"a.yaml": b"x"})) == ours(tmp_path / "a.yaml")

    def test_our_own(self, tmp_path: Path) -> None:
        root = write(tmp_path / "tree", FILES)
        data = b"".join(tarball.stream(Tree(str(root), Ignore([])).entries()))
        found = contents([go_gzip(data)])
        assert found
        assert found.digest == found.diff_id == ours(root)

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o777])
    def test_the_diff_id_is_that_of_the_tar(self, mode: int) -> None:
        data = go_tar(FILES, mode=mode)
        found = contents([go_gzip(data)])
        assert found
        assert found.diff_id == f"sha256:{hashlib.sha256(data).hexdigest()}" != found.digest == theirs(go_tar(FILES))

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
        assert contents(gz(*parts)) is None

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
            contents(gz(*parts))

    def test_limits_hold(self) -> None:
        with pytest.raises(UnsafeArchive, match="larger than the limit"):
            contents(gz(block(b"a", 4097)), Limits(content=4096))


SMALL: Files = {"a.yaml": b"kind: A\n"}


def our_tar(files: Files) -> bytes:
    parts = [tarball.header(".", 0, directory=True)]
    for name, content in files.items():
        parts += [tarball.header(name, len(content or b""), directory=content is None), padded(content or b"")]
    return b"".join(parts) + END


def python_tar(style: int, **fields: t.Any) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=style) as archive:
        for name, content in {".": None, **SMALL}.items():
            info = tarfile.TarInfo(name)
            info.type, info.size = (tarfile.DIRTYPE, 0) if content is None else (tarfile.REGTYPE, len(content))
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content or b""))
    return output.getvalue()


XATTR = pax({b"SCHILY.xattr.user.payload": b"x" * 60_000})


@pytest.mark.fault("A10")
class TestStrangers:
    """The same names and contents, and more that nobody would see before it is signed."""

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(python_tar(tarfile.USTAR_FORMAT), id="python, ustar"),
            pytest.param(python_tar(tarfile.GNU_FORMAT, uname="somebody"), id="python, gnu, an owner"),
            pytest.param(python_tar(tarfile.PAX_FORMAT, mtime=1.5, uid=2**40), id="python, pax, time and owner"),
            pytest.param(go_tar(SMALL, mode=0o4755), id="setuid"),
            pytest.param(go_tar(SMALL, mode=0o1644), id="sticky"),
            pytest.param(our_tar(SMALL)[: -len(END)] + bytes(5000), id="a longer end"),
            pytest.param(go_tar(SMALL)[: -len(END)] + bytes(512), id="a shorter end"),
            pytest.param(XATTR + go_tar(SMALL), id="an attribute of the root"),
            pytest.param(go_tar({})[: -len(END)] + XATTR + go_tar(SMALL, root=False), id="an attribute"),
            pytest.param(our_tar({})[: -len(END)] + XATTR + our_tar(SMALL)[512:], id="an attribute in ours"),
            pytest.param(
                go_tar({})[: -len(END)]
                + entry(b"././@LongLink", b"hidden" * 100, b"K", magic=GNU)
                + go_tar(SMALL, root=False),
                id="a hidden link name",
            ),
            pytest.param(go_tar(SMALL).replace(b"kind: A\n\0\0\0\0", b"kind: A\nhide"), id="padding"),
            pytest.param(our_tar({})[: -len(END)] + go_tar(SMALL, root=False), id="half of ours, half of Flux"),
            pytest.param(go_tar({})[: -len(END)] + our_tar(SMALL)[512:], id="half of Flux, half of ours"),
            pytest.param(go_tar(SMALL | {"b.yaml": b""}, root=False), id="two files without a root"),
            pytest.param(go_tar({"dir/a.yaml": b""}, root=False), id="one file deeper without a root"),
            pytest.param(go_tar({"dir": None}, root=False), id="a directory without a root"),
        ],
    )
    def test_what_the_tar_hides(self, data: bytes) -> None:
        assert theirs(data) is None

    @pytest.mark.parametrize(
        "gzipped",
        [
            pytest.param(
                b"\x1f\x8b\x08\x10" + bytes(5) + b"\xff" + b"c" * 1_200_000 + b"\0" + go_gzip(go_tar(SMALL))[10:],
                id="a comment",
            ),
            pytest.param(
                b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff\5\0hello" + go_gzip(go_tar(SMALL))[10:], id="an extra field"
            ),
            pytest.param(
                b"\x1f\x8b\x08\x08" + bytes(5) + b"\xffname\0" + go_gzip(go_tar(SMALL))[10:], id="a file name"
            ),
            pytest.param(gzip.compress(go_tar(SMALL), mtime=1_800_000_000), id="a time"),
            pytest.param(gzip.compress(go_tar(SMALL), mtime=0), id="a system"),
            pytest.param(go_gzip(go_tar(SMALL)) + go_gzip(b""), id="an empty member behind"),
            pytest.param(go_gzip(b"") + go_gzip(go_tar(SMALL)), id="an empty member before"),
            pytest.param(go_gzip(go_tar(SMALL)[:512]) + go_gzip(go_tar(SMALL)[512:]), id="two members"),
            pytest.param(
                go_gzip(b"")[:10] + b"\0\0\0\xff\xff" * 10_000 + go_gzip(go_tar(SMALL))[10:], id="empty blocks"
            ),
        ],
    )
    def test_what_the_gzip_hides(self, gzipped: bytes) -> None:
        assert gzip.decompress(gzipped) == go_tar(SMALL)
        assert contents([gzipped]) is None
        assert contents([go_gzip(go_tar(SMALL))])
