"""A hub for the client's tests: a real server on loopback with real cryptography, which follows the wire interface and keeps things in memory.

It is no hub: no database, no holding. It opens and checks what arrives as the hub does, so that what the client sends is judged.
`Faults` makes it misbehave.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from keys.checkpoint import Checkpoint, cosigned_at, sign_checkpoint, verify_checkpoint, witness_name
from keys.encoding import b64
from keys.errors import KeysError
from keys.formats import Envelope, SealingKeyNotice
from keys.merkle import consistency, inclusion, root
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.adapters.intake import Intake, Problem, answer_json, as_time
from tests.adapters.partnership import Partnership, fingerprint

RULES = Map(
    [
        Rule("/oauth2/token", endpoint="token", methods=["POST"]),
        Rule("/health", endpoint="health", methods=["GET"]),
        Rule("/v1/agreements", endpoint="agreements", methods=["GET"]),
        Rule("/v1/agreements/<reference>", endpoint="agreement", methods=["GET"]),
        Rule("/v1/agreements/<reference>/datasets/<name>/contract", endpoint="contract", methods=["GET"]),
        Rule("/v1/agreements/<reference>/envelopes", endpoint="envelopes", methods=["GET", "POST"]),
        Rule("/v1/submissions", endpoint="submissions", methods=["GET", "POST"]),
        Rule("/v1/submissions/<number>", endpoint="submission", methods=["GET", "DELETE"]),
        Rule("/v1/submissions/<number>/parts/<int:part>", endpoint="part", methods=["PUT"]),
        Rule("/v1/submissions/<number>/complete", endpoint="complete", methods=["POST"]),
        Rule("/v1/log/checkpoint", endpoint="checkpoint", methods=["GET"]),
        Rule("/v1/log/consistency", endpoint="consistency", methods=["GET"]),
        Rule("/v1/log/entries", endpoint="entries", methods=["GET"]),
        Rule("/v1/log/cosignatures", endpoint="cosignatures", methods=["POST"]),
        Rule("/v1/log/witnesses", endpoint="witnesses", methods=["GET"]),
        Rule("/v1/rights", endpoint="rights", methods=["GET", "POST"]),
        Rule("/v1/releases/<reference>/<release>/latest", endpoint="latest", methods=["GET"]),
        Rule("/v1/editions/<edition>", endpoint="edition", methods=["GET"]),
        Rule("/v1/editions/<edition>/tables/<table>.<kind>", endpoint="table", methods=["GET"]),
    ]
)


class Quiet(WSGIRequestHandler):
    """Writes no access log."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


class StandIn(Intake):
    """The hub. `partnerships` are its agreements, `address` where it listens."""

    def __init__(self, *partnerships: Partnership) -> None:
        self.partnerships = {one.agreement.reference: one for one in partnerships}
        self.exports = {one.agreement.reference: one.export() for one in partnerships}
        super().__init__()
        self.log.append(b"opened")
        self.origin = "log.hub.example"
        self.page = 2
        self.sealing_days = 14
        self.part_rows = 262_144
        self.tokens: dict[str, str] = {}
        self.seen_jti: set[str] = set()
        self.cosigned: dict[str, str] = {}
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
            response = answer_json(problem.body, problem.status, "application/problem+json")
        except KeysError as error:
            response = answer_json({"code": "bad-manifest", "status": 422, "detail": str(error)}, 422, "application/problem+json")
        except NotFound:
            response = answer_json({"code": "not-found", "status": 404}, 404, "application/problem+json")
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        body = request.get_data()
        with self.lock:
            asked = f"{request.method} {request.path}"
            self.requests.append(asked)
            self.faults.before(asked)
            if self.faults.statuses and request.path != "/health":
                answer = answer_json({"code": "passing", "detail": "try again"}, self.faults.statuses.pop(0), "application/problem+json")
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
        return answer_json({"status": "ok"})

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
        return answer_json({"access_token": token, "token_type": "Bearer", "expires_in": 300})

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
        return answer_json({"agreements": listed})

    def on_agreement(self, request: Request, party: str, reference: str) -> Response:
        self._of(reference, party)
        return answer_json(self.exports[reference])

    def on_contract(self, request: Request, party: str, reference: str, name: str) -> Response:
        partnership = self._of(reference, party)
        agreement = partnership.agreement
        dataset = agreement.dataset(name)
        if dataset is None:
            raise Problem(404, "unknown-dataset", "no such dataset")
        now = datetime.now(UTC)
        until = now + timedelta(days=self.sealing_days)
        notice = SealingKeyNotice(self._sealing_id(), b64(self.sealing.public), as_time(now - timedelta(days=1)), as_time(until))
        heads = {
            key[3]: {"submission": found.id, "rows_digest": found.manifest.rows_digest}
            for key, found in self._heads().items()
            if key[:3] == (party, reference, name)
        }
        return answer_json(
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

    def on_envelopes(self, request: Request, party: str, reference: str) -> Response:
        if request.method == "POST":
            return self._relay(request, party, reference)
        self._of(reference, party)
        return answer_json({"envelopes": [one for one in self.envelopes if one["document"]["recipient"] == party]})

    # ------------------------------------------------------------------------------------------------ log and releases

    def on_checkpoint(self, request: Request) -> Response:
        key = next(iter(self.partnerships.values())).signing("lcjp-operator/log")
        head = Checkpoint(self.origin, self.log.size, root(self.log.size, self.log.get))
        return Response(sign_checkpoint(head, key), mimetype="text/plain")

    def on_consistency(self, request: Request) -> Response:
        old, new = int(request.args["old"]), int(request.args["new"])
        return answer_json({"old": old, "new": new, "proof": [one.hex() for one in consistency(old, new, self.log.get)]})

    def on_entries(self, request: Request, party: str) -> Response:
        after, of = int(request.args["after"]), int(request.args["of"])
        found = [
            {"number": number, "salt": b64(salt), "entry": entry, "proof": [one.hex() for one in inclusion(number, of, self.log.get)]}
            for owner, number, salt, entry in self.own
            if owner == party and after <= number < of
        ]
        return answer_json({"of": of, "entries": found[: self.page]})

    def on_cosignatures(self, request: Request, party: str) -> Response:
        note = request.get_json()["note"]
        partnership = next(iter(self.partnerships.values()))
        head = verify_checkpoint(note, self.origin, partnership.signing("lcjp-operator/log").public)
        key = partnership.signing(f"{party}/witness").public
        if cosigned_at(note, witness_name(self.origin, party), key) is None:
            raise Problem(422, "unknown-witness", "not cosigned by a witness of yours")
        if head.root != root(head.size, self.log.get):
            raise Problem(422, "not-our-head", "not a head that this log has had")
        self.cosigned[party] = note
        return answer_json({"size": head.size, "cosigned": "2026-11-22T00:00:00Z"}, 201)

    def on_witnesses(self, request: Request, party: str) -> Response:
        of = int(request.args["of"])
        listed = [
            {"party": one, "note": note, "proof": [step.hex() for step in consistency(size, of, self.log.get)] if size < of else []}
            for one, note in sorted(self.cosigned.items())
            if (size := int(note.split("\n")[1]))
        ]
        return answer_json({"of": of, "witnesses": listed})

    def on_latest(self, request: Request, party: str, reference: str, release: str) -> Response:
        self._of(reference, party)
        return Response(status=307, headers={"Location": f"/v1/editions/{list(self.editions)[-1]}"})

    def on_edition(self, request: Request, party: str, edition: str) -> Response:
        signed, files = self.editions[edition]
        names = sorted({name.split(".", 1)[0] for name in files})
        return answer_json({"edition": signed, "tables": [{"name": name, "formats": _formats(files, name)} for name in names]})

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
        return answer_json({}, 201)


def _names(partnership: Partnership, caller: str) -> bool:
    agreement = partnership.agreement
    return agreement.party(caller) is not None or caller in {one.id for one in agreement.recipients}


def _formats(files: Mapping[str, bytes], name: str) -> list[str]:
    return sorted(one.split(".", 1)[1] for one in files if one.split(".", 1)[0] == name)
