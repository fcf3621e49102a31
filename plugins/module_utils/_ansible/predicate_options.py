# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification asks beyond a signature: how old it may be, what kind of statement it is, and what that says."""

from __future__ import annotations

import time
import typing as t

from .._cosign import predicates
from .._cosign.age import Age
from .._cosign.attestations import Asked
from .._cosign.bundle import SIGN_PREDICATE
from .._flux import durations
from .._shared.errors import InvalidOption
from .argspec import ArgumentSpec, Params

OF_TIME = ("predicate_type", "min_age", "max_age")  # what asks when a signature was made
_OF_A_TYPE = ("predicate_schema", "invocation_id")
PREDICATE = ArgumentSpec(
    options={
        "predicate_type": {"type": "str"},
        "predicate_schema": {"type": "dict"},
        "invocation_id": {"type": "str"},
        "min_age": {"type": "str"},
        "max_age": {"type": "str"},
    },
    required_by=dict.fromkeys(_OF_A_TYPE, ("predicate_type",)),
    mutually_exclusive=(("predicate_type", "flux_version"),),
)


def asked(params: Params) -> Asked | None:
    """What is asked of attestations; None where signatures are asked for."""
    if params["predicate_type"] is None:
        return None
    kind = predicates.kind_of(params["predicate_type"])
    if kind.uri == SIGN_PREDICATE:
        raise InvalidOption("predicate_type", "that is a signature: leave the option out")
    if params["invocation_id"] is not None and kind.run is None:
        raise InvalidOption("invocation_id", f"a predicate of the type {kind.uri} names no run")
    if params["predicate_schema"] is None:
        return Asked(kind, params["invocation_id"])
    from .._cosign.predicate_schema import PredicateSchema

    schema = PredicateSchema(params["predicate_schema"], "predicate_schema")
    return Asked(kind, params["invocation_id"], schema.refusal)


def age(params: Params) -> Age | None:
    """How old a signature has to be, and may be; None where that was left open."""
    least, most = _seconds(params, "min_age"), _seconds(params, "max_age")
    if least is None and most is None:
        return None
    if least is not None and most is not None and least > most:
        raise InvalidOption("min_age", "it is above max_age")
    return Age(time.time(), least, most)


def _seconds(params: Params, option: str) -> float | None:
    text = t.cast("str | None", params[option])
    if text is None:
        return None
    fault = durations.wrong(text)
    if fault is not None:
        raise InvalidOption(option, fault)
    return (durations.milliseconds(text) or 0.0) / 1000
