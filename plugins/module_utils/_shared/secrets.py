# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets known by what they are, wherever they stand in a task's parameters: for its results to mask them. Pure.

A private key given as a public one, a password in an address, a Secret among manifests, a docker configuration, a
kubeconfig, the tokens that say what they are. Finding too much masks a word of a result; finding too little shows it.
"""

from __future__ import annotations

import json
import re
import typing as t
from urllib.parse import unquote

from . import base64

_SHORT = 3  # characters: what is shorter is masked with what stands around it
_NAME_AS_TOKEN = 16  # characters: a "user" alone in https://user@host is a token from here on

_PEM = re.compile(r"-{2,5} ?BEGIN [^-]*PRIVATE[^-]*-{2,5}.*?(?:-{2,5} ?END [^-]*-{2,5}|\Z)", re.DOTALL | re.IGNORECASE)
_PEM_IN_BASE64 = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_\-\s]{40,}")
_TOKEN = re.compile(
    r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|dckr_pat_[\w-]{16,}|AGE-SECRET-KEY-1\w{20,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
)
_HEADER = re.compile(r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{16,})")
_ADDRESS = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+")
_PIN = re.compile(r"\bpin-value=([^&;\s\"']+)")  # of an HSM, in a URI (RFC 7512)
_DIGEST = re.compile(r"sha\d+:[^@]*\Z")
_PORT = re.compile(r"\d{1,5}/")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}\Z")
# What makes a text worth reading as YAML or JSON.
_DOCUMENT = re.compile(r"""\bkind["']?\s*:\s*["']?(?:Secret|Config)\b|["']?\bauths["']?\s*:""")
_SECRET_BLOCK = re.compile(r"^(\s*)[\"']?(?:data|stringData)[\"']?\s*:")
_VALUE = re.compile(r"^\s*(?:[^\s:]+\s*:\s*)?(?:[|>][-+0-9]*\s*$)?[\"']?(.*?)[\"']?\s*$")
_LOGINS = frozenset({"auth", "identitytoken", "registrytoken", "password"})
_KUBECONFIG = frozenset({"token", "password", "client-key-data", "id-token", "refresh-token", "access-token"})


def find(value: t.Any) -> set[str]:
    """The secrets in a text, or in all texts of a structure, keys of maps included."""
    found: set[str] = set()
    todo: list[t.Any] = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, t.Mapping):
            found |= _of_document(one)
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set)):
            todo += one
        elif isinstance(one, str):
            found |= _of_text(one)
    return {secret for secret in found if len(secret) >= _SHORT}


def _of_text(text: str) -> set[str]:
    found = set(_PEM.findall(text)) | set(_TOKEN.findall(text)) | set(_HEADER.findall(text))
    for encoded in _PEM_IN_BASE64.findall(text):
        found |= _of_base64(encoded)
    for pin in _PIN.findall(text):
        found |= {pin, unquote(pin)}
    for address in _ADDRESS.findall(text):
        found |= _of_address(address)
    if "\n" not in text.strip():
        found |= _of_address(text.strip())
        if _BASE64.match(text.strip()) and _is_private_der(base64.salvage(text)):
            found.add(text.strip())
    if "PuTTY-User-Key-File" in text:
        found.add(text)
    if _DOCUMENT.search(text):
        for document in _documents(text):
            found |= find(document)
        found |= _of_broken_manifest(text)
    return found


def _of_address(text: str) -> set[str]:
    """The login in an address, with a scheme or without: also where a password holds what none may hold unescaped."""
    scheme, _separator, rest = text.rpartition("://") if "://" in text else ("", "", text)
    web = scheme.lower() in ("http", "https")
    found: set[str] = set()
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    for part in (authority, rest):
        login, at, tail = part.rpartition("@")
        if at and _DIGEST.match(tail):
            login, at, _tail = login.rpartition("@")
        user, colon, password = login.partition(":")
        if not at or re.search(r"[@/\s]", user) or password[:1] == " " or (_PORT.match(password) and not web):
            continue
        if colon:
            found |= _login(user, password)
        elif web and len(user) >= _NAME_AS_TOKEN:
            found |= {user, unquote(user)}
    return found


def _login(user: str, password: str) -> set[str]:
    found = {password, unquote(password)}
    if password in ("", "x-oauth-basic"):  # GitHub's way to give a token alone
        found = {user, unquote(user)}
    if len(password) < _SHORT:
        found |= {f"{user}:{password}", f":{password}@"}
    return found


def _of_base64(encoded: str) -> set[str]:
    """A private key in base64, as kubeconfigs and Secrets hold it: encoded and decoded."""
    text = base64.salvage(encoded).decode("utf-8", "replace")
    return {encoded.strip(), text, *encoded.split()} if "PRIVATE" in text else set()


def _is_private_der(data: bytes) -> bool:
    """PKCS #8, PKCS #1 and SEC 1 begin with a version, which no public key and no certificate does."""
    if len(data) < 8 or data[0] != 0x30:
        return False
    start = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return data[start : start + 2] == b"\x02\x01" and data[start + 2 : start + 3] in (b"\x00", b"\x01")


def _documents(text: str) -> t.Iterator[t.Any]:
    """What can be read of the documents that hold secrets; the others are large, and need not be read."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            yield json.loads(text)
            return
        except (ValueError, RecursionError):
            pass
    try:
        import yaml
    except ImportError:  # where no cluster is worked on; the text is looked at by lines then
        return
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in re.split(r"(?m)^---(?=\s|$)", text):
        if _DOCUMENT.search(document):
            try:
                yield from yaml.load_all(document, Loader=loader)
            except (yaml.YAMLError, ValueError, RecursionError):
                continue


def _of_document(document: t.Mapping[t.Any, t.Any]) -> set[str]:
    """The secrets of a map, if it is a Secret, a docker configuration or a kubeconfig."""
    found: set[str] = set()
    if document.get("kind") == "Secret":
        for part in ("data", "stringData"):
            for value in _values(document.get(part)):
                found |= {value, *(_plain(value) if part == "data" else ())}
    for entry in _maps(document.get("auths")):
        for name, value in entry.items():
            if str(name).lower() in _LOGINS and isinstance(value, str):
                found |= {value, *(one.partition(":")[2] for one in _plain(value) if str(name).lower() == "auth")}
    for named in _maps(document.get("users")):
        for name, value in (named.get("user") or {}).items() if isinstance(named.get("user"), t.Mapping) else ():
            if name in _KUBECONFIG and isinstance(value, str):
                found |= {value, *(_plain(value) if name == "client-key-data" else ())}
    return found


def _values(part: t.Any) -> list[str]:
    return [str(value) for value in part.values() if value is not None] if isinstance(part, t.Mapping) else []


def _maps(part: t.Any) -> list[t.Mapping[t.Any, t.Any]]:
    listed = part.values() if isinstance(part, t.Mapping) else part if isinstance(part, list) else ()
    return [one for one in listed if isinstance(one, t.Mapping)]


def _plain(value: str) -> set[str]:
    """What a value in base64 stands for, where it is text; and what that holds in turn, as a .dockerconfigjson does."""
    try:
        text = base64.salvage(value).decode("utf-8")
    except UnicodeDecodeError:
        return set()
    return {text, *(find(text) if text != value else ())}


def _of_broken_manifest(text: str) -> set[str]:
    """The values of a Secret's data by lines alone: what is no valid YAML is refused, and shown with the refusal."""
    found: set[str] = set()
    for document in re.split(r"(?m)^---(?=\s|$)", text):
        if not re.search(r"""\bkind["']?\s*:\s*["']?Secret\b""", document):
            continue
        inside: int | None = None
        for line in document.splitlines():
            block = _SECRET_BLOCK.match(line)
            if block:
                inside = len(block[1])
            elif inside is not None and line.strip() and len(line) - len(line.lstrip()) <= inside:
                inside = None
            elif inside is not None:
                value = _VALUE.match(line)
                found |= {value[1], *_plain(value[1])} if value else set()
    return found
