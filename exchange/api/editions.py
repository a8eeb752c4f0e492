"""Editions, for recipients: list, signed statement, files at addresses that stay what they are."""

from http import HTTPStatus
from typing import Any

from flask import redirect, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from werkzeug.wrappers import Response as BaseResponse

from exchange.api.door import caller, hub, vouch
from exchange.api.pulling import FileQuery, disclosed, puller, wanted
from exchange.api.schemas import EditionAnswer, EditionList
from exchange.db import reading
from exchange.register import agreements
from exchange.register.tables import AgreementRow
from exchange.releases import publish, pulled
from exchange.times import rfc3339

blueprint = Blueprint("editions", __name__, url_prefix="/v1", description="Published editions")
_FORMATS = (".csv-metadata.json", ".csv", ".parquet", ".json")


@blueprint.route("/editions")
class Editions(MethodView):
    """What there is to receive."""

    @blueprint.response(200, EditionList)
    def get(self) -> dict[str, Any]:
        """Every edition the caller may receive, newest first."""
        here = hub()
        with reading(here.engine) as session:
            rows = publish.receivable(session, caller().id, here.clock())
            return {
                "editions": [
                    {
                        "id": row.id,
                        "reference": row.reference,
                        "release": row.release,
                        "title": row.draft["title"],
                        "first_period": row.first_period,
                        "last_period": row.last_period,
                        "published": rfc3339(row.published_at) if row.published_at else "",
                    }
                    for row in rows
                ]
            }


@blueprint.route("/editions/<string:edition>")
class Edition(MethodView):
    """One edition."""

    @blueprint.response(200, EditionAnswer)
    def get(self, edition: str) -> dict[str, Any]:
        """The signed edition, and its tables."""
        here = hub()
        with reading(here.engine) as session:
            row = publish.receive(session, edition, caller().id, here.clock())
            vouch(agreements.by_digest(session, row.agreement))
            release = agreements.parsed(session.get_one(AgreementRow, row.agreement).canonical).release(row.release)
            names = [one.name for one in row.files]
            tables = [
                {
                    "name": table.name,
                    "title": table.title,
                    "formats": [ending[1:] for ending in _FORMATS if f"{table.name}{ending}" in names],
                }
                for table in (release.tables if release else ())
            ]
            return {"edition": row.signed, "tables": tables}


@blueprint.route("/editions/<string:edition>/tables/<string:name>")
class TableFile(MethodView):
    """One file of an edition."""

    @blueprint.arguments(FileQuery, location="query", unknown=RAISE)
    @blueprint.response(200, content_type="application/octet-stream")
    def get(self, query: dict[str, Any], edition: str, name: str) -> BaseResponse:
        """The file. Immutable; its ETag is the SHA-256 of its bytes. “edition.xlsx” is all tables as one spreadsheet."""
        here = hub()
        with reading(here.engine) as session:
            row = pulled.named(session, edition, puller(), here.clock())
            vouch(agreements.by_digest(session, row.agreement))
            found = wanted(session, row, name, marked=bool(query))
        described = url_for("editions.TableFile", edition=edition, name=f"{found.name}-metadata.json")
        return disclosed(row, found, described=described, fixed=True)


@blueprint.route("/releases/<string:reference>/<string:release>/latest")
class Latest(MethodView):
    """The newest edition of a release."""

    @blueprint.response(307)
    def get(self, reference: str, release: str) -> BaseResponse:
        """Where the newest edition is."""
        here = hub()
        with reading(here.engine) as session:
            row = publish.latest(session, reference, release, caller().id, here.clock())
            vouch(agreements.by_digest(session, row.agreement))
        return redirect(url_for("editions.Edition", edition=row.id), HTTPStatus.TEMPORARY_REDIRECT)
