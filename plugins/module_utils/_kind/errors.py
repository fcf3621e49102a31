# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with Docker, kind and a cluster in containers; each message says what to do about it."""

from __future__ import annotations

from .._shared.errors import GitopsError


class KindError(GitopsError):
    """docker or kind failed in a way without a name of its own; `details` holds `command` and `exit_code`."""

    code = "kind_failed"


class DockerUnavailable(KindError):
    """There is no docker program, no daemon that answers, or none that lets this user in."""

    code = "docker_unavailable"


class KindMissing(KindError):
    """There is no kind program."""

    code = "kind_missing"


class HalfMade(KindError):
    """Containers of a cluster are there, and no cluster in them that answers."""

    code = "cluster_half_made"


class Drift(KindError):
    """What runs is not what was declared; `details.drift` lists the differences."""

    code = "drift"


class CreationFailed(KindError):
    """kind could not make the cluster, or Docker the container. kind has removed what it began."""

    code = "creation_failed"


class NotReady(KindError):
    """The cluster runs, and its nodes are not ready in time; `details.nodes` lists them with their reason."""

    code = "not_ready"


class ForeignContainer(KindError):
    """A container of that name is there, and is not what was expected: it is somebody else's."""

    code = "foreign_container"
