# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of keyless verification; plugins/doc_fragments/_identities.py documents them."""

from __future__ import annotations

import re
import typing as t

from .._shared import requirements
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params
from .registry_options import services
from .trusted_root_options import DOCUMENT, TUF_ROOT, root

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.identities import Identities, Text, Wanted
    from .._cosign.policy import Keys, Trust
    from .._flux.rules.identity import What


_CLAIMS = ("trigger", "sha", "name", "repository", "ref")
_FORMS = ("identity", "identity_regexp", "oidc_issuer", "oidc_issuer_regexp")
_OPTIONS = (*_FORMS, *(f"github_workflow_{claim}" for claim in _CLAIMS))
_ONE = "certificate_"

IDENTITIES = ArgumentSpec(
    options={
        **{f"{_ONE}{name}": {"type": "str"} for name in _OPTIONS},
        "certificate_identities": {
            "type": "list",
            "elements": "dict",
            "options": {name: {"type": "str"} for name in _OPTIONS},
        },
        "transparency_log": {"type": "bool", "default": False},
        "trusted_root": DOCUMENT,
        "tuf_root": TUF_ROOT,
    },
)


def identities(params: Params) -> Identities | None:
    """Those who may have signed keyless; None where none is asked for."""
    asked: list[tuple[str, Params]] = []
    if any(params[f"{_ONE}{name}"] for name in _OPTIONS):
        asked.append((_ONE, {name: params[f"{_ONE}{name}"] for name in _OPTIONS}))
    for number, one in enumerate(params["certificate_identities"] or []):
        asked.append((f"certificate_identities[{number}].", one))
    if not asked:
        return None
    requirements.need("sigstore")
    from .._cosign.identities import Identities

    wanted = [_wanted(where, one) for where, one in asked]
    requirements.check()
    return Identities(wanted, root(params, services(params)))


def logged(keys: Keys, params: Params) -> Trust:
    """The keys, or with `transparency_log` those of their signatures that a log of the trusted root has."""
    if not params["transparency_log"]:
        return keys
    requirements.need("sigstore")
    from .._cosign.logged import LoggedKeys

    requirements.check()
    return LoggedKeys(keys, root(params, services(params)))


def _wanted(where: str, one: Params) -> Wanted:
    from .._cosign.identities import Wanted

    claims = {name: one[name] for name in _OPTIONS if name not in _FORMS and one[name]}
    return Wanted(_text(where, one, "identity", "subject"), _text(where, one, "oidc_issuer", "issuer"), claims)


def _text(where: str, one: Params, name: str, what: What) -> Text:
    """An identity counts by the word of its issuer alone, so that both are needed."""
    exact, pattern = one[name], one[f"{name}_regexp"]
    if bool(exact) == bool(pattern):
        raise InvalidOption(f"{where}{name}", f"exactly one of it and {where}{name}_regexp must be given")
    if exact:
        from .._cosign.identities import Exactly

        return Exactly(exact)
    requirements.need("re2")
    from .._cosign.pattern import Pattern

    found = Pattern.of(pattern, f"{where}{name}_regexp")
    _check_weakness(f"{where}{name}_regexp", pattern, what, one)
    return found


def _check_weakness(option: str, pattern: str, what: What, one: Params) -> None:
    """By the rule for Flux's own patterns: one that lets in what anybody can have is refused."""
    from .._flux.rules.go_regexp import InvalidPattern
    from .._flux.rules.identity import weakness

    issuer = one["oidc_issuer_regexp"] or re.escape(one["oidc_issuer"] or "")
    try:
        found = weakness(f"^(?:{pattern})$", what, issuer)
    except InvalidPattern as error:
        raise InvalidOption(option, f"{pattern[:200]!r} cannot be judged: {error.message}") from None
    if found is not None and found.fatal:
        raise InvalidOption(option, f"{pattern[:200]!r} {found.reason}")
