"""The small parts every document is made of: texts, identifiers, fingerprints, dates. Marshmallow fields, strict."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from agreements.characters import deceives
from agreements.errors import InvalidPeriod, InvalidRule
from agreements.periods import Duration, Period
from agreements.rule_table import read_rule
from agreements.worked_out import Where

# At most 40 characters, so that every clause made of them fits in a receipt and every column that holds one.
NAME = validate.Regexp(
    r"^(?=.{1,40}\Z)[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*\Z", error="must be at most 40 lower-case letters and digits, joined by - or _."
)
REFERENCE = validate.Regexp(
    r"^(?=.{1,40}\Z)[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*\Z", error="must be at most 40 capital letters and digits joined by -, such as LCJP-MV7."
)
_FINGERPRINT = re.compile(r"^(ed25519|es256|passkey|xwing):[0-9a-f]{64}$", re.ASCII)
_PLACEHOLDER = re.compile(r"^@[a-z0-9-]+/[a-z0-9-]+$", re.ASCII)


def name_of(**kwargs: Any) -> fields.String:
    """A name that must be there."""
    return fields.String(required=True, validate=NAME, **kwargs)


def names(**kwargs: Any) -> fields.List[Any]:
    """A list of names."""
    return fields.List(fields.String(validate=NAME), **kwargs)


class Part(Schema):
    """A table of the document that becomes one frozen value; unknown keys are refused."""

    class Meta:  # noqa: D106  # marshmallow's own way of saying it
        unknown = RAISE

    builds: Any = dict

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """The frozen value: lists become tuples."""
        return self.builds(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})


class Words(fields.String):
    """Text for people: not empty, NFC, at most 4,000 characters, no control or direction-changing characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if not text.strip():
            raise ValidationError("must not be empty.")
        if len(text) > 4000:
            raise ValidationError("is longer than 4,000 characters.")
        if deceives(text.replace("\n", " ")):
            raise ValidationError("holds characters that could deceive a reader (control, direction or decomposed characters).")
        return text


class Fingerprint(fields.String):
    """The kind of a key, one of those given (``ed25519``, ``es256``, ``passkey``, ``xwing``), a colon and 64 hex digits."""

    def __init__(self, *kinds: str, **kwargs: Any) -> None:
        self.kinds = kinds
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if _PLACEHOLDER.fullmatch(text):
            raise ValidationError(f"is still to be filled in: fill it from the key card “{text[1:]}” (exchange agreement fill).")
        if not _FINGERPRINT.fullmatch(text) or text.partition(":")[0] not in self.kinds:
            wanted = " or ".join(f"“{kind}:”" for kind in self.kinds)
            raise ValidationError(f"must be a fingerprint: {wanted} and 64 hex digits.")
        return text


class YesNo(fields.Field[bool]):
    """``true`` or ``false``, and no other spelling of it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise ValidationError("must be true or false.")


class Day(fields.Field[date]):
    """A TOML date."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        raise ValidationError("must be a date, written without quotes: 2026-11-01.")


class PeriodName(fields.String):
    """The name of a period."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return Period.parse(text).name
        except InvalidPeriod as error:
            raise ValidationError(str(error)) from error


class Retention(fields.Field[Duration]):
    """An ISO 8601 duration."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Duration:
        try:
            return Duration.parse(str(value))
        except InvalidPeriod as error:
            raise ValidationError(str(error)) from error


class Span(fields.Field[Duration]):
    """How far a window reaches: an ISO 8601 duration."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Duration:
        try:
            return Duration.parse(str(value))
        except InvalidPeriod as error:
            raise ValidationError("must be an ISO 8601 duration of at least a day, such as P12M, P18M or P365D.") from error


class Conditions(fields.Field[Where]):
    """``{ field = ["code", …], … }``: the field holds one of the codes, and so do the others. At least one field, each with a code, none twice."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Where:
        if not isinstance(value, dict) or not value:
            raise ValidationError('must be a table of fields and their codes, such as { outcome = ["Convicted"] }.')
        for codes in value.values():
            if not isinstance(codes, list) or not codes or not all(isinstance(code, str) and code for code in codes):
                raise ValidationError('each field has a list of at least one code, in quotes: ["Convicted"]; of yes and no, ["true"].')
            if len(set(codes)) < len(codes):
                raise ValidationError("a code stands more than once.")
        # By name, for a canonical document has no other order.
        return tuple((str(name), tuple(value[name])) for name in sorted(value))


class RuleTable(fields.Field[Any]):
    """A field rule."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError('must be a table of one rule, such as { generalise = "month" }.')
        try:
            return read_rule(value)
        except InvalidRule as error:
            raise ValidationError(str(error)) from error
