"""The document's shape, as marshmallow schemas: unknown keys refused, every part built into its frozen type."""

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from agreements import linkage, machines, model, release
from agreements.fields import FieldType
from agreements.items import ITEMS, Said
from agreements.periods import PeriodKind
from agreements.wording import NAME, REFERENCE, Day, Fingerprint, PeriodName, Retention, RuleTable, Words, YesNo


def _name(**kwargs: Any) -> fields.String:
    return fields.String(required=True, validate=NAME, **kwargs)


def _names(**kwargs: Any) -> fields.List[Any]:
    return fields.List(fields.String(validate=NAME), **kwargs)


class _Part(Schema):
    """A table of the document that becomes one frozen value."""

    class Meta:
        unknown = RAISE

    builds: Any = dict

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """The frozen value: lists become tuples."""
        return self.builds(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})


class PersonSchema(_Part):
    builds = model.Person
    name = Words(required=True)
    position = Words(required=True)
    key = Fingerprint("ed25519", "passkey", required=True)


class MachineKeysSchema(_Part):
    builds = machines.MachineKeys
    manifest = Fingerprint("ed25519", required=True)
    client = Fingerprint("ed25519", "es256", required=True)
    encryption = Fingerprint("xwing", required=True)
    witness = Fingerprint("ed25519", load_default="")


class HubKeysSchema(_Part):
    builds = machines.HubKeys
    identity = Fingerprint("ed25519", required=True)
    receipts = Fingerprint("ed25519", required=True)
    editions = Fingerprint("ed25519", required=True)
    log = Fingerprint("ed25519", required=True)


class LawfulBasisSchema(_Part):
    builds = model.LawfulBasis
    datasets = _names(required=True, validate=validate.Length(min=1))
    regime = fields.Enum(model.Regime, by_value=True, required=True)
    basis = Words(required=True)
    gateway = Words(required=True)


class PartySchema(_Part):
    builds = model.Party
    id = _name()
    name = Words(required=True)
    short_name = Words(required=True)
    role = fields.Enum(model.Role, by_value=True, required=True)
    operator = YesNo(load_default=False)
    registration = Words(required=True)
    contact = Words(required=True)
    dpo = fields.Nested(PersonSchema, required=True)
    signatory = fields.Nested(PersonSchema, required=True)
    checkers = fields.List(fields.Nested(PersonSchema), load_default=list)
    keys = fields.Nested(MachineKeysSchema, load_default=None)
    hub = fields.Nested(HubKeysSchema, load_default=None)
    lawful_bases = fields.List(fields.Nested(LawfulBasisSchema), required=True, validate=validate.Length(min=1))


class RecipientSchema(_Part):
    builds = model.Recipient
    id = _name()
    name = Words(required=True)
    party = _name()
    client = Fingerprint("ed25519", "es256", required=True)


class CrossingSchema(_Part):
    builds = model.Crossing
    datasets = _names(required=True, validate=validate.Length(min=1))
    source = fields.Enum(model.Regime, by_value=True, required=True, data_key="from")
    target = fields.Enum(model.Regime, by_value=True, required=True, data_key="to")
    gateway = Words(required=True)


class PermissionSchema(_Part):
    builds = model.Permission
    name = _name()
    joins = fields.List(fields.Enum(model.Subjects, by_value=True), required=True, validate=validate.Length(min=2))
    because = Words(required=True)


class LinkageSchema(_Part):
    builds = linkage.Linkage
    name = _name()
    title = Words(required=True)
    rules = _names(required=True, validate=validate.Length(min=1))
    single = _names(load_default=list)
    most = fields.Integer(required=True, strict=True, validate=validate.Range(2, 100_000))
    permission = fields.String(validate=NAME, load_default="")


class NotApplicableSchema(_Part):
    not_applicable = Words(required=True)


class ItemText(fields.Field[Any]):
    """Words, or ``{ not_applicable = "because …" }``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Said:
        if isinstance(value, dict):
            return Said(NotApplicableSchema().load(value)["not_applicable"], applies=False)
        return Said(Words().deserialize(value, attr, data))


ItemsSchema = Schema.from_dict({item.name: ItemText() for item in ITEMS}, name="ItemsSchema")


class FieldSchema(_Part):
    builds = model.Field
    name = _name()
    source = fields.String(required=True, validate=NAME, data_key="from")
    type = fields.Enum(FieldType, by_value=True, required=True)
    rule = RuleTable(required=True)
    may_be_empty = YesNo(load_default=False)
    category = fields.Enum(model.Category, by_value=True, load_default=model.Category.ORDINARY)
    meaning = Words(required=True)
    reason = Words(required=True)


class DatasetSchema(_Part):
    builds = model.Dataset
    name = _name()
    title = Words(required=True)
    grain = Words(required=True)
    about = fields.List(fields.Enum(model.Subjects, by_value=True), required=True, validate=validate.Length(min=1))
    adapter = _name()
    suppliers = _names(required=True, validate=validate.Length(min=1))
    period = fields.Enum(PeriodKind, by_value=True, required=True)
    period_field = _name()
    due_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 366))
    mode = fields.Enum(model.Mode, by_value=True, required=True)
    retention = Retention(required=True)
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, data_key="fields", attribute="fields", validate=validate.Length(min=1))


class LookupSchema(_Part):
    builds = release.Lookup
    dataset = _name()
    on = _name()
    latest_by = _name()
    then_by = _name()
    order = fields.List(Words(), required=True, validate=validate.Length(min=1))


class BandSchema(_Part):
    builds = release.Band
    label = Words(required=True)
    up_to = fields.Integer(required=True, strict=True, validate=validate.Range(0, 600))


class DerivedSchema(_Part):
    """Either ``first_of`` or ``months_between``, never both."""

    name = _name()
    first_of = fields.List(fields.String(), validate=validate.Length(min=1))
    months_between = fields.List(fields.String(), validate=validate.Length(equal=2))
    bands = fields.List(fields.Nested(BandSchema), validate=validate.Length(min=1))
    beyond = Words()
    before = Words()
    otherwise = Words(required=True)

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        """A first-of or a months-between, as the members say."""
        match sorted(set(data) - {"name", "otherwise"}):
            case ["first_of"]:
                return release.FirstOf(data["name"], tuple(data["first_of"]), data["otherwise"])
            case ["bands", "before", "beyond", "months_between"]:
                start, end = data["months_between"]
                return release.MonthsBetween(
                    data["name"], start, end, tuple(data["bands"]), data["beyond"], data["before"], data["otherwise"]
                )
            case _:
                raise ValidationError("needs first_of, or months_between with bands, beyond and before.")


class DimensionSchema(_Part):
    builds = release.Dimension
    name = _name()
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


class TableSchema(_Part):
    builds = release.Table
    name = _name()
    title = Words(required=True)
    dimensions = _names(required=True, validate=validate.Length(min=1, max=6))


class TermsSchema(_Part):
    builds = release.Terms
    threshold = fields.Integer(required=True, strict=True, validate=validate.Range(2, 1000))
    zeros = fields.Enum(release.Zeros, by_value=True, required=True)
    level = fields.Enum(release.Level, by_value=True, load_default=release.Level.C)
    method = fields.Enum(release.Method, by_value=True, load_default=release.Method.SUPPRESS)
    base = fields.Integer(strict=True, validate=validate.Range(2, 10_000), load_default=0)
    bound = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)
    variance = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)
    smallest = fields.Integer(strict=True, validate=validate.Range(1, 100), load_default=0)


class ReleaseSchema(_Part):
    builds = release.Release
    name = _name()
    measure = fields.String(required=True, validate=validate.Regexp(r"^M[EVR][1-9]\Z"))
    title = Words(required=True)
    question = Words(required=True)
    unit = Words(required=True)
    base = _name()
    present = _names(load_default=list)
    period_dimension = _name()
    lookups = fields.List(fields.Nested(LookupSchema), load_default=list)
    derived = fields.List(fields.Nested(DerivedSchema), load_default=list)
    dimensions = fields.List(fields.Nested(DimensionSchema), required=True, validate=validate.Length(min=1))
    tables = fields.List(fields.Nested(TableSchema), required=True, validate=validate.Length(min=1))
    terms = fields.Nested(TermsSchema, required=True)
    recipients = _names(required=True, validate=validate.Length(min=1))
    caveats = fields.List(Words(), load_default=list)
    public = YesNo(load_default=False)
    permission = fields.String(validate=NAME, load_default="")
    earlier_rows = YesNo(load_default=False)


class ApprovalsSchema(_Part):
    builds = model.Approvals
    output_checkers = fields.Integer(required=True, strict=True, validate=validate.Range(2, 10))


class HeadSchema(_Part):
    """The first table, ``[agreement]``."""

    reference = fields.String(required=True, validate=REFERENCE)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 9999))
    title = Words(required=True)
    purpose = Words(required=True)
    necessity = Words(required=True)
    dpia = Words(required=True)
    incident_contact = Words(required=True)
    rights_contact = Words(required=True)
    in_force_from = Day(required=True)
    expires = Day(required=True)
    review = Day(required=True)
    back_fill_from = PeriodName(required=True)
    after_end = fields.Enum(model.AfterEnd, by_value=True, required=True)


class AgreementSchema(_Part):
    """The whole document."""

    agreement = fields.Nested(HeadSchema, required=True)
    parties = fields.List(fields.Nested(PartySchema), required=True, validate=validate.Length(min=2))
    items = fields.Nested(ItemsSchema(unknown=RAISE), load_default=dict)
    recipients = fields.List(fields.Nested(RecipientSchema), required=True)
    crossings = fields.List(fields.Nested(CrossingSchema), load_default=list)
    permissions = fields.List(fields.Nested(PermissionSchema), load_default=list)
    linkages = fields.List(fields.Nested(LinkageSchema), load_default=list)
    datasets = fields.List(fields.Nested(DatasetSchema), required=True, validate=validate.Length(min=1))
    releases = fields.List(fields.Nested(ReleaseSchema), load_default=list)
    approvals = fields.Nested(ApprovalsSchema, required=True)
