# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a chart."""

from __future__ import annotations

from .._shared.errors import GitopsError


class InvalidChart(GitopsError):
    """A chart that helm would not load, or that two readers could take for different things."""

    code = "invalid_chart"
