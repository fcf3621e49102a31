# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and labels as Kubernetes and Flux read them: each function says why a text is wrong, or nothing."""

from __future__ import annotations

import re

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*", re.ASCII)
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)


def wrong_label_name(text: str) -> str | None:
    """Why `text` is no RFC 1123 label (namespaces, and names that become label values)."""
    if len(text) <= 63 and _LABEL.fullmatch(text):
        return None
    return f"{text[:80]!r} is not a name of at most 63 lower-case letters and digits, with '-' only between them"


def wrong_subdomain(text: str) -> str | None:
    """Why `text` is no RFC 1123 subdomain (names of objects)."""
    if len(text) <= 253 and _SUBDOMAIN.fullmatch(text):
        return None
    return f"{text[:80]!r} is not a name of lower-case letters and digits, with '-' and '.' only between them"


def wrong_key(text: str) -> str | None:
    """Why `text` is no key of a label or an annotation: `[prefix/]name`."""
    prefix, slash, name = text.rpartition("/")
    if slash and wrong_subdomain(prefix):
        return f"the key {text[:80]!r} has a prefix that is not a DNS name"
    if len(name) > 63 or not _QUALIFIED.fullmatch(name):
        return f"the key {text[:80]!r} is not at most 63 letters and digits, with '-', '_' and '.' only between them"
    return None


def wrong_label_value(text: str) -> str | None:
    """Why `text` is no value of a label."""
    if len(text) <= 63 and (not text or _QUALIFIED.fullmatch(text)):
        return None
    return f"the value {text[:80]!r} is not at most 63 letters and digits, with '-', '_' and '.' only between them"
