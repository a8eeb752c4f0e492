"""The whole road of a link: records as two agencies write them, match keys, pseudonyms, the hub's permutation, people; and nothing across agreements."""

from datetime import date

import pyarrow as pa
import pytest

from adapters.match_keys import match_keys
from agreements.linkage import Linkage
from exchange.releases.engine import Engine
from exchange.releases.linking import PERSON, ROW, SOURCE, Records, link
from keys.pseudonym import pseudonym_key, pseudonymise, rekey

SECRET = bytes(range(32))
KEYS = match_keys("surname", "forename", "date_of_birth", postcode="postcode")
RULES = tuple(f"person_{name}" for name in ("name_dob", "letters_dob", "name_postcode", "sound_dob", "dob_postcode", "letters_postcode"))
Written = tuple[str | None, str | None, date | None, str | None]

BORN = date(1990, 2, 1)
POLICE: list[Written] = [("Smith", "Robert", BORN, "DH1 3HQ"), ("O'Neill", "Siân", date(1984, 11, 30), "TS1 1AA")]


def held(rows: list[Written], *, reference: str = "LCJP-ONE", epoch: int = 1) -> pa.Table:
    """What the hub holds of them."""
    names = ("surname", "forename", "date_of_birth", "postcode")
    types = (pa.string(), pa.string(), pa.date32(), pa.string())
    columns = {name: pa.array([row[place] for row in rows], kind) for place, (name, kind) in enumerate(zip(names, types, strict=True))}
    found = {}
    for name, key in KEYS.items():
        kind = f"person_{name}"
        sent = pseudonymise(key.make([columns[part] for part in key.parts]), kind, pseudonym_key(SECRET, reference, kind, epoch))
        found[kind] = rekey(sent, f"{reference} {kind} {epoch}".encode().ljust(32, b".")[-32:])
    return pa.table(found)


def people(*tables: pa.Table) -> list[list[int | None]]:
    with Engine(memory="500MB") as engine:
        records = [
            Records("rows", str(place), engine.register(table), {kind: kind for kind in RULES}) for place, table in enumerate(tables)
        ]
        found = engine.run(link(engine, Linkage("person", "People", RULES, (), 50), records).people).to_pylist()
    persons: list[list[int | None]] = [[None] * table.num_rows for table in tables]
    for row in found:
        persons[row[SOURCE]][row[ROW]] = row[PERSON]
    return persons


@pytest.mark.parametrize(
    ("written", "how"),
    [
        (("SMITH", "BOB", BORN, None), "a short form, and no postcode"),
        (("Robert", "Smith", BORN, None), "the two names changed places"),
        (("Smiht", "Robert", BORN, None), "two letters changed places"),
        (("Smyth", "Rob", BORN, None), "as it was heard"),
        (("Smith", "R", date(1990, 1, 2), "dh13hq"), "day and month changed places"),
        (("Jones", "Bobbie", BORN, "DH1 3HQ"), "a new surname"),
        (("Smith", "Robert", None, "DHI 3HQ"), "no date of birth, and I for 1 in the postcode"),
        (("Mr Smith Jnr", "robert james", BORN, "??"), "titles and a second forename"),
    ],
)
def test_one_person_written_differently_is_found(written: Written, how: str) -> None:
    [police, [prison]] = people(held(POLICE), held([written]))
    assert police[0] == prison != police[1], how


@pytest.mark.parametrize(
    "written",
    [
        ("Smith", "Robert", date(1990, 2, 2), None),
        ("Smith", "John", BORN, None),
        ("Jones", "Robert", BORN, "TS1 1AA"),
        ("Unknown", "Robert", BORN, None),
        ("Smith", "Robert", None, None),
        (None, None, BORN, None),
    ],
)
def test_who_shares_too_little_is_somebody_else(written: Written) -> None:
    [police, [prison]] = people(held(POLICE), held([written]))
    assert prison not in police
    assert None not in police


@pytest.mark.parametrize(("reference", "epoch"), [("LCJP-TWO", 1), ("LCJP-ONE", 2)])
def test_nobody_is_linked_across_agreements_or_epochs(reference: str, epoch: int) -> None:
    here, there = people(held(POLICE), held(POLICE, reference=reference, epoch=epoch))
    assert not set(here) & set(there)
    assert people(held(POLICE), held(POLICE))[0] == people(held(POLICE), held(POLICE))[1]
