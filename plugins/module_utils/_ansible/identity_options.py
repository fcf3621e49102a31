# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of keyless verification; plugins/doc_fragments/_identities.py documents them."""

from __future__ import annotations

import typing as t

from .._shared import requirements
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params
from .trusted_root_options import PUBLIC_GOOD, root

if t.TYPE_CHECKING:  # pragma: no cover
    from .._cosign.identities import Identities, Text, Wanted


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
        "trusted_root": {"type": "raw", "default": PUBLIC_GOOD},
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

    return Identities([_wanted(where, one) for where, one in asked], root(params))


def _wanted(where: str, one: Params) -> Wanted:
    from .._cosign.identities import Wanted

    claims = {name: one[name] for name in _OPTIONS if name not in _FORMS and one[name]}
    return Wanted(_text(where, one, "identity"), _text(where, one, "oidc_issuer"), claims)


def _text(where: str, one: Params, name: str) -> Text:
    """An identity counts by the word of its issuer alone, so that both are needed."""
    exact, pattern = one[name], one[f"{name}_regexp"]
    if bool(exact) == bool(pattern):
        raise InvalidOption(f"{where}{name}", f"exactly one of it and {where}{name}_regexp must be given")
    if exact:
        from .._cosign.identities import Exactly

        return Exactly(exact)
    requirements.need("re2")
    from .._cosign.pattern import Pattern

    return Pattern.of(pattern, f"{where}{name}_regexp")
