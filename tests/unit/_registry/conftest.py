# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test of the registry client needs."""

from support.wire_fixtures import authority, connect, names, secrets, wire

__all__ = ["authority", "connect", "names", "secrets", "wire"]
