"""The documents that travel between agency and hub. What each member means is in docs/formats.md."""

from dataclasses import dataclass
from typing import Annotated

from keys.credential import Passkey
from keys.documents import (
    Base64,
    Count,
    Counts,
    Day,
    Document,
    Hex16,
    Hex32,
    Instant,
    Name,
    Names,
    OptionalDay,
    OptionalName,
    Period,
    Positive,
    Sentence,
    Sha256,
    XWingPrint,
    encoded,
    integer,
    items,
    one_of,
    text,
)
from keys.ecdsa import Es256Key
from keys.encoding import digest, unb64
from keys.errors import BadFormat
from keys.seal import PUBLIC_LENGTH, encryption_fingerprint
from keys.sign import VerifyKey

__all__ = [
    "FORMAT",
    "Acknowledgement",
    "Card",
    "Certificate",
    "Envelope",
    "Manifest",
    "Part",
    "Reason",
    "Receipt",
    "SealingKeyNotice",
    "Succession",
    "digest",
    "key_fingerprint",
]

FORMAT = 1

Format = Annotated[int, integer(FORMAT, FORMAT)]
Mode = Annotated[str, one_of("replace", "append", "snapshot")]
Outcome = Annotated[str, one_of("held", "refused")]
KeyKind = Annotated[str, one_of("ed25519", "es256", "passkey", "xwing")]
Line = Annotated[str, text(r"[^\x00-\x1f\x7f]{1,2000}", "a line of 1 to 2000 characters")]
Note = Annotated[str, text(r"[^\x00-\x09\x0b-\x1f\x7f]{1,16384}\n", "a signed note of at most 16384 characters")]


@dataclass(frozen=True)
class Part(Document):
    """One sealed part: digest and size of the sealed bytes, and the rows inside."""

    sha256: Sha256
    size: Positive
    rows: Count


@dataclass(frozen=True)
class Manifest(Document):
    """What a supplier says it sends: signed with `Use.MANIFEST` by the supplier's manifest key. Parts stand in order."""

    format: Format
    upload: Hex32
    supplier: Name
    reference: Name
    version: Positive
    agreement: Sha256
    dataset: Name
    period: Period
    mode: Mode
    after: OptionalName
    epoch: Count
    normaliser: Positive
    key_check: Hex16
    sealing_key: Name
    rows: Count
    totals: Counts
    rows_digest: Sha256
    parts: Annotated[tuple[Part, ...], items(Part)]
    created: Instant

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum(part.rows for part in self.parts) != self.rows:
            raise BadFormat("rows: not the sum of the rows of the parts")
        if any(nulls > self.rows for nulls in self.totals.values()):
            raise BadFormat("totals: more nulls than rows")


@dataclass(frozen=True)
class Acknowledgement(Document):
    """The hub has every part and will decide: signed with `Use.ACKNOWLEDGEMENT`. `manifest` is the digest of the manifest."""

    submission: Name
    upload: Hex32
    manifest: Sha256
    received: Instant


@dataclass(frozen=True)
class Reason(Document):
    """Why something was refused, and the clause that says so."""

    clause: Name
    reason: Sentence


@dataclass(frozen=True)
class Receipt(Document):
    """What the hub decided about a submission: signed with `Use.RECEIPT` in the transaction that decides."""

    submission: Name
    upload: Hex32
    manifest: Sha256
    outcome: Outcome
    supplier: Name
    reference: Name
    version: Positive
    agreement: Sha256
    dataset: Name
    period: Period
    mode: Mode
    after: OptionalName
    rows: Count
    rows_digest: Sha256
    dispose_on: OptionalDay
    decided: Instant
    reasons: Annotated[tuple[Reason, ...], items(Reason)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outcome == "refused" and not self.reasons:
            raise BadFormat("reasons: a refusal gives at least one")


@dataclass(frozen=True)
class Certificate(Document):
    """What the hub says that it destroyed: signed with `Use.CERTIFICATE` by the hub's receipts key. `manifest` is the digest of the manifest."""

    format: Format
    submission: Name
    supplier: Name
    reference: Name
    agreement: Sha256
    dataset: Name
    period: Period
    manifest: Sha256
    was: Name
    rows: Count
    parts: Counts
    due: Day
    delayed_by: Names
    destroyed: Instant
    method: Line
    key: Name


@dataclass(frozen=True)
class Succession(Document):
    """A log was lost, and another goes on in its place: signed with `Use.LOG_SUCCESSION` by the signatory of every party.

    `ended` is the last witnessed checkpoint of the lost log, cosignatures included; `begins` the first of the new one, under its new origin.
    """

    format: Format
    ended: Note
    begins: Note
    reason: Line
    made: Instant


@dataclass(frozen=True)
class SealingKeyNotice(Document):
    """A public X-Wing key of the hub for sealing parts: signed with `Use.SEALING_KEY` by the hub key that the agreement names."""

    id: Name
    public: Annotated[str, encoded(PUBLIC_LENGTH)]
    issued: Instant
    expires: Instant


@dataclass(frozen=True)
class Envelope(Document):
    """A linkage secret for one agency: signed with `Use.ENVELOPE` by the issuing agency's manifest key; the hub only relays it."""

    reference: Name
    epoch: Count
    issuer: Name
    recipient: Name
    recipient_key: XWingPrint
    key_check: Hex16
    sealed: Base64


@dataclass(frozen=True)
class Card(Document):
    """A public key that people exchange as a file; they compare its `fingerprint` by another channel. An ES256 key is a client's, and no other's."""

    kind: KeyKind
    owner: Name
    role: Name
    public: Base64

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            _ = self.fingerprint
        except BadFormat as error:
            raise BadFormat(f"public: {error}") from None
        if self.kind == "es256" and self.role != "client":
            raise BadFormat("role: an ES256 key is for the role client alone")

    @property
    def raw(self) -> bytes:
        """The public key's bytes: 32 (Ed25519), 65 (ES256), 1216 (X-Wing), or a passkey's `raw`."""
        return unb64(self.public)

    @property
    def fingerprint(self) -> str:
        """`ed25519:…`, `es256:…`, `passkey:…` or `xwing:…`, computed, never read from the file."""
        return key_fingerprint(self.kind, self.raw)


def key_fingerprint(kind: str, raw: bytes) -> str:
    """The fingerprint of a public key's bytes; BadFormat for bytes that are no key of this kind, and for a kind that is none."""
    match kind:
        case "ed25519":
            return VerifyKey(raw).fingerprint
        case "es256":
            return Es256Key(raw).fingerprint
        case "passkey":
            return Passkey.parse(raw).fingerprint
        case "xwing":
            return encryption_fingerprint(raw)
        case _:
            raise BadFormat("kind: not a kind of key")
