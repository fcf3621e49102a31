# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by reference among a module's options: a URI, and `key_store`, which says how its store is reached."""

from __future__ import annotations

import typing as t

from .._http.settings import HttpSettings
from .._kms import schemes
from .._kms.store import Access, StoredKey
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, variable

if t.TYPE_CHECKING:  # pragma: no cover
    from .._kms.signer import StoreSigner

Params = t.Mapping[str, t.Any]
Register = t.Callable[[str], None]

Stored = t.Callable[[str, str], StoredKey]  # of a URI, and of the option that gives it

_RANGES = {"timeout": (1, 3600), "deadline": (1, 86400), "retries": (0, 20)}

KEY_STORE = ArgumentSpec(
    options={
        "key_store": {
            "type": "dict",
            "apply_defaults": True,
            "no_log": False,
            "options": {
                "address": variable("str", "VAULT_ADDR", "BAO_ADDR"),
                "token": variable("str", "VAULT_TOKEN", "BAO_TOKEN", no_log=True),
                "pin": variable("str", "COSIGN_PKCS11_PIN", no_log=True),
                "module_path": variable("path", "COSIGN_PKCS11_MODULE_PATH"),
                "ca_path": variable("path", "PROVEN_KEY_STORE_CA_PATH", "VAULT_CACERT", "AWS_CA_BUNDLE"),
                "insecure": variable("bool", "PROVEN_KEY_STORE_INSECURE", default=False),
                "timeout": {"type": "int", "default": 30},
                "deadline": {"type": "int", "default": 120},
                "retries": {"type": "int", "default": 3},
            },
        }
    }
)


def access(params: Params, register: Register) -> Access:
    """How the key stores of a task are reached. InvalidOption before anything is sent."""
    given = params["key_store"]
    for name, (lowest, highest) in _RANGES.items():
        if not lowest <= given[name] <= highest:
            raise InvalidOption(f"key_store.{name}", f"{given[name]} is not between {lowest} and {highest}")
    for name in ("token", "pin"):
        register(given[name] or "")
    settings = HttpSettings(
        ca_path=given["ca_path"],
        insecure=given["insecure"],
        timeout=given["timeout"],
        deadline=given["deadline"],
        retries=given["retries"],
        kind="key store",
        ca_option="key_store.ca_path",
        insecure_option="key_store.insecure",
    )
    return Access(
        given["address"] or "",
        given["token"] or "",
        given["pin"] or "",
        given["module_path"] or "",
        settings,
        register,
    )


def stored_keys(params: Params, register: Register) -> Stored:
    """What gives the public key that a URI names."""

    def stored(uri: str, option: str) -> StoredKey:
        return schemes.open_store(schemes.parse(uri, option), access(params, register)).public_key()

    return stored


def store_signer(params: Params, register: Register) -> StoreSigner:
    """What signs with the key that the option `key` names, and leaves it where it is."""
    from .._kms.signer import StoreSigner

    return StoreSigner(schemes.open_store(schemes.parse(params["key"], "key"), access(params, register)))
