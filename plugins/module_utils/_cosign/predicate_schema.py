# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON Schema as the policy over a predicate. The schema is the user's own, and the predicate is anybody's.

Source: json-schema.org, draft 2020-12, and the older drafts that jsonschema knows. `format` asserts nothing, as the
specification has it, and nothing that a schema refers to is ever fetched.
"""

from __future__ import annotations

import importlib
import itertools
import typing as t

from .._shared import requirements
from .._shared.errors import InvalidOption
from .._shared.time_limit import TimeLimit, TimeLimitPassed

_SECONDS = 30.0  # of computing: 10 MiB of an SBOM take 5
_SHOWN, _LENGTH = 5, 300  # refusals in a reason, and characters of each


class PredicateSchema:
    """A schema, checked. Only for the main thread, where alone a check can be stopped."""

    def __init__(self, schema: t.Mapping[str, t.Any], option: str) -> None:
        """InvalidOption names `option` where this is no schema; MissingRequirement without the package jsonschema."""
        requirements.need("jsonschema")
        library, registry = importlib.import_module("jsonschema"), importlib.import_module("jsonschema_specifications")
        self._unresolvable = importlib.import_module("referencing.exceptions").Unresolvable
        if not schema:
            raise InvalidOption(option, "an empty schema takes everything: say what it has to be")
        kind = library.validators.validator_for(schema, default=None)
        if "$schema" in schema and kind is None:
            raise InvalidOption(option, f"the draft {str(schema['$schema'])[:200]!r} is not known")
        kind = kind or library.Draft202012Validator
        try:
            kind.check_schema(schema)
        except library.exceptions.SchemaError as error:
            raise InvalidOption(option, f"this is no JSON Schema: {_said(error)}") from None
        # A registry of its own: without one, the library asks the network for what a schema refers to.
        self._validator, self._option = kind(schema, registry=registry.REGISTRY), option

    def refusal(self, predicate: t.Mapping[str, t.Any]) -> str:
        """Why a predicate is not valid by the schema; empty where it is."""
        try:
            with TimeLimit(_SECONDS):
                errors = [_said(error) for error in itertools.islice(self._validator.iter_errors(predicate), _SHOWN)]
        except self._unresolvable as error:
            raise InvalidOption(self._option, f"it refers to what is not in it: {str(error)[:_LENGTH]}") from None
        except TimeLimitPassed:
            return f"valid, but the policy could not be checked within {_SECONDS:.0f} s"
        except RecursionError:
            return "valid, but the policy could not be checked: too deep"
        return f"valid, but the policy refuses the predicate: {'; '.join(errors)}" if errors else ""


def _said(error: t.Any) -> str:
    path = ".".join(map(str, error.absolute_path)) or "(root)"
    return f"{path[:_LENGTH]}: {error.message[:_LENGTH]}"
