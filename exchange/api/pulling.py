"""The newest edition's files at an address that stays: what a line in pandas, R, Excel or Power BI names once. And how every file is answered.

``latest`` is served at its own address and not by a redirect: tools drop the Authorization header, or ask for it again, when they are sent on.
``Content-Location`` names the edition's own address, where the same bytes stay.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from flask import Response, request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from exchange.api.door import caller, hub, vouch
from exchange.db import reading, writing
from exchange.register import agreements
from exchange.releases import pulled, workbooks
from exchange.releases.pulled import Content, Puller
from exchange.releases.tables import EditionRow

blueprint = Blueprint("pulling", __name__, url_prefix="/v1", description="The newest edition, for tools")
REVALIDATE = "private, no-cache"  # may be kept, and is asked for again: each time the agreement is asked


class FileQuery(Schema):
    """How a file is wanted."""

    bom = fields.Integer(validate=validate.OneOf([1]), metadata={"description": "1: a CSV with a byte-order mark, as Excel wants it"})


def puller() -> Puller:
    """Who pulls."""
    found = caller()
    return Puller(found.id, found.token, found.only)


def wanted(session: Session, row: EditionRow, name: str, *, marked: bool) -> Content:
    """The file that the request asks for."""
    best = request.accept_mimetypes.best_match(list(pulled.FORMS)) if request.accept_mimetypes else next(iter(pulled.FORMS))
    found = pulled.content(session, row, pulled.chosen(row, name, best))
    return found.with_mark() if marked and found.name.endswith(".csv") else found


def unchanged(tag: str, published: datetime | None = None) -> bool:
    """Whether whoever asks has these bytes already. ``published``: where the address is of one edition for ever, its time counts too."""
    if request.if_none_match:
        return request.if_none_match.contains(tag)
    since = request.if_modified_since
    return published is not None and since is not None and published.replace(microsecond=0) <= since


def file(row: EditionRow, found: Content, *, described: str, fixed: bool) -> BaseResponse:
    """A file as an answer, or 304. ``described``: the address of its CSVW; ``fixed``: the address is of this edition for ever."""
    held = unchanged(found.sha256, row.published_at if fixed else None)
    response = Response(status=HTTPStatus.NOT_MODIFIED) if held else Response(found.content, mimetype=found.media_type)
    name = workbooks.file_name(row, found.name)
    response.headers["Content-Disposition"] = f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Repr-Digest"] = found.digest
    response.headers["Cache-Control"] = REVALIDATE
    response.headers["Vary"] = "Accept, Authorization"
    response.set_etag(found.sha256)
    response.last_modified = row.published_at
    if found.name.endswith(".csv"):
        response.headers["Link"] = f'<{described}>; rel="describedby"; type="application/csvm+json"'
    return response


def disclosed(row: EditionRow, found: Content, *, described: str, fixed: bool) -> BaseResponse:
    """The file for a recipient, with the disclosure in the log before it begins; nothing is written where nothing is sent."""
    here = hub()
    if request.method != "HEAD" and not unchanged(found.sha256, row.published_at if fixed else None):
        with writing(here.engine) as session:
            pulled.disclose(session, row.id, puller(), found.name, found.sha256, here.clock)
    return file(row, found, described=described, fixed=fixed)


@blueprint.route("/releases/<string:reference>/<string:release>/latest/<string:name>")
class LatestFile(MethodView):
    """One file of the newest edition."""

    @blueprint.arguments(FileQuery, location="query", unknown=RAISE)
    @blueprint.response(200, content_type="application/octet-stream")
    def get(self, query: dict[str, Any], reference: str, release: str, name: str) -> BaseResponse:
        """A table of the newest edition, by its file name, or without an ending in the form that is accepted; or edition.xlsx."""
        here = hub()
        with reading(here.engine) as session:
            row = pulled.newest(session, reference, release, puller(), here.clock())
            vouch(agreements.by_digest(session, row.agreement))
            found = wanted(session, row, name, marked=bool(query))
        described = url_for("pulling.LatestFile", reference=reference, release=release, name=f"{found.name}-metadata.json")
        response = disclosed(row, found, described=described, fixed=False)
        response.headers["Content-Location"] = url_for("editions.TableFile", edition=row.id, name=found.name)
        return response
