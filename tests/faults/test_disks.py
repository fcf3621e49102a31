# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full, become full, or may only be read: real ones, in a mount namespace of the module's own."""

from __future__ import annotations

import os
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import module_process
from support.artifacts import flux_tar, put
from support.git_server import Bare
from support.registry import RunningRegistry, registry

from ansible_collections.proven.gitops.plugins.module_utils._embedded.datadir import MARKER

if t.TYPE_CHECKING:
    from conftest import RunModule

__all__ = ["registry"]

KIB = 1024
# Small files go, a large one does not: 16 KiB are left.
LARGE = {"a.yaml": b"kind: A\n", "b.yaml": os.urandom(200 * KIB).hex().encode(), "c.yaml": b"kind: C\n"}

# $1: where; $2: what to do with it; $3: where to say what is there afterwards; then the command.
_SCRIPT = """
where=$1 disk=$2 listing=$3; shift 3
mount -t tmpfs -o size=1m,mode=700 none "$where"
[ -z "$DISK_SEED" ] || cp -a "$DISK_SEED/." "$where"
case $disk in
full) cat /dev/zero >"$where/ballast" 2>/dev/null || true ;;
small) head -c 1024000 /dev/zero >"$where/ballast" ;;
read-only) mount -o remount,ro "$where" ;;
esac
"$@"
status=$?
cd "$where" && find . -type f ! -name ballast -printf '%s %P\\n' >"$listing"
exit $status
"""


@dataclass
class Disk:
    """`disk("full", "oci_pull", …)` runs the module where `place` is on such a disk: its result, and what is there."""

    place: Path
    listing: Path

    def __call__(self, kind: str, module: str, **options: t.Any) -> tuple[dict[str, t.Any], dict[str, int]]:
        given = [str(self.place), kind, str(self.listing)]
        prefix = [*_isolation(), "sh", "-c", _SCRIPT, "disk", *given]
        environment = {"DISK_SEED": str(options.pop("seed", "")), **options.pop("environment", {})}
        running = module_process.start(module, prefix=prefix, environment=environment, **options)
        result = module_process.finish(running)
        assert result is not None
        lines = self.listing.read_text().splitlines()
        return result, {name: int(size) for size, name in (line.split(" ", 1) for line in lines)}


def _isolation() -> list[str]:
    return ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--"]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    (tmp_path / "place").mkdir()
    return Disk(tmp_path / "place", tmp_path / "listing")


def _refused(result: dict[str, t.Any], kind: str, code: str) -> None:
    reason = "Read-only file system" if kind == "read-only" else "No space left on device"
    assert result["failed"], result
    assert result["failure"]["code"] == code, result["msg"]
    assert reason.lower() in result["msg"].lower()


KINDS = [
    pytest.param("full", marks=pytest.mark.fault("X6")),
    pytest.param("small", marks=pytest.mark.fault("X6")),
    pytest.param("read-only", marks=pytest.mark.fault("X7")),
]
NEVER = [one for one in KINDS if one.values != ("small",)]  # where not even a small file can be made


@pytest.mark.parametrize("kind", KINDS)
def test_a_pull(disk: Disk, registry: RunningRegistry, run_module: RunModule, kind: str) -> None:
    """What is there under its name is there whole; and when there is room, the rest comes."""
    put(registry.address, "team/app", "v1", [flux_tar(LARGE)], {})
    reference = f"{registry.address}/team/app:v1"
    result, there = disk(kind, "oci_pull", reference=reference, dest=str(disk.place / "out"))
    _refused(result, kind, "unwritable_file")
    assert there == ({"out/a.yaml": len(LARGE["a.yaml"])} if kind == "small" else {})
    assert run_module("oci_pull", reference=reference, dest=str(disk.place / "out"))["changed"]
    assert (disk.place / "out" / "b.yaml").read_bytes() == LARGE["b.yaml"]


@pytest.mark.parametrize("kind", NEVER)
def test_a_key_pair(disk: Disk, kind: str) -> None:
    """Never the one half without the other."""
    result, there = disk(kind, "cosign_keypair", path=str(disk.place / "cosign.key"), passphrase="")
    if kind == "read-only":  # seen before anything is tried, in check mode too
        assert result["msg"] == f"path: the directory {disk.place} is not writable"
    else:
        _refused(result, kind, "unwritable_file")
    assert there == {}


@pytest.mark.parametrize("kind", NEVER)
def test_a_declaration(disk: Disk, kind: str) -> None:
    options = {"name": "app", "url": "oci://registry.example/team/app"}
    result, there = disk(kind, "flux_oci_source", dest=str(disk.place / "app.yaml"), target="file", **options)
    _refused(result, kind, "unwritable_file")
    assert there == {}


@pytest.mark.parametrize("kind", NEVER)
def test_the_registry_s_directory(disk: Disk, kind: str) -> None:
    result, there = disk(kind, "oci_registry", data_dir=str(disk.place / "registry"))
    _refused(result, kind, "invalid_option")
    assert set(there) <= {f"registry/{MARKER}"}  # whose name is all that counts, and by which the next run goes on


@pytest.mark.parametrize("kind", NEVER)
def test_a_push_needs_no_disk(disk: Disk, registry: RunningRegistry, tmp_path: Path, kind: str) -> None:
    """What is remembered of layers only saves time."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.yaml").write_text("kind: A\n")
    given = {"reference": f"{registry.address}/team/app:v1", "path": str(tmp_path / "tree")}
    result, there = disk(kind, "oci_push", cache_dir=str(disk.place / "cache"), **given)
    assert result["changed"], result
    assert there == {}


@pytest.mark.parametrize("kind", NEVER)
def test_the_work_for_git(disk: Disk, run_module: RunModule, tmp_path: Path, kind: str) -> None:
    """What is fetched and committed needs room; the repository itself has some."""
    bare = Bare.create(tmp_path / "fleet.git", {"README.md": "hello\n"})
    options: dict[str, t.Any] = {"repository": str(bare.path), "files": [{"path": "a.yaml", "content": "a: 1\n"}]}
    room = {"TMPDIR": str(disk.place)}
    result, there = disk(kind, "git_publish", environment=room, _ansible_tmpdir=str(disk.place), **options)
    _refused(result, kind, "unwritable_file" if kind == "read-only" else "git_failed")
    assert there == {}
    assert bare.log() == ["by another"]
    assert run_module("git_publish", **options)["changed"]


@pytest.mark.parametrize("kind", NEVER)
def test_the_disk_of_the_repository(disk: Disk, tmp_path: Path, kind: str) -> None:
    """A remote that cannot store what is pushed says so, and keeps what it had."""
    bare = Bare.create(tmp_path / "seed" / "fleet.git", {"README.md": "hello\n"})
    shutil.rmtree(bare.path / "hooks")
    before = {str(one.relative_to(tmp_path / "seed")): one.stat().st_size for one in _files(tmp_path / "seed")}
    options: dict[str, t.Any] = {"repository": str(disk.place / "fleet.git"), "attempts": 2}
    files = [{"path": "a.yaml", "content": "a: 1\n"}]
    result, there = disk(kind, "git_publish", seed=tmp_path / "seed", files=files, **options)
    assert result["failed"], result
    assert result["failure"]["code"] != "bug"
    assert ("Read-only" if kind == "read-only" else "space") in result["msg"], result["msg"]
    assert there == before


def _files(directory: Path) -> list[Path]:
    return [one for one in directory.rglob("*") if one.is_file()]
