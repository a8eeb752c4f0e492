"""A whole partnership for tests: real keys of every person and machine, the MV7 agreement filled with them, and every statement signed."""

import secrets
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from adapters.agency.settings import PRODUCT_CODES
from agreements.codes import read_lists
from agreements.document import canonical, fill, placeholders, read
from agreements.model import Agreement
from agreements.signing import Capacity, Statement, Voice, speaker, statement_document
from keys.encoding import b64
from keys.keyfile import write_keyfile
from keys.seal import EncryptionKey
from keys.sign import SigningKey, Use, sign_document

REPOSITORY = Path(__file__).parents[2]
TEMPLATE = REPOSITORY / "config" / "agreements" / "mv7.toml"
SUPPLIERS = ("cleveland-police", "durham-constabulary")
Edit = Callable[[str], str]


def template() -> str:
    """The shipped MV7 document, its code lists as they stand."""
    lists = read_lists(PRODUCT_CODES)
    text = TEMPLATE.read_text(encoding="utf-8")
    for place, name in (("sha256:LSOA", "lsoa_authority"), ("sha256:OUTCOME", "outcome_group")):
        text = text.replace(f'"{place}"', f'"{lists[name].digest}"')
    return text


@dataclass
class Partnership:
    """Every key there is, by ``party/use``; and the agreement that names them."""

    keys: dict[str, SigningKey | EncryptionKey] = field(default_factory=dict)
    agreement: Agreement = field(init=False)
    edit: Edit = lambda text: text

    def __post_init__(self) -> None:
        text = self.edit(template())
        for place in placeholders(text):
            if place not in self.keys:
                self.keys[place] = EncryptionKey.generate() if place.endswith("/encryption") else SigningKey.generate()
        self.agreement = read(fill(text, {place: fingerprint(key) for place, key in self.keys.items()}))

    def signing(self, place: str) -> SigningKey:
        """A signing key by ``party/use``."""
        key = self.keys[place]
        assert isinstance(key, SigningKey)
        return key

    def encryption(self, party: str) -> EncryptionKey:
        """A party's encryption key."""
        key = self.keys[f"{party}/encryption"]
        assert isinstance(key, EncryptionKey)
        return key

    def say(self, party: str, capacity: Capacity, voice: Voice, dataset: str = "") -> dict[str, Any]:
        """One statement, signed by the person the agreement names."""
        person, now = speaker(self.agreement, party, capacity), datetime.now(UTC).replace(microsecond=0)
        said = Statement(party, capacity, person.name, voice, "", now, secrets.token_hex(16), dataset)
        return sign_document(statement_document(self.agreement, said), Use.STATEMENT, self.signing(f"{party}/{capacity}"))

    @cached_property
    def signed(self) -> list[dict[str, Any]]:
        """Advice and signature of every party, given once."""
        spoken = ((Capacity.DPO, Voice.ADVISE_FOR), (Capacity.SIGNATORY, Voice.SIGN))
        return [self.say(party.id, capacity, voice) for party in self.agreement.parties for capacity, voice in spoken]

    def statements(self) -> list[dict[str, Any]]:
        """A copy of them, to be added to or spoilt."""
        return deepcopy(self.signed)

    def export(self, state: str = "in-force") -> dict[str, Any]:
        """What ``GET /v1/agreements/{reference}`` answers."""
        return {
            "reference": self.agreement.reference,
            "version": self.agreement.version,
            "state": state,
            "suspended": [],
            "canonical": canonical(self.agreement).decode(),
            "statements": self.statements(),
            "keys": {fingerprint(key): b64(public(key)) for key in self.keys.values()},
        }

    def install(self, home: Path, party: str, hub: str, extra: str = "") -> Path:
        """An agency's folder as ``init`` leaves it, with this partnership's keys in it."""
        (home / "keys").mkdir(parents=True)
        for use in ("manifest", "client", "encryption", "witness"):
            if f"{party}/{use}" in self.keys:
                write_keyfile(home / "keys" / f"{use}.json", self.keys[f"{party}/{use}"], owner=party, role=use)
        person = self.agreement.party(party)
        pin = f'[pins]\nsignatory = "{person.signatory.key}"\n' if person else "recipient = true\n"
        text = f'party = "{party}"\nhub = "{hub}"\n{pin}[network]\npatience = 20\nwait = 30\n{extra}'
        (home / "agency.toml").write_text(text, encoding="utf-8")
        return home


def fingerprint(key: SigningKey | EncryptionKey) -> str:
    return key.public.fingerprint if isinstance(key, SigningKey) else key.fingerprint


def public(key: SigningKey | EncryptionKey) -> bytes:
    return key.public.raw if isinstance(key, SigningKey) else key.public
