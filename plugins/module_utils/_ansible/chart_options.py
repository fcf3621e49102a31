# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of helm_chart_push, and what they mean."""

from __future__ import annotations

import os
import re
import typing as t

from .._artifact.annotations import CONTENT, CREATED
from .._chartrepo.download import Downloads, Login, without_query
from .._helm.metadata import OWN
from .._http.errors import HttpError
from .._http.urls import Origin
from .._shared.errors import InvalidOption
from .._shared.files import on_disk
from .._tasks.artifact.push import PushRequest
from .._tasks.helm.chart_form import ChartForm
from .._tasks.helm.chart_source import Directory, File, Proof
from .._tasks.helm.keyring import Keyring
from .._tasks.helm.remote_source import Repository, Url
from .argspec import ArgumentSpec, Option, Params, Register, variables
from .packing_options import CACHE, check_time, epoch
from .references import ANNOTATIONS, annotation_map, reference
from .registry_options import services

if t.TYPE_CHECKING:  # pragma: no cover
    from .._oci.reference import Reference
    from .._tasks.helm.chart_source import Source

_option = variables("PROVEN_CHART_REPO_")
_DEFAULTS: dict[str, Option] = {
    "annotations": ANNOTATIONS,
    "created": {"type": "str"},
    "move": {"type": "bool"},
    "provenance": {"type": "bool"},
    "keyring": {"type": "path"},
}
_PLACES: dict[str, Option] = {
    "path": {"type": "path"},
    "url": {"type": "str"},
    "repo_url": {"type": "str"},
    "name": {"type": "str"},
    "version": {"type": "str"},
    "sha256": {"type": "str"},
}
_ONE = {"reference": {"type": "str", "required": True}, **_PLACES, **_DEFAULTS}
CHARTS = ArgumentSpec(
    options={
        "reference": {"type": "str"},
        **_PLACES,
        **_DEFAULTS,
        "repo_username": _option("str", "USERNAME"),
        "repo_password": _option("str", "PASSWORD", no_log=True),
        "charts": {"type": "list", "elements": "dict", "options": _ONE},
    },
    required_one_of=(("reference", "charts"),),
    mutually_exclusive=(("reference", "charts"), *((name, "charts") for name in _PLACES)),
).merge(CACHE)

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)


def chart_requests(params: Params, register: Register) -> list[PushRequest]:
    """What to push; options beside `charts` are defaults of its items."""
    downloads = Downloads(services(params), _login(params, register), register)
    option, given = ("reference", [params]) if params["charts"] is None else ("charts", params["charts"])
    defaults = {key: params[key] for key in _DEFAULTS}
    requests = []
    for item in given:
        own = {key: value for key, value in item.items() if value is not None}
        merged = {**(defaults["annotations"] or {}), **(item["annotations"] or {})}
        places = dict.fromkeys(_PLACES)
        requests.append(_request({**defaults, **places, **own, "annotations": merged}, option, downloads))
    names = [str(request.reference) for request in requests if request.reference.tag]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InvalidOption("charts", f"{twice[0]} is named twice")
    return requests


def _request(params: Params, option: str, downloads: Downloads) -> PushRequest:
    target = _reference(option, params["reference"])
    requested = annotation_map("annotations", params["annotations"])
    for key in (*OWN, CONTENT):
        if key in requested:
            raise InvalidOption("annotations", f"{key} follows from the chart")
    if params["created"] is not None:
        if requested.get(CREATED, params["created"]) != params["created"]:
            raise InvalidOption("annotations", f"{CREATED} has another value than the option of its own")
        requested[CREATED] = params["created"]
    if CREATED in requested:
        check_time(requested[CREATED])
    return PushRequest(
        reference=target,
        form=ChartForm(target, _source(params, _proof(params), downloads), requested),
        created=None if CREATED in requested else epoch(),
        move=bool(params["move"]),
    )


def _reference(option: str, text: str) -> Reference:
    """A + in a tag is one of the chart's version, which a tag has as _."""
    name, colon, tag = text.rpartition(":")
    target = reference(option, f"{name}:{tag.replace('+', '_')}" if colon and "/" not in tag else text)
    if target.digest is not None:
        raise InvalidOption(option, f"{target}: a digest is what a push results in; name a repository, or a tag in it")
    return target


def _proof(params: Params) -> Proof | None:
    """Whether a provenance file goes along, and the keys that must have signed it."""
    if not params["provenance"]:
        if params["keyring"] is not None:
            raise InvalidOption("keyring", "it checks a provenance file: set provenance as well")
        return None
    if params["keyring"] is None:
        return Proof()
    keyring = Keyring(on_disk(os.path.expanduser(params["keyring"])))
    keyring.check()
    return Proof(keyring)


def _source(params: Params, proof: Proof | None, downloads: Downloads) -> Source:
    places = [name for name in ("path", "url", "repo_url") if params[name] is not None]
    if len(places) != 1:
        raise InvalidOption("path", "exactly one of path, url and repo_url says where the chart comes from")
    for name in ("name", "version"):
        if (params[name] is not None) != (places == ["repo_url"]):
            raise InvalidOption(name, "it belongs to repo_url, which needs it")
    sha256 = _sha256(params["sha256"])
    if places == ["path"]:
        return _local(on_disk(os.path.expanduser(params["path"])), sha256, proof)
    if sha256 is None:
        raise InvalidOption(
            "sha256", f"what comes from {places[0]} needs it: nothing else says that it is the right one"
        )
    url = _url(places[0], params[places[0]], downloads)
    if places == ["url"]:
        return Url(url, sha256, downloads, proof)
    return Repository(url, params["name"], params["version"], sha256, downloads, proof)


def _local(path: str, sha256: str | None, proof: Proof | None) -> Source:
    if not os.path.isdir(path):
        return File(path, sha256, proof)
    if sha256 is not None or proof is not None:
        option = "sha256" if sha256 is not None else "provenance"
        raise InvalidOption(option, f"it is about a packed chart, and {path} is a directory that is packed here")
    return Directory(path)


def _sha256(text: str | None) -> str | None:
    if text is None:
        return None
    match = _SHA256.fullmatch(text.lower())
    if match is None:
        raise InvalidOption(
            "sha256", f"{text[:80]!r} is not 64 hexadecimal digits, with or without sha256: before them"
        )
    return f"sha256:{match.group(1)}"


def _url(option: str, text: str, downloads: Downloads) -> str:
    try:
        origin = Origin.of(text, option)
    except HttpError:
        raise InvalidOption(option, "it must be http(s)://host/…, without a login in it") from None
    if origin.scheme == "http" and downloads.has_login and not origin.loopback:
        shown = without_query(text)
        raise InvalidOption(option, f"{shown} is plain HTTP, and repo_password would be read on the way")
    return text


def _login(params: Params, register: Register) -> Login | None:
    username, password = params["repo_username"] or "", params["repo_password"] or ""
    register(password)
    if bool(username) != bool(password):
        raise InvalidOption("repo_username", "repo_username and repo_password belong together")
    if ":" in username:
        raise InvalidOption("repo_username", "it must not hold a colon")
    return Login(username, password) if username else None
