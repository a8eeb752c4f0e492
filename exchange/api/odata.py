"""OData 4.0 Minimal for one release: a service document, metadata, and one entity set for each table of its newest edition.

For Power BI, Excel and whatever else reads a feed: Basic credentials with a token of one release as the password (or any recipient's access
token). The addresses in the answers are the hub's public ones; a walk from page to page stays with the edition in which it began.
"""

import hashlib
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from werkzeug.wrappers import Response as BaseResponse

from exchange.api.door import hub, vouch
from exchange.api.pulling import REVALIDATE, puller, unchanged
from exchange.db import reading, writing
from exchange.errors import BadQuestion, NoSuchForm, NotFound, NotOffered
from exchange.exports import odata
from exchange.exports.odata import EntitySet, Question
from exchange.register import agreements
from exchange.releases import opened, pulled
from exchange.releases.tables import EditionRow

blueprint = Blueprint("odata", __name__, url_prefix="/odata/<string:reference>/<string:release>", description="OData 4.0 for Power BI")
PAGE = 10_000  # rows
VERSION = "4.0"
JSON = "application/json;odata.metadata=minimal"
_WHOLE = validate.Range(0, 10**9)


class RowsQuery(Schema):
    """The system query options (part 1, 11.2). What is listed under ``others`` is known, and answered 501."""

    select = fields.String(data_key="$select", load_default="")
    where = fields.String(data_key="$filter", load_default="")
    order = fields.String(data_key="$orderby", load_default="")
    top = fields.Integer(data_key="$top", load_default=None, validate=_WHOLE)
    skip = fields.Integer(data_key="$skip", load_default=0, validate=_WHOLE)
    count = fields.String(data_key="$count", load_default="false", validate=validate.OneOf(["true", "false"]))
    format_ = fields.String(data_key="$format", load_default="json")
    token = fields.String(data_key="$skiptoken", load_default="")
    expand = fields.String(data_key="$expand")
    search = fields.String(data_key="$search")
    apply = fields.String(data_key="$apply")
    compute = fields.String(data_key="$compute")


class RowsAnswer(Schema):
    """A page of rows."""

    context = fields.String(required=True, data_key="@odata.context")
    count = fields.Integer(data_key="@odata.count")
    value = fields.List(fields.Dict(), required=True)
    next_link = fields.String(data_key="@odata.nextLink")


def _root(row: EditionRow) -> str:
    return f"{hub().settings.public_url}/odata/{quote(row.reference)}/{quote(row.release)}/"


def _newest(reference: str, release: str, edition: str = "") -> tuple[EditionRow, dict[str, EntitySet]]:
    """The newest edition, or the one in which a walk began, and its entity sets."""
    here = hub()
    with reading(here.engine) as session:
        now, who = here.clock(), puller()
        row = pulled.named(session, edition, who, now) if edition else pulled.newest(session, reference, release, who, now)
        if (row.reference, row.release) != (reference, release):
            raise _unknown_token()
        vouch(agreements.by_digest(session, row.agreement))
        return row, odata.entity_sets(opened.open_tables(row))


def _set(sets: dict[str, EntitySet], name: str) -> EntitySet:
    if name not in sets:
        raise NotFound("there is no such table.", remedy=f"There are: {', '.join(sets)}.", code="no-such-file")
    return sets[name]


def _answer(row: EditionRow, body: str, media: str, what: str = "") -> BaseResponse:
    """The answer with its entity tag. ``what``: the table whose rows are in it, which is then a disclosure, its headers alone too.

    The tag is made of the edition and the question, never of the answer: from a tag over few rows, or a guessed one, figures could be had unlogged.
    """
    content = body.encode()
    asked = "\n".join((_root(row), row.draft_digest, request.path, request.query_string.decode("ascii", "replace"), str(_size())))
    tag = hashlib.sha256(asked.encode()).hexdigest()
    held = unchanged(tag)
    if what and not held:
        table = next(one for one in row.files if one.name == f"{what}.parquet")
        with writing(hub().engine) as session:
            pulled.disclose(session, row.id, puller(), f"{what} (OData)", table.sha256.removeprefix("sha256:"), hub().clock)
    response = Response(status=HTTPStatus.NOT_MODIFIED) if held else Response(content, content_type=media)
    response.headers["OData-Version"] = VERSION
    response.headers["Cache-Control"] = REVALIDATE
    response.headers["Vary"] = "Accept, Authorization, Prefer"
    response.set_etag(tag)
    response.last_modified = row.published_at
    return response


def _require_json(asked: str = "json") -> None:
    """JSON is the one form of rows; whoever reads no version up to ours is told so (part 1, 8.2.7)."""
    accepted = request.accept_mimetypes
    takes = not accepted or any(accepted[kind] > 0 for kind in ("application/json", JSON))
    if asked.split(";", maxsplit=1)[0].strip() not in ("json", "application/json") or (
        asked == "json" and "$format" not in request.args and not takes
    ):
        raise NoSuchForm("rows come as JSON alone.", remedy="Accept application/json.")
    if request.headers.get("OData-MaxVersion", VERSION).strip() not in (VERSION, "4.01"):
        raise BadQuestion("this feed is OData 4.0.", remedy="Ask with OData-MaxVersion 4.0.")


@blueprint.route("/", strict_slashes=False)
class Service(MethodView):
    """The service document."""

    @blueprint.response(200, RowsAnswer)
    def get(self, reference: str, release: str) -> BaseResponse:
        """Which entity sets there are."""
        _require_json()
        row, sets = _newest(reference, release)
        listed = [{"name": name, "kind": "EntitySet", "url": name, "title": one.opened.title} for name, one in sets.items()]
        document = {"@odata.context": f"{_root(row)}$metadata", "value": listed}
        return _answer(row, json.dumps(document, ensure_ascii=False), JSON)


@blueprint.route("/$metadata")
class Metadata(MethodView):
    """The metadata document."""

    @blueprint.response(200, content_type="application/xml")
    def get(self, reference: str, release: str) -> BaseResponse:
        """What the entity sets are made of, as CSDL."""
        row, sets = _newest(reference, release)
        return _answer(row, odata.metadata(sets), "application/xml")


@blueprint.route("/<string:name>")
class Rows(MethodView):
    """An entity set."""

    @blueprint.arguments(RowsQuery, location="query", unknown=RAISE)
    @blueprint.response(200, RowsAnswer)
    def get(self, query: dict[str, Any], reference: str, release: str, name: str) -> BaseResponse:
        """Its rows, a page at a time."""
        _require_json(query["format_"])
        if any(option in query for option in ("expand", "search", "apply", "compute")):
            raise NotOffered("this feed offers $select, $filter, $orderby, $top, $skip and $count.", remedy="Leave the others out.")
        edition, start = _begun(query["token"])
        row, sets = _newest(reference, release, edition)
        one = _set(sets, name)
        asked = Question(query["select"], query["where"], query["order"], query["top"], query["skip"], query["count"] == "true")
        found = odata.answer(one, asked, start, _size())
        chosen = f"({','.join(odata.selected(one, asked.select))})" if asked.select.strip() not in ("", "*") else ""
        document: dict[str, Any] = {"@odata.context": f"{_root(row)}$metadata#{name}{chosen}"}
        document |= {"@odata.count": found.count} if asked.count else {}
        document["value"] = found.rows
        if found.more is not None:
            kept = [(key, value) for key, value in request.args.items() if key != "$skiptoken"]
            link = urlencode([*kept, ("$skiptoken", f"{row.id}.{found.more}")], safe="$", quote_via=quote)
            document["@odata.nextLink"] = f"{_root(row)}{name}?{link}"
        return _answer(row, json.dumps(document, ensure_ascii=False), JSON, one.opened.name)


@blueprint.route("/<string:name>/$count")
class Count(MethodView):
    """How many."""

    @blueprint.arguments(RowsQuery(only=("where",)), location="query", unknown=RAISE)
    @blueprint.response(200, content_type="text/plain")
    def get(self, query: dict[str, Any], reference: str, release: str, name: str) -> BaseResponse:
        """How many rows an entity set has, or how many of them match."""
        row, sets = _newest(reference, release)
        count = odata.answer(_set(sets, name), Question(where=query["where"]), 0, 0).count
        return _answer(row, str(count), "text/plain;charset=utf-8")


def _unknown_token() -> BadQuestion:
    return BadQuestion("the page is not one that this feed named.", remedy="Begin again without $skiptoken.")


def _begun(token: str) -> tuple[str, int]:
    """The edition and the place that a next link names."""
    if not token:
        return "", 0
    edition, _, place = token.rpartition(".")
    if not edition or not place.isascii() or not place.isdecimal() or len(place) > 9:
        raise _unknown_token()
    return edition, int(place)


def _size() -> int:
    """Rows a page: fewer where the client prefers so (part 1, 8.2.8.5)."""
    for one in request.headers.get("Prefer", "").split(","):
        name, _, value = one.strip().partition("=")
        if name in ("odata.maxpagesize", "maxpagesize") and value.isascii() and value.isdecimal() and len(value) < 7:
            return max(1, min(int(value), PAGE))
    return PAGE
