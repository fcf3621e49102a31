# SPDX-License-Identifier: GPL-3.0-or-later
"""Two machines go through all tests, side by side: one for the roles, and one for the story; nothing stays of either.

A cluster takes its time, so that what needs one goes on in one that stands. The order in each is that of the files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from cluster.machine import Cluster, cluster, docker, eventually, need
from cluster.story import Story
from support.killing import kill
from support.playbook import ROOT
from xdist.scheduler import LoadScopeScheduling


class _Machines(LoadScopeScheduling):  # type: ignore[misc]
    """All files of a machine go to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return "story" if "/test_story_" in nodeid else "roles"


def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> _Machines:
    return _Machines(config, log)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Cluster]:
    """A cluster with a registry: made in check mode first, killed while kind creates it, and made then."""
    need("docker", "kind")
    with cluster(tmp_path_factory.mktemp("kind")) as one:
        predicted = one.make("--check", "--diff", **one.registry_variables)
        assert len(predicted.changed) == 2
        assert one.left() == []
        assert not one.kubeconfig.exists()
        _killed_creation(one)
        done = one.make(**one.registry_variables)
        assert done.changed == predicted.changed
        actions = done.result("Make the cluster what it is to be")["actions"]
        assert actions[:2] == [f"remove {one.plane}", f"create cluster {one.name}"]
        yield one


def _killed_creation(one: Cluster) -> None:
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(one.directory / "kind_cluster.yml")]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections")}
    running = subprocess.Popen(
        [*command, "-e", json.dumps({**one.variables, **one.registry_variables})],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: docker("ps", "--quiet", "--filter", f"name={one.plane}"))
    kill(running, whole=True)
    assert one.plane in one.left()


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Story]:
    """Its own DOCKER_CONFIG included: what the developer is logged in to is not asked."""
    need("docker", "kind", "kubectl", "git")
    directory = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patched, cluster(directory) as one:
        patched.setenv("DOCKER_CONFIG", str(directory / "docker"))
        told = Story(directory, one)
        told.write_manifests()
        try:
            yield told
        finally:
            told.remove()
