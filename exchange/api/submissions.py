"""The intake API: manifest, parts, complete, and how a submission stands."""

import base64
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import jsonify, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import select

from agreements.decisions import Refused
from agreements.rules import in_force
from exchange.api.door import asking, body, caller, hub, vouch
from exchange.api.schemas import PartAnswer, SubmissionAnswer, SubmissionList, SubmissionQuery
from exchange.db import reading, writing
from exchange.errors import Conflict, LengthRequired, NotFound, RefusedByAgreement, TooLarge, Unacceptable
from exchange.register import agreements
from exchange.submissions import intake, quotas
from exchange.submissions.tables import SubmissionRow, SubmissionState
from exchange.times import rfc3339

blueprint = Blueprint("submissions", __name__, url_prefix="/v1/submissions", description="Intake")
CHUNK = 1 << 20


def answer(row: SubmissionRow) -> dict[str, Any]:
    """How a submission stands."""
    return {
        "submission": row.id,
        "upload": row.upload,
        "state": row.state,
        "after": row.after,
        "superseded_by": row.superseded_by,
        "repeats": row.repeats,
        "missing": intake.lacking(row, hub().places.staging) if row.state == SubmissionState.OPEN else [],
        "acknowledgement": row.acknowledgement,
        "report": row.report,
        "receipt": row.receipt,
        "certificate": row.certificate,
    }


def with_first(found: dict[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    """The answer about a submission that repeats another: with the receipt, and the report, of that."""
    return {**found, "same_content": True, "receipt": first["receipt"], "report": first["report"]}


@blueprint.route("")
class Submissions(MethodView):
    """The caller's submissions."""

    @blueprint.arguments(SubmissionQuery, location="query", unknown=RAISE)
    @blueprint.response(200, SubmissionList)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """The caller's own submissions, newest first."""
        wanted = select(SubmissionRow).where(SubmissionRow.supplier == caller().id)
        for name, value in query.items():
            wanted = wanted.where(getattr(SubmissionRow, name) == value)
        with reading(hub().engine) as session:
            rows = session.execute(wanted.order_by(SubmissionRow.received_at.desc()).limit(1000)).scalars()
            return {"submissions": [self.line(row) for row in rows]}

    @staticmethod
    def line(row: SubmissionRow) -> dict[str, Any]:
        """One line of the list."""
        return {
            "submission": row.id,
            "reference": row.reference,
            "dataset": row.dataset,
            "period": row.period,
            "state": row.state,
            "after": row.after,
            "superseded_by": row.superseded_by,
            "repeats": row.repeats,
            "rows": row.rows,
            "received": rfc3339(row.received_at),
            "dispose_on": row.dispose_on.isoformat(),
        }

    @blueprint.response(201, SubmissionAnswer)
    def post(self) -> Any:
        """Open a submission with its signed manifest. Repeats find what they repeat."""
        here, signed = hub(), body()
        with writing(here.engine) as session:
            opened = intake.open_submission(session, here.settings, caller().id, signed, here.clock)
            vouch(agreements.by_digest(session, opened.row.agreement))
            found = answer(opened.row)
            if opened.row.repeats is not None:
                found = with_first(found, answer(intake.find(session, opened.row.repeats, caller().id)))
        if opened.same_content:
            found["same_content"] = True
        return found, HTTPStatus.CREATED if opened.created else HTTPStatus.OK


@blueprint.route("/<string:submission>")
class Submission(MethodView):
    """One submission."""

    @blueprint.response(200, SubmissionAnswer)
    def get(self, submission: str) -> Any:
        """State, quality report and receipt."""
        found = intake.standing_of(asking(), submission, caller().id)
        if found["repeats"] is not None:
            first = intake.standing_of(asking(), found["repeats"], caller().id)
            return jsonify(with_first({**found, "missing": []}, dict(first)))
        if found["state"] != SubmissionState.OPEN:
            # Clients poll this. The columns are the answer as the schema has it, so serialising it twice would only cost.
            return jsonify({**found, "missing": []})
        with reading(hub().engine) as session:
            return answer(intake.find(session, submission, caller().id))

    @blueprint.response(200, SubmissionAnswer)
    def delete(self, submission: str) -> Any:
        """Withdraw a submission that will not be finished, so that it counts against nothing any more. What is complete stays."""
        here = hub()
        with writing(here.engine) as session:
            row = intake.withdraw(session, caller().id, submission, here.clock)
            vouch(agreements.by_digest(session, row.agreement))
            found = answer(row)
        here.places.staging.remove(here.places.staging.beginning(intake.part_name(submission, 0).removesuffix("0.sealed")))
        return found


@blueprint.route("/<string:submission>/parts/<int:number>")
class Part(MethodView):
    """One sealed part."""

    @blueprint.response(201, PartAnswer)
    def put(self, submission: str, number: int) -> Any:
        """Put a part. It counts once it is whole, as the manifest says it must be, and on disk."""
        here, client = hub(), caller().id
        with reading(here.engine) as session:
            row = intake.find(session, submission, client)
            under = agreements.by_digest(session, row.agreement)
            vouch(under)
            wanted, clause = self._wanted(row, number), intake.parts_clause(row)
            if self._is_here(row, number):
                return {"part": number, "missing": intake.missing(row)}, HTTPStatus.OK
            # It would stay sealed; but whoever stops an agreement means that nothing is sent any more.
            if isinstance(refused := in_force(agreements.standing(under), here.clock(), row.dataset), Refused):
                raise RefusedByAgreement(refused)
        name = intake.part_name(submission, number)
        self._take(name, wanted, clause)
        with writing(here.engine) as session:
            row = intake.find(session, submission, client, lock=True)
            if row.state not in (SubmissionState.OPEN, SubmissionState.COMPLETE):
                here.places.staging.delete(name)  # decided meanwhile: nobody will look for this part, or take it away
            if row.state != SubmissionState.OPEN and number not in {part.number for part in row.parts}:
                raise _not_open(row)
            new = intake.arrived(session, row, number, wanted["sha256"], wanted["size"], here.clock())
            return {"part": number, "missing": intake.missing(row)}, HTTPStatus.CREATED if new else HTTPStatus.OK

    @staticmethod
    def _is_here(row: SubmissionRow, number: int) -> bool:
        """Whether a part has arrived, and nothing has taken it from the disk since: what is no longer open needs it no more."""
        here, staging = {part.number: part for part in row.parts}, hub().places.staging
        if number not in here or row.state != SubmissionState.OPEN:
            return number in here
        return staging.holds(intake.part_name(row.id, number), here[number].size)

    def _take(self, name: str, wanted: dict[str, Any], clause: str) -> None:
        """Take the body in under its name, durable; refused while there is no room for it, with nothing of it left behind."""
        staging = hub().places.staging
        draft = None
        try:
            quotas.require_free(staging.room, wanted["size"], hub().settings.keep_free, clause)
            draft = staging.draft(name)
            self._receive(draft, wanted, clause)
            staging.keep(draft, name)
        except OSError as error:
            if (failure := quotas.storage_failure(error, clause)) is not None:
                raise failure from error
            raise
        finally:
            if draft is not None:
                draft.unlink(missing_ok=True)

    @staticmethod
    def _wanted(row: SubmissionRow, number: int) -> dict[str, Any]:
        parts = row.manifest["document"]["parts"]
        if not 1 <= number <= len(parts):
            detail, clause = f"the manifest names {len(parts)} part(s).", intake.parts_clause(row)
            raise NotFound(detail, remedy="Number the parts from 1, in the manifest's order.", code="no-such-part", clause=clause)
        if row.state == SubmissionState.LAPSED:
            raise intake.lapsed(row)
        if row.state != SubmissionState.OPEN and number not in {part.number for part in row.parts}:
            raise _not_open(row)
        found: dict[str, Any] = parts[number - 1]
        return found

    @staticmethod
    def _receive(draft: Any, wanted: dict[str, Any], clause: str) -> None:
        """Write the body to the draft, and refuse it unless it is the part that the manifest names."""
        digest = request.headers.get("Content-Digest", "")
        if request.content_length is None or not digest.startswith("sha-256=:"):
            raise LengthRequired("Content-Length and Content-Digest (sha-256) are mandatory.", remedy="Send both.", clause=clause)
        if request.content_length > wanted["size"]:
            remedy = "Put the part that the manifest names."
            raise TooLarge("the part is larger than the manifest says.", remedy=remedy, code="part-mismatch", clause=clause)
        hashed, size = hashlib.sha256(), 0
        with draft.open("wb") as file:
            while chunk := request.stream.read(CHUNK):
                file.write(chunk)
                hashed.update(chunk)
                size += len(chunk)
        sent = "sha-256=:" + base64.b64encode(hashed.digest()).decode() + ":"
        if size != request.content_length or sent != digest:
            detail = "the body is not the one its length and digest announce."
            raise Unacceptable(detail, remedy="Put the part again.", code="part-damaged", clause=clause)
        if size != wanted["size"] or "sha256:" + hashed.hexdigest() != wanted["sha256"]:
            detail = "this is not the part that the manifest names."
            raise Unacceptable(detail, remedy="Put the right part.", code="part-mismatch", clause=clause)


def _not_open(row: SubmissionRow) -> Conflict:
    remedy = f"Ask how it stands: GET /v1/submissions/{row.id}."
    return Conflict(
        f"the submission is {row.state}: it takes no more parts.", remedy=remedy, code="not-open", clause=intake.parts_clause(row)
    )


@blueprint.route("/<string:submission>/complete")
class Complete(MethodView):
    """The word that all parts are there."""

    @blueprint.response(202, SubmissionAnswer)
    def post(self, submission: str) -> Any:
        """Accept the submission, if the agreement allows it at this moment, and acknowledge it."""
        here = hub()
        with writing(here.engine) as session:
            row = intake.complete(session, here.keyring, here.places.staging, caller().id, submission, here.clock)
            vouch(agreements.by_digest(session, row.agreement))
            return answer(row)
