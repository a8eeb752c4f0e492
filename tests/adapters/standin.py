"""A hub for the client's tests: a real server on loopback with real cryptography, which follows the wire interface and keeps things in memory.

It is no hub: no database, no holding. It opens and checks what arrives as the hub does, so that what the client sends is judged.
`Faults` makes it misbehave.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from joserfc import jwt
from joserfc.jwk import OKPKey
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from agreements.columns import conform
from agreements.model import Standing
from agreements.periods import Period
from agreements.rules import dispose_on, may_submit
from keys.checkpoint import Checkpoint, sign_checkpoint
from keys.encoding import b64, digest
from keys.errors import KeysError
from keys.formats import Acknowledgement, Envelope, Manifest, Receipt, SealingKeyNotice
from keys.merkle import consistency, grow, leaf_hash, root
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
    rows: list[pa.RecordBatch] = field(default_factory=list)

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


RULES = Map(
    [
        Rule("/oauth2/token", endpoint="token", methods=["POST"]),
        Rule("/health", endpoint="health", methods=["GET"]),
        Rule("/v1/agreements", endpoint="agreements", methods=["GET"]),
        Rule("/v1/agreements/<reference>", endpoint="agreement", methods=["GET"]),
        Rule("/v1/agreements/<reference>/datasets/<name>/contract", endpoint="contract", methods=["GET"]),
        Rule("/v1/agreements/<reference>/envelopes", endpoint="envelopes", methods=["GET", "POST"]),
        Rule("/v1/submissions", endpoint="submissions", methods=["GET", "POST"]),
        Rule("/v1/submissions/<number>", endpoint="submission", methods=["GET"]),
        Rule("/v1/submissions/<number>/parts/<int:part>", endpoint="part", methods=["PUT"]),
        Rule("/v1/submissions/<number>/complete", endpoint="complete", methods=["POST"]),
        Rule("/v1/log/checkpoint", endpoint="checkpoint", methods=["GET"]),
        Rule("/v1/log/consistency", endpoint="consistency", methods=["GET"]),
        Rule("/v1/releases/<reference>/<release>/latest", endpoint="latest", methods=["GET"]),
        Rule("/v1/editions/<edition>", endpoint="edition", methods=["GET"]),
        Rule("/v1/editions/<edition>/tables/<table>.<kind>", endpoint="table", methods=["GET"]),
    ]
)


class Quiet(WSGIRequestHandler):
    """Writes no access log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


class StandIn:
    """The hub. `partnerships` are its agreements, `address` where it listens."""

    def __init__(self, *partnerships: Partnership) -> None:
        self.partnerships = {one.agreement.reference: one for one in partnerships}
        self.exports = {one.agreement.reference: one.export() for one in partnerships}
        self.faults = Faults()
        self.log = Log()
        self.log.append(b"opened")
        self.origin = "log.hub.example"
        self.sealing = EncryptionKey.generate()
        self.sealing_days = 14
        self.part_rows = 262_144
        self.tokens: dict[str, str] = {}
        self.seen_jti: set[str] = set()
        self.submissions: dict[str, Submission] = {}
        self.envelopes: list[dict[str, Any]] = []
        self.linkage: dict[str, dict[str, Any]] = {}
        self.editions: dict[str, tuple[dict[str, Any], dict[str, bytes]]] = {}
        self.requests: list[str] = []
        self.lock = threading.RLock()
        self.address = ""

    # ------------------------------------------------------------------------------------------------ serving

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on a free port of loopback; yields the address."""
        server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self.address
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        try:
            response = self._answer(request)
        except Problem as problem:
            response = _json(problem.body, problem.status, "application/problem+json")
        except KeysError as error:
            response = _json({"code": "bad-manifest", "status": 422, "detail": str(error)}, 422, "application/problem+json")
        except NotFound:
            response = _json({"code": "not-found", "status": 404}, 404, "application/problem+json")
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        body = request.get_data()
        with self.lock:
            asked = f"{request.method} {request.path}"
            self.requests.append(asked)
            self.faults.before(asked)
            if self.faults.statuses and request.path != "/health":
                answer = _json({"code": "passing", "detail": "try again"}, self.faults.statuses.pop(0), "application/problem+json")
                if self.faults.retry_after:
                    answer.headers["Retry-After"] = self.faults.retry_after
                return answer
            endpoint, arguments = RULES.bind_to_environ(request.environ).match()
            if endpoint in ("token", "health", "checkpoint", "consistency"):
                return getattr(self, f"on_{endpoint}")(request, **arguments)  # type: ignore[no-any-return]
            party = self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
            if party is None:
                raise Problem(401, "invalid-token", "the token is not known")
            arguments = {**arguments, "body": body} if endpoint == "part" else arguments
            answer = getattr(self, f"on_{endpoint}")(request, party, **arguments)
            self.faults.after(asked)
            return answer  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------------------------------ who

    def on_health(self, request: Request) -> Response:
        return _json({"status": "ok"})

    def on_token(self, request: Request) -> Response:
        party = request.form["client_id"]
        key = next((one.keys[f"{party}/client"] for one in self.partnerships.values() if f"{party}/client" in one.keys), None)
        if not isinstance(key, SigningKey):
            raise Problem(401, "unknown-client", "there is no such client")
        jwk = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": b64(key.public.raw)})
        try:
            found = jwt.decode(request.form["client_assertion"], jwk, algorithms=["Ed25519"])
        except Exception as error:
            raise Problem(401, "bad-signature", "the assertion's signature does not verify") from error
        claims = found.claims
        if claims["aud"] != f"{self.address}/oauth2/token":
            raise Problem(401, "bad-audience", f"expected {self.address}/oauth2/token, received {claims['aud']}")
        if claims["jti"] in self.seen_jti:
            raise Problem(401, "replayed-assertion", "seen before")
        assert found.header["kid"] == key.public.fingerprint
        assert claims["iss"] == claims["sub"] == party
        assert claims["exp"] <= claims["iat"] + 300
        self.seen_jti.add(claims["jti"])
        token = hashlib.sha256(claims["jti"].encode()).hexdigest()
        self.tokens[token] = party
        return _json({"access_token": token, "token_type": "Bearer", "expires_in": 300})

    # ------------------------------------------------------------------------------------------------ agreements

    def _of(self, reference: str, party: str) -> Partnership:
        found = self.partnerships.get(reference)
        if found is None or not _names(found, party):
            raise Problem(404, "unknown-agreement", "there is no such agreement to which you are a party", clause="no agreement")
        return found

    def on_agreements(self, request: Request, party: str) -> Response:
        mine = [one.agreement for one in self.partnerships.values() if _names(one, party)]
        listed = [
            {
                "reference": one.reference,
                "version": one.version,
                "title": one.title,
                "state": self.exports[one.reference]["state"],
                "agreement": one.digest,
                "in_force_from": str(one.in_force_from),
                "expires": str(one.expires),
            }
            for one in mine
        ]
        return _json({"agreements": listed})

    def on_agreement(self, request: Request, party: str, reference: str) -> Response:
        self._of(reference, party)
        return _json(self.exports[reference])

    def on_contract(self, request: Request, party: str, reference: str, name: str) -> Response:
        partnership = self._of(reference, party)
        agreement = partnership.agreement
        dataset = agreement.dataset(name)
        if dataset is None:
            raise Problem(404, "unknown-dataset", "no such dataset")
        now = datetime.now(UTC)
        until = now + timedelta(days=self.sealing_days)
        notice = SealingKeyNotice(self._sealing_id(), b64(self.sealing.public), _time(now - timedelta(days=1)), _time(until))
        heads = {
            key[3]: {"submission": found.id, "rows_digest": found.manifest.rows_digest}
            for key, found in self._heads().items()
            if key[:3] == (party, reference, name)
        }
        return _json(
            {
                "reference": reference,
                "version": agreement.version,
                "agreement": agreement.digest,
                "dataset": name,
                "adapter": dataset.adapter,
                "mode": dataset.mode,
                "period": dataset.period,
                "fields": [{"name": one.name, "type": str(one.arrow_type), "empty": one.may_be_empty} for one in dataset.fields],
                "sealing_key": sign_document(notice.document(), Use.SEALING_KEY, partnership.signing("lcjp-operator/identity")),
                "limits": {"part_bytes": 16 << 20, "part_rows": self.part_rows, "parts": 10_000},
                "linkage": self.linkage.get(reference),
                "heads": heads,
            }
        )

    def _sealing_id(self) -> str:
        return f"sealing-{self.sealing.fingerprint[-8:]}"

    def on_envelopes(self, request: Request, party: str, reference: str) -> Response:
        if request.method == "POST":
            return self._relay(request, party, reference)
        self._of(reference, party)
        return _json({"envelopes": [one for one in self.envelopes if one["document"]["recipient"] == party]})

    # ------------------------------------------------------------------------------------------------ submissions

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
                return _json({"submission": found.id, "state": found.state, "missing": found.missing})
        standing = Standing(partnership.agreement, self.exports[manifest.reference]["state"])
        decision = may_submit(standing, party, manifest.dataset, Period.parse(manifest.period), manifest.mode, datetime.now(UTC))
        if not decision:
            raise Problem(403, "refused-by-agreement", getattr(decision, "reason", ""), clause=decision.clause)
        head = self._heads().get((party, manifest.reference, manifest.dataset, manifest.period))
        if head is not None and head.manifest.rows_digest == manifest.rows_digest:
            return _json({"submission": head.id, "state": head.state, "same_content": True, "receipt": head.receipt})
        if manifest.after != (head.id if head else None):
            raise Problem(409, "head-moved", "the period has another head", head=head.id if head else None)
        if manifest.sealing_key != self._sealing_id():
            raise Problem(422, "bad-manifest", "sealed to a key that is gone")
        submission = Submission(f"sub-{len(self.submissions) + 1}", manifest)
        self.submissions[submission.id] = submission
        self.log.append(submission.id.encode())
        return _json({"submission": submission.id, "state": "open", "missing": submission.missing}, 201)

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
            }
            for one in mine
        ]
        return _json({"submissions": listed})

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
        return _json({"part": part, "missing": found.missing}, 201 if fresh else 200)

    def on_complete(self, request: Request, party: str, number: str) -> Response:
        found = self._mine(number, party)
        if found.state == "open":
            if found.missing:
                raise Problem(409, "parts-missing", "parts are missing")
            found.state = "complete"
            operator = self.partnerships[found.manifest.reference].signing("lcjp-operator/receipts")
            document = Acknowledgement(found.id, found.manifest.upload, digest(found.manifest.document()), _time(datetime.now(UTC)))
            found.acknowledgement = sign_document(document.document(), Use.ACKNOWLEDGEMENT, operator)
            self.log.append(f"complete {found.id}".encode())
        return _json({"submission": found.id, "state": found.state, "acknowledgement": found.acknowledgement}, 202)

    def on_submission(self, request: Request, party: str, number: str) -> Response:
        found = self._mine(number, party)
        if found.state == "complete" and not self.faults.undecided:
            self._decide(found)
        return _json(
            {
                "submission": found.id,
                "upload": found.manifest.upload,
                "state": found.state,
                "missing": found.missing,
                "acknowledgement": found.acknowledgement,
                "report": None,
                "receipt": found.receipt,
            }
        )

    def _decide(self, found: Submission) -> None:
        """Open every part, hold it against the agreement, and sign a receipt."""
        manifest = found.manifest
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
                earlier.state = "superseded"
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
                "decided": _time(datetime.now(UTC)),
                "reasons": list(reasons),
            }
        )
        key = self.faults.receipt_key or partnership.signing("lcjp-operator/receipts")
        found.receipt = sign_document({**document.document(), **self.faults.edit_receipt}, Use.RECEIPT, key)
        self.log.append(f"decided {found.id}".encode())

    # ------------------------------------------------------------------------------------------------ log and releases

    def on_checkpoint(self, request: Request) -> Response:
        key = next(iter(self.partnerships.values())).signing("lcjp-operator/log")
        head = Checkpoint(self.origin, self.log.size, root(self.log.size, self.log.get))
        return Response(sign_checkpoint(head, key), mimetype="text/plain")

    def on_consistency(self, request: Request) -> Response:
        old, new = int(request.args["old"]), int(request.args["new"])
        return _json({"old": old, "new": new, "proof": [one.hex() for one in consistency(old, new, self.log.get)]})

    def on_latest(self, request: Request, party: str, reference: str, release: str) -> Response:
        self._of(reference, party)
        return Response(status=307, headers={"Location": f"/v1/editions/{list(self.editions)[-1]}"})

    def on_edition(self, request: Request, party: str, edition: str) -> Response:
        signed, files = self.editions[edition]
        names = sorted({name.split(".", 1)[0] for name in files})
        return _json({"edition": signed, "tables": [{"name": name, "formats": _formats(files, name)} for name in names]})

    def on_table(self, request: Request, party: str, edition: str, table: str, kind: str) -> Response:
        return Response(self.editions[edition][1][f"{table}.{kind}"], mimetype="application/octet-stream")

    def _relay(self, request: Request, party: str, reference: str) -> Response:
        partnership = self._of(reference, party)
        signed = request.get_json()
        envelope = Envelope.parse(verify_document(signed, Use.ENVELOPE, fingerprint(partnership.keys[f"{party}/manifest"])))
        known = self.linkage.setdefault(reference, {"epoch": envelope.epoch, "key_check": envelope.key_check})
        if known["epoch"] == envelope.epoch and known["key_check"] != envelope.key_check:
            raise Problem(409, "epoch-exists", "that epoch has another secret")
        self.linkage[reference] = {"epoch": envelope.epoch, "key_check": envelope.key_check}
        self.envelopes.append(signed)
        return _json({}, 201)


def _names(partnership: Partnership, caller: str) -> bool:
    agreement = partnership.agreement
    return agreement.party(caller) is not None or caller in {one.id for one in agreement.recipients}


def _formats(files: Mapping[str, bytes], name: str) -> list[str]:
    return sorted(one.split(".", 1)[1] for one in files if one.split(".", 1)[0] == name)


def _json(body: Any, status: int = 200, mimetype: str = "application/json") -> Response:
    return Response(json.dumps(body), status=status, mimetype=mimetype)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
