"""What the benchmarks stand on: a real hub in a folder, the shipped agreement in force with one more dataset, and every key there is.

Nothing here is timed.
"""

import io
import secrets
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agreements.document import fill, placeholders, read
from agreements.model import Agreement
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from benchmarks.measure import EPOCH, ROOT, SECRET, SUPPLIER
from exchange.commands.root import cli
from exchange.db import writing
from exchange.hub import Hub, open_hub
from exchange.register import agreements, partners
from exchange.register.tables import EpochRow
from exchange.settings import read_settings
from keys.encoding import b64
from keys.formats import Card
from keys.pseudonym import key_check_value
from keys.seal import EncryptionKey
from keys.sign import SigningKey, Use, sign_document

OPERATOR = "lcjp-operator"


def document_text() -> str:
    """The shipped agreement with the made-up dataset of twelve fields beside its own two."""
    shipped = (ROOT / "config" / "agreements" / "mv7.toml").read_text(encoding="utf-8")
    made_up = (Path(__file__).parent / "charges.toml").read_text(encoding="utf-8")
    datasets, mark, releases = shipped.partition("# Schedule 2: releases")
    assert mark, "the shipped agreement has no second schedule any more"
    text = datasets + made_up + mark + releases
    text = text.replace("in_force_from = 2026-11-01", "in_force_from = 2020-01-01")  # in force, whatever the machine's clock says
    return text.replace('datasets = ["crimes", "outcomes"]', 'datasets = ["crimes", "outcomes", "charges"]')


@dataclass
class Rig:
    """A hub with the agreement in force, and the keys of everybody it names."""

    hub: Hub
    config: Path
    keys: dict[str, SigningKey | EncryptionKey] = field(default_factory=dict)
    agreement: Agreement = field(init=False)

    def signing(self, place: str) -> SigningKey:
        """A signing key by ``party/use``."""
        key = self.keys[place]
        assert isinstance(key, SigningKey)
        return key


def hub_at(folder: Path) -> Hub:
    """The hub of an earlier ``build``, as its server would open it."""
    return open_hub(read_settings(folder / "hub.toml"))


def build(folder: Path, address: str = "http://127.0.0.1:8080", *options: str) -> Rig:
    """A new hub in a folder (with more options of ``exchange init``), with the agreement signed by everybody and in force."""
    with redirect_stdout(io.StringIO()):
        cli.main(["--json", "init", str(folder), "--public-url", address, "--operator", OPERATOR, *options], standalone_mode=False)
    with (folder / "hub.toml").open("a", encoding="utf-8") as settings:
        settings.write("calls_per_minute = 1_000_000_000\n")  # one client asks as fast as it can: that is what is measured
    rig = Rig(hub_at(folder), folder / "hub.toml")
    now = datetime.now(UTC).replace(microsecond=0)
    text = document_text()
    for place in placeholders(text):
        rig.keys[place] = _key(rig.hub, place)
    rig.agreement = read(fill(text, {place: fingerprint(key) for place, key in rig.keys.items()}))
    with writing(rig.hub.engine) as session:
        for place, key in rig.keys.items():
            owner, role = place.split("/")
            public, kind = (key.public.raw, "ed25519") if isinstance(key, SigningKey) else (key.public, "xwing")
            partners.register(session, Card(kind, owner, role, b64(public)), now)
        agreements.enter(session, rig.agreement, "bench", now)
        for party in rig.agreement.parties:
            for capacity, voice in ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN)):
                person = speaker(rig.agreement, party.id, capacity)
                said = Statement(party.id, capacity, person.name, voice, "", now, secrets.token_hex(16))
                key = rig.signing(f"{party.id}/{capacity}")
                agreements.record(session, sign_document(statement_document(rig.agreement, said), Use.STATEMENT, key), lambda: now)
        check = key_check_value(SECRET, rig.agreement.reference, EPOCH)
        session.add(EpochRow(reference=rig.agreement.reference, epoch=EPOCH, issuer=SUPPLIER, key_check=check, issued_at=now))
    return rig


def _key(hub: Hub, place: str) -> SigningKey | EncryptionKey:
    owner, use = place.split("/")
    if owner == OPERATOR and use in {"identity", "receipts", "editions", "log"}:
        return hub.keyring.signing(use)
    return EncryptionKey.generate() if use == "encryption" else SigningKey.generate()


def fingerprint(key: SigningKey | EncryptionKey) -> str:
    """The fingerprint that an agreement names."""
    return key.public.fingerprint if isinstance(key, SigningKey) else key.fingerprint
