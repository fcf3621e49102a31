# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys by reference among a module's options: a URI, and `key_store`, which says how its store is reached.

plugins/doc_fragments/_key_store.py documents the option.
"""

from __future__ import annotations

import os
import re
import typing as t

from .._http.settings import HttpSettings
from .._kms import schemes
from .._kms.key_file import KeyFile
from .._kms.store import Access, StoredKey
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params, Register, variable

if t.TYPE_CHECKING:  # pragma: no cover
    from .._kms.signer import StoreSigner
    from .._kms.store import Named, Store
    from .._tasks.signing.key_secret import KeySecret

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
_RANGES = {"timeout": (1, 3600), "deadline": (1, 86400), "retries": (0, 20)}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def access(params: Params, register: Register) -> Access:
    """How the key stores of a task are reached. InvalidOption before anything is sent."""
    given = params["key_store"]
    for name, (lowest, highest) in _RANGES.items():
        if not lowest <= given[name] <= highest:
            raise InvalidOption(f"key_store.{name}", f"{given[name]} is not between {lowest} and {highest}")
    if given["ca_path"] and not os.access(given["ca_path"], os.R_OK):
        raise InvalidOption("key_store.ca_path", f"{given['ca_path']} does not exist, or cannot be read")
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
    address, token, pin, module = (given[name] or "" for name in ("address", "token", "pin", "module_path"))
    return Access(address, token, pin, module, settings, register)


def store(named: Named, params: Params, register: Register) -> Store:
    """The key in a store that a URI names."""
    return schemes.open_store(named, access(params, register))


def stored_key(uri: str, option: str, params: Params, register: Register) -> StoredKey:
    """The public key that a URI names. NoSuchKey where its store has none."""
    return store(schemes.parse(uri, option), params, register).public_key()


def store_signer(uri: str, params: Params, register: Register) -> StoreSigner:
    """What signs with the key that a URI names, and leaves it where it is."""
    from .._kms.signer import StoreSigner

    return StoreSigner(store(schemes.parse(uri, "key"), params, register))


def key_file(uri: str, option: str, params: Params, register: Register) -> KeyFile | None:
    """What `env://` and `k8s://` hold: a key in cosign's format. None where the URI is of a store that signs itself."""
    named = schemes.parse(uri, option)
    if named.scheme == "env://":
        return _of_environment(named, register)
    if named.scheme == "k8s://":
        return key_secret(named, params, register).key_file()
    return None


def _of_environment(named: Named, register: Register) -> KeyFile:
    """The variable holds a private key to sign with, or a public one to verify with, as cosign has it."""
    if not _VARIABLE.fullmatch(named.rest):
        raise named.invalid("it must be env://NAME, the name of an environment variable")
    value = os.environ.get(named.rest, "")
    if not value:
        raise named.invalid(f"the environment variable {named.rest} is not set")
    if "PRIVATE KEY" in value:
        register(value)
    content = value.encode("utf-8", "surrogateescape")
    return KeyFile(named.where, content, content)


def key_secret(named: Named, params: Params, register: Register) -> KeySecret:
    """The Secret that `k8s://NAMESPACE/SECRET` names, in the cluster of the task's options, or of the environment."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    from .._tasks.signing.key_secret import KeySecret
    from .kube_options import KUBE, kube_client

    namespace, slash, name = named.rest.partition("/")
    if not (slash and namespace and name) or "/" in name:
        raise named.invalid("it must be k8s://NAMESPACE/SECRET")
    kube = params
    if "kubeconfig" not in params:
        kube = ArgumentSpecValidator(dict(KUBE.options)).validate({}).validated_parameters
        register(kube["api_key"] or "")
    return KeySecret(named, kube_client(kube, register), namespace, name, register)
