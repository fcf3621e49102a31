# SPDX-License-Identifier: GPL-3.0-or-later
"""Flux releases, and what each of them can read.

A version is that of the Flux distribution (`flux version`, the tag of fluxcd/flux2), not of source-controller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._shared.addresses import is_private_v4
from .._shared.errors import InvalidOption

_VERSION = re.compile(r"v?(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})(?:\.(0|[1-9][0-9]{0,3}))?", re.ASCII)


@dataclass(frozen=True, order=True)
class FluxVersion:
    """A release of Flux; ordered as releases are. A missing patch level is 0, the first release of a minor."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> FluxVersion:
        """`2.8`, `2.8.3` or `v2.9.5`. Raises InvalidOption for `flux_version`."""
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise InvalidOption("flux_version", f"{text!r} is not a version of Flux such as '2.9' or 'v2.9.5'")
        if match.group() == "2.1":  # YAML reads an unquoted 2.10 as the number 2.1
            raise InvalidOption(
                "flux_version",
                "2.1 is what YAML makes of an unquoted 2.10: write '2.10' in quotes (or '2.1.0' for Flux 2.1)",
            )
        major, minor, patch = match.groups()
        return cls(int(major), int(minor), int(patch or 0))

    @property
    def release(self) -> str:
        """Without the patch level: `2.8`."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


NEWEST = FluxVersion(2, 10, 1)

# Minors that the Flux project supports at the time of NEWEST: the last three.
OLDEST_SUPPORTED = FluxVersion(2, 8)

# Since which release Flux can do what. The versions of its API stand with the kinds, in kinds.py.
# Signatures in cosign 3's bundle format are found (source-controller 1.8, its pull request 1961).
BUNDLES = FluxVersion(2, 8)
# They are found over plain HTTP everywhere (source-controller 1.9, its pull request 2061).
BUNDLES_OVER_PLAIN_HTTP = FluxVersion(2, 9)
# OCIRepository has verify.trustedRootSecretRef.
TRUSTED_ROOT = FluxVersion(2, 9)
# What was fetched is verified again when its keys change (source-controller 1.10, its pull requests 2166 and 2179).
VERIFIES_AGAIN = FluxVersion(2, 10)

_LOCAL_NAME = re.compile(r"(?:\.localhost(?::[0-9]{1,5})?|^127\.0\.0\.1(?::[0-9]{1,5})?|^\[::1\](?::[0-9]{1,5})?)\Z")


def reads_bundles(version: FluxVersion) -> bool:
    """Whether signatures in cosign 3's bundle format are looked for at all."""
    return version >= BUNDLES


def finds_bundles(version: FluxVersion, host: str, *, plain_http: bool) -> bool:
    """Whether a bundle in the registry `host[:port]` is found; `plain_http` says how the registry is spoken to.

    Before BUNDLES_OVER_PLAIN_HTTP, bundles are looked for without `insecure`, so over plain HTTP only where
    go-containerregistry tries it by itself.
    """
    if plain_http and not _tries_plain_http(host):
        return version >= BUNDLES_OVER_PLAIN_HTTP
    return reads_bundles(version)


def verifies_again(version: FluxVersion) -> bool:
    """Whether what was fetched is verified again when its keys change."""
    return version >= VERIFIES_AGAIN


def _tries_plain_http(host: str) -> bool:
    """Source: go-containerregistry, pkg/name/registry.go, Scheme(): neither all loopback, nor only that."""
    if host.startswith("localhost:") or _LOCAL_NAME.search(host):
        return True
    return is_private_v4(host.partition(":")[0])
