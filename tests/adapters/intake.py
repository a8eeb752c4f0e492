"""The stand-in hub's intake: manifests, parts, and receipts for what it has opened and checked as the hub does."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from werkzeug.wrappers import Request, Response

from agreements.columns import conform
from agreements.model import Standing
from agreements.periods import Period
from agreements.rules import dispose_on, may_submit
from keys.checkpoint import log_leaf
from keys.encoding import digest
from keys.formats import Acknowledgement, Manifest, Receipt
from keys.merkle import grow, leaf_hash
from keys.rows import RowsDigest
from keys.seal import EncryptionKey, part_info, unseal
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.adapters.partnership import Partnership, fingerprint


class Problem(Exception):
    """A problem document."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        self.status, self.body = status, {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, **more}
        super().__init__(detail)


@dataclass
class Faults:
    """How the hub misbehaves: each is looked at when its moment comes."""

    statuses: list[int] = field(default_factory=list)  # answered to the next requests, before anything else
    drop_parts: int = 0  # how many puts are answered and then forgotten
    receipt_key: SigningKey | None = None
    edit_receipt: Mapping[str, Any] = field(default_factory=dict)
    refuse: str = ""  # a reason for which receipts say refused
    undecided: bool = False
    lose_parts: int = 0  # how often parts are lost after the acknowledgement
    before: Callable[[str], None] = lambda _: None  # told “METHOD path” before a request is looked at
    after: Callable[[str], None] = lambda _: None  # and after it was done, before it is answered
    retry_after: str = ""


@dataclass
class Submission:
    id: str
    manifest: Manifest
    state: str = "open"
    parts: dict[int, bytes] = field(default_factory=dict)
    acknowledgement: dict[str, Any] | None = None
    receipt: dict[str, Any] | None = None
    certificate: dict[str, Any] | None = None
    rows: list[pa.RecordBatch] = field(default_factory=list)
    superseded_by: str | None = None
    repeats: str | None = None

    @property
    def missing(self) -> list[int]:
        return [number for number in range(1, len(self.manifest.parts) + 1) if number not in self.parts]


class Log:
    """A Merkle tree in memory."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0

    def append(self, data: bytes) -> None:
        for level, index, value in grow(self.size, [leaf_hash(data)], self.get):
            self.nodes[level, index] = value
        self.size += 1

    def get(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


class Intake:
    """Submissions in memory. `partnerships` are the agreements, `exports` how they are shown."""

    partnerships: dict[str, Partnership]
    exports: dict[str, dict[str, Any]]

    def __init__(self) -> None:
        self.faults = Faults()
        self.log = Log()
        self.sealing = EncryptionKey.generate()
        self.submissions: dict[str, Submission] = {}
        self.own: list[tuple[str, int, bytes, dict[str, Any]]] = []

    def _of(self, reference: str, party: str) -> Partnership:
        raise NotImplementedError

    def note(self, party: str, what: str, *, who: str = "", subject: str = "", **details: str) -> int:
        """Put an entry in a party's name into the log, as the hub does."""
        number, salt = self.log.size, bytes(32)
        entry = {"number": number, "organisation": party, "what": what, "who": who, "subject": subject, "details": details}
        self.log.append(log_leaf(salt, entry))
        self.own.append((party, number, salt, entry))
        return number

    def _sealing_id(self) -> str:
        return f"sealing-{self.sealing.fingerprint[-8:]}"

    def _heads(self) -> dict[tuple[str, str, str, str], Submission]:
        live = (one for one in self.submissions.values() if one.state == "held")
        return {(one.manifest.supplier, one.manifest.reference, one.manifest.dataset, one.manifest.period): one for one in live}

    def _mine(self, number: str, party: str) -> Submission:
        found = self.submissions.get(number)
        if found is None or found.manifest.supplier != party:
            raise Problem(404, "unknown-submission", "no such submission")
        return found

    def _announce(self, request: Request, party: str) -> Response:
        signed = request.get_json()
        claimed = signed["document"]
        partnership = self._of(claimed["reference"], party)
        own = fingerprint(partnership.keys[f"{party}/manifest"])
        manifest = Manifest.parse(verify_document(signed, Use.MANIFEST, own))
        for found in self.submissions.values():
            if found.manifest.upload == manifest.upload:
                if found.manifest != manifest:
                    raise Problem(409, "upload-conflict", "another manifest has this upload id")
                return answer_json({"submission": found.id, "state": found.state, "missing": found.missing, **self._first(found)})
        standing = Standing(partnership.agreement, self.exports[manifest.reference]["state"])
        decision = may_submit(standing, party, manifest.dataset, Period.parse(manifest.period), manifest.mode, datetime.now(UTC))
        if not decision:
            raise Problem(403, "refused-by-agreement", getattr(decision, "reason", ""), clause=decision.clause)
        head = self._heads().get((party, manifest.reference, manifest.dataset, manifest.period))
        if head is not None and head.manifest.rows_digest == manifest.rows_digest:
            return answer_json({"submission": head.id, "state": head.state, "same_content": True, "receipt": head.receipt})
        if manifest.after != (head.id if head else None):
            raise Problem(409, "head-moved", "the period has another head", head=head.id if head else None)
        if manifest.sealing_key != self._sealing_id():
            raise Problem(422, "bad-manifest", "sealed to a key that is gone")
        submission = Submission(f"sub-{len(self.submissions) + 1}", manifest)
        self.submissions[submission.id] = submission
        self.note(party, "submission opened", who=party, subject=submission.id, upload=manifest.upload)
        return answer_json({"submission": submission.id, "state": "open", "missing": submission.missing}, 201)

    def on_submissions(self, request: Request, party: str) -> Response:
        if request.method == "POST":
            return self._announce(request, party)
        mine = [one for one in self.submissions.values() if one.manifest.supplier == party]
        listed = [
            {
                "submission": one.id,
                "reference": one.manifest.reference,
                "dataset": one.manifest.dataset,
                "period": one.manifest.period,
                "state": one.state,
                "rows": one.manifest.rows,
                "received": "2026-11-22T00:00:00Z",
                "dispose_on": None,
                "after": one.manifest.after,
                "superseded_by": one.superseded_by,
                "repeats": one.repeats,
            }
            for one in mine
        ]
        return answer_json({"submissions": listed})

    def on_part(self, request: Request, party: str, number: str, part: int, body: bytes) -> Response:
        found = self._mine(number, party)
        sent = request.headers.get("Content-Digest", "")
        computed = hashlib.sha256(body).digest()
        if sent != f"sha-256=:{base64.b64encode(computed).decode()}:" or request.content_length != len(body):
            raise Problem(400, "bad-digest", "the body is not what its digest says")
        expected = found.manifest.parts[part - 1]
        if (expected.sha256, expected.size) != ("sha256:" + computed.hex(), len(body)):
            raise Problem(422, "bad-part", "not the part of the manifest")
        fresh = part not in found.parts
        if self.faults.drop_parts:
            self.faults.drop_parts -= 1
        else:
            found.parts[part] = body
        return answer_json({"part": part, "missing": found.missing}, 201 if fresh else 200)

    def on_complete(self, request: Request, party: str, number: str) -> Response:
        found = self._mine(number, party)
        if found.state == "open":
            if found.missing:
                raise Problem(409, "parts-missing", "parts are missing")
            found.state = "complete"
            operator = self.partnerships[found.manifest.reference].signing("lcjp-operator/receipts")
            document = Acknowledgement(found.id, found.manifest.upload, digest(found.manifest.document()), as_time(datetime.now(UTC)))
            found.acknowledgement = sign_document(document.document(), Use.ACKNOWLEDGEMENT, operator)
            self.log.append(f"complete {found.id}".encode())
        return answer_json({"submission": found.id, "state": found.state, "acknowledgement": found.acknowledgement}, 202)

    def on_submission(self, request: Request, party: str, number: str) -> Response:
        found = self._mine(number, party)
        if request.method == "DELETE":
            if found.state not in ("open", "lapsed"):
                raise Problem(409, "not-open", "only one that is still being sent can be withdrawn")
            found.state, found.parts = "lapsed", {}
        if found.state == "complete" and self.faults.lose_parts:
            self.faults.lose_parts -= 1
            found.state, found.parts = "open", {}
        if found.state == "complete" and not self.faults.undecided:
            self._decide(found)
        return answer_json(
            {
                "submission": found.id,
                "upload": found.manifest.upload,
                "state": found.state,
                "missing": found.missing,
                "acknowledgement": found.acknowledgement,
                "report": None,
                "receipt": found.receipt,
                "certificate": found.certificate,
                **self._first(found),
            }
        )

    def _first(self, found: Submission) -> dict[str, Any]:
        """What is added of a submission that repeats another."""
        if found.repeats is None:
            return {}
        return {"repeats": found.repeats, "same_content": True, "receipt": self.submissions[found.repeats].receipt}

    def _decide(self, found: Submission) -> None:
        """Open every part, hold it against the agreement, and sign a receipt."""
        manifest = found.manifest
        head = self._heads().get((manifest.supplier, manifest.reference, manifest.dataset, manifest.period))
        if head is not None and head.manifest.rows_digest == manifest.rows_digest:
            found.state, found.repeats = "repeated", head.id
            return
        partnership = self.partnerships[manifest.reference]
        dataset = partnership.agreement.dataset(manifest.dataset)
        assert dataset is not None
        period = Period.parse(manifest.period)
        rows = RowsDigest(dataset.schema)
        nulls = dict.fromkeys(dataset.schema.names, 0)
        for number, described in enumerate(manifest.parts, 1):
            info = part_info(
                agreement=manifest.agreement, dataset=manifest.dataset, supplier=manifest.supplier, upload=manifest.upload, part=number
            )
            with pa.ipc.open_stream(unseal(found.parts[number], self.sealing, info)) as stream:
                assert stream.schema.equals(dataset.schema, check_metadata=True)
                batches = list(stream)
            assert sum(batch.num_rows for batch in batches) == described.rows
            for batch in batches:
                batch.validate(full=True)
                assert conform(batch, dataset, period) == {}
                rows.update(batch)
                for name in nulls:
                    nulls[name] += batch.column(name).null_count
            found.rows += batches
        assert (rows.rows, rows.hexdigest(), nulls) == (manifest.rows, manifest.rows_digest, manifest.totals)
        refused = bool(self.faults.refuse)
        for earlier in self._heads().values():
            if earlier.id == manifest.after and not refused:
                earlier.state, earlier.superseded_by = "superseded", found.id
        found.state = "refused" if refused else "held"
        reasons = ({"clause": partnership.agreement.clause(f"dataset {dataset.name}"), "reason": self.faults.refuse},) if refused else ()
        document = Receipt.parse(
            {
                "submission": found.id,
                "upload": manifest.upload,
                "manifest": digest(manifest.document()),
                "outcome": found.state,
                **{
                    name: getattr(manifest, name) for name in ("supplier", "reference", "version", "agreement", "dataset", "period", "mode")
                },
                "after": manifest.after,
                "rows": manifest.rows,
                "rows_digest": manifest.rows_digest,
                "dispose_on": None if refused else str(dispose_on(dataset, period)),
                "decided": as_time(datetime.now(UTC)),
                "reasons": list(reasons),
            }
        )
        key = self.faults.receipt_key or partnership.signing("lcjp-operator/receipts")
        found.receipt = sign_document({**document.document(), **self.faults.edit_receipt}, Use.RECEIPT, key)
        self.note(manifest.supplier, f"submission {found.state}", subject=found.id)


def answer_json(body: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    return Response(json.dumps(body), status=status, mimetype=mimetype)


def as_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
