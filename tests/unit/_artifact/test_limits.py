# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that speak before the first byte."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._artifact.limits import Limits, UnsafeArchive


@pytest.mark.fault("H12")
def test_a_layer_larger_than_its_content_may_be_is_refused() -> None:
    limits = Limits(content=1_000_000)
    limits.check_packed(1_000_000, "it")
    limits.check_packed(1_001_000, "it")  # what does not compress grows a little
    for size in (1_003_000, 1_500_000_000, 1 << 62):
        with pytest.raises(UnsafeArchive, match=f"{size} bytes long, and more than 1000000 are not allowed"):
            limits.check_packed(size, "it")
