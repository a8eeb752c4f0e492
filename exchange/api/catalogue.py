"""``GET /v1/catalogue``: what a recipient may pull, as DCAT 3."""

import json
from collections.abc import Sequence
from typing import Any

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from agreements.model import Agreement
from exchange.api.door import caller, hub
from exchange.db import reading
from exchange.exports import dcat
from exchange.exports.dcat import Addresses, File, Listed
from exchange.releases import life, pulled
from exchange.releases.tables import EditionFileRow, EditionRow, EditionState

blueprint = Blueprint("catalogue", __name__, url_prefix="/v1", description="The catalogue of editions, for machines")
JSON_LD = "application/ld+json"


class CatalogueAnswer(Schema):
    """A JSON-LD document."""

    context = fields.Dict(required=True, data_key="@context")
    graph = fields.List(fields.Dict(), required=True, data_key="@graph")


def listed(session: Session, editions: Sequence[tuple[EditionRow, Agreement]]) -> list[Listed]:
    """The editions with their files, whose contents stay where they are."""
    files: dict[str, list[File]] = {}
    query = select(
        EditionFileRow.edition, EditionFileRow.name, EditionFileRow.media_type, EditionFileRow.sha256, func.length(EditionFileRow.content)
    )
    wanted = query.where(EditionFileRow.edition.in_([row.id for row, _ in editions])).order_by(EditionFileRow.edition, EditionFileRow.name)
    for edition, name, media, sha256, size in session.execute(wanted):
        files.setdefault(edition, []).append(File(name, media, sha256.removeprefix("sha256:"), size))
    return [Listed(row, agreement, dcat.with_spreadsheet(files.get(row.id, ())), _successor(session, row)) for row, agreement in editions]


def _successor(session: Session, row: EditionRow) -> str:
    after = life.successor(session, row) if row.state == EditionState.WITHDRAWN else None
    return after.id if after else ""


def answered(document: dict[str, Any]) -> BaseResponse:
    """The document as an answer."""
    return Response(json.dumps(document, ensure_ascii=False, indent=1) + "\n", mimetype=JSON_LD)


@blueprint.route("/catalogue")
class Catalogue(MethodView):
    """The catalogue."""

    @blueprint.response(200, CatalogueAnswer, content_type=JSON_LD)
    def get(self) -> BaseResponse:
        """Every edition that the caller may receive, withdrawn ones as such."""
        here = hub()
        base = here.settings.public_url
        at = Addresses(
            catalogue=f"{base}/v1/catalogue",
            file=f"{base}/v1/editions/{{edition}}/tables/{{file}}",
            page=f"{base}/releases/{{reference}}/{{release}}",
            feed=f"{base}/odata/{{reference}}/{{release}}/",
        )
        with reading(here.engine) as session:
            found = listed(session, pulled.receivable(session, caller().id, here.clock()))
        return answered(dcat.catalogue(found, at, title="Editions you may receive", public=False))
