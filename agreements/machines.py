"""The machine keys that an agreement names: a supplier's, and the hub's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MachineKeys:
    """Fingerprints of a supplier's machine keys: manifest and witness (Ed25519), OAuth client (Ed25519 or ES256), encryption (X-Wing).

    ``witness`` cosigns the heads of the hub's log; empty where the agreement names none.
    """

    manifest: str
    client: str
    encryption: str
    witness: str = ""


@dataclass(frozen=True)
class HubKeys:
    """Fingerprints of the hub's Ed25519 keys: identity (vouches for sealing keys), receipts, editions and the log."""

    identity: str
    receipts: str
    editions: str
    log: str
