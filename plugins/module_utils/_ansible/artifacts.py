# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a batch whose items are more than a reference: `artifacts`, or one item by itself."""

from __future__ import annotations

import typing as t

from .argspec import ArgumentSpec, Option, Params


def artifacts(needed: str, option: Option, beside: t.Mapping[str, Option] | None = None) -> ArgumentSpec:
    """`reference` and `needed`, which each item must have, and what else there may be `beside` them."""
    more = dict(beside or {})
    one = {"reference": {"type": "str", "required": True}, needed: {**option, "required": True}, **more}
    return ArgumentSpec(
        options={
            "reference": {"type": "str"},
            needed: option,
            **more,
            "artifacts": {"type": "list", "elements": "dict", "options": one},
        },
        required_one_of=(("reference", "artifacts"),),
        mutually_exclusive=(("reference", "artifacts"), (needed, "artifacts")),
        required_by={"reference": (needed,)},
    )


def items(params: Params) -> list[tuple[str, Params]]:
    """Each item, and the option whose name an error in it gives."""
    if params["artifacts"] is None:
        return [("reference", params)]
    return [("artifacts", item) for item in params["artifacts"]]
