# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a signature's bytes, and whether the peers are known to say so, too."""

from __future__ import annotations

from .._shared.errors import GitopsError


class MalformedSignature(GitopsError):
    """Bytes that do not follow the rules of the signature format that they claim: the peers refuse them as well."""

    code = "malformed_signature"


class UnreadSignature(MalformedSignature):
    """Bytes that we do not read any further, or more strictly than the peers: they may take them."""
