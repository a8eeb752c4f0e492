"""The document's shape, as marshmallow schemas: unknown keys refused, every part built into its frozen type. Releases: ``agreements.release_schemas``."""

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from agreements import linkage, machines, model
from agreements.fields import FieldType
from agreements.items import ITEMS, Said
from agreements.periods import PeriodKind
from agreements.release_schemas import ReleaseSchema
from agreements.wording import NAME, REFERENCE, Day, Fingerprint, Part, PeriodName, Retention, RuleTable, Words, YesNo, name_of, names


class PersonSchema(Part):
    builds = model.Person
    name = Words(required=True)
    position = Words(required=True)
    key = Fingerprint("ed25519", "passkey", required=True)


class MachineKeysSchema(Part):
    builds = machines.MachineKeys
    manifest = Fingerprint("ed25519", required=True)
    client = Fingerprint("ed25519", "es256", required=True)
    encryption = Fingerprint("xwing", required=True)
    witness = Fingerprint("ed25519", load_default="")


class HubKeysSchema(Part):
    builds = machines.HubKeys
    identity = Fingerprint("ed25519", required=True)
    receipts = Fingerprint("ed25519", required=True)
    editions = Fingerprint("ed25519", required=True)
    log = Fingerprint("ed25519", required=True)


class LawfulBasisSchema(Part):
    builds = model.LawfulBasis
    datasets = names(required=True, validate=validate.Length(min=1))
    regime = fields.Enum(model.Regime, by_value=True, required=True)
    basis = Words(required=True)
    gateway = Words(required=True)


class PartySchema(Part):
    builds = model.Party
    id = name_of()
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


class RecipientSchema(Part):
    builds = model.Recipient
    id = name_of()
    name = Words(required=True)
    party = name_of()
    client = Fingerprint("ed25519", "es256", required=True)


class CrossingSchema(Part):
    builds = model.Crossing
    datasets = names(required=True, validate=validate.Length(min=1))
    source = fields.Enum(model.Regime, by_value=True, required=True, data_key="from")
    target = fields.Enum(model.Regime, by_value=True, required=True, data_key="to")
    gateway = Words(required=True)


class PermissionSchema(Part):
    builds = model.Permission
    name = name_of()
    joins = fields.List(fields.Enum(model.Subjects, by_value=True), required=True, validate=validate.Length(min=2))
    because = Words(required=True)


class LinkageSchema(Part):
    builds = linkage.Linkage
    name = name_of()
    title = Words(required=True)
    rules = names(required=True, validate=validate.Length(min=1))
    single = names(load_default=list)
    most = fields.Integer(required=True, strict=True, validate=validate.Range(2, 100_000))
    permission = fields.String(validate=NAME, load_default="")


class NotApplicableSchema(Part):
    not_applicable = Words(required=True)


class ItemText(fields.Field[Any]):
    """Words, or ``{ not_applicable = "because …" }``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Said:
        if isinstance(value, dict):
            return Said(NotApplicableSchema().load(value)["not_applicable"], applies=False)
        return Said(Words().deserialize(value, attr, data))


ItemsSchema = Schema.from_dict({item.name: ItemText() for item in ITEMS}, name="ItemsSchema")


class FieldSchema(Part):
    builds = model.Field
    name = name_of()
    source = fields.String(required=True, validate=NAME, data_key="from")
    type = fields.Enum(FieldType, by_value=True, required=True)
    rule = RuleTable(required=True)
    may_be_empty = YesNo(load_default=False)
    category = fields.Enum(model.Category, by_value=True, load_default=model.Category.ORDINARY)
    meaning = Words(required=True)
    reason = Words(required=True)


class DatasetSchema(Part):
    builds = model.Dataset
    name = name_of()
    title = Words(required=True)
    grain = Words(required=True)
    about = fields.List(fields.Enum(model.Subjects, by_value=True), required=True, validate=validate.Length(min=1))
    adapter = name_of()
    suppliers = names(required=True, validate=validate.Length(min=1))
    period = fields.Enum(PeriodKind, by_value=True, required=True)
    period_field = name_of()
    due_days = fields.Integer(required=True, strict=True, validate=validate.Range(1, 366))
    mode = fields.Enum(model.Mode, by_value=True, required=True)
    retention = Retention(required=True)
    fields_ = fields.List(fields.Nested(FieldSchema), required=True, data_key="fields", attribute="fields", validate=validate.Length(min=1))


class ApprovalsSchema(Part):
    builds = model.Approvals
    output_checkers = fields.Integer(required=True, strict=True, validate=validate.Range(2, 10))
    from_lineage = YesNo(load_default=False)


class HeadSchema(Part):
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


class AgreementSchema(Part):
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
