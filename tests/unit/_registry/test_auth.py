# SPDX-License-Identifier: GPL-3.0-or-later
"""How we introduce ourselves: what is sent where, how often a token is fetched, and what an error says of it."""

from __future__ import annotations

import base64
import json
import threading
import typing as t

import pytest
from support.wire import Wire
from support.wire_client import LOGIN, Authority, Connect

from ansible_collections.proven.gitops.plugins.module_utils._registry.client import Registry
from ansible_collections.proven.gitops.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.proven.gitops.plugins.module_utils._registry.errors import (
    BadAnswer,
    CredentialsError,
    Unauthorized,
    Unreachable,
)

BASIC = "Basic " + base64.b64encode(b"alice:correct horse").decode()
PULL = "repository:org/app:pull"
MANIFEST = "/v2/org/app/manifests/v1"
IDENTITY = Credentials(identity_token="identity-canary", source="option identity_token")


def challenge(wire: Wire, **more: str) -> dict[str, str]:
    parameters = {"realm": f"{wire.url}/token", "service": "reg", **more}
    return {"WWW-Authenticate": "Bearer " + ",".join(f'{name}="{value}"' for name, value in parameters.items())}


def token(value: str, **more: t.Any) -> bytes:
    return json.dumps({"token": value, "expires_in": 300, **more}).encode()


def absent(wire: Wire, authorization: str | None) -> None:
    """The manifest is asked for, and is not there."""
    wire.expect("HEAD", MANIFEST, status=404, sent={"Authorization": authorization})


def ask(registry: Registry) -> None:
    assert registry.resolve("org/app", "v1") is None


TOKEN_TARGET = "/token?service=reg&scope=repository%3Aorg%2Fapp%3Apull"


def test_anonymous_where_nothing_is_asked_for(wire: Wire, connect: Connect) -> None:
    absent(wire, None)
    ask(connect(wire))


def test_basic_once_it_is_known(wire: Wire, connect: Connect, secrets: set[str]) -> None:
    wire.expect(
        "GET", "/v2/", status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}, sent={"Authorization": None}
    )
    absent(wire, BASIC)
    absent(wire, BASIC)
    registry = connect(wire, LOGIN)
    ask(registry)
    ask(registry)
    assert {"correct horse", BASIC.partition(" ")[2]} <= secrets


def test_a_registry_that_asks_only_later(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/")
    wire.expect("HEAD", MANIFEST, status=401, headers={"WWW-Authenticate": "Basic"}, sent={"Authorization": None})
    absent(wire, BASIC)
    ask(connect(wire, LOGIN))


def test_a_token_is_fetched_once_for_each_scope(wire: Wire, connect: Connect, secrets: set[str]) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("t-pull"), sent={"Authorization": BASIC})
    absent(wire, "Bearer t-pull")
    absent(wire, "Bearer t-pull")
    wire.expect("GET", "/token?service=reg&scope=repository%3Aorg%2Fapp%3Apull%2Cpush", body=token("t-push"))
    wire.expect("PUT", MANIFEST, status=201, sent={"Authorization": "Bearer t-push"}, sent_body=b"{}")
    wire.expect("GET", "/token?service=reg&scope=repository%3Aorg%2Fother%3Apull", body=token("t-other"))
    wire.expect("HEAD", "/v2/org/other/manifests/v1", status=404, sent={"Authorization": "Bearer t-other"})
    registry = connect(wire, LOGIN)
    ask(registry)
    ask(registry)
    registry.put_manifest("org/app", "v1", b"{}", "application/json")
    assert registry.resolve("org/other", "v1") is None
    assert {"t-pull", "t-push", "t-other"} <= secrets


def test_an_anonymous_token(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire, scope=PULL))
    wire.expect("GET", TOKEN_TARGET, body=json.dumps({"access_token": "t"}).encode(), sent={"Authorization": None})
    absent(wire, "Bearer t")
    ask(connect(wire))


def test_the_registrys_own_name_for_a_scope_counts(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire, scope="repository:virtual/app:pull"))
    target = "/token?service=reg&scope=repository%3Avirtual%2Fapp%3Apull&scope=repository%3Aorg%2Fapp%3Apull"
    wire.expect("GET", target, body=token("t"))
    absent(wire, "Bearer t")
    ask(connect(wire))


def test_a_realm_with_a_query_keeps_it(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire, realm=f"{wire.url}/auth?account=x#frag"))
    wire.expect("GET", "/auth?account=x&service=reg&scope=repository%3Aorg%2Fapp%3Apull", body=token("t"))
    absent(wire, "Bearer t")
    ask(connect(wire))


def test_an_identity_token_is_exchanged(wire: Wire, connect: Connect, secrets: set[str]) -> None:
    form = (
        "grant_type=refresh_token&service=reg&client_id=proven.gitops"
        "&scope=repository%3Aorg%2Fapp%3Apull&refresh_token=identity-canary"
    )
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("POST", "/token", body=token("t"), sent={"Authorization": None}, sent_body=form.encode())
    absent(wire, "Bearer t")
    ask(connect(wire, IDENTITY))
    assert {"identity-canary", "t"} <= secrets


def test_a_registry_token_is_used_as_it_is(wire: Wire, connect: Connect, secrets: set[str]) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    absent(wire, "Bearer ready-made")
    ask(connect(wire, Credentials(registry_token="ready-made", source="a file")))
    assert "ready-made" in secrets


def test_a_registry_token_that_is_refused_is_not_sent_again(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire), sent={"Authorization": "Bearer ready-made"})
    with pytest.raises(Unauthorized, match="the registry token of a file"):
        ask(connect(wire, Credentials(registry_token="ready-made", source="a file")))


def test_an_identity_token_is_no_password(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    wire.expect("HEAD", MANIFEST, status=401, headers={"WWW-Authenticate": "Basic"}, sent={"Authorization": None})
    with pytest.raises(Unauthorized, match="the identity token of option identity_token"):
        ask(connect(wire, IDENTITY))


def test_a_registry_token_that_is_no_header(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    with pytest.raises(CredentialsError, match="a file") as caught:
        ask(connect(wire, Credentials(registry_token="canary\r\nX: y", source="a file")))
    assert "canary" not in caught.value.message


def test_bearer_is_preferred_where_both_are_offered(wire: Wire, connect: Connect) -> None:
    both = {"WWW-Authenticate": 'Basic realm="x"\n' + challenge(wire)["WWW-Authenticate"]}
    wire.expect("GET", "/v2/", status=401, headers=both)
    wire.expect("GET", TOKEN_TARGET, body=token("t"))
    absent(wire, "Bearer t")
    ask(connect(wire, LOGIN))


# R12: expiry and narrow tokens


def test_a_short_lived_token_is_renewed(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("first", expires_in=1e-6))
    absent(wire, "Bearer first")
    wire.expect("GET", TOKEN_TARGET, body=token("second"))
    absent(wire, "Bearer second")
    registry = connect(wire, LOGIN)
    ask(registry)
    ask(registry)


@pytest.mark.fault("R12a")
def test_a_refused_token_is_renewed_exactly_once(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("first"))
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire), sent={"Authorization": "Bearer first"})
    wire.expect("GET", TOKEN_TARGET, body=token("second"))
    absent(wire, "Bearer second")
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire), sent={"Authorization": "Bearer second"})
    wire.expect("GET", TOKEN_TARGET, body=token("third"))
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire), sent={"Authorization": "Bearer third"})
    registry = connect(wire, LOGIN)
    ask(registry)
    with pytest.raises(Unauthorized, match="user name and password of option username"):
        ask(registry)


@pytest.mark.fault("R12b")
@pytest.mark.parametrize("status", [401, 403])
def test_a_wider_scope_is_asked_for(wire: Wire, connect: Connect, status: int) -> None:
    wider = challenge(wire, scope="repository:org/app:pull,metadata_read", error="insufficient_scope")
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("narrow"))
    wire.expect("HEAD", MANIFEST, status=status, headers=wider, sent={"Authorization": "Bearer narrow"})
    target = (
        "/token?service=reg&scope=repository%3Aorg%2Fapp%3Apull%2Cmetadata_read&scope=repository%3Aorg%2Fapp%3Apull"
    )
    wire.expect("GET", target, body=token("wide"))
    absent(wire, "Bearer wide")
    absent(wire, "Bearer wide")
    registry = connect(wire, LOGIN)
    ask(registry)
    ask(registry)


def test_threads_share_one_fetch(wire: Wire, connect: Connect) -> None:
    gate = threading.Event()
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("t"), gate=gate)
    wire.expect("HEAD", MANIFEST, status=404, sent={"Authorization": "Bearer t"}, always=True)
    registry = connect(wire, LOGIN)
    threads = [threading.Thread(target=ask, args=(registry,)) for _turn in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert [seen.method for seen in wire.seen].count("HEAD") == 8


# What goes wrong


def test_no_challenge_at_all(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401)
    with pytest.raises(Unauthorized, match=r"anonymous request \(no credentials were given or found\)") as caught:
        ask(connect(wire))
    assert caught.value.details["status"] == 401
    assert caught.value.details["registry"] == wire.host


def test_a_wrong_password_for_basic_is_tried_once(wire: Wire, connect: Connect) -> None:
    wire.expect("GET", "/v2/", status=401, headers={"WWW-Authenticate": "Basic"})
    wire.expect("HEAD", MANIFEST, status=401, headers={"WWW-Authenticate": "Basic"}, sent={"Authorization": BASIC})
    with pytest.raises(Unauthorized) as caught:
        ask(connect(wire, LOGIN))
    assert "option username" in caught.value.message
    assert "horse" not in caught.value.message
    assert "alice" not in caught.value.message


def test_a_wrong_password_for_tokens_is_tried_once_for_all(wire: Wire, connect: Connect) -> None:
    refusal = json.dumps({"errors": [{"code": "DENIED", "message": "no: alice/correct horse"}]}).encode()
    wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, status=401, body=refusal)
    registry = connect(wire, LOGIN)
    for _turn in range(3):  # a locked account is the price of asking again
        with pytest.raises(Unauthorized, match=r"token server 127\.0\.0\.1 answers 401.*DENIED") as caught:
            ask(registry)
        assert "horse" not in caught.value.message


def test_403_is_unauthorized_and_final(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=403)
    with pytest.raises(Unauthorized, match="403"):
        ask(connect(wire))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "JSON|Expecting"),
        (b"[]", "object"),
        (b"{}", "holds no token"),
        (b'{"token": 5}', "holds no token"),
        (b'{"token": "a\\r\\nX: y"}', "holds no token"),
        (b'{"token": "a", "token": "b"}', "duplicate"),
        (b'{"token": "' + b"a" * 70_000 + b'"}', "65536"),
        (b"[" * 50_000, "recursion"),
    ],
)
def test_an_answer_that_is_no_token(wire: Wire, connect: Connect, body: bytes, reason: str) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=body)
    with pytest.raises(BadAnswer, match=reason):
        ask(connect(wire))


@pytest.mark.parametrize("lifetime", [None, "60", -1, 0, True, 1e30, []])
def test_a_strange_lifetime_is_the_default(wire: Wire, connect: Connect, lifetime: t.Any) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("t", expires_in=lifetime))
    absent(wire, "Bearer t")
    absent(wire, "Bearer t")
    registry = connect(wire)
    ask(registry)
    ask(registry)


def test_a_busy_token_server_is_asked_again_and_named(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire))
    for _turn in range(3):
        wire.expect("GET", TOKEN_TARGET, status=503)
    with pytest.raises(Unreachable, match=rf"token server 127\.0\.0\.1 of registry {wire.host}: 503"):
        ask(connect(wire))


def test_a_token_cut_short_is_asked_for_again(wire: Wire, connect: Connect) -> None:
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire))
    wire.expect("GET", TOKEN_TARGET, body=token("t"), cut=5)
    wire.expect("GET", TOKEN_TARGET, body=token("t"))
    absent(wire, "Bearer t")
    ask(connect(wire))


@pytest.mark.fault("R9")
def test_a_token_server_that_redirects_is_not_followed(wire: Wire, connect: Connect) -> None:
    with Wire() as elsewhere:
        wire.expect("GET", "/v2/", status=401, headers=challenge(wire))
        wire.expect("GET", TOKEN_TARGET, status=307, headers={"Location": f"{elsewhere.url}/token"})
        with pytest.raises(BadAnswer, match="redirects"):
            ask(connect(wire, LOGIN))
    assert elsewhere.seen == []


@pytest.mark.fault("R9")
@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.2/token",
        "https://10.0.0.1/token",
        "https://u:p@auth.example/token",
        "file:///etc/passwd",
        "not an URL",
    ],
)
@pytest.mark.parametrize("credentials", [None, LOGIN, IDENTITY], ids=["anonymous", "login", "identity"])
def test_a_realm_that_is_not_believed(
    wire: Wire, connect: Connect, realm: str, credentials: Credentials | None
) -> None:
    """CVE-2026-48978, CVE-2026-33540: nothing is sent there, not even an anonymous request."""
    method, target = ("GET", "/v2/") if credentials else ("HEAD", MANIFEST)
    wire.expect(method, target, status=401, headers=challenge(wire, realm=realm))
    with pytest.raises(BadAnswer, match="realm"):
        ask(connect(wire, credentials))


@pytest.mark.usefixtures("names")
def test_a_token_server_elsewhere_over_tls(wire: Wire, connect: Connect, authority: Authority) -> None:
    """As Docker Hub has it: the registry is one host, its token server another."""
    with Wire(authority.server("auth.test"), "auth.test") as tokens:
        wire.expect("GET", "/v2/", status=401, headers=challenge(wire, realm=f"{tokens.url}/token"))
        tokens.expect("GET", TOKEN_TARGET, body=token("t"), sent={"Authorization": BASIC})
        absent(wire, "Bearer t")
        ask(connect(wire, LOGIN, ca_path=authority.ca_path, insecure=True))


def test_a_registry_that_is_down_is_found_out_once(connect: Connect) -> None:
    """Threads that wait for the first greeting share its failure, instead of failing one after the other."""
    with Wire() as wire:
        gate = threading.Event()
        for _turn in range(3):
            wire.expect("GET", "/v2/", status=503, gate=gate)
        registry = connect(wire, LOGIN)
        errors: list[str] = []

        def work() -> None:
            with pytest.raises(Unreachable) as caught:
                ask(registry)
            errors.append(caught.value.message)

        threads = [threading.Thread(target=work) for _turn in range(6)]
        for thread in threads:
            thread.start()
        while len(wire.seen) < 1:
            wire.wait(0.01)
        wire.wait(0.2)  # until the others stand in the queue
        gate.set()
        for thread in threads:
            thread.join()
    assert len(set(errors)) == 1
    assert len(errors) == 6


def test_a_flood_of_scopes_is_cut(wire: Wire, connect: Connect) -> None:
    flood = " ".join(f"repository:r{n}:pull" for n in range(100))
    wire.expect("HEAD", MANIFEST, status=401, headers=challenge(wire, scope=flood))
    wire.expect("GET", None, body=token("t"))
    absent(wire, "Bearer t")
    ask(connect(wire))
    assert wire.seen[1].target.count("scope=") == 9
