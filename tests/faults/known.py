"""What everybody outside the hub knows: what they sent, what the hub answered, and the heads of its log that they saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from agreements.model import Agreement
from exchange.db import reading
from exchange.hub import Hub
from exchange.log.record import checkpoint
from keys.checkpoint import Checkpoint
from tests.exchange.standing import SCHEMA, Pushed, crimes


@dataclass(frozen=True)
class Sent:
    """One upload as its supplier prepared it: the signed manifest, the sealed parts and the very rows."""

    pushed: Pushed
    rows: pa.Table

    @property
    def upload(self) -> str:
        return self.pushed.manifest.upload


@dataclass(frozen=True)
class Known:
    """All of it. Nothing here was read from the hub's own files; what is signed stands as it was given.

    Attributes:
        sent: upload id → what was sent.
        acknowledged, receipts, certificates: submission → the signed document.
        published: edition → the signed edition.
        witnessed: heads of the log, oldest first.
        asked: pseudonyms, as agencies make them, whose erasure was asked for.
        erased: those of them whose erasure the hub has confirmed.
    """

    agreement: Agreement
    sent: Mapping[str, Sent] = field(default_factory=dict)
    acknowledged: Mapping[str, Any] = field(default_factory=dict)
    receipts: Mapping[str, Any] = field(default_factory=dict)
    certificates: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    witnessed: tuple[Checkpoint, ...] = ()
    asked: frozenset[bytes] = frozenset()
    erased: frozenset[bytes] = frozenset()

    def sending(self, *several: Sent) -> "Known":
        """The same, and these were sent."""
        return replace(self, sent={**self.sent, **{one.upload: one for one in several}})

    def told(self, submission: str, answer: Mapping[str, Any]) -> "Known":
        """The same, and the hub said this of a submission."""
        said = {name: {submission: answer[name]} for name in ("acknowledgement", "receipt", "certificate") if answer.get(name)}
        return replace(
            self,
            acknowledged={**self.acknowledged, **said.get("acknowledgement", {})},
            receipts={**self.receipts, **said.get("receipt", {})},
            certificates={**self.certificates, **said.get("certificate", {})},
        )

    def saw(self, hub: Hub) -> "Known":
        """The same, and a witness looked at the log."""
        with reading(hub.engine) as session:
            return replace(self, witnessed=(*self.witnessed, checkpoint(session)))

    def canaries(self) -> Iterator[bytes]:
        """Values of rows that must stand nowhere in the clear."""
        for one in self.sent.values():
            yield from one.rows.column("crime").drop_null().to_pylist()[:2]


def rows_of(*tables: pa.Table) -> pa.Table:
    """The rows of several parts as one table."""
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def contents(number: int, parts: int = 2, *, bad: bool = False) -> list[pa.Table]:
    """Some rows that nobody else has, in parts; bad ones break a rule."""
    kind = "Piracy" if bad else "Drugs"
    return [crimes(6 + number % 5 + part, seed=1000 * number + part, crime_type=kind) for part in range(parts)]
