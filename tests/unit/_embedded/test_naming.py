# SPDX-License-Identifier: GPL-3.0-or-later
"""What may become part of a path on disk."""

from __future__ import annotations

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._embedded.message import ApiError
from ansible_collections.proven.gitops.plugins.module_utils._embedded.naming import (
    check_digest,
    check_name,
    check_reference,
    check_tag,
)


@pytest.mark.parametrize("name", ["a", "team/app", "a.b/c_d/e__f/g-h/i--j", "0/1", "blobs/tags/list", "a" * 255])
def test_names(name: str) -> None:
    assert check_name(name) == name


NO_NAMES = ["A", "/a", "a/", "a//b", "..", "a/..", "../a", "a/./b", "_a", "a_", "a___b", "a..b", "a b", "a\n", "a\x00"]


@pytest.mark.parametrize("name", ["", *NO_NAMES, "ä", "a" * 256, "a\\b", "a:b", "_tags", "a/_blobs"])
def test_no_names(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_name(name)
    assert (caught.value.code, caught.value.status) == ("NAME_INVALID", 400)


@pytest.mark.parametrize("digest", ["sha256:" + "0a" * 32, "sha512:" + "f9" * 64])
def test_digests(digest: str) -> None:
    assert check_digest(digest) == digest
    assert check_reference(digest) == digest


NO_HEX = ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "0" * 61 + "/..", "../../../etc/passwd"]


@pytest.mark.parametrize(
    "digest", ["", "0" * 64, "md5:" + "0" * 32, "sha512:" + "0" * 64, *(f"sha256:{text}" for text in NO_HEX)]
)
def test_no_digests(digest: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_digest(digest)
    assert caught.value.code == "DIGEST_INVALID"


@pytest.mark.parametrize("tag", ["v1", "_x", "1.2.3", "A-b_c.D", "a" * 128])
def test_tags(tag: str) -> None:
    assert check_tag(tag) == tag
    assert check_reference(tag) == tag


@pytest.mark.parametrize("tag", ["", ".", "..", ".a", "-a", "a/b", "a" * 129, "a b", "a\n", "v1+x"])
def test_no_tags(tag: str) -> None:
    with pytest.raises(ApiError) as caught:
        check_reference(tag)
    assert caught.value.code == "TAG_INVALID"
