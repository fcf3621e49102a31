# SPDX-License-Identifier: GPL-3.0-or-later
"""URIs, the libraries of their schemes, deadlines of libraries, and what a PKCS#11 URI may say."""

from __future__ import annotations

import importlib.util
import threading
import typing as t
from dataclasses import replace

import pytest
from unit._kms.conftest import Held

from ansible_collections.proven.gitops.plugins.module_utils._kms import ecdsa, errors, schemes
from ansible_collections.proven.gitops.plugins.module_utils._kms.store import Access, Named
from ansible_collections.proven.gitops.plugins.module_utils._kms.within import within
from ansible_collections.proven.gitops.plugins.module_utils._shared import requirements
from ansible_collections.proven.gitops.plugins.module_utils._shared.errors import InvalidOption, MissingRequirement

NAMED = Named("key", "hashivault://", "release")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("cosign.key", "this one has no scheme"),
        ("", "this one has no scheme"),
        ("gitlab://canary", "no key store has the scheme gitlab://"),
        ("awskms:canary", "no key store has the scheme awskms:"),
        ("hashivault://a\nb", "a line break"),
    ],
)
def test_a_uri_that_names_no_store(uri: str, words: str) -> None:
    with pytest.raises(InvalidOption, match=words) as found:
        schemes.parse(uri, "public_keys[0].uri")
    assert found.value.message.startswith("public_keys[0].uri: ")
    assert "canary" not in found.value.message


@pytest.mark.parametrize(
    ("uri", "package"),
    [
        ("awskms:///alias/x", "boto3>=1.34"),
        ("gcpkms://x", "google-auth>=2.28"),
        ("azurekms://x", "azure-identity>=1.15"),
        ("pkcs11:x", "python-pkcs11>=0.8"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_scheme(
    uri: str, package: str, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    gone = ("boto3", "google.auth", "azure", "pkcs11")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in gone else find(name))
    monkeypatch.setattr(requirements, "_missing", set())
    named = schemes.parse(uri, "key")
    with pytest.raises(MissingRequirement, match=f"key: for {named.scheme} .* lacks the Python package {package}"):
        schemes.open_store(named, access)


def test_a_library_that_hangs_is_left_behind() -> None:
    hold = threading.Event()
    try:
        with pytest.raises(errors.Unreachable, match=r"release: the HSM gave no answer in 0\.[0-9] s"):
            within(0.05, NAMED, "the HSM", lambda: hold.wait(30))
    finally:
        hold.set()
    assert within(5, NAMED, "the HSM", lambda: 7) == 7
    with pytest.raises(KeyError):
        within(5, NAMED, "the HSM", lambda: dict[str, int]()["x"])


def test_r_and_s_become_der(held: Held) -> None:
    assert ecdsa.der(b"\x00" * 31 + b"\x01" + b"\xff" * 32, NAMED)[:1] == b"0"
    for length in (0, 63, 65, 96):
        with pytest.raises(errors.BadAnswer, match=f"a signature of {length} bytes"):
            ecdsa.der(b"x" * length, NAMED)


MODULE = "module-path=/lib.so"


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (f"object=x?{MODULE}", "it names no token"),
        (f"token=x?{MODULE}", "it names no key"),
        ("token=x;object=y", "no library is named"),
        ("token=x;object=y?module-path=lib.so", "no library is named"),
        (f"slot-id=x;object=y?{MODULE}", "slot-id is not a number"),
        (f"token=x;token=y;object=y?{MODULE}", "token is given twice"),
        (f"token=x;object=y;type=private?{MODULE}", "type is no attribute that is known here"),
    ],
)
def test_what_a_pkcs11_uri_lacks(rest: str, words: str, access: Access) -> None:
    with pytest.raises(InvalidOption, match=words) as found:
        schemes.open_store(schemes.parse(f"pkcs11:{rest}&pin-value=canary", "key"), access)
    assert "canary" not in found.value.message


def test_a_pin_is_a_secret_wherever_it_comes_from(access: Access, secrets: set[str]) -> None:
    uri = f"pkcs11:token=my%20token;id=%01%02?{MODULE}&pin-value=canary%21"
    store = t.cast("t.Any", schemes.open_store(schemes.parse(uri, "key"), access))
    assert "canary!" in secrets
    assert store.named.uri.endswith("pin-value=***")
    address = store._address
    assert (address.token, address.id, address.pin) == ("my token", b"\x01\x02", "canary!")
    assert "canary" not in repr(address) + repr(store.named)
    given = replace(access, pin="canary-option", module_path="/other.so")
    address = t.cast("t.Any", schemes.open_store(schemes.parse("pkcs11:slot-id=7;object=x", "key"), given))._address
    assert (address.slot, address.module, address.pin) == (7, "/other.so", "canary-option")
    assert "canary-option" in secrets
    with pytest.raises(InvalidOption, match="give object=NAME"):
        store.creator()
