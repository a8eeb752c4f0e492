"""The caller's own scorecard, and what of its data is late: made of the caller's own submissions alone."""

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate

from exchange.api.door import caller, hub
from exchange.db import reading
from exchange.submissions import scorecard

blueprint = Blueprint("scorecard", __name__, url_prefix="/v1/scorecard", description="A supplier's own scorecard")
_TRENDS = ("better", "worse", "same", "too few")
_SHARE = {"description": "a share from 0 to 1; null where there is nothing to share"}


class ScorecardQuery(Schema):
    """Of which agreement; without it, of all."""

    reference = fields.String(validate=validate.Length(max=80))


class TrendAnswer(Schema):
    """Where the newest period stands against the middle of those before it."""

    completeness = fields.String(required=True, validate=validate.OneOf(_TRENDS))
    conformance = fields.String(required=True, validate=validate.OneOf(_TRENDS))
    timeliness = fields.String(required=True, validate=validate.OneOf(_TRENDS))


class OverdueAnswer(Schema):
    """A period for which nothing is held, past its day."""

    period = fields.String(required=True)
    due = fields.String(required=True)
    days = fields.Integer(required=True)


class BrokenRule(Schema):
    """A rule that rows of refused submissions broke."""

    field = fields.String(required=True)
    rule = fields.String(required=True)
    count = fields.Integer(required=True)


class PeriodCardAnswer(Schema):
    """One period."""

    period = fields.String(required=True)
    submission = fields.String(required=True)
    received = fields.String(required=True)
    rows = fields.Integer(required=True)
    present = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    otherwise = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    refused = fields.Integer(required=True)
    rules = fields.List(fields.Nested(BrokenRule), required=True)
    doubts = fields.List(fields.String(), required=True)
    late_by_days = fields.Integer(required=True, allow_none=True)
    back_fill = fields.Boolean(required=True)
    score = fields.Integer(required=True, allow_none=True)
    completeness = fields.Float(required=True, allow_none=True, metadata=_SHARE)
    conformance = fields.Float(required=True, allow_none=True, metadata=_SHARE)


class CardAnswer(Schema):
    """One dataset under one agreement."""

    reference = fields.String(required=True)
    dataset = fields.String(required=True)
    title = fields.String(required=True)
    trend = fields.Nested(TrendAnswer, required=True)
    overdue = fields.List(fields.Nested(OverdueAnswer), required=True)
    periods = fields.List(fields.Nested(PeriodCardAnswer), required=True)


class ScorecardAnswer(Schema):
    """Every dataset that the caller supplies now."""

    cards = fields.List(fields.Nested(CardAnswer), required=True)


@blueprint.route("")
class Scorecard(MethodView):
    """The caller's own scorecard."""

    @blueprint.arguments(ScorecardQuery, location="query", unknown=RAISE)
    @blueprint.response(200, ScorecardAnswer)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Completeness, conformance and timeliness of the caller's own submissions, a dataset and period at a time; and what is late."""
        here = hub()
        with reading(here.engine) as session:
            found = scorecard.cards(session, caller().id, here.clock(), query.get("reference"))
        return {"cards": [one.as_json() for one in found]}
