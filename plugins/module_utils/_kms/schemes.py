# SPDX-License-Identifier: GPL-3.0-or-later
"""Which adapter serves which URI. A scheme is a row; its file is read, and its library imported, for that row alone."""

from __future__ import annotations

import re
import typing as t

from .._shared.errors import InvalidOption, MissingRequirement
from .._shared.requirements import need
from .store import Named

if t.TYPE_CHECKING:  # pragma: no cover
    from .store import Access, Store


Open = t.Callable[["Named", "Access"], "Store"]


def _vault() -> Open:
    from .vault import Vault

    return Vault


def _aws() -> Open:
    need("boto3")
    from .aws import Aws

    return Aws


def _google() -> Open:
    need("google.auth")
    from .google import Google

    return Google


def _azure() -> Open:
    need("azure.identity")
    from .azure import Azure

    return Azure


def _pkcs11() -> Open:
    need("pkcs11")
    from .pkcs11 import Pkcs11

    return Pkcs11


STORES: dict[str, t.Callable[[], Open]] = {
    "awskms://": _aws,
    "azurekms://": _azure,
    "gcpkms://": _google,
    "hashivault://": _vault,
    "openbao://": _vault,
    "pkcs11:": _pkcs11,
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
    try:
        adapter = STORES[named.scheme]()
    except MissingRequirement as error:
        text = f"{named.option}: for {named.scheme} {error.message}"
        raise MissingRequirement(text, error.details["packages"], error.details["python"]) from None
    return adapter(named, access)
