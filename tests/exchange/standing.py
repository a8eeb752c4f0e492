"""A hub in this process for tests: real files, real SQLite or PostgreSQL, real keystore, real keys of everybody; only the clock stands where a test puts it."""

import base64
import hashlib
import io
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from werkzeug.test import TestResponse

from agreements.document import fill, placeholders, read
from agreements.model import Agreement
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from exchange.app import doors_of, fit_to_serve
from exchange.db import reading, writing
from exchange.hub import Hub, open_hub
from exchange.keyring import USES, make_keys
from exchange.keystores import make_keystore
from exchange.log import record
from exchange.migrate import upgrade
from exchange.register import agreements, partners
from exchange.settings import Settings
from exchange.submissions import process, sealing
from exchange.submissions.tables import SubmissionRow
from exchange.where import InBucket
from keys.encoding import b64, unb64
from keys.formats import Acknowledgement, Card, Envelope, Manifest, Part, Receipt
from keys.pseudonym import NORMALISER
from keys.rows import RowsDigest
from keys.seal import EncryptionKey, envelope_info, part_info, seal
from keys.sign import SigningKey, Use, sign_document, verify_document
from tests.exchange.remembered import TEMPLATES
from tests.postgres import Postgres
from tests.s3 import EVERYTHING, Service

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "config" / "agreements" / "mv7.toml"
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
URL = "http://localhost"
REFERENCE, RELEASE = "LCJP-MV7", "mv7-outcomes"
CLEVELAND, DURHAM, OPERATOR, TEAM = "cleveland-police", "durham-constabulary", "lcjp-operator", "lcjp-performance-team"
SUPPLIERS = (CLEVELAND, DURHAM)
KEY_CHECK = "0123456789abcdef"
PLACES = ("objects", "staging", "keystore", "leaves")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Clock:
    """The hub's clock, moved by hand."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


def settings_in(folder: Path, database: str = "", **more: Any) -> Settings:
    """``more``: settings that stand in place of the folder's."""
    folders = {name: folder / name for name in ("objects", "staging", "keystore")}
    return Settings(
        public_url=URL,
        origin="lcjp-exchange/test",
        database_url=database or f"sqlite:///{folder}/hub.sqlite",
        roots=folder / "roots",
        credential=folder / "credential",
        home=folder,
        codes=ROOT / "config" / "codes",
        part_bytes=1 << 20,
        part_rows=5_000,
        parts=8,
        **{**folders, **more},
    )


def in_buckets(server: Service, places: Iterable[str]) -> dict[str, Any]:
    """Settings of a hub of which these places are on a service, each one that nobody has used before.

    Its root keys are in the folder, under the credential: no real hub whose keystore is in a bucket is so set up, and this one has one host.
    """
    base = server.place()
    return {name: InBucket(base.bucket, f"{base.prefix}/{name}") for name in places} | server.settings


def set_up(folder: Path, clock: Clock, database: str = "", **more: Any) -> Hub:
    """What ``exchange init`` does, under the test's clock."""
    settings = settings_in(folder, database, **more)
    for name in ("objects", "staging", "keystore", "roots"):
        (folder / name).mkdir(mode=0o700, parents=True)
    settings.credential.write_text(secrets.token_hex(32))
    settings.credential.chmod(0o600)
    make_keystore(settings)
    hub = open_hub(settings, clock)
    make_keys(hub.keyring.store)
    upgrade(hub.engine)
    with writing(hub.engine) as session:
        record.begin(session, settings.origin, clock())
        session.flush()
        sealing.rotate(session, hub.keyring, OPERATOR, clock())
    return hub


def every_key(hub: Hub) -> dict[str, SigningKey | EncryptionKey]:
    """``party/use`` → key, the hub's own included."""
    made: dict[str, SigningKey | EncryptionKey] = {}
    for place in placeholders(TEMPLATE.read_text(encoding="utf-8")):
        owner, use = place.split("/")
        if owner == OPERATOR and use in USES:
            made[place] = hub.keyring.signing(use)
        else:
            made[place] = EncryptionKey.generate() if use == "encryption" else SigningKey.generate()
    return made


def print_of(key: SigningKey | EncryptionKey) -> str:
    return key.fingerprint if isinstance(key, EncryptionKey) else key.public.fingerprint


def card_of(place: str, key: SigningKey | EncryptionKey) -> Card:
    owner, use = place.split("/")
    raw, kind = (key.public, "xwing") if isinstance(key, EncryptionKey) else (key.public.raw, "ed25519")
    return Card(kind, owner, use, b64(raw))


def es256_card(client: str, key: ECKey, role: str = "client") -> Card:
    """The card of a client that signs with ES256."""
    members = key.as_dict(private=False)
    return Card("es256", client, role, b64(b"\x04" + unb64(members["x"], 32) + unb64(members["y"], 32)))


def crimes(rows: int = 3, *, month: date = date(2021, 4, 1), crime_type: str = "Drugs", seed: int = 0, **columns: list[Any]) -> pa.Table:
    """Rows of the crimes dataset as they leave an agency."""
    values: dict[str, list[Any]] = {
        "crime": [hashlib.sha256(f"{seed} {row}".encode()).digest()[:16] for row in range(rows)],
        "month": [month] * rows,
        "authority": ["Hartlepool"] * rows,
        "crime_type": [crime_type] * rows,
        "last_outcome": [None] * rows,
        **columns,
    }
    return pa.table(values, schema=SCHEMA)


SCHEMA = pa.schema(
    [
        ("crime", pa.binary(16)),
        ("month", pa.date32()),
        ("authority", pa.string()),
        ("crime_type", pa.string()),
        ("last_outcome", pa.string()),
    ]
)


def stream(table: pa.Table, schema: pa.Schema | None = None) -> bytes:
    """A part's plaintext."""
    out = io.BytesIO()
    with pa.ipc.new_stream(out, schema or table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return out.getvalue()


@dataclass
class Pushed:
    """A submission as its supplier has it: the signed manifest, the sealed parts, and its id once the hub has given one."""

    signed: dict[str, Any]
    parts: list[bytes]
    id: str = ""

    @property
    def manifest(self) -> Manifest:
        return Manifest.parse(self.signed["document"])


@dataclass
class World:
    """The hub, everybody's keys, and the clock.

    ``server``: the PostgreSQL its database is on; without one it is a file in the folder. ``s3``: the service that everything else is on,
    at the places that ``more`` names; without one it is in the folder too.
    """

    folder: Path
    clock: Clock
    keys: dict[str, SigningKey | EncryptionKey]
    tokens: dict[str, str] = field(default_factory=dict)
    server: Postgres | None = None
    database: str = ""
    later: list["World"] = field(default_factory=list)
    s3: Service | None = None
    more: dict[str, Any] = field(default_factory=dict)
    leaves: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def build(cls, folder: Path, server: Postgres | None = None, s3: Service | None = None, places: Sequence[str] = PLACES) -> "World":
        """A hub with the shipped agreement in force between everyone, and the first linkage epoch issued. ``places``: those on the service."""
        clock = Clock()
        database = server.create() if server else ""
        more = in_buckets(s3, places) if s3 else {}
        hub = set_up(folder, clock, database, **more)
        world = cls(folder, clock, every_key(hub), server=server, database=database, s3=s3, more=more)
        hub.engine.dispose()
        with writing(world.hub.engine) as session:
            for place, key in world.keys.items():
                partners.register(session, card_of(place, key), clock())
        world.enter(world.agreement)
        world.sign_all(world.agreement)
        issued = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=world.envelope())
        assert issued.status_code == 201, issued.text
        return world

    def copy(self, folder: Path) -> "World":
        """The same world in another folder: nothing that happens in one is seen in the other."""
        self.disconnect()
        shutil.copytree(self.folder, folder)
        database = self.server.create(like=self.database) if self.server else ""
        copy = World(folder, Clock(self.clock.now), self.keys, server=self.server, database=database, s3=self.s3)
        if self.s3:
            copy.more = in_buckets(self.s3, self.more.keys() & set(PLACES))
            self._copy_buckets(self.s3, copy)
        return copy

    def _copy_buckets(self, s3: Service, copy: "World") -> None:
        """Copied inside the service, but for the second store: what was flushed one by one is one object in the copy, read at one go."""
        ours, theirs = s3.space(self.more["leaves"]), s3.space(copy.more["leaves"])
        for name in copy.more.keys() & {"objects", "staging", "keystore"}:
            s3.copy(self.more[name], copy.more[name])
        there = {name: size for name, size, _ in ours.listed("")}
        if {name: len(content) for name, content in self.leaves.items()} != there:
            oldest_first = sorted(there, reverse=True)
            self.leaves = {name: found[0] for name, found in zip(oldest_first, ours.read_each(iter(oldest_first)), strict=True) if found}
        assert theirs.create(max(there), b"".join(self.leaves.values()))

    @contextmanager
    def unwritten(self) -> Iterator[None]:
        """Nothing can be written to the log's second store: its folder is away, or the service gives the hub no right to."""
        place = self.settings.second_store
        if self.s3:
            self.s3.may("Read", "List")
            try:
                yield
            finally:
                self.s3.may(*EVERYTHING)
            return
        assert isinstance(place, Path)
        away = place.rename(place.with_name("away"))
        place.touch()
        yield
        place.unlink()
        away.rename(place)

    def disconnect(self) -> None:
        """Let go of the database, here and in whatever was opened on it afterwards."""
        for world in {id(one): one for one in (self, *self.later)}.values():
            world.hub.engine.dispose()
            world.hub.asker.dispose()

    def close(self) -> None:
        """Let go of the database, and throw it away."""
        self.disconnect()
        if self.server:
            self.server.drop(self.database)

    @cached_property
    def hub(self) -> Hub:
        return fit_to_serve(self.settings, self.clock)

    @cached_property
    def app(self) -> Flask:
        """Its doors: many tests need none, and the hub alone is there in a quarter of the time."""
        app = doors_of(self.hub)
        app.jinja_env.bytecode_cache = TEMPLATES
        return app

    @property
    def settings(self) -> Settings:
        """As the hub is set up."""
        return settings_in(self.folder, self.database, **self.more)

    def restarted(self) -> "World":
        """The hub as another process would open it."""
        self.disconnect()
        again = World(
            self.folder, self.clock, self.keys, server=self.server, database=self.database, later=self.later, s3=self.s3, more=self.more
        )
        self.later.append(again)
        return again

    def words(self, **replaced: str) -> str:
        """The shipped words filled with this world's keys, some of them replaced."""
        text = fill(TEMPLATE.read_text(encoding="utf-8"), {place: print_of(key) for place, key in self.keys.items()})
        for old, new in replaced.items():
            text = text.replace(f"{old} = ", f"{old} = {new} # ", 1)
        return text

    @cached_property
    def agreement(self) -> Agreement:
        return read(self.words())

    def version(self, number: int, **replaced: str) -> Agreement:
        return read(self.words(version=str(number), **replaced))

    def signing(self, place: str) -> SigningKey:
        key = self.keys[place]
        assert isinstance(key, SigningKey)
        return key

    # ------------------------------------------------------------------------------------------------ people

    def enter(self, agreement: Agreement) -> None:
        with writing(self.hub.engine) as session:
            agreements.enter(session, agreement, OPERATOR, self.clock())

    def statement(self, party: str, capacity: Capacity, voice: Voice, agreement: Agreement | None = None) -> dict[str, Any]:
        about = agreement or self.agreement
        person = speaker(about, party, capacity)
        said = Statement(party, capacity, person.name, voice, "", self.clock().replace(microsecond=0), secrets.token_hex(16))
        return sign_document(statement_document(about, said), Use.STATEMENT, self.signing(f"{party}/{capacity}"))

    def say(self, party: str, capacity: Capacity, voice: Voice, agreement: Agreement | None = None) -> str:
        """Record a statement; the state it leads to."""
        with writing(self.hub.engine) as session:
            row, _ = agreements.record(session, self.statement(party, capacity, voice, agreement), self.clock)
            return row.state

    def sign_all(self, agreement: Agreement) -> str:
        state = ""
        for party in agreement.parties:
            self.say(party.id, Capacity.DPO, Voice.ADVISE_FOR, agreement)
            state = self.say(party.id, Capacity.SIGNATORY, Voice.SIGN, agreement)
        return state

    # ---------------------------------------------------------------------------------------------- machines

    def assertion(self, client: str, *, key: SigningKey | ECKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A client assertion as the documentation asks for it, but for what is given."""
        signer = key or self.signing(f"{client}/client")
        now = int(self.clock().timestamp())
        said = {
            "iss": client,
            "sub": client,
            "aud": f"{URL}/oauth2/token",
            "jti": secrets.token_hex(16),
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        claimed = {name: value for name, value in said.items() if value is not None}
        if isinstance(signer, ECKey):
            head = {"alg": "ES256", "typ": "JWT", "kid": es256_card(client, signer).fingerprint, **(header or {})}
            return jwt.encode(head, claimed, signer, algorithms=["ES256"])
        head = {"alg": "Ed25519", "typ": "JWT", "kid": signer.public.fingerprint, **(header or {})}
        members = {"kty": "OKP", "crv": "Ed25519", "x": b64(signer.public.raw), "d": b64(signer.seed)}
        return jwt.encode(head, claimed, OKPKey.import_key(cast(Any, members)), algorithms=["Ed25519"])

    def authenticate(self, assertion: str, **form: str) -> TestResponse:
        wanted = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion, **form}
        return self.app.test_client().post("/oauth2/token", data=wanted)

    def token(self, client: str) -> str:
        answer = self.authenticate(self.assertion(client))
        assert answer.status_code == 200, answer.text
        return str(answer.get_json()["access_token"])

    def call(self, method: str, path: str, client: str | None = None, **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if client is not None:
            headers["Authorization"] = f"Bearer {self.token(client)}"
        return self.app.test_client().open(path, method=method.upper(), headers=headers, **more)

    def other_key(self, client: str) -> dict[str, str]:
        """The header of a token asked with a second key, registered for the client but named by no agreement."""
        second = SigningKey.generate()
        self.register(card_of(f"{client}/client", second))
        answer = self.authenticate(self.assertion(client, key=second))
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}

    def register(self, card: Card) -> None:
        """What ``exchange partner add`` does."""
        with writing(self.hub.engine) as session:
            partners.register(session, card, self.clock())

    def envelope(self, issuer: str = CLEVELAND, recipient: str = DURHAM, *, epoch: int = 1, check: str = KEY_CHECK) -> dict[str, Any]:
        key = self.keys[f"{recipient}/encryption"]
        assert isinstance(key, EncryptionKey)
        info = envelope_info(reference=REFERENCE, epoch=epoch, issuer=issuer, recipient=recipient)
        sealed = b64(seal(bytes(32), key.public, info))
        found = Envelope(REFERENCE, epoch, issuer, recipient, key.fingerprint, check, sealed)
        return sign_document(found.document(), Use.ENVELOPE, self.signing(f"{issuer}/manifest"))

    def prepare(
        self,
        tables: Sequence[pa.Table | bytes] = (),
        *,
        supplier: str = CLEVELAND,
        period: str = "2021-04",
        after: str | None = None,
        key: SigningKey | None = None,
        counts: Sequence[int] | None = None,
        about: Agreement | None = None,
        **members: Any,
    ) -> Pushed:
        """A whole submission, sealed and signed. A part may be given as bytes, to be sealed as they are (with ``counts`` of rows)."""
        agreement = about or self.agreement
        notice = self.sealing_notice()
        upload, dataset = members.get("upload", secrets.token_hex(16)), members.get("dataset", "crimes")
        digest, nulls, sealed = RowsDigest(SCHEMA), dict.fromkeys(SCHEMA.names, 0), []
        for number, table in enumerate(tables, 1):
            if isinstance(table, pa.Table):
                for batch in table.to_batches():
                    digest.update(batch)
                for name in SCHEMA.names:
                    nulls[name] += table.column(name).null_count
            info = part_info(agreement=agreement.digest, dataset=dataset, supplier=supplier, upload=upload, part=number)
            plain = stream(table) if isinstance(table, pa.Table) else table
            sealed.append(seal(plain, unb64(notice["public"]), info))
        given = list(counts) if counts is not None else [table.num_rows for table in tables if isinstance(table, pa.Table)]
        parts = [Part("sha256:" + hashlib.sha256(one).hexdigest(), len(one), count) for one, count in zip(sealed, given, strict=True)]
        document: dict[str, Any] = {
            "format": 1,
            "upload": upload,
            "supplier": supplier,
            "reference": agreement.reference,
            "version": agreement.version,
            "agreement": agreement.digest,
            "dataset": dataset,
            "period": period,
            "mode": "replace",
            "after": after,
            "epoch": 1,
            "normaliser": NORMALISER,
            "key_check": KEY_CHECK,
            "sealing_key": notice["id"],
            "rows": sum(given),
            "totals": nulls,
            "rows_digest": digest.hexdigest(),
            "parts": [part.document() for part in parts],
            "created": self.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
            **members,
        }
        signer = key or self.signing(f"{supplier}/manifest")
        return Pushed(sign_document(document, Use.MANIFEST, signer), sealed)

    def sealing_notice(self) -> dict[str, Any]:
        with reading(self.hub.engine) as session:
            found: dict[str, Any] = sealing.current(session).notice["document"]
            return found

    def open(self, pushed: Pushed, supplier: str = CLEVELAND) -> TestResponse:
        answer = self.call("post", "/v1/submissions", supplier, json=pushed.signed)
        if answer.status_code in (200, 201):
            pushed.id = answer.get_json()["submission"]
        return answer

    def put(
        self, pushed: Pushed, number: int, supplier: str = CLEVELAND, *, body: bytes | None = None, digest: str | None = None
    ) -> TestResponse:
        content = pushed.parts[number - 1] if body is None else body
        right = "sha-256=:" + base64.b64encode(hashlib.sha256(content).digest()).decode() + ":"
        given = {"Content-Digest": right if digest is None else digest, "Content-Type": "application/octet-stream"}
        return self.call("put", f"/v1/submissions/{pushed.id}/parts/{number}", supplier, data=content, headers=given)

    def complete(self, pushed: Pushed, supplier: str = CLEVELAND) -> TestResponse:
        return self.call("post", f"/v1/submissions/{pushed.id}/complete", supplier)

    def send(self, pushed: Pushed, supplier: str = CLEVELAND) -> str:
        """Open, put and complete; the submission's id."""
        for answer in (
            self.open(pushed, supplier),
            *(self.put(pushed, number, supplier) for number in range(1, len(pushed.parts) + 1)),
            self.complete(pushed, supplier),
        ):
            assert answer.status_code < 300, answer.text
        return pushed.id

    def process(self, submission: str) -> str:
        hub = self.hub
        return process.process(hub.engine, hub.settings, hub.keyring, hub.places, submission, self.clock)

    def hold(self, tables: Sequence[pa.Table] | None = None, supplier: str = CLEVELAND, **more: Any) -> Pushed:
        """Push and process; it must be held."""
        pushed = self.prepare([crimes()] if tables is None else tables, supplier=supplier, **more)
        self.send(pushed, supplier)
        assert self.process(pushed.id) == "held", self.row(pushed.id).report
        return pushed

    def row(self, submission: str) -> SubmissionRow:
        with reading(self.hub.engine) as session:
            row = session.get_one(SubmissionRow, submission)
            len(row.parts), len(row.held)  # read while the session is open
            return row

    def row_canonical(self) -> bytes:
        with reading(self.hub.engine) as session:
            found = agreements.by_digest(session, self.agreement.digest)
            assert found is not None
            return found.canonical

    def receipt(self, submission: str) -> Receipt:
        """The receipt, verified with the key that the agreement names."""
        signed = self.row(submission).receipt
        hub_keys = self.agreement.operator.hub
        assert signed is not None
        assert hub_keys is not None
        return Receipt.parse(verify_document(signed, Use.RECEIPT, hub_keys.receipts))

    def acknowledgement(self, signed: dict[str, Any]) -> Acknowledgement:
        hub_keys = self.agreement.operator.hub
        assert hub_keys is not None
        return Acknowledgement.parse(verify_document(signed, Use.ACKNOWLEDGEMENT, hub_keys.receipts))


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, which must be a whole one and of this status and code."""
    assert answer.content_type == "application/problem+json", answer.text
    found: dict[str, Any] = json.loads(answer.data)
    assert (answer.status_code, found["code"]) == (status, code), found
    assert found["status"] == status
    assert found["type"] == f"urn:lcjp-exchange:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert "remedy" in found
    assert answer.headers["Cache-Control"] == "no-store"
    return found
