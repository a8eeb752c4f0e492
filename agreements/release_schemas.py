"""The shape of a release in the document: what is counted, joined, worked out, cut by, protected, and when editions are made."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from agreements import cohort, release, worked_out
from agreements.periods import PeriodKind
from agreements.wording import NAME, Conditions, Part, Span, Words, YesNo, name_of, names

MOST_MONTHS, MOST = 600, 1_000_000_000
"""The greatest end of a band, of months and of other whole numbers."""

_WINDOWS = (PeriodKind.MONTH, PeriodKind.QUARTER, PeriodKind.YEAR)


def _some(most: int | None = None) -> dict[str, Any]:
    return {"required": True, "validate": validate.Length(min=1, max=most)}


def _window(**kwargs: Any) -> fields.Enum[PeriodKind]:
    return fields.Enum(PeriodKind, by_value=True, validate=validate.OneOf(_WINDOWS, error="must be month, quarter or year."), **kwargs)


class LookupSchema(Part):
    builds = release.Lookup
    dataset = name_of()
    on = name_of()
    latest_by = name_of()
    then_by = fields.String(validate=NAME, load_default="")
    order = fields.List(Words(), validate=validate.Length(min=1), load_default=list)
    of = fields.String(validate=NAME, load_default="")
    across = YesNo(load_default=False)
    earliest = YesNo(load_default=False)
    also_on = names(load_default=list)
    where = Conditions(load_default=())

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """``then_by`` and ``order`` together, or neither."""
        if bool(data["then_by"]) != bool(data["order"]):
            raise ValidationError("then_by and order go together: of rows of one date the one whose then_by stands first in order.")
        return release.Lookup(**data | {name: tuple(data[name]) for name in ("order", "also_on")})


class BandSchema(Part):
    builds = worked_out.Band
    label = Words(required=True)
    up_to = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST))


class CaseSchema(Part):
    builds = worked_out.Case
    label = Words(required=True)
    when = Conditions(required=True)


class DerivedSchema(Part):
    """One of ``first_of``, ``months_between``, ``value`` (in bands), ``matched``, ``cases``, and what goes with it."""

    name = name_of()
    first_of = fields.List(fields.String(), validate=validate.Length(min=1))
    months_between = fields.List(fields.String(), validate=validate.Length(equal=2))
    value = fields.String(validate=NAME)
    matched = fields.String(validate=NAME)
    cases = fields.List(fields.Nested(CaseSchema), validate=validate.Length(min=1))
    bands = fields.List(fields.Nested(BandSchema), validate=validate.Length(min=1))
    beyond = Words()
    before = Words()
    otherwise = Words()

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """The kind of derived value that the members say."""
        name = data["name"]
        match sorted(set(data) - {"name"}):
            case ["first_of", "otherwise"]:
                return worked_out.FirstOf(name, tuple(data["first_of"]), data["otherwise"])
            case ["bands", "before", "beyond", "months_between", "otherwise"]:
                if any(band.up_to > MOST_MONTHS for band in data["bands"]):
                    raise ValidationError(f"bands of months end by {MOST_MONTHS}.")
                start, end = data["months_between"]
                return worked_out.MonthsBetween(name, start, end, tuple(data["bands"]), data["beyond"], data["before"], data["otherwise"])
            case ["bands", "before", "beyond", "otherwise", "value"]:
                return worked_out.Banded(name, data["value"], tuple(data["bands"]), data["beyond"], data["before"], data["otherwise"])
            case ["matched"]:
                return worked_out.Matched(name, data["matched"])
            case ["cases", "otherwise"]:
                return worked_out.Cases(name, tuple(data["cases"]), data["otherwise"])
            case _:
                raise ValidationError(
                    "needs first_of and otherwise; or months_between or value, with bands, beyond, before and otherwise; or cases and otherwise; or matched alone."
                )


class ValueSchema(Part):
    """One of ``amount`` (which may name, as ``beside``, a field without which it does not count), ``change``, ``days_between``, ``events``."""

    name = name_of()
    amount = fields.String()
    beside = fields.String()
    change = fields.List(fields.String(), validate=validate.Length(equal=2))
    days_between = fields.List(fields.String(), validate=validate.Length(equal=2))
    events = fields.String(validate=NAME)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """The number that the one member says."""
        match sorted(set(data) - {"name"}):
            case ["change" | "days_between" as what]:
                return worked_out.Value(data["name"], worked_out.Number(what), tuple(data[what]))
            case ["amount", "beside"]:
                return worked_out.Value(data["name"], worked_out.Number.AMOUNT, (data["amount"], data["beside"]))
            case ["amount" | "events" as what]:
                return worked_out.Value(data["name"], worked_out.Number(what), (data[what],))
            case _:
                raise ValidationError("needs one of amount, change, days_between and events; and beside, if at all, with an amount.")


class EntrySchema(Part):
    builds = cohort.Entry
    label = Words(required=True)
    dataset = name_of()
    date = name_of()
    where = Conditions(load_default=())


class EventSchema(Part):
    builds = cohort.Event
    name = name_of()
    dataset = name_of()
    date = name_of()
    within = Span(required=True)
    where = Conditions(load_default=())
    before = YesNo(load_default=False)
    proven = fields.String(validate=NAME, load_default="")
    proven_within = Span(load_default=None)
    differs = names(load_default=list)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """``proven`` and ``proven_within`` together, or neither, and only of what follows."""
        if bool(data["proven"]) != (data["proven_within"] is not None):
            raise ValidationError("proven and proven_within go together.")
        if data["before"] and data["proven"]:
            raise ValidationError("what lies before the entry is not proven after it: leave out proven.")
        return cohort.Event(**data | {"differs": tuple(data["differs"])})


class AttributeSchema(Part):
    builds = cohort.Attribute
    name = name_of()
    dataset = name_of()
    date = name_of()
    field = fields.String(load_default="")
    within = Span(required=True)
    otherwise = Words(required=True)
    where = Conditions(load_default=())
    since = fields.String(validate=NAME, load_default="")
    until = fields.String(validate=NAME, load_default="")


class CohortSchema(Part):
    builds = cohort.Cohort
    window = _window(required=True)
    entries = fields.List(fields.Nested(EntrySchema), **_some())
    events = fields.List(fields.Nested(EventSchema), load_default=list)
    attributes = fields.List(fields.Nested(AttributeSchema), load_default=list)


class DimensionSchema(Part):
    builds = release.Dimension
    name = name_of()
    title = Words(required=True)
    source = fields.String(required=True)
    categories = fields.List(Words(), load_default=list)
    labels = fields.Dict(keys=fields.String(), values=Words(), load_default=dict)
    total = Words(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """Categories paired with the labels shown for them; a category without a label is shown as it is."""
        labels = data.pop("labels")
        if unknown := set(labels) - set(data["categories"]):
            raise ValidationError(f"labels {len(unknown)} that are not categories.")
        data["categories"] = tuple((code, labels.get(code, code)) for code in data["categories"])
        return release.Dimension(**data)


class TableSchema(Part):
    builds = release.Table
    name = name_of()
    title = Words(required=True)
    dimensions = names(**_some(most=6))
    of = names(validate=validate.Length(min=1), load_default=list)
    show = fields.List(fields.Enum(worked_out.Show, by_value=True), validate=validate.Length(min=1), load_default=list)


class TermsSchema(Part):
    builds = release.Terms
    threshold = fields.Integer(required=True, strict=True, validate=validate.Range(2, 1000))
    zeros = fields.Enum(release.Zeros, by_value=True, required=True)
    level = fields.Enum(release.Level, by_value=True, load_default=release.Level.C)
    method = fields.Enum(release.Method, by_value=True, load_default=release.Method.SUPPRESS)
    base = fields.Integer(strict=True, validate=validate.Range(2, 10_000), load_default=0)
    bound = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)
    variance = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)
    smallest = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)


class ReleaseSchema(Part):
    builds = release.Release
    name = name_of()
    measure = fields.String(required=True, validate=validate.Regexp(r"^M[EVR][1-9]\Z"))
    title = Words(required=True)
    question = Words(required=True)
    unit = Words(required=True)
    base = name_of()
    where = Conditions(load_default=())
    present = names(load_default=list)
    period_dimension = name_of()
    cohort = fields.Nested(CohortSchema, load_default=None)
    lookups = fields.List(fields.Nested(LookupSchema), load_default=list)
    values = fields.List(fields.Nested(ValueSchema), load_default=list)
    derived = fields.List(fields.Nested(DerivedSchema), load_default=list)
    dimensions = fields.List(fields.Nested(DimensionSchema), **_some())
    tables = fields.List(fields.Nested(TableSchema), **_some())
    terms = fields.Nested(TermsSchema, required=True)
    recipients = names(**_some())
    caveats = fields.List(Words(), load_default=list)
    public = YesNo(load_default=False)
    permission = fields.String(validate=NAME, load_default="")
    earlier_rows = YesNo(load_default=False)
    cadence = _window(load_default=None)
    provisional = Span(load_default=None)
    wait = Span(load_default=None)
