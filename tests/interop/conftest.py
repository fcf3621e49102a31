# SPDX-License-Identifier: GPL-3.0-or-later
"""The real peers: their commands, their registries, and keys of both makes."""

from __future__ import annotations

import contextlib
import secrets
import typing as t
from pathlib import Path

import pytest
from interop import gitea as gitea_server
from interop import places
from interop.cosign import EMPTY_TRUSTED_ROOT, Cosign, Keys
from interop.flux_cluster import Flux, flux_cluster
from interop.kube_api import KubeApi, kube_api
from interop.peers import Cli, Home
from interop.places import Place
from support import private_sigstore
from support.private_sigstore import Sigstore, running_sigstore

if t.TYPE_CHECKING:  # pragma: no cover
    from conftest import Result, RunModule


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The peers' home directory."""
    return Home.make(tmp_path_factory.mktemp("peers") / "home")


@pytest.fixture(autouse=True)
def docker_config(clean_environment: None, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours reads the same credentials as the peers do."""
    monkeypatch.setenv("DOCKER_CONFIG", str(home.docker))


@pytest.fixture(scope="session")
def gitea(home: Home, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[gitea_server.Gitea]:
    with places.running_gitea(home, tmp_path_factory.mktemp("gitea")) as server:
        yield server


@pytest.fixture(scope="session", params=places.NAMES)
def place(request: pytest.FixtureRequest, home: Home, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Place]:
    """Each registry in turn."""
    directory = tmp_path_factory.mktemp(request.param)
    with contextlib.ExitStack() as stack:
        if request.param == "gitea":
            server = request.getfixturevalue("gitea")
            here = Place("gitea", server.address, "lab/", gitea_server.USER, gitea_server.PASSWORD)
        elif request.param == "distribution":
            here = stack.enter_context(places.distribution(home.cli("registry"), directory))
        else:
            here = stack.enter_context(places.embedded(directory, request.param))
        if here.username and here.password:
            home.login(here.address, here.username, here.password)
        yield here


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Place]:
    """The embedded registry with the referrers API, which takes whatever one plants in it."""
    with places.embedded(tmp_path_factory.mktemp("planted"), "embedded") as here:
        yield here


@pytest.fixture(scope="session")
def embedded_old(home: Home, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Place]:
    """The same without the referrers API."""
    with places.embedded(tmp_path_factory.mktemp("planted-old"), "embedded-old") as here:
        home.login(here.address, str(here.username), str(here.password))
        yield here


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[KubeApi]:
    """An API server without any controller, for all tests of a worker; it writes an audit log at level Metadata."""
    with kube_api(tmp_path_factory.mktemp("kube")) as running:
        yield running


@pytest.fixture(scope="module")
def server(api_server: KubeApi) -> KubeApi:
    """The same, without what another file of tests has left."""
    api_server.reset()
    return api_server


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[KubeApi]:
    """An API server with Flux's controllers; each test has a namespace of its own in it."""
    with flux_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def space(cluster: KubeApi) -> Flux:
    """A namespace of the test's own in that cluster."""
    return Flux(cluster, f"test-{secrets.token_hex(4)}")


@pytest.fixture(scope="session")
def flux(home: Home) -> Cli:
    return home.cli("flux")


@pytest.fixture(scope="session")
def oras(home: Home) -> Cli:
    return home.cli("oras")


@pytest.fixture(scope="session")
def crane(home: Home) -> Cli:
    return home.cli("crane")


def _cosign(home: Home, major: int) -> Cosign:
    root = home.path / "trusted_root.json"
    root.write_text(EMPTY_TRUSTED_ROOT)
    names = ("cosign3", "cosign") if major == 3 else ("cosign2",)
    return Cosign(major, home.cli(*names, COSIGN_YES="true"), root)


@pytest.fixture(scope="session")
def cosign3(home: Home) -> Cosign:
    return _cosign(home, 3)


@pytest.fixture(scope="session")
def cosign2(home: Home) -> Cosign:
    return _cosign(home, 2)


@pytest.fixture(scope="session", params=[3, 2], ids=["cosign3", "cosign2"])
def cosign(request: pytest.FixtureRequest, home: Home) -> Cosign:
    """Each cosign in turn."""
    return _cosign(home, request.param)


@pytest.fixture(scope="session")
def both(cosign3: Cosign, cosign2: Cosign) -> tuple[Cosign, Cosign]:
    return cosign3, cosign2


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A key pair of ours."""
    return Keys.ours(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def other_keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Somebody else's."""
    return Keys.ours(tmp_path_factory.mktemp("other-keys"))


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A small tree, another one in each test."""
    tree = tmp_path / "manifests"
    (tree / "sub").mkdir(parents=True)
    (tree / "app.yaml").write_text(f"kind: ConfigMap\nmetadata: {{name: {tmp_path.name}}}\n")
    (tree / "sub" / "more.yaml").write_text("kind: Namespace\n")
    return tree


@pytest.fixture(scope="session")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Sigstore]:
    """A private Sigstore, one for all tests of a worker."""
    absent = private_sigstore.missing()
    if absent:
        pytest.skip(f"{absent[0]} is not on PATH")
    with running_sigstore(tmp_path_factory.mktemp("sigstore")) as running:
        yield running


class Ours(t.Protocol):
    """`ours("oci_push", …)` runs a module of ours; it has to succeed, or to fail where `fails` is given."""

    def __call__(self, name: str, /, *, fails: bool = False, check: bool = False, **options: t.Any) -> Result: ...


@pytest.fixture
def ours(run_module: RunModule) -> Ours:
    def run(name: str, /, *, fails: bool = False, check: bool = False, **options: t.Any) -> Result:
        result = run_module(name, check=check, **options)
        assert bool(result.get("failed")) is fails, result
        assert "exception" not in result, result
        return result

    return run


class Push(t.Protocol):
    """`push(place)` gives a new artifact of ours by digest, as `host:port/repository@sha256:…`."""

    def __call__(self, place: Place, repository: str | None = None, **options: t.Any) -> str: ...


@pytest.fixture
def push(ours: Ours, manifests: Path) -> Push:
    def run(place: Place, repository: str | None = None, **options: t.Any) -> str:
        given = {"reference": f"oci://{repository or place.repository()}", "path": str(manifests), **options}
        return str(ours("oci_push", **given)["artifact"]["reference"])

    return run
