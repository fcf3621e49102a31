# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that name artifacts, and annotations. What is wrong is named by its option before anything is sent."""

from __future__ import annotations

import typing as t

from .._oci.reference import InvalidReference, Reference
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Option, Params

REFERENCES = ArgumentSpec(
    options={"reference": {"type": "str"}, "references": {"type": "list", "elements": "str"}},
    required_one_of=(("reference", "references"),),
    mutually_exclusive=(("reference", "references"),),
)
ANNOTATIONS: t.Final[Option] = {"type": "dict"}


def reference(option: str, text: str) -> Reference:
    """A reference; InvalidOption names the option it came from."""
    try:
        return Reference.parse(text)
    except InvalidReference as error:
        raise InvalidOption(option, error.message) from None


def digest_reference(option: str, text: str) -> Reference:
    """A reference by digest. A tag is refused: between its resolution and its use it can be moved."""
    parsed = reference(option, text)
    if parsed.digest is None:
        raise InvalidOption(
            option, f"{text} is not a digest: name the artifact as repository@sha256:…, as oci_push returns it"
        )
    return parsed.with_digest(parsed.digest)


def references(params: Params) -> list[Reference]:
    """What `reference` or `references` name, each once."""
    if params["reference"] is not None:
        return [reference("reference", params["reference"])]
    return list(dict.fromkeys(reference("references", text) for text in params["references"]))


def digest_references(params: Params, where: str = "") -> list[Reference]:
    """As references(), by digest only. `where` goes before the option's name."""
    if params["reference"] is not None:
        return [digest_reference(f"{where}reference", params["reference"])]
    return list(dict.fromkeys(digest_reference("references", text) for text in params["references"]))


def tag_of(option: str, target: Reference, tag: str) -> str:
    """`tag` itself if it can be one of `target`; InvalidOption names the option it came from."""
    try:
        target.with_tag(tag)
    except InvalidReference as error:
        raise InvalidOption(option, error.message) from None
    return tag


def annotation_map(option: str, value: t.Mapping[str, t.Any] | None) -> dict[str, str]:
    """A map of strings. A number is refused, since YAML has already changed it: 1.10 is 1.1."""
    for key, item in (value or {}).items():
        if not isinstance(item, str):
            raise InvalidOption(option, f"the value of {key} is a {type(item).__name__}; put it in quotes")
        if any("\ud800" <= character <= "\udfff" for character in f"{key}{item}"):
            raise InvalidOption(option, f"{key!a} or its value is not Unicode text")
    return dict(value or {})
