"""The exclusion list: whose rows this agency sends no more, though its systems still extract them. Every push applies it.

The list holds no identifier and no pseudonym. A person is known on it by an HMAC of the normalised identifier under a key of this
agency's own, so that the list works across linkage epochs and tells nothing to whoever has it without the key. What cannot be read stops
every push: rows that were erased must not go out again because a file is missing.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import ConfigError, IntegrityFailed, UsageError
from agreements.model import Dataset
from agreements.rights import EXCLUDING, Right, kinds
from keys.documents import Day, Document, Hex16, Hex32, Name, Names, encoded, integer, items, one_of
from keys.encoding import b64, canonical, parse_json, unb64
from keys.errors import BadFormat, KeyExists
from keys.files import readable_by_others, replace, write_new
from keys.pseudonym import PSEUDONYM, exclusion_key, pseudonymise
from keys.rights import RightsRequest

SECRET = 32
LIMIT = 64 << 20
_RESTORE = "Restore exclusions.json and exclusions.key together from your backup; nothing is pushed without them."


@dataclass(frozen=True)
class Entry(Document):
    """One person left out: of which agreement, and which of its datasets (none named: all of them, later ones too)."""

    id: Hex16
    reference: Name
    datasets: Names
    kind: Name
    mac: Hex32
    right: Annotated[str, one_of(*sorted(EXCLUDING))]
    since: Day

    def covers(self, reference: str, dataset: str) -> bool:
        """Whether the person is left out of this dataset."""
        return self.reference == reference and (not self.datasets or dataset in self.datasets)


@dataclass(frozen=True)
class _List(Document):
    format: Annotated[int, integer(1, 1)]
    entries: Annotated[tuple[Entry, ...], items(Entry)]


@dataclass(frozen=True, repr=False)
class _Key(Document):
    kind: Annotated[str, one_of("exclusions")]
    private: Annotated[str, encoded(SECRET)]


@dataclass(frozen=True, repr=False)
class Excluded:
    """Who is left out of one dataset: source field → (kind, HMAC key, HMACs)."""

    fields: Mapping[str, tuple[str, bytes, pa.Array]]

    def mask(self, batch: pa.RecordBatch) -> pa.Array | None:
        """True where a row of source columns is of somebody left out; None where none is."""
        found: pa.Array | None = None
        for source, (kind, key, macs) in self.fields.items():
            theirs = pc.is_in(pseudonymise(batch.column(source), kind, key), value_set=macs)
            found = theirs if found is None else pc.or_(found, theirs)
        return found if found is not None and np.any(found.to_numpy(zero_copy_only=False)) else None


@dataclass(frozen=True)
class Exclusions:
    """``exclusions.json`` and ``exclusions.key`` in the state folder, both of mode 0600; made at the first use."""

    home: Path

    @property
    def path(self) -> Path:
        """The list."""
        return self.home / "exclusions.json"

    @property
    def key_path(self) -> Path:
        """The key of the list."""
        return self.home / "exclusions.key"

    def entries(self) -> tuple[Entry, ...]:
        """Everybody on the list, in the order in which they came. ConfigError or IntegrityFailed where it cannot be relied on."""
        if not self.path.is_file() and not self.key_path.is_file():
            self._never_begun()
            return ()
        _readable(self.path)
        try:
            found = _List.parse(parse_json(self.path.read_bytes(), limit=LIMIT)).entries
        except BadFormat:
            raise IntegrityFailed(f"{self.path}: the exclusion list is damaged.", remedy=_RESTORE) from None
        if found or self.key_path.is_file():  # an empty list without a key was only ever begun
            _readable(self.key_path)
        return found

    def of(self, reference: str, dataset: Dataset) -> Excluded | None:
        """Who is left out of a dataset of an agreement; None where nobody is, and a push costs nothing."""
        mine = [entry for entry in self.entries() if entry.covers(reference, dataset.name)]
        if not mine:
            return None
        secret = self._secret()
        fields = {}
        for name, kind in kinds(dataset).items():
            if macs := sorted({bytes.fromhex(entry.mac) for entry in mine if entry.kind == kind}):
                fields[dataset.field(name).source] = (kind, exclusion_key(secret, kind), pa.array(macs, PSEUDONYM))
        return Excluded(fields) if fields else None

    def add(self, reference: str, datasets: Sequence[str], kind: str, identifiers: Iterable[str], right: Right, on: date) -> list[Entry]:
        """Put people on the list, durably; their entries. Who is on it for this reason already stays as they are. BadIdentifier as normalising."""
        here = self.entries()
        secret = self._secret() if self.key_path.is_file() else self._begin()
        macs = pseudonymise(pa.array(list(identifiers), pa.string()), kind, exclusion_key(secret, kind))
        wanted = dict.fromkeys(mac.hex() for mac in macs.to_pylist() if mac is not None)
        known = {(one.reference, one.datasets, one.kind, one.mac, one.right): one for one in here}
        found = []
        for mac in wanted:
            entry = Entry(secrets.token_hex(8), reference, tuple(datasets), kind, mac, right.value, on.isoformat())
            found.append(known.get((entry.reference, entry.datasets, kind, mac, entry.right), entry))
        self._write([*here, *(one for one in found if one not in here)])
        return found

    def lift(self, identity: str) -> Entry:
        """Take somebody off the list: a restriction or an objection that has ended. UsageError where there is no such entry, or it is for good."""
        here = self.entries()
        entry = next((one for one in here if one.id == identity), None)
        if entry is None:
            raise UsageError("There is no such entry on the exclusion list.", remedy="exchange-agency rights list shows them.")
        if entry.right == Right.ERASURE:
            raise UsageError(
                "Whoever was erased stays erased: the entry is not lifted.",
                why="The hub, too, takes no content back from which rows were erased.",
            )
        self._write([one for one in here if one.id != identity])
        return entry

    def _never_begun(self) -> None:
        """There is no list. IntegrityFailed where a request that is kept shows that there was one."""
        for path in self.home.glob("rights/*/request.json"):
            try:
                right = RightsRequest.parse(_document(path)).right
            except (BadFormat, OSError):
                right = Right.ERASURE  # what it asked for nobody can tell
            if right in EXCLUDING:
                raise IntegrityFailed(
                    f"{self.path}: the exclusion list is gone, and {path.parent.name} in rights/ shows that somebody was put on it.",
                    remedy=f"{_RESTORE} If they are lost for good, move the folder rights aside and ask for each right in it again.",
                )

    def _begin(self) -> bytes:
        """Make the key, and an empty list beside it: the list first, so that a key without a list means that one was lost."""
        self._write([])
        secret = secrets.token_bytes(SECRET)
        try:
            write_new(self.key_path, canonical(_Key("exclusions", b64(secret)).document()) + b"\n")
        except KeyExists:
            return self._secret()
        return secret

    def _secret(self) -> bytes:
        try:
            return unb64(_Key.parse(parse_json(self.key_path.read_bytes())).private)
        except (BadFormat, OSError):
            raise IntegrityFailed(f"{self.key_path}: the key of the exclusion list is damaged.", remedy=_RESTORE) from None

    def _write(self, entries: Sequence[Entry]) -> None:
        replace(self.path, canonical(_List(1, tuple(entries)).document()) + b"\n")


def _document(path: Path) -> object:
    signed = parse_json(path.read_bytes(), limit=LIMIT)
    return signed.get("document") if isinstance(signed, dict) else None


def _readable(path: Path) -> None:
    if not path.is_file():
        raise IntegrityFailed(f"{path}: this half of the exclusion list is missing.", remedy=_RESTORE)
    if readable_by_others(path, group=True):
        raise ConfigError(f"{path}: others may read it.", remedy=f"Make it yours alone: chmod 600 {path}")
