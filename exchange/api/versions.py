"""What changes between versions, what a version would have done, and why something is allowed or refused: the caller's own part of it."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate

from agreements.changes import Change, Risk
from agreements.difference import difference
from agreements.errors import InvalidPeriod
from agreements.explain import Operation, Question
from agreements.periods import Period
from exchange.api.door import caller, hub, vouch
from exchange.db import reading
from exchange.errors import Unacceptable
from exchange.questions import rehearsal
from exchange.questions.explain import explain_for, explain_submission
from exchange.register import agreements

blueprint = Blueprint("versions", __name__, url_prefix="/v1/agreements", description="Versions compared, rehearsed and explained")
_NAME = validate.Length(max=40)


class DifferenceQuery(Schema):
    """Which two versions."""

    from_ = fields.Integer(required=True, data_key="from", attribute="from", validate=validate.Range(1, 9999))
    to = fields.Integer(required=True, validate=validate.Range(1, 9999))


class ChangeAnswer(Schema):
    """One change, and how much it matters."""

    risk = fields.String(required=True, validate=validate.OneOf([risk.name.lower() for risk in Risk]))
    clause = fields.String(required=True)
    words = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)


class DifferenceAnswer(Schema):
    """Every change, the riskiest first."""

    from_ = fields.String(required=True, data_key="from", attribute="from", metadata={"description": "digest of the one version"})
    to = fields.String(required=True, metadata={"description": "digest of the other"})
    changes = fields.List(fields.Nested(ChangeAnswer), required=True)


class RehearsalQuery(Schema):
    """Which version."""

    version = fields.Integer(required=True, validate=validate.Range(1, 9999))


class EffectAnswer(Schema):
    """One thing that would have been otherwise."""

    kind = fields.String(required=True)
    clause = fields.String(required=True)
    words = fields.String(required=True)


class ReplayedAnswer(Schema):
    """One past submission or edition under the version."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    waiting = fields.Boolean(required=True)
    effects = fields.List(fields.Nested(EffectAnswer), required=True)


class RehearsalAnswer(Schema):
    """Everything that went before, under the version."""

    reference = fields.String(required=True)
    version = fields.Integer(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.Integer()), required=True)
    submissions = fields.List(fields.Nested(ReplayedAnswer), required=True)
    editions = fields.List(fields.Nested(ReplayedAnswer), required=True)


class ExplainQuery(Schema):
    """What is asked; the caller is who asks."""

    operation = fields.Enum(Operation, by_value=True, required=True)
    dataset = fields.String(load_default="", validate=_NAME)
    period = fields.String(load_default="", validate=validate.Length(max=10))
    mode = fields.String(load_default="", validate=_NAME)
    release = fields.String(load_default="", validate=_NAME)


class CheckAnswer(Schema):
    """One check of the rule."""

    clause = fields.String(required=True)
    question = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    english = fields.String(required=True)
    reason = fields.String()
    remedy = fields.String()


class ExplanationAnswer(Schema):
    """The answer, and every check."""

    allowed = fields.Boolean(required=True)
    clause = fields.String(required=True)
    reason = fields.String(required=True)
    remedy = fields.String(required=True)
    checks = fields.List(fields.Nested(CheckAnswer), required=True)


class ReasonAnswer(Schema):
    """Why it was refused."""

    clause = fields.String(required=True)
    reason = fields.String(required=True)


class LogLine(Schema):
    """One entry about the submission."""

    at = fields.String(required=True)
    what = fields.String(required=True)


class DecidedAnswer(Schema):
    """What was said then, and what would be said now."""

    submission = fields.String(required=True)
    state = fields.String(required=True)
    outcome = fields.String(required=True)
    decided = fields.String(required=True)
    reasons = fields.List(fields.Nested(ReasonAnswer), required=True)
    log = fields.List(fields.Nested(LogLine), required=True)
    then = fields.Nested(ExplanationAnswer, required=True, allow_none=True)
    now = fields.Nested(ExplanationAnswer, required=True)


def as_json(change: Change) -> dict[str, str]:
    """One change."""
    return {
        "risk": change.risk.name.lower(),
        "clause": change.clause,
        "words": change.words,
        "before": change.before,
        "after": change.after,
    }


@blueprint.route("/<string:reference>/difference")
class Difference(MethodView):
    """Two versions compared."""

    @blueprint.arguments(DifferenceQuery, location="query", unknown=RAISE)
    @blueprint.response(200, DifferenceAnswer)
    def get(self, query: dict[str, Any], reference: str) -> dict[str, Any]:
        """What changes from one version to another, by what it means: wider, changed, narrower, words."""
        with reading(hub().engine) as session:
            old, new = (
                agreements.parsed(agreements.known(session, reference, caller().id, query[name]).canonical) for name in ("from", "to")
            )
        return {"from": old.digest, "to": new.digest, "changes": [as_json(change) for change in difference(old, new)]}


@blueprint.route("/<string:reference>/rehearsal")
class Rehearsal(MethodView):
    """A version rehearsed."""

    @blueprint.arguments(RehearsalQuery, location="query", unknown=RAISE)
    @blueprint.response(200, RehearsalAnswer)
    def get(self, query: dict[str, Any], reference: str) -> dict[str, Any]:
        """What the version would have done with the caller's own past submissions, and with the editions made. No rows are read."""
        client = caller().id
        with reading(hub().engine) as session:
            vouch(agreements.known(session, reference, client))
            row = agreements.known(session, reference, client, query["version"])
            return rehearsal.rehearse(session, agreements.parsed(row.canonical), client).as_json()


@blueprint.route("/<string:reference>/explain")
class Explain(MethodView):
    """Why."""

    @blueprint.arguments(ExplainQuery, location="query", unknown=RAISE)
    @blueprint.response(200, ExplanationAnswer)
    def get(self, query: dict[str, Any], reference: str) -> dict[str, Any]:
        """Why the caller may, or may not, do this now: every check, its clause, and the words it enforces."""
        here, client = hub(), caller()
        period = _period(query.pop("period"))
        with reading(here.engine) as session:
            question = Question(party=client.id, period=period, key=client.key, **query)
            return explain_for(session, client.id, reference, question, here.clock()).as_json()


@blueprint.route("/<string:reference>/explain/<string:submission>")
class ExplainSubmission(MethodView):
    """Why a submission was decided as it was."""

    @blueprint.response(200, DecidedAnswer)
    def get(self, reference: str, submission: str) -> dict[str, Any]:
        """Why the caller's own submission was held or refused then, and what the answer would be now."""
        here = hub()
        with reading(here.engine) as session:
            return explain_submission(session, reference, submission, here.clock(), caller().id).as_json()


def _period(text: str) -> Period | None:
    try:
        return Period.parse(text) if text else None
    except InvalidPeriod as error:
        raise Unacceptable(str(error), code="bad-period") from error
