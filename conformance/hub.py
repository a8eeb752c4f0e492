"""What the suite of hubs knows while it runs: its clients, the agreement as the hub tells it, and the one submission that it makes."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conformance.asking import Asker, answered
from conformance.clauses import Deviates, DoesNotApply, demand
from conformance.rows import Prepared, prepare, rows
from keys.encoding import unb64
from keys.formats import Receipt
from keys.sign import SigningKey, Use, VerifyKey, verify_document

PATIENCE = 60.0  # seconds until a submission must be decided
POLL = 0.2
UNDECIDED = ("open", "complete")


@dataclass
class HubStage:
    """A hub under test. ``manifest`` and ``recipient`` are None where the kit was not given their keys: what needs them does not apply."""

    client: Asker
    manifest: SigningKey | None = None
    recipient: Asker | None = None
    reference: str = ""
    dataset: str = ""
    period: str = ""

    # -------------------------------------------------------------------------------------------------- the agreement

    @cached_property
    def chosen(self) -> str:
        """The agreement that is tried: the one named, else the first of the list."""
        if self.reference:
            return self.reference
        listed = answered(self.client.ask("GET", "/v1/agreements"), 200)["agreements"]
        if not listed:
            raise DoesNotApply("the hub knows of no agreement of this client")
        return str(listed[0]["reference"])

    @cached_property
    def told(self) -> dict[str, Any]:
        """The hub's answer about the agreement."""
        found: dict[str, Any] = answered(self.client.ask("GET", f"/v1/agreements/{self.chosen}"), 200)
        return found

    @cached_property
    def canonical(self) -> dict[str, Any]:
        """The agreement's canonical document, as a dictionary."""
        found: dict[str, Any] = json.loads(self.told["canonical"])
        return found

    @property
    def hub_keys(self) -> dict[str, str]:
        """Use → fingerprint of the hub's keys, as the agreement names them."""
        found: dict[str, str] = next(party["hub"] for party in self.canonical["parties"] if party.get("operator"))
        return found

    def public(self, use: str) -> VerifyKey:
        """The hub's public key of a use; it must be the one whose fingerprint the agreement names."""
        key = VerifyKey(unb64(self.told["keys"][self.hub_keys[use]], 32))
        demand(key.fingerprint == self.hub_keys[use], f"the public key given for {use} has another fingerprint")
        return key

    # --------------------------------------------------------------------------------------------------- a submission

    @property
    def signing(self) -> SigningKey:
        """The key for manifests."""
        if self.manifest is None:
            raise DoesNotApply("needs --manifest-key: it is tried as a supplier")
        return self.manifest

    def require_supplier(self) -> None:
        """Not applicable where the kit was given no key for manifests."""
        _ = self.signing

    @property
    def contract(self) -> dict[str, Any]:
        """The contract as it is now."""
        self.require_supplier()
        found: dict[str, Any] = answered(self.client.ask("GET", f"/v1/agreements/{self.chosen}/datasets/{self.named}/contract"), 200)
        return found

    @cached_property
    def named(self) -> str:
        """The dataset that is tried."""
        mine = [one["name"] for one in self.canonical["datasets"] if self.client.party in one["suppliers"]]
        if not mine:
            raise DoesNotApply("this client supplies no dataset of the agreement")
        return self.dataset or str(mine[0])

    @cached_property
    def terms(self) -> dict[str, Any]:
        """The dataset as the agreement has it."""
        found: dict[str, Any] = next(one for one in self.canonical["datasets"] if one["name"] == self.named)
        return found

    def made(self, count: int = 3, period: str = "", **members: Any) -> Prepared:
        """A submission of so many new rows of the period that is free to be played with; nil where there are none."""
        if not (period or self.period):
            raise DoesNotApply("needs --period: one of which nobody else submits anything")
        contract, of = self.contract, period or self.period
        table = rows(contract, self.terms, of, count) if count else None
        return prepare(contract, self.client.party, of, self.signing, table, **members)

    def post(self, prepared: Prepared) -> Any:
        """Post its manifest."""
        return self.client.ask("POST", "/v1/submissions", json=prepared.signed)

    @cached_property
    def prepared(self) -> Prepared:
        """The submission that goes the whole way."""
        return self.made()

    @cached_property
    def opened(self) -> dict[str, Any]:
        """The answer to its manifest."""
        found: dict[str, Any] = answered(self.post(self.prepared), 201)
        return found

    @property
    def path(self) -> str:
        """Its address."""
        return f"/v1/submissions/{self.opened['submission']}"

    @cached_property
    def put(self) -> Any:
        """The answer to its part."""
        return self.client.put(f"{self.path}/parts/1", self.prepared.parts[0])

    @cached_property
    def completed(self) -> dict[str, Any]:
        """The answer to the word that it is complete."""
        demand(self.put.status_code == 201, "its part was not taken")
        found: dict[str, Any] = answered(self.client.ask("POST", f"{self.path}/complete"), 202)
        return found

    @cached_property
    def decided(self) -> dict[str, Any]:
        """How it stands once there is a receipt."""
        demand(self.completed, "it was not taken as complete")
        return self.awaited(self.path)

    @cached_property
    def receipt(self) -> Receipt:
        """Its receipt, verified by the key that the agreement names."""
        return Receipt.parse(verify_document(self.decided["receipt"], Use.RECEIPT, self.hub_keys["receipts"]))

    def awaited(self, path: str) -> dict[str, Any]:
        """Ask until a submission is decided."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found: dict[str, Any] = answered(self.client.ask("GET", path), 200)
            if found.get("receipt") is not None or found.get("state") not in UNDECIDED:
                return found
            time.sleep(POLL)
        raise Deviates(f"the hub had not decided after {PATIENCE:.0f} seconds")

    # ------------------------------------------------------------------------------------------------- the recipient

    @property
    def reader(self) -> Asker:
        """The recipient."""
        if self.recipient is None:
            raise DoesNotApply("needs --recipient and --recipient-key")
        return self.recipient

    @cached_property
    def edition(self) -> dict[str, Any]:
        """The newest edition that the recipient may have: the hub's answer about it."""
        listed = answered(self.reader.ask("GET", "/v1/editions"), 200)["editions"]
        mine = [one for one in listed if not self.reference or one["reference"] == self.reference]
        if not mine:
            raise DoesNotApply("there is no edition that this recipient may have")
        found: dict[str, Any] = answered(self.reader.ask("GET", f"/v1/editions/{mine[0]['id']}"), 200)
        return found
