# SPDX-License-Identifier: GPL-3.0-or-later
"""Which adapter serves which URI. A scheme is a row; its file is read, and its library imported, for that row alone."""

from __future__ import annotations

import re
import typing as t

from .._shared.errors import InvalidOption
from .store import Named

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Store


def _vault(named: Named, access: Access) -> Store:
    from .vault import Vault

    return Vault(named, access)


STORES: dict[str, t.Callable[[Named, Access], Store]] = {
    "hashivault://": _vault,
    "openbao://": _vault,
}
FILES = ("env://", "k8s://")  # they hold a key in cosign's format, which we sign with ourselves
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}:(?://)?)(.*)", re.DOTALL)


def parse(uri: str, option: str) -> Named:
    """The URI by its parts. InvalidOption names `option` where it has no scheme, or none that is known.

    Nothing else of it is shown then: what follows may be a secret.
    """
    found = _SCHEME.fullmatch(uri)
    known = ", ".join((*STORES, *FILES))
    if found is None:
        raise InvalidOption(option, f"a key's URI begins with one of {known}; this one has no scheme")
    if found[1] not in (*STORES, *FILES):
        raise InvalidOption(option, f"no key store has the scheme {found[1]}; a key's URI begins with one of {known}")
    if not all(character.isprintable() for character in found[2]):
        raise InvalidOption(option, "the URI holds a line break or another character that cannot be shown")
    return Named(option, found[1], found[2])


def open_store(named: Named, access: Access) -> Store:
    """The key that a URI of STORES names; InvalidOption where it names none, MissingRequirement for its library."""
    return STORES[named.scheme](named, access)
