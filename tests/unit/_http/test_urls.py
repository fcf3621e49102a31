# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses given by a peer: which are believed, and for what."""

from __future__ import annotations

import time

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._http.errors import BadAnswer
from ansible_collections.proven.gitops.plugins.module_utils._http.urls import (
    Origin,
    check_hop,
    join,
    next_page,
)


def origin(url: str) -> Origin:
    return Origin.of(url, "test")


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://R.example/v2/") == origin("https://r.example:443/other?q")
    assert origin("https://r.example") != origin("https://r.example:8443")
    assert origin("https://r.example") != origin("http://r.example")
    assert str(origin("https://[::1]:5000/x")) == "https://[::1]:5000"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://r.example/",
        "file:///etc/passwd",
        "//r.example/",
        "/v2/",
        "https://",
        "https://user@r.example/",
        "https://user:pw@r.example/",
        "https://r.example\\@evil.example/",
        "https://r.example:99999/",
        "https://r.example:x/",
        "https://r.example/a b",
        "https://r.example/\r\nX: y",
        "https://r\u00e9.example/",
        "https://%72.example/",
        "https://[::1/",
        "https://r.example/" + "a" * 9000,
    ],
)
def test_what_is_no_origin(url: str) -> None:
    with pytest.raises(BadAnswer):
        origin(url)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/x", "https://r.example/v2/x"),
        ("x?a=b#c", "https://r.example/v2/a/x?a=b"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example:1/x", "https://other.example:1/x"),
        ("?state=1", "https://r.example/v2/a/b?state=1"),
    ],
)
def test_joins_a_location(location: str, expected: str) -> None:
    assert join("https://r.example/v2/a/b", location, "test") == expected


@pytest.mark.parametrize("location", [None, "", "javascript:alert(1)", "http://a b/", "/\t/x", "http://[/", "x" * 9000])
def test_refuses_a_location(location: str | None) -> None:
    with pytest.raises(BadAnswer, match="Location"):
        join("https://r.example/v2/a/b", location, "test")


def test_never_shows_the_query_of_an_address() -> None:
    with pytest.raises(BadAnswer) as caught:
        join("https://r.example/", "ftp://x.example/?X-Amz-Signature=canary", "upload")
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("home", "before", "target"),
    [
        ("https://r.example", "https://r.example", "https://cdn.example/blob"),
        ("https://r.example", "https://r.example", "https://10.1.2.3:9000/blob"),
        ("http://r.example", "http://r.example", "http://10.1.2.3:9000/blob"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000", "http://127.0.0.1:9000/blob"),
        ("https://169.254.1.1", "https://169.254.1.1", "https://169.254.1.1/blob"),
    ],
)
def test_follows(home: str, before: str, target: str) -> None:
    check_hop(origin(home), origin(before), origin(target), "test")


@pytest.mark.parametrize(
    ("home", "before", "target"),
    [
        ("https://r.example", "https://r.example", "http://r.example/"),
        ("http://r.example", "https://cdn.example", "http://r.example/"),
        ("http://r.example", "http://r.example", "http://169.254.169.254/latest/meta-data/"),
        ("http://r.example", "http://r.example", "http://[fe80::1]/"),
        ("http://r.example", "http://r.example", "http://[::ffff:169.254.169.254]/"),
        ("http://r.example", "http://r.example", "http://0.0.0.0/"),
        ("http://r.example", "http://r.example", "http://127.0.0.1:2375/"),
        ("http://r.example", "http://r.example", "http://localhost:2375/"),
        ("http://r.example", "http://r.example", "http://x.localhost:2375/"),
        ("http://r.example", "http://r.example", "http://[::1]:2375/"),
        ("http://r.example", "http://r.example", "http://[::ffff:127.0.0.1]/"),
    ],
)
def test_does_not_follow(home: str, before: str, target: str) -> None:
    with pytest.raises(BadAnswer, match="refused"):
        check_hop(origin(home), origin(before), origin(target), "test")


BASE = "https://r.example/v2/a/tags/list?n=2"


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        (['</v2/a/tags/list?n=2&last=b>; rel="next"'], "https://r.example/v2/a/tags/list?n=2&last=b"),
        (["</x>; rel=next"], "https://r.example/x"),
        (['</x?last=a,b&c=;d>; rel="next"'], "https://r.example/x?last=a,b&c=;d"),
        (['</y>; rel="prev", </x>; title="t"; rel="next"'], "https://r.example/x"),
        (["</y>; rel=prev", "</x>; REL=NEXT"], "https://r.example/x"),
        (["</x>; rel=nextish"], None),
        (['<https://r.example/>; rel="canonical", <y>; rel'], None),
        (['</x>; rel="last next"; title="a;b, <c>"'], "https://r.example/x"),
        (["</y>", ""], None),
        ([], None),
    ],
)
def test_next_page(links: list[str], expected: str | None) -> None:
    assert next_page(BASE, links, "test") == expected


@pytest.mark.parametrize(
    "link", ["<https://evil.example/x>; rel=next", "<http://r.example/x>; rel=next", "<//r.example:444/x>; rel=next"]
)
def test_next_page_stays_at_home(link: str) -> None:
    with pytest.raises(BadAnswer, match="another host"):
        next_page(BASE, [link], "test")


@pytest.mark.fault("H9")
@pytest.mark.parametrize(
    "link",
    [
        "nonsense",
        "/v2/a/tags/list?last=b; rel=next",
        "</y>; rel=prev, /x; rel=next",
        '</x; rel="next"',
        '</x> rel="next"',
        "</" + "x" * 9000 + ">; rel=next",
        "</x>; a" + " " * 8000 + "x",
        '</x>; rel="next',
    ],
)
def test_a_link_that_cannot_be_followed_is_an_error(link: str) -> None:
    """Else the first page would pass for all tags, or all referrers."""
    start = time.process_time()
    with pytest.raises(BadAnswer, match="Link header"):
        next_page(BASE, [link], "test")
    assert time.process_time() - start < 0.5
