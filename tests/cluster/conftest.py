# SPDX-License-Identifier: GPL-3.0-or-later
"""One story for each file of tests: nothing is there before the first play, and nothing stays."""

from __future__ import annotations

import typing as t

import pytest
from cluster.machine import cluster, need
from cluster.story import Story


@pytest.fixture(scope="module")
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
