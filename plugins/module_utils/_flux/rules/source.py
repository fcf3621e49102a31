# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the OCIRepository itself. Source: source-controller v1.10.1, its CRD and ocirepository_controller.go."""

from __future__ import annotations

import re
import typing as t

from ..._oci.reference import InvalidReference, Reference, check_tag
from ..._shared import addresses, semver
from ..._shared.digest import InvalidDigest, check_syntax
from .. import durations, names
from ..declare.source import Ref, Source
from . import go_regexp, semver_range
from .rule import Problem, Rule

SECRETS = ("secret_ref", "cert_secret_ref", "proxy_secret_ref", "service_account_name")
_POD = (
    "is no registry to a cluster, but the controller's own pod: give the address that the cluster pulls from "
    "(or set allow_loopback, where source-controller runs on the host network)"
)
_MAX_ANNOTATIONS = 256 * 1024  # bytes of all keys and values, Kubernetes' own limit


def _address(source: Source) -> Reference | None:
    try:
        return Reference.parse(source.url)
    except InvalidReference:
        return None


def host_name(source: Source) -> str:
    """The host of `url` in lower case, without port and brackets; empty where `url` does not parse."""
    address = _address(source)
    return re.sub(r":[0-9]+\Z", "", address.host).strip("[]").lower() if address else ""


def is_loopback(source: Source) -> bool:
    """Whether `url` names the machine that asks, whichever that is."""
    host = host_name(source)
    address = addresses.address_of(host)
    return addresses.is_loopback(host) or bool(address and address.is_unspecified)


def _url(source: Source) -> t.Iterator[Problem]:
    if not source.url.startswith("oci://"):
        yield "url", f"{source.url[:200]!r} does not begin with oci://"
        return
    if "@" in source.url.removeprefix("oci://").partition("/")[0]:
        yield "url", "credentials do not belong here, where everybody reads them: name a Secret with secret_ref"
        return
    try:
        address = Reference.parse(source.url)
    except InvalidReference as error:
        yield "url", error.message
        return
    if address.digest:
        yield "url", "Flux takes no digest here: put it into ref.digest"
    if address.tag:
        yield "url", f"Flux takes no tag here: put {address.tag!r} into ref.tag, or a range into ref.semver"
    if "." not in address.host and ":" not in address.host:
        yield "url", f"Flux takes {address.host!r} for a repository of Docker Hub: add the registry's port"


def _loopback(source: Source) -> t.Iterator[Problem]:
    if is_loopback(source) and not source.allow_loopback:
        yield "url", f"{host_name(source)} {_POD}"


def _ref(source: Source) -> t.Iterator[Problem]:
    ref = source.ref or Ref()
    given = [name for name in ("digest", "semver", "tag") if getattr(ref, name) is not None]
    if len(given) > 1:
        advice = "give one of them"
        if given == ["semver", "tag"] and not semver.is_version(str(ref.tag)):
            advice = f"no range selects {str(ref.tag)[:80]!r}, which is no SemVer version, so give ref.tag alone"
        yield f"ref.{given[1]}", f"Flux would follow {given[0]} and ignore {' and '.join(given[1:])}: {advice}"
    if ref.semver_filter is not None and ref.semver is None:
        yield "ref.semver_filter", "Flux ignores it without semver"


def _ref_syntax(source: Source) -> t.Iterator[Problem]:
    ref = source.ref or Ref()
    checks: tuple[tuple[str, str | None, t.Callable[[str], object]], ...] = (
        ("digest", ref.digest, check_syntax),
        ("tag", ref.tag, lambda tag: check_tag(tag, tag)),
        ("semver", ref.semver, semver_range.check),
        ("semver_filter", ref.semver_filter, go_regexp.check),
    )
    for name, value, check in checks:
        try:
            if value is not None:
                check(value)
        except (InvalidDigest, InvalidReference, semver_range.InvalidRange, go_regexp.InvalidPattern) as error:
            yield f"ref.{name}", error.message


def _moving(source: Source) -> t.Iterator[Problem]:
    if source.ref and source.ref.tag == "latest":
        yield "ref.tag", "latest is moved by whoever pushed last: a range of versions or a digest says what is meant"


def _durations(source: Source) -> t.Iterator[Problem]:
    for name, value, units in (("interval", source.interval, "ms s m h"), ("timeout", source.timeout, "ms s m")):
        reason = durations.wrong(value, units) if value is not None else None
        if reason:
            yield name, reason


def _names(source: Source) -> t.Iterator[Problem]:
    checks: list[tuple[str, str | None, t.Callable[[str], str | None]]] = [
        ("namespace", source.namespace, names.wrong_label_name)
    ]
    checks += [(name, getattr(source, name), names.wrong_subdomain) for name in ("name", *SECRETS)]
    for option, value, wrong in checks:
        reason = wrong(value) if value is not None else None
        if reason:
            yield option, reason


def metadata_problems(labels: object, annotations: object, where: str = "") -> t.Iterator[Problem]:
    """Problems of the labels and annotations of one object; `where` is put before the option's name."""
    for what, given in (("labels", labels), ("annotations", annotations)):
        pairs: t.Mapping[str, t.Any] = t.cast("t.Mapping[str, t.Any]", given or {})
        for key, value in pairs.items():
            if not isinstance(value, str):
                yield f"{where}{what}", f"the value of {str(key)[:80]!r} is no text: put it in quotes"
            else:
                reason = names.wrong_key(str(key)) or (names.wrong_label_value(value) if what == "labels" else None)
                if reason:
                    yield f"{where}{what}", reason
        if sum(len(f"{key}{value}".encode()) for key, value in pairs.items()) > _MAX_ANNOTATIONS:
            yield f"{where}{what}", "more than 256 KiB in all"


def _metadata(source: Source) -> t.Iterator[Problem]:
    return metadata_problems(source.labels, source.annotations)


def _provider(source: Source) -> t.Iterator[Problem]:
    if source.provider not in (None, "generic") and source.secret_ref:
        yield "provider", f"Flux does not log in with {source.provider} while secret_ref is given"


def _clear_text(source: Source) -> t.Iterator[Problem]:
    if source.insecure and (source.secret_ref or source.service_account_name) and not is_loopback(source):
        yield "insecure", "the registry's credentials go over the network in clear text"


def _layer(source: Source) -> t.Iterator[Problem]:
    if source.layer_selector and source.layer_selector.operation == "copy" and source.kustomization:
        yield "layer_selector.operation", "copy keeps the layer packed, and a Kustomization cannot read that"


RULES = (
    Rule("url", _url),
    Rule("url-loopback", _loopback),
    Rule("ref-precedence", _ref),
    Rule("ref-syntax", _ref_syntax),
    Rule("ref-latest", _moving, severity="warning"),
    Rule("durations", _durations),
    Rule("names", _names),
    Rule("metadata", _metadata),
    Rule("provider-ignored", _provider, severity="warning"),
    Rule("credentials-in-clear", _clear_text, severity="warning"),
    Rule("layer-copy", _layer),
)
