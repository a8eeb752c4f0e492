"""The sets that linkage is measured on, with their truth, and our chain over them: match keys, pseudonyms, re-keying, linking; nothing else of a record.

How columns that are not ours are taken is said at each set; docs/linkage.md says it in words.
"""

import csv
import gzip
import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate, combinations
from pathlib import Path

import pyarrow as pa

from adapters.match_keys import match_keys
from adapters.person_parts import consonants, surname
from agreements.linkage import Linkage
from benchmarks.measure import ROOT
from exchange.releases.engine import Engine
from exchange.releases.linking import PERSON, ROW, SOURCE, Records, link
from keys.pseudonym import pseudonym_key, pseudonymise, rekey

SETS = Path(os.environ.get("LCJP_SHARED", ROOT.parent / "shared")) / "data" / "linkage"
SECRET, HUB_KEY = bytes(range(32)), bytes(range(32, 64))
IDENTIFIER = "published_crime"
"""A set's own identifier goes through the chain as 64 hexadecimal digits, its SHA-256: the one kind that takes any."""

NUMBERS: Mapping[str, str] = {"person_pnc": "pnc_id", "person_cro": "cro_number", "person_noms": "noms_number", "person_crn": "crn"}
"""Kinds of the partnership's own numbers, strongest first, and the columns of the sources that hold them."""

RULES = (
    "person_name_dob",
    "person_letters_dob",
    "person_name_postcode",
    "person_sound_dob",
    "person_dob_postcode",
    "person_letters_postcode",
)
Row = dict[str, str]
Pairs = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Clear:
    """What ours takes of a record, as text, empty where there is none: the day as YYYYMMDD or YYYY-MM-DD; numbers by kind of pseudonym."""

    surname: str
    forename: str
    date_of_birth: str
    postcode: str
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Set:
    """One set: its rows as they are, table after table, and how ours are read from them.

    Attributes:
        tables: the rows of each table, columns by their own names.
        who: of each row, whose it is.
        ours: reads a row.
        numbers: kinds of the set's own identifiers, strongest first. single: those of which a person has one only.
        labels: pairs of rows that somebody labelled, and the label, where the set has them.
        across: whether pairs are looked for between the tables alone.
    """

    name: str
    tables: tuple[tuple[Row, ...], ...]
    who: tuple[str, ...]
    ours: Callable[[Row], Clear]
    numbers: tuple[str, ...] = (IDENTIFIER,)
    single: tuple[str, ...] = ()
    labels: Mapping[tuple[int, int], bool] = field(default_factory=dict)
    across: bool = False

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for table in self.tables for row in table)

    def truth(self) -> Pairs:
        """The pairs that are one person's: between the tables where there are two."""
        return self.between(grouped(self.who))

    def between(self, groups: Sequence[Sequence[int]]) -> Pairs:
        """The pairs of rows that stand in one group."""
        first = len(self.tables[0]) if self.across else 0
        pairs = (tuple(sorted(pair)) for group in groups for pair in combinations(group, 2))
        return frozenset((one, other) for one, other in pairs if not first or one < first <= other)


@dataclass(frozen=True)
class Score:
    """How well found pairs agree with the truth."""

    f1: float
    precision: float
    recall: float

    @classmethod
    def of(cls, found: Pairs, truth: Pairs) -> "Score":
        right = len(found & truth)
        precision, recall = right / max(1, len(found)), right / max(1, len(truth))
        return cls(2 * right / max(1, len(found) + len(truth)), precision, recall)


def febrl(name: str, *files: str) -> Set:
    """A set of Febrl: given name, surname, postcode of four digits as they are; soc_sec_id is the identifier; a date that is none is missing."""
    tables = tuple(tuple(_read(file)) for file in files)
    who = tuple(row["rec_id"].split("-")[1] for table in tables for row in table)

    def ours(row: Row) -> Clear:
        return Clear(row["surname"], row["given_name"], row["date_of_birth"], row["postcode"], _as_digits(row["soc_sec_id"]))

    return Set(name, tables, who, ours, across=len(tables) > 1)


def fake_1000() -> Set:
    """Splink's own set: it has a city and no postcode, so that each city (by its consonants) stands for one; the identifier is the e-mail address.

    Of the address what stands before the @ is taken, in small letters.
    """
    rows = tuple(_read("splink_fake_1000.csv.gz"))
    cities: dict[str, str] = {}

    def ours(row: Row) -> Clear:
        written = consonants(surname(row["city"]) or "")
        city = cities.setdefault(written, f"CT{len(cities):04}") if written else ""
        return Clear(row["surname"], row["first_name"], row["dob"], city, _as_digits(row["email"].lower().partition("@")[0]))

    place = {row["unique_id"]: number for number, row in enumerate(rows)}
    labels = {}
    for label in _read("splink_fake_1000_labels.csv.gz"):
        one, other = sorted((place[label["unique_id_l"]], place[label["unique_id_r"]]))
        labels[one, other] = float(label["clerical_match_score"]) >= 0.5
    return Set("splink_fake_1000", (rows,), tuple(row["cluster"] for row in rows), ours, labels=labels)


def sets() -> tuple[Set, ...]:
    """All of them."""
    return (
        febrl("febrl dataset1", "febrl_dataset1.csv.gz"),
        febrl("febrl 4a x 4b", "febrl_dataset4a.csv.gz", "febrl_dataset4b.csv.gz"),
        fake_1000(),
    )


def linked(given: Set, rules: Sequence[str], *, identifier: bool, most: int = 200) -> Pairs:
    """Our chain over a set: the pairs that it links."""
    kinds = (*given.numbers, *rules) if identifier else tuple(rules)
    tables = [pseudonyms([given.ours(row) for row in table], kinds) for table in given.tables]
    with Engine() as engine:
        records = [
            Records("people", f"supplier-{place}", engine.register(table), {kind: kind for kind in kinds})
            for place, table in enumerate(tables)
        ]
        linkage = Linkage("person", "People", kinds, given.single if identifier else (), most)
        people = engine.run(link(engine, linkage, records).people)
    begins = [0, *accumulate(len(table) for table in tables)]
    groups: dict[int, list[int]] = {}
    for source, row, person in zip(*(people.column(name).to_pylist() for name in (SOURCE, ROW, PERSON)), strict=True):
        groups.setdefault(person, []).append(begins[source] + row)
    return given.between(list(groups.values()))


def pseudonyms(rows: Sequence[Clear], kinds: Sequence[str]) -> pa.Table:
    """What the hub holds of rows: re-keyed pseudonyms, a column a kind."""
    columns = {name: pa.array([getattr(row, name) or None for row in rows], pa.string()) for name in ("surname", "forename", "postcode")}
    columns["date_of_birth"] = pa.array([_day(row.date_of_birth) for row in rows], pa.date32())
    derived = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
    clear = {f"person_{name}": key.make([columns[part] for part in key.parts]) for name, key in derived.items()}
    clear |= {kind: pa.array([row.numbers.get(kind) or None for row in rows], pa.string()) for kind in kinds if kind not in clear}
    return pa.table({kind: held(clear[kind], kind) for kind in kinds})


def held(clear: pa.Array, kind: str) -> pa.Array:
    """A column as the hub holds it: pseudonymised under the partnership's secret, permuted under the hub's key."""
    return rekey(pseudonymise(clear, kind, pseudonym_key(SECRET, "LCJP-BENCH", kind, 1)), HUB_KEY)


def _as_digits(identifier: str) -> Mapping[str, str]:
    return {IDENTIFIER: hashlib.sha256(identifier.encode()).hexdigest()} if identifier else {}


def grouped(who: Iterable[Hashable]) -> list[list[int]]:
    """The rows of each person."""
    groups: dict[Hashable, list[int]] = {}
    for row, person in enumerate(who):
        groups.setdefault(person, []).append(row)
    return list(groups.values())


def _read(file: str) -> list[Row]:
    with gzip.open(SETS / file, "rt", encoding="utf-8") as stream:
        return [{name.strip(): value.strip() for name, value in row.items()} for row in csv.DictReader(stream)]


def _day(text: str) -> date | None:
    digits = text.replace("-", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
