# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a peer may send us: by what an address means, and by what was connected to."""

from __future__ import annotations

import ipaddress
import socket
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._http import pools
from ansible_collections.proven.gitops.plugins.module_utils._http.errors import BadAnswer
from ansible_collections.proven.gitops.plugins.module_utils._http.urls import Origin, check_hop
from ansible_collections.proven.gitops.plugins.module_utils._registry import errors
from ansible_collections.proven.gitops.plugins.module_utils._registry.challenge import check_realm
from ansible_collections.proven.gitops.plugins.module_utils._shared.addresses import (
    address_of,
    is_ambiguous,
    is_loopback,
)

ODD = ["127.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "127.0.0.1.1", "1.2.3.4.", "017700000001"]
WRAPPED = {
    "[::127.0.0.1]": "127.0.0.1",
    "[::ffff:7f00:1]": "127.0.0.1",
    "[::ffff:0:7f00:1]": "127.0.0.1",
    "[64:ff9b::a9fe:a9fe]": "169.254.169.254",
    "[2002:7f00:1::]": "127.0.0.1",
    "100.64.0.1": "100.64.0.1",
    "100.100.100.200": "100.100.100.200",
    "[fd00:ec2::254]": "fd00:ec2::254",
}
HOME = Origin.of("https://r.example", "test")


@pytest.mark.fault("H10")
@pytest.mark.parametrize("host", ODD)
def test_a_number_at_the_end_is_a_dotted_quad_or_nothing(host: str) -> None:
    if host == "1.2.3.4.":
        assert str(address_of(host)) == "1.2.3.4"
        return
    assert is_ambiguous(host)
    assert is_ambiguous(f"{host}:5000")
    with pytest.raises(BadAnswer, match="neither a name nor an address"):
        Origin.of(f"https://{host}/", "test")


@pytest.mark.fault("H10")
@pytest.mark.parametrize(("host", "means"), WRAPPED.items())
def test_an_address_inside_another_is_judged_as_itself(host: str, means: str) -> None:
    assert str(address_of(host)) == means
    target = Origin.of(f"https://{host}/x", "test")
    with pytest.raises(BadAnswer, match="refused"):
        check_hop(HOME, HOME, target, "test")
    with pytest.raises(BadAnswer, match="credentials are not sent there"):
        check_realm(HOME, f"https://{host}/token", plain_http=True)


@pytest.mark.parametrize("host", ["[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "localhost.example"])
def test_what_a_network_may_carry_is_not_this_machine(host: str) -> None:
    """Neither plain HTTP nor a way around the proxy is implied there."""
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "x.localhost:5000", "127.9.9.9:1", "[::1]:5000", "::1"])
def test_this_machine_by_its_very_name(host: str) -> None:
    assert is_loopback(host)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """`home.test` seems to be in the net: the sockets that lead there say so. `inner.test` is this machine."""
    resolve, known = socket.getaddrinfo, pools.Pools._judge

    def getaddrinfo(host: t.Any, *more: t.Any, **named: t.Any) -> t.Any:
        return resolve("127.0.0.1" if str(host).endswith(".test") else host, *more, **named)

    def judge(self: pools.Pools, origin: Origin, home: Origin | None, address: t.Any) -> None:
        for one, connections in self._direct.items():
            if one.host == "home.test":
                connections.peer = address_of("192.0.2.7")
        known(self, origin, home, address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(pools.Pools, "_judge", judge)


@pytest.mark.fault("H11")
@pytest.mark.usefixtures("elsewhere")
def test_a_name_that_leads_to_this_machine_gets_nothing(connect: Connect, authority: Authority) -> None:
    with (
        Wire(authority.server("home.test"), "home.test") as home,
        Wire(authority.server("inner.test"), "inner.test") as inner,
    ):
        registry = connect(home, LOGIN, ca_path=authority.ca_path)
        challenge = f'Bearer realm="{inner.url}/token",service="x"'
        home.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": challenge})
        with pytest.raises(errors.BadAnswer, match=r"inner\.test, which is 127\.0\.0\.1: refused"):
            registry.get_manifest("a", "v1")
        anonymous = connect(home, ca_path=authority.ca_path)
        home.expect("GET", "/v2/a/manifests/v1", status=307, headers={"Location": f"{inner.url}/x"})
        with pytest.raises(errors.BadAnswer, match=r"inner\.test, which is 127\.0\.0\.1: refused"):
            anonymous.get_manifest("a", "v1")
        assert inner.seen == []


@pytest.mark.fault("H11")
def test_a_name_of_this_machine_that_leads_away_gets_no_plain_http(
    wire: Wire, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = pools.Pools._judge

    def judge(self: pools.Pools, origin: Origin, home: Origin | None, address: t.Any) -> None:
        known(self, origin, home, ipaddress.ip_address("192.0.2.7"))

    monkeypatch.setattr(pools.Pools, "_judge", judge)
    with pytest.raises(errors.BadAnswer, match=r"is not this machine, but 192\.0\.2\.7"):
        connect(wire).get_manifest("a", "v1")
    assert wire.seen == []
    wire.expect("GET", status=404)
    assert connect(wire, insecure=True).get_manifest("a", "v1") is None
