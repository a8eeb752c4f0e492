"""Shapes of answers and parameters, for the served OpenAPI and for strict reading of query strings and forms."""

from marshmallow import RAISE, Schema, fields, validate

_NAMED = validate.ContainsNoneOf("\0")
"""One database looks for the NUL character and finds nothing, another refuses to look: what is asked for by name holds none."""


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class Problem(Schema):
    type = fields.String(required=True, metadata={"example": "urn:lcjp-exchange:problem:head-moved"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    remedy = fields.String()
    clause = fields.String()
    instance = fields.String()
    request = fields.String()
    errors = fields.Raw()


class Signed(Schema):
    document = fields.Dict(required=True)
    use = fields.String(required=True)
    key = fields.String(required=True, metadata={"description": "fingerprint of the key"})
    public = fields.String(required=True)
    signature = fields.String(required=True)


class SignedStatement(Signed):
    """By key file, or by passkey, which adds what the passkey signed."""

    authenticator_data = fields.String()
    client_data = fields.String()


class TokenRequest(_Strict):
    grant_type = fields.String(required=True)
    client_id = fields.String()
    client_assertion_type = fields.String(required=True)
    client_assertion = fields.String(required=True, validate=validate.Length(max=8192))
    scope = fields.String()


class TokenAnswer(Schema):
    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True)


class AgreementLine(Schema):
    reference = fields.String(required=True)
    version = fields.Integer(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    agreement = fields.String(required=True, metadata={"description": "digest of the canonical document"})
    in_force_from = fields.String(required=True)
    expires = fields.String(required=True)


class AgreementList(Schema):
    agreements = fields.List(fields.Nested(AgreementLine), required=True)


class AgreementQuery(_Strict):
    version = fields.Integer(validate=validate.Range(1, 9999))


class AgreementAnswer(Schema):
    reference = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True)
    suspended = fields.List(fields.String(), required=True, metadata={"description": "datasets that are suspended by themselves"})
    suspended_by = fields.List(fields.String(), required=True, metadata={"description": "parties that have suspended the whole agreement"})
    canonical = fields.String(required=True, metadata={"description": "the canonical document, as text"})
    statements = fields.List(fields.Nested(SignedStatement), required=True)
    keys = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ContractField(Schema):
    name = fields.String(required=True)
    type = fields.String(required=True)
    empty = fields.Boolean(required=True)


class Linkage(Schema):
    epoch = fields.Integer(required=True)
    key_check = fields.String(required=True)


class Limits(Schema):
    part_bytes = fields.Integer(required=True)
    part_rows = fields.Integer(required=True)
    parts = fields.Integer(required=True)


class Head(Schema):
    submission = fields.String(required=True)
    rows_digest = fields.String(required=True)


class ContractAnswer(Schema):
    reference = fields.String(required=True)
    version = fields.Integer(required=True)
    agreement = fields.String(required=True)
    dataset = fields.String(required=True)
    adapter = fields.String(required=True)
    mode = fields.String(required=True)
    period = fields.String(required=True)
    fields_ = fields.List(fields.Nested(ContractField), data_key="fields", attribute="fields", required=True)
    sealing_key = fields.Nested(Signed, required=True)
    limits = fields.Nested(Limits, required=True)
    linkage = fields.Nested(Linkage, required=True, allow_none=True)
    heads = fields.Dict(keys=fields.String(), values=fields.Nested(Head), required=True)


class EnvelopeList(Schema):
    envelopes = fields.List(fields.Nested(Signed), required=True)


class EnvelopeAnswer(Schema):
    relayed = fields.String(required=True)


class SubmissionQuery(_Strict):
    reference = fields.String(validate=_NAMED)
    dataset = fields.String(validate=_NAMED)


class SubmissionLine(Schema):
    submission = fields.String(required=True)
    reference = fields.String(required=True)
    dataset = fields.String(required=True)
    period = fields.String(required=True)
    state = fields.String(required=True)
    after = fields.String(required=True, allow_none=True, metadata={"description": "the submission that it followed"})
    superseded_by = fields.String(required=True, allow_none=True, metadata={"description": "the submission that took its place"})
    repeats = fields.String(required=True, allow_none=True, metadata={"description": "the submission whose content it repeats"})
    rows = fields.Integer(required=True)
    received = fields.String(required=True)
    dispose_on = fields.String(required=True)


class SubmissionList(Schema):
    submissions = fields.List(fields.Nested(SubmissionLine), required=True)


class SubmissionAnswer(Schema):
    submission = fields.String(required=True)
    upload = fields.String(required=True)
    state = fields.String(required=True)
    after = fields.String(allow_none=True)
    superseded_by = fields.String(allow_none=True)
    repeats = fields.String(allow_none=True)
    missing = fields.List(fields.Integer(), required=True)
    acknowledgement = fields.Nested(Signed, allow_none=True)
    report = fields.Dict(allow_none=True)
    receipt = fields.Nested(Signed, allow_none=True)
    certificate = fields.Nested(Signed, allow_none=True, metadata={"description": "of destruction; keep it"})
    same_content = fields.Boolean()


class PartAnswer(Schema):
    part = fields.Integer(required=True)
    missing = fields.List(fields.Integer(), required=True)


class RightsQuery(_Strict):
    agreement = fields.String(required=True, validate=_NAMED, metadata={"description": "digest of the agreement's canonical document"})


class LinkageEpoch(Schema):
    epoch = fields.Integer(required=True)
    key_check = fields.String(required=True)


class RightsOffer(Schema):
    agreement = fields.String(required=True)
    sealing_key = fields.Nested(Signed, required=True)
    epochs = fields.List(fields.Nested(LinkageEpoch), required=True)


class RightsAnswer(Schema):
    receipt = fields.Nested(Signed, required=True)


class ConsistencyQuery(_Strict):
    old = fields.Integer(required=True, validate=validate.Range(1))
    new = fields.Integer(required=True, validate=validate.Range(1))


class ConsistencyAnswer(Schema):
    old = fields.Integer(required=True)
    new = fields.Integer(required=True)
    proof = fields.List(fields.String(), required=True)


class OwnEntriesQuery(_Strict):
    after = fields.Integer(required=True, validate=validate.Range(0, 1 << 53))
    of = fields.Integer(required=True, validate=validate.Range(1, 1 << 53))


class OwnEntry(Schema):
    number = fields.Integer(required=True)
    salt = fields.String(required=True)
    entry = fields.Dict(required=True)
    proof = fields.List(fields.String(), required=True)


class OwnEntriesAnswer(Schema):
    of = fields.Integer(required=True)
    entries = fields.List(fields.Nested(OwnEntry), required=True)


class Note(Schema):
    note = fields.String(required=True)


class CosignedAnswer(Schema):
    size = fields.Integer(required=True)
    cosigned = fields.String(required=True)


class WitnessesQuery(_Strict):
    of = fields.Integer(required=True, validate=validate.Range(1, 1 << 53))


class WitnessLine(Schema):
    party = fields.String(required=True)
    note = fields.String(required=True)
    proof = fields.List(fields.String(), required=True)


class WitnessesAnswer(Schema):
    of = fields.Integer(required=True)
    witnesses = fields.List(fields.Nested(WitnessLine), required=True)


class TableLine(Schema):
    name = fields.String(required=True)
    title = fields.String(required=True)
    formats = fields.List(fields.String(), required=True)


class EditionAnswer(Schema):
    edition = fields.Nested(Signed, required=True)
    tables = fields.List(fields.Nested(TableLine), required=True)


class EditionLine(Schema):
    id = fields.String(required=True)
    reference = fields.String(required=True)
    release = fields.String(required=True)
    title = fields.String(required=True)
    first_period = fields.String(required=True)
    last_period = fields.String(required=True)
    published = fields.String(required=True)


class EditionList(Schema):
    editions = fields.List(fields.Nested(EditionLine), required=True)
