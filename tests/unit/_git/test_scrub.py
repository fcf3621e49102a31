# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret and nothing that steers a terminal is left in what a program printed."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

import pytest

from ansible_collections.proven.gitops.plugins.module_utils._git.scrub import Scrubber

SECRET = "s3/cr+t%"
SCRUB = Scrubber([SECRET, ""], "ann")


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
    assert SCRUB(f"before {form} after") == "before *** after"


def test_userinfo_and_headers_of_others() -> None:
    assert SCRUB("to 'https://bob:pw@h/x' and ssh://git@h/y") == "to 'https://***@h/x' and ssh://***@h/y"
    assert SCRUB("Authorization: Bearer abc def") == "Authorization: Bearer *** def"


def test_escapes_and_control_characters() -> None:
    assert SCRUB("remote: \x1b[31mred\x1b[0m\x07\rnext\nline\x9b") == "remote: red\nnext\nline"


def test_without_secrets_text_stays() -> None:
    assert Scrubber()("fatal: nothing\n") == "fatal: nothing\n"
