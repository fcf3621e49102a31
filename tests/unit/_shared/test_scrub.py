# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreign text made fit for a message: nothing secret and nothing that steers a terminal is left in it."""

from __future__ import annotations

import html
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.proven.gitops.plugins.module_utils._shared.scrub import MASK, Scrubber, forms


def test_a_login_is_secret_in_both_forms() -> None:
    seen: list[str] = []
    scrubber = Scrubber(seen.append)
    assert scrubber.add_login("alice", "correct horse") == "Basic YWxpY2U6Y29ycmVjdCBob3JzZQ=="
    assert scrubber.clean("a correct horse, YWxpY2U6Y29ycmVjdCBob3JzZQ==.") == "a ***, ***."
    scrubber.add_login("alice", "correct horse")
    assert len(seen) == 2  # each is registered once


@given(st.text(min_size=3))
def test_a_secret_is_masked_in_html(secret: str) -> None:
    assert html.escape(secret) in forms(secret)


def test_the_longest_secret_goes_first() -> None:
    scrubber = Scrubber()
    scrubber.add("abc")
    scrubber.add("abcdef")
    assert scrubber.clean("abcdef abc") == "*** ***"


def test_a_tiny_secret_is_registered_and_spoils_no_text() -> None:
    seen: list[str] = []
    scrubber = Scrubber(seen.append)
    scrubber.add("a")
    scrubber.add("")
    assert seen == ["a"]
    assert scrubber.clean("a banana") == "a banana"


@pytest.mark.parametrize(
    ("text", "clean"),
    [("a\nb\tc", "a b c"), ("\x1b[1mx\x07", "[1mx"), ("x" * 301, "x" * 300 + "…"), ("ü€", "ü€"), ("\x85\u202e", "")],
)
def test_one_line_without_control_characters(text: str, clean: str) -> None:
    assert Scrubber().clean(text) == clean


@pytest.mark.fault("P15")
@given(st.binary(max_size=200), st.from_regex(r"[A-Za-z0-9]{3,20}", fullmatch=True))
def test_no_secret_survives_in_whatever_body(body: bytes, secret: str) -> None:
    scrubber = Scrubber()
    scrubber.add(secret)
    for text in (body + secret.encode(), secret.encode() + body, json.dumps({"errors": [{"code": secret}]}).encode()):
        code, said = scrubber.reason(text)
        assert secret not in code + said
        assert len(said) <= 370
        assert (code + said).isprintable()


SECRET = "s3/cr+t%"
SCRUB = Scrubber(secrets=[SECRET, ""])
SCRUB.add_login("ann", SECRET)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        b64encode(SECRET.encode()).decode(),
        b64encode(f"ann:{SECRET}".encode()).decode(),
    ],
)
def test_every_form_of_a_secret(form: str) -> None:
    assert SCRUB.lines(f"before {form} after") == "before *** after"


def test_userinfo_and_headers_of_others() -> None:
    assert SCRUB.lines("to 'https://bob:pw@h/x' and ssh://git@h/y") == "to 'https://***@h/x' and ssh://***@h/y"
    assert SCRUB.lines("Authorization: Bearer abc def") == "Authorization: Bearer *** def"


def test_escapes_and_control_characters() -> None:
    assert SCRUB.lines("remote: \x1b[31mred\x1b[0m\x07\rnext\nline\x9b") == "remote: red\nnext\nline"


def test_without_secrets_text_stays() -> None:
    assert Scrubber().lines("fatal: nothing\n") == "fatal: nothing\n"


KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\nCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"token": 'a"b\\c/ü+secret'}),
        quote('Bearer a"b\\c/ü+secret\n', safe=""),
        repr('a"b\\c/ü+secret\n'.encode()),
        urlsafe_b64encode('ann:a"b\\c/ü+secret'.encode()).decode(),
        b64encode(b64encode('xx:a"b\\c/ü+secret'.encode())).decode(),
        "&quot;a&quot;b\\c/ü+secret&quot;",
    ],
)
def test_every_encoding_that_somebody_may_repeat(text: str) -> None:
    found = Scrubber(secrets=['a"b\\c/ü+secret\n']).clean(text)
    assert "***" in found
    assert "secret" not in found


def test_each_line_of_a_key_is_secret() -> None:
    scrubber = Scrubber(secrets=[KEY])
    for line in KEY.splitlines()[1:3]:
        assert scrubber.clean(f"line 2: {line}") == "line 2: ***"
        assert scrubber.clean(f"'{b64encode(line.encode()).decode()}'") == "'***'"
    assert scrubber.clean("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_half_a_secret_does_not_survive_the_cut() -> None:
    scrubber = Scrubber(secrets=["correct horse battery"])
    assert "horse" not in scrubber.clean("x" * 290 + "correct horse battery")


@pytest.mark.parametrize(
    "form",
    [
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.PrivateFormat.PKCS8,
        serialization.PrivateFormat.OpenSSH,
    ],
)
@pytest.mark.parametrize("number", range(4))
def test_the_public_half_of_an_rsa_key_is_no_secret(form: serialization.PrivateFormat, number: int) -> None:
    """Some of its lines stand in the private key as they are, where they begin at the same bit."""
    key = rsa.generate_private_key(65537, 2048 + 8 * number)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
    scrubber = Scrubber(secrets=[private])
    public = key.public_key()
    for encoding, public_form in (
        (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    ):
        text = public.public_bytes(encoding, public_form).decode()
        assert scrubber.hide(text) == text
    assert MASK in scrubber.hide(private)
    lines = private.strip().splitlines()
    assert scrubber.hide(lines[-3]) == MASK
    assert scrubber.hide(lines[len(lines) * 2 // 3]) == MASK
