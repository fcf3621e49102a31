# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts and chart repositories of an attacker: nothing is pushed that helm and we could read differently."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
import time
import tracemalloc
import typing as t
from pathlib import Path

import pytest
from support.artifacts import put
from support.charts import CHART_YAML, packed, tree
from support.registry import RunningRegistry, registry
from support.tars import END, entry
from support.wire import Wire

if t.TYPE_CHECKING:
    from conftest import Result, RunModule

__all__ = ["registry"]

MIB = 1 << 20
GOOD = entry(b"app/values.yaml", b"a: 1\n")


class Push:
    """`push(path=…)` pushes what has to be refused, or `takes` it; nothing refused leaves anything behind."""

    def __init__(self, run_module: RunModule, registry: RunningRegistry, directory: Path) -> None:
        self._run_module = run_module
        self.registry = registry
        self.file = directory / "app-1.0.0.tgz"

    def __call__(self, **options: t.Any) -> Result:
        return self._run_module("helm_chart_push", reference=f"{self.registry.address}/team/app:1.0.0", **options)

    def refuses(self, code: str, **options: t.Any) -> str:
        result = self(**options)
        assert result.get("failed"), result
        assert result["failure"]["code"] == code, result
        assert not self.registry.writes()
        return str(result["msg"])

    def archive(self, *entries: bytes, code: str = "invalid_chart", **more: t.Any) -> str:
        return self.bytes(packed(*entries, **more), code)

    def bytes(self, data: bytes, code: str = "invalid_chart") -> str:
        self.file.write_bytes(data)
        return self.refuses(code, path=str(self.file))


@pytest.fixture
def push(run_module: RunModule, registry: RunningRegistry, tmp_path: Path) -> Push:
    return Push(run_module, registry, tmp_path)


@pytest.mark.fault("HC1")
@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry(b"app/../../evil", b"x")], "is not a path inside"),
        ([entry(b"/app/evil", b"x")], "is not a path inside"),
        ([entry(b"app\\evil", b"x")], "backslash"),
        ([entry(b"other/evil", b"x")], "outside of 'app'"),
        ([entry(b"evil", b"x")], "outside of 'app'"),
        ([entry(b"app/link", kind=b"2")], "is a link"),
        ([entry(b"app/hard", kind=b"1")], "neither a file nor a directory"),
        ([entry(b"app/pipe", kind=b"6")], "neither a file nor a directory"),
        ([GOOD, GOOD], "twice"),
        ([entry(b"app/VALUES.yaml", b""), GOOD], "one file on the disks"),
        ([END, GOOD], "data after its end"),
        ([entry(b"app/.git/config", b"x")], "git's own directory"),
    ],
)
def test_archives_that_attack(push: Push, entries: list[bytes], reason: str) -> None:
    assert reason in push.archive(*entries)


@pytest.mark.fault("HC1")
def test_archives_without_end(push: Push) -> None:
    bomb = gzip.compress(entry(b"app/Chart.yaml", CHART_YAML.encode()) + entry(b"app/zero", bytes(120 * MIB)) + END)
    assert "100 MiB" in push.bytes(bomb)
    assert "gzip" in push.bytes(b"PK\x03\x04")
    assert "too early" in push.bytes(packed(GOOD)[:-20])
    assert "Chart.yaml is missing" in push.archive(GOOD, chart_yaml=None)


@pytest.mark.fault("HC2")
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("description: " + "x" * 5 * MIB, "larger than"),
        ("x: " + "[" * 100_000, "nest"),
        ("x: " + "{a: " * 100_000, "nest"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias"),
        ("name: other\n", "the key 'name' twice"),
        ("Name: other\n", "differs from a known one only in case"),
        ("x: !!python/object/apply:os.system [id]\n", "a tag"),
        ("<<: {name: other}\n", "a merge key"),
        ("---\nname: other\n", "more than one document"),
        ("dependencies: [{name: a}, {name: b, alias: a}]\n", "more than one dependency"),
        ("maintainers: [null]\n", "is not a map"),
        ("type: plugin\n", "not application or library"),
        ("x: " + "[" + "1," * 300_000 + "]", "more than 200000 values"),
    ],
)
def test_a_chart_yaml_that_attacks(push: Push, more: str, reason: str) -> None:
    begun = time.monotonic()
    assert reason in push.archive(chart_yaml=f"{CHART_YAML}{more}")
    assert time.monotonic() - begun < 20


def _nested(depth: int) -> bytes:
    inner = packed()
    for _turn in range(depth):
        inner = packed(entry(b"app/charts/app-1.0.0.tgz", inner))
    return inner


@pytest.mark.fault("HC3")
def test_subcharts_without_end(push: Push, tmp_path: Path) -> None:
    assert "nested more than 10 deep" in push.bytes(_nested(11))
    chart = tree(tmp_path / "cycle")
    (chart / "charts").mkdir()
    (chart / "charts" / "app").symlink_to("..")
    assert "a link to a directory that holds it" in push.refuses("invalid_chart", path=str(chart))
    zeros = packed(entry(b"app/zero", bytes(12 * MIB)))
    siblings = [entry(b"app/charts/a%d.tgz" % number, zeros) for number in range(9)]
    assert "100 MiB" in push.archive(*siblings)


@pytest.mark.fault("HC7")
def test_a_directory_with_more_than_files(push: Push, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    chart = tree(tmp_path / "chart")
    (chart / "out").symlink_to("../secret")
    assert "leads out of the tree" in push.refuses("invalid_chart", path=str(chart))
    (chart / "out").unlink()
    os.mkfifo(chart / "pipe")
    assert "neither a file nor a directory" in push.refuses("invalid_chart", path=str(chart))
    (chart / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(chart / "s"))
        assert "neither a file nor a directory" in push.refuses("invalid_chart", path=str(chart))
        (chart / ".helmignore").write_text("s\n")
        assert push(path=str(chart))["changed"]


@pytest.mark.fault("HC8")
@pytest.mark.parametrize(
    "stranger",
    [
        gzip.compress(b"", mtime=5) + packed(GOOD),
        packed(GOOD, entry(b"app/charts/_hidden", b"payload")),
        packed(entry(b"app/values.yaml", b"a: 1\n", kind=b"\0")),
        packed(GOOD, chart_yaml=f"# hidden\n{CHART_YAML}"),
        packed(GOOD, chart_yaml=f"{CHART_YAML}hidden: field\n"),
    ],
)
def test_a_strangers_archive_is_not_adopted(push: Push, tmp_path: Path, stranger: bytes) -> None:
    chart = tree(tmp_path / "chart", {"values.yaml": "a: 1\n"})
    (chart / "templates" / "a.yaml").unlink()
    ours = push(path=str(chart))["artifact"]
    layer_type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    config_type = "application/vnd.cncf.helm.config.v1+json"
    annotations = {key: value for key, value in ours["annotations"].items() if not key.startswith("gitops")}
    config = b'{"name":"app","version":"1.0.0","apiVersion":"v2"}'
    put(
        push.registry.address,
        "team/app",
        "1.0.0",
        [stranger],
        annotations,
        config=config,
        config_type=config_type,
        layer_type=layer_type,
    )
    refused = push(path=str(chart))
    assert refused["failure"]["code"] == "tag_exists", refused


ARCHIVE = packed(GOOD)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
LOGIN = {"repo_username": "me", "repo_password": "canary-of-the-repository"}


def _index(url: str = "app-1.0.0.tgz", digest: str = SHA256) -> bytes:
    lines = ["apiVersion: v1", "entries:", "  aaa:", "  - version: 1.0.0", "    urls: [no]", "  app:"]
    lines += ["  - name: app", "    version: 0.9.0", "    urls:", "    - no.tgz"]
    lines += ["  - name: app", f"    digest: {digest}", "    version: 1.0.0", "    urls:", f"    - {url}"]
    return "\n".join([*lines, "  zzz: []", "generated: now", ""]).encode()


def _repository(wire: Wire) -> dict[str, t.Any]:
    return {"repo_url": f"{wire.url}/charts", "name": "app", "version": "1.0.0", "sha256": SHA256, "retries": 0}


@pytest.mark.fault("HC5")
def test_a_login_stays_where_it_belongs(push: Push) -> None:
    with Wire() as home, Wire() as elsewhere:
        home.expect("GET", "/charts/index.yaml", status=302, headers={"Location": f"{elsewhere.url}/i?signature=x"})
        elsewhere.expect("GET", "/i?signature=x", body=_index(f"{elsewhere.url}/app.tgz"), sent={"Authorization": None})
        elsewhere.expect(
            "GET", "/app.tgz", status=307, headers={"Location": f"{home.url}/back"}, sent={"Authorization": None}
        )
        home.expect("GET", "/back", body=ARCHIVE, sent={"Authorization": None})
        result = push(**_repository(home), **LOGIN)
        assert result["changed"], result
        assert home.seen[0].headers["Authorization"].startswith("Basic ")
        assert "canary" not in str(result)
    [pushed] = result["artifacts"]
    assert (pushed["layer_digest"], pushed["version"]) == (f"sha256:{SHA256}", "1.0.0")


@pytest.mark.fault("HC6")
def test_another_archive_than_asked_for(push: Push) -> None:
    other = packed(GOOD, entry(b"app/evil", b"x"))
    with Wire() as home:
        home.expect("GET", "/charts/index.yaml", body=_index())
        home.expect("GET", "/charts/app-1.0.0.tgz", body=other)
        assert "as sha256 says" in push.refuses("invalid_chart", **_repository(home))
        home.expect("GET", "/charts/index.yaml", body=_index(digest="0" * 64))
        assert "not that of sha256" in push.refuses("invalid_chart", **_repository(home))
        home.expect("GET", "/app.tgz?token=s3cret", status=404)
        said = push.refuses("refused", url=f"{home.url}/app.tgz?token=s3cret", sha256=SHA256, retries=0)
        assert "404" in said
        assert "s3cret" not in said
    assert "needs it" in push.refuses("invalid_option", url="https://example.org/app.tgz")
    loud = {"repo_url": "http://example.org/", "name": "app", "version": "1", "sha256": SHA256}
    assert "plain HTTP" in push.refuses("invalid_option", **loud, **LOGIN)


@pytest.mark.fault("HC4")
def test_an_index_without_end(push: Push) -> None:
    many = b"apiVersion: v1\nentries:\n" + b"".join(
        b"  c%d:\n  - version: 1.0.0\n    urls: [x]\n" % number for number in range(200_000)
    )
    big = many + b"  - description: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" * (100 * MIB // 55)
    cases = [
        (big, "bad_answer", "bytes long, more than"),
        (b"apiVersion: " + b"x" * 3 * MIB, "invalid_chart", "a line is longer than"),
        (b"entries:\n  app:\n" + (b"  - " + b"x" * 200 + b"\n") * 45_000, "invalid_chart", "the entry is longer"),
        (b'{"entries": [' + b"[]," * 3_000_000 + b"[]]}", "invalid_chart", "more than 2000000 values"),
        (many, "invalid_chart", "there is no version 1.0.0 of app"),
    ]
    for body, code, reason in cases:
        with Wire() as home:
            home.expect("GET", "/charts/index.yaml", body=body)
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            assert reason in push.refuses(code, **_repository(home))
            peak = tracemalloc.get_traced_memory()[1] - before
            tracemalloc.stop()
            assert peak < 120 * MIB, (reason, peak)


@pytest.mark.fault("HC9")
def test_a_provenance_file_of_another_chart(push: Push, tmp_path: Path) -> None:
    push.file.write_bytes(ARCHIVE)
    proof = push.file.with_name("app-1.0.0.tgz.prov")
    signature = "-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n"
    given = {"path": str(push.file), "provenance": True}
    for text, reason in [
        (f"name: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:{'0' * 64}", "and the archive is"),
        (f"name: other\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:{SHA256}", "another chart than this"),
    ]:
        proof.write_text(f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}\n{signature}")
        assert reason in push.refuses("invalid_chart", **given)
    good = f"name: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:{SHA256}"
    proof.write_text(f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{good}\n{signature}")
    (tmp_path / "ring.gpg").write_bytes(b"")
    assert "not signed by a key" in push.refuses("invalid_chart", **given, keyring=str(tmp_path / "ring.gpg"))
    proof.write_text(f"in front\n{proof.read_text()}")
    assert "not a provenance file" in push.refuses("invalid_chart", **given)
