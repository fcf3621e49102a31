# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules that pack have in common: the time of creation, and what is remembered of layers."""

from __future__ import annotations

import datetime
import os

from .._shared.errors import InvalidOption
from .._tasks.artifact.ledger import Ledger
from .argspec import ArgumentSpec, Params, variable
from .given import Rules

CACHE = ArgumentSpec(
    options={"cache_dir": variable("path", "PROVEN_CACHE_DIR")},
    rules=Rules(may_be_empty=frozenset({"cache_dir"})),
)


def ledger(params: Params) -> Ledger:
    """The ledger in `cache_dir`, by default in the user's own cache; none where the option is empty."""
    given = params["cache_dir"]
    if given is not None:
        return Ledger(os.path.join(given, "layers") if given else None)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Ledger(os.path.join(home, "proven-gitops", "layers") if os.path.isabs(home) else None)


def check_time(text: str) -> None:
    """InvalidOption unless `created` is a time as in RFC 3339."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in text:
        raise InvalidOption("created", f"{text!r} is not a time as in RFC 3339, such as 2026-11-22T12:00:00Z")


def epoch() -> str | None:
    """SOURCE_DATE_EPOCH as RFC 3339; it is stamped on what is new, and never makes anything new by itself."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 11:
        raise InvalidOption("created", f"SOURCE_DATE_EPOCH is {text[:40]!r}, not a number of seconds")
    moment = datetime.datetime.fromtimestamp(int(text), tz=datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
