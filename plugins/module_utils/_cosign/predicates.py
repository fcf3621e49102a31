# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attestation can say: the types that cosign has names for, and the shape that each of them must have.

A shape is checked before it is signed, so that an SBOM of one kind does not get the name of another, and what we attest
can be read by `cosign verify-attestation --type NAME`, which reads some types into structures of their own.

Sources: cosign, cmd/cosign/cli/options/predicate.go and pkg/cosign/attestation; slsa.dev, provenance v0.2 and v1;
spdx.dev; cyclonedx.org; openvex.dev; cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._shared import strict_json
from .._shared.errors import InvalidOption
from .._shared.shapes import at

MAX_DEPTH = 100  # objects and lists in each other; an SBOM has 10
MAX_PREDICATE = 46 << 20  # bytes; in base64 it is less than MAX_ATTESTATION of bundle.py
CUSTOM = "https://cosign.sigstore.dev/attestation/v1"
SLSA_V1 = "https://slsa.dev/provenance/v1"
_SLSA_V02 = "https://slsa.dev/provenance/v0.2"
_SPDX = "https://spdx.dev/Document"
_MAX_TYPE = 1000  # characters

Predicate = dict[str, t.Any]
_Path = tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """A type of predicate. `required` are paths to texts that its specification requires.

    `run` is the path to what names the run that it came from, where it has one; `marks` tell it from other types.
    """

    uri: str
    required: tuple[_Path, ...] = ()
    objects: tuple[_Path, ...] = ()
    run: _Path | None = None
    mark: t.Callable[[Predicate], bool] | None = None


def _is_spdx(value: Predicate) -> bool:
    return str(value.get("spdxVersion", "")).startswith("SPDX-") or "spdx" in str(value.get("@context", ""))


_V02 = Kind(
    _SLSA_V02,
    (("builder", "id"), ("buildType",)),
    (("invocation",), ("metadata",)),
    ("metadata", "buildInvocationId"),
)
_V1 = Kind(
    SLSA_V1,
    (("buildDefinition", "buildType"), ("runDetails", "builder", "id")),
    (("buildDefinition", "externalParameters"), ("runDetails", "metadata")),
    ("runDetails", "metadata", "invocationId"),
)
_SPDX_JSON = Kind(_SPDX, mark=_is_spdx)

KINDS: t.Final[t.Mapping[str, Kind]] = {
    "slsaprovenance": _V02,
    "slsaprovenance02": _V02,
    "slsaprovenance1": _V1,
    "spdx": _SPDX_JSON,
    "spdxjson": _SPDX_JSON,
    "cyclonedx": Kind("https://cyclonedx.org/bom", mark=lambda value: value.get("bomFormat") == "CycloneDX"),
    "openvex": Kind("https://openvex.dev/ns", mark=lambda value: "openvex" in str(value.get("@context", ""))),
    "vuln": Kind(
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        (("scanner", "uri"),),
        (("invocation",), ("scanner",), ("metadata",)),
        ("invocation", "event_id"),
    ),
    "link": Kind("https://in-toto.io/Link/v1"),
    "custom": Kind(CUSTOM),
}
_BY_URI = {kind.uri: kind for kind in KINDS.values()}


def kind_of(name: str, option: str = "predicate_type") -> Kind:
    """The type that cosign calls so, or that has this URI; InvalidOption for what is neither."""
    if name in KINDS:
        return KINDS[name]
    split = urlsplit(name) if len(name) <= _MAX_TYPE and name.isascii() and name.isprintable() else None
    if split is None or not split.scheme or not (split.netloc or split.path) or " " in name:
        names = ", ".join(KINDS)
        raise InvalidOption(option, f"{name[:80]!r} is neither a URI nor one of {names}")
    return _BY_URI.get(name) or Kind(name)


def check(kind: Kind, value: Predicate, option: str) -> None:
    """InvalidOption where a predicate is not of the type that it is to be signed as."""
    if depth_over(value, MAX_DEPTH):
        raise InvalidOption(option, f"it is more than {MAX_DEPTH} levels deep")
    if kind.mark is not None and not kind.mark(value):
        raise InvalidOption(option, f"this is no document of the type {kind.uri}")
    for path in kind.objects:
        if not isinstance(at(value, *path), dict | None):
            raise InvalidOption(option, f"{'.'.join(path)} must be an object in {kind.uri}")
    for path in kind.required:
        found = at(value, *path)
        if not isinstance(found, str) or not found:
            raise InvalidOption(option, f"{'.'.join(path)} is missing, which {kind.uri} requires")


def depth_over(value: t.Any, most: int) -> bool:
    """Whether objects and lists are in each other more than `most` times; total, whatever the depth."""
    level: list[t.Any] = [value]
    for _turn in range(most):
        level = [
            member
            for one in level
            if isinstance(one, dict | list)
            for member in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


def from_text(kind: Kind, raw: bytes, option: str, now: str) -> Predicate:
    """The predicate that a file holds. `custom` takes any text, as with cosign, and records `now` (RFC 3339)."""
    if len(raw) > MAX_PREDICATE:
        raise InvalidOption(option, f"it has {len(raw)} bytes, more than {MAX_PREDICATE}")
    if kind.uri == CUSTOM:
        try:
            return {"Data": raw.decode(), "Timestamp": now}
        except UnicodeDecodeError:
            raise InvalidOption(option, "it is not text in UTF-8") from None
    try:
        value = strict_json.load_object(raw, "it")
    except strict_json.MalformedJson as error:
        raise InvalidOption(option, error.message) from None
    check(kind, value, option)
    return value


def from_data(kind: Kind, value: Predicate, option: str, now: str) -> Predicate:
    """The predicate that a task gives as data."""
    try:
        raw = strict_json.compact(value)
    except (ValueError, TypeError, RecursionError):
        raise InvalidOption(option, "it holds what is no JSON, such as NaN or text that is not Unicode") from None
    return from_text(kind, raw, option, now)


def same(kind: Kind, one: t.Any, other: t.Any) -> bool:
    """Whether two predicates of a type say the same; when a custom one was signed does not count."""
    if kind.uri == CUSTOM:
        one, other = ({**value, "Timestamp": ""} if isinstance(value, dict) else value for value in (one, other))
    return equal(one, other)


def equal(one: t.Any, other: t.Any) -> bool:
    """Whether two JSON values are the same. Unlike Python, JSON tells 1 from true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def run_of(kind: Kind, value: t.Mapping[str, t.Any]) -> str | None:
    """What names the run that a predicate came from; None where it names none."""
    found = at(value, *kind.run) if kind.run else None
    return found if isinstance(found, str) else None
