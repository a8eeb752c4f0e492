"""What anybody may read: the editions of releases that their agreement marks public, as a catalogue and as files.

Nobody says who they are, so nothing is written in the log of what was done; the server's access log has the request (DESIGN, section 8).
"""

from typing import Any

from flask import url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from werkzeug.wrappers import Response as BaseResponse

from exchange.api.catalogue import JSON_LD, CatalogueAnswer, answered, listed
from exchange.api.door import hub
from exchange.api.pulling import FileQuery, file, wanted
from exchange.db import reading
from exchange.exports import dcat
from exchange.exports.dcat import Addresses
from exchange.releases import pulled

blueprint = Blueprint("public", __name__, url_prefix="/public", description="What anybody may read")


@blueprint.route("/catalogue.jsonld")
class PublicCatalogue(MethodView):
    """The public catalogue."""

    @blueprint.response(200, CatalogueAnswer, content_type=JSON_LD)
    def get(self) -> BaseResponse:
        """Every edition of every public release, withdrawn ones as such."""
        here = hub()
        base = here.settings.public_url
        at = Addresses(
            f"{base}/public/catalogue.jsonld", f"{base}/public/editions/{{edition}}/{{file}}", "", licence=here.settings.public_licence
        )
        with reading(here.engine) as session:
            found = listed(session, pulled.openly(session, here.clock()))
        return answered(dcat.catalogue(found, at, title="Public editions", public=True))


@blueprint.route("/editions/<string:edition>/<string:name>")
class PublicFile(MethodView):
    """One file of a public edition."""

    @blueprint.arguments(FileQuery, location="query", unknown=RAISE)
    @blueprint.response(200, content_type="application/octet-stream")
    def get(self, query: dict[str, Any], edition: str, name: str) -> BaseResponse:
        """The file. Immutable; its ETag is the SHA-256 of its bytes. “edition.xlsx” is all tables as one spreadsheet."""
        here = hub()
        with reading(here.engine) as session:
            row = pulled.public(session, edition, here.clock())
            found = wanted(session, row, name, marked=bool(query))
        return file(row, found, described=url_for("public.PublicFile", edition=edition, name=f"{found.name}-metadata.json"), fixed=True)
