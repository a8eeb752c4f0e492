"""An agency that does not keep to the rules: real keys and real HTTP, and whatever manifest, parts and order of calls a test wants."""

import base64
import csv
import gzip
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import requests

from adapters.agency.client import ASSERTION, assertion
from adapters.agency.contract import fetch
from adapters.agency.linkage import LinkageStore
from adapters.agency.parts import encode
from adapters.agency.run import Run
from adapters.agency.session import Agency
from adapters.agency.settings import load
from demo.cast import DATA, REFERENCE
from keys.encoding import unb64
from keys.formats import FORMAT, Manifest, Part
from keys.pseudonym import NORMALISER
from keys.seal import part_info, seal
from keys.sign import SigningKey, Use, sign_document
from tests.functional.truth import Extract, digest_of, minimised
from tests.functional.world import World


def small(folder: Path, party: str, dataset: str, period: str, rows: int = 40, first: int = 0) -> Extract:
    """Some rows of a real file, as an extract of any month: its month is written into every row."""
    short, kind = party.partition("-")[0], "street" if dataset == "crimes" else "outcomes"
    with gzip.open(DATA / f"2021-04-{short}-{kind}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        header, *lines = list(csv.reader(file))[: 1 + first + rows]
    month = header.index("Month")
    path = folder / f"{period}-{short}-{kind}-{first}.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *([*line[:month], period, *line[month + 1 :]] for line in lines[first:])])
    return Extract(party, dataset, period, path)


def content_digest(body: bytes) -> str:
    """The Content-Digest of a body (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@dataclass(frozen=True)
class Sealed:
    """A manifest and its sealed parts, not yet sent."""

    manifest: Manifest
    parts: tuple[bytes, ...]

    def altered(self, **members: Any) -> "Sealed":
        """The same with other members in the manifest."""
        return replace(self, manifest=Manifest.parse({**self.manifest.document(), **members}))

    def again(self, parts: Sequence[bytes]) -> "Sealed":
        """The same with other sealed parts, honestly described."""
        described = [Part(f"sha256:{hashlib.sha256(one).hexdigest()}", len(one), part.rows) for one, part in self._pairs(parts)]
        return replace(self.altered(parts=[one.document() for one in described]), parts=tuple(parts))

    def _pairs(self, parts: Sequence[bytes]) -> "zip[tuple[bytes, Part]]":
        return zip(parts, self.manifest.parts, strict=True)


@dataclass
class Raw:
    """One supplier's keys, and the hub."""

    world: World
    party: str
    session: requests.Session = field(default_factory=requests.Session)
    token: str = ""

    def __post_init__(self) -> None:
        self.agency = Agency(load(self.world.home(self.party)))

    @property
    def run(self) -> Run:
        """The real client, for what is to be as it must be."""
        return Run(self.agency, self.agency.client())

    def assertion(self, key: SigningKey | None = None) -> requests.Response:
        """Ask for a token."""
        made = assertion(self.party, f"{self.world.address}/oauth2/token", key or self.agency.client_key, int(time.time()))
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": made, "client_id": self.party}
        return self.session.post(f"{self.world.address}/oauth2/token", data=form, timeout=60)

    def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> requests.Response:
        """One request with our token."""
        self.token = self.token or str(self.assertion().json()["access_token"])
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return self.session.request(method, self.world.address + path, headers=sent, timeout=60, **body)

    def sealed(
        self,
        extract: Extract,
        *,
        parts: int = 1,
        table: pa.Table | None = None,
        sealing: bytes | None = None,
        bound: str = "",
        version: int | None = None,
    ) -> Sealed:
        """An extract as push would seal it, but with rows, sealing key or agreement of the test's choosing."""
        verified = self.run.verified(REFERENCE)[0] if version is None else self.agency.store.get(REFERENCE, version)
        agreement = verified.agreement
        dataset = next(one for one in agreement.datasets if one.name == extract.dataset)
        contract = fetch(self.run.client, verified, dataset, datetime.now(UTC))
        rows = minimised(self.world, extract, dataset) if table is None else table
        upload, size = secrets.token_hex(16), -(-rows.num_rows // parts)
        self.agency.ledger.add(upload)  # it is this agency's own, by whatever road it is sent
        pieces = [rows.slice(start, size) for start in range(0, rows.num_rows, size)]
        made = []
        for number, piece in enumerate(pieces, 1):
            info = part_info(agreement=bound or agreement.digest, dataset=dataset.name, supplier=self.party, upload=upload, part=number)
            [batch] = piece.combine_chunks().to_batches()
            made.append(seal(encode(batch), sealing or unb64(contract.sealing_key.public), info))
        manifest = Manifest(
            format=FORMAT,
            upload=upload,
            supplier=self.party,
            reference=REFERENCE,
            version=agreement.version,
            agreement=agreement.digest,
            dataset=dataset.name,
            period=extract.period,
            mode=str(dataset.mode),
            after=contract.heads.get(extract.period),
            epoch=1,
            normaliser=NORMALISER,
            key_check=LinkageStore(self.agency.settings.linkage).check_value(REFERENCE, 1) or "",
            sealing_key=contract.sealing_key.id,
            rows=rows.num_rows,
            totals={name: rows.column(name).null_count for name in dataset.schema.names},
            rows_digest=digest_of(rows),
            parts=tuple(
                Part(f"sha256:{hashlib.sha256(one).hexdigest()}", len(one), piece.num_rows) for one, piece in zip(made, pieces, strict=True)
            ),
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return Sealed(manifest, tuple(made))

    def announce(self, one: Sealed, key: SigningKey | None = None) -> requests.Response:
        """Post the manifest."""
        signed = sign_document(one.manifest.document(), Use.MANIFEST, key or self.agency.manifest_key)
        return self.call("POST", "/v1/submissions", json=signed)

    def put(self, submission: str, number: int, body: bytes, digest: str | None = None) -> requests.Response:
        """Put a part, with the digest of its body or another."""
        headers = {"Content-Type": "application/octet-stream", "Content-Digest": content_digest(body) if digest is None else digest}
        return self.call("PUT", f"/v1/submissions/{submission}/parts/{number}", data=body, headers=headers)

    def complete(self, submission: str) -> requests.Response:
        """Say that all parts are there."""
        return self.call("POST", f"/v1/submissions/{submission}/complete", json={})

    def state(self, submission: str) -> Any:
        """How a submission stands."""
        answer = self.call("GET", f"/v1/submissions/{submission}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sent(self, one: Sealed) -> str:
        """Announce, put every part, complete; the submission."""
        opened = self.announce(one)
        assert opened.status_code == 201, opened.text
        submission = str(opened.json()["submission"])
        for number, part in enumerate(one.parts, 1):
            assert self.put(submission, number, part).status_code == 201
        assert self.complete(submission).status_code == 202
        return submission

    def decided(self, submission: str, seconds: float = 60) -> Any:
        """Wait until the hub has decided; how it stands then."""
        until = time.monotonic() + seconds
        while (found := self.state(submission))["receipt"] is None:
            assert time.monotonic() < until, found["state"]
            time.sleep(0.1)
        return found
