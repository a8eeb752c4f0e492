"""How often the leak detectors err: on real published data, where nothing is an identifier, and on identifiers made by their own rules.

The figures in docs/security.md are these. False alarms count distinct values; what is found counts ways of writing an identifier.
"""

import csv
import gzip
import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stdnum.gb import nhs, upn

from agreements.detectors import DETECTORS

ROOT = Path(__file__).parents[2]
LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
RANDOM = random.Random(20261122)


def number(text: str) -> bool:
    return re.fullmatch(r"-?[\d,]*\.?\d+%?", text) is not None


def text_columns(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Column and distinct values of a published table, without columns of numbers alone."""
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        rows = csv.reader(file)
        names = next(rows)
        columns: list[set[str]] = [set() for _ in names]
        for row in rows:
            for column, value in zip(columns, row, strict=False):
                column.add(value)
    for name, values in zip(names, columns, strict=True):
        values.discard("")
        if not all(number(value) for value in values):
            yield name, values


def alarms(paths: list[Path]) -> tuple[int, Counter[tuple[str, str, str]]]:
    """How many distinct values there are, and how many are taken for an identifier: by file, column and kind."""
    values, found = 0, Counter[tuple[str, str, str]]()
    for path in paths:
        for column, distinct in text_columns(path):
            values += len(distinct)
            for kind, looks in DETECTORS.items():
                if count := sum(looks(value) for value in distinct):
                    found[path.name, column, kind] += count
    return values, found


def test_on_the_shipped_slice_of_real_data_nothing_is_taken_for_an_identifier() -> None:
    values, found = alarms(sorted((ROOT / "demo" / "data").glob("*.csv.gz")))
    assert values > 40_000
    assert found == {}


SERIES = ("cps", "home_office", "moj", "police_uk_revision")
# Of reference tables: values that are what they look like, and the few that are not.
TRUE = {
    ("postcodes_six_authorities_2014.csv.gz", "postcode"),
    ("prison_estate.csv.gz", "postcode"),
    ("prison_estate.csv.gz", "postal_address"),
}
MISTAKEN = {
    ("court_codes.csv.gz", "code", "a full postcode"): 77,  # of 159; courts' codes are a code list, which no detector reads
    ("lsoa2011_ward2017_la2017.csv.gz", "WD17NM", "a person's name"): 11,  # of 6,976 wards; eight are named after people
    ("prison_estate.csv.gz", "name", "a person's name"): 1,
}


def test_on_the_collections_tables_nothing_but_names_of_wards_and_codes_of_courts(shared_data: Path) -> None:
    values, found = alarms([path for folder in SERIES for path in sorted((shared_data / folder).glob("*.csv.gz"))])
    assert values > 30_000
    assert found == {}
    paths = [path for path in sorted((shared_data / "ref").glob("*.csv.gz")) if path.name != "identifier_test_vectors.csv.gz"]
    _, found = alarms(paths)
    assert {place: count for place, count in found.items() if place[:2] not in TRUE} == MISTAKEN


@pytest.mark.slow
def test_on_every_month_of_the_collections_police_data_nothing(shared_data: Path) -> None:
    values, found = alarms(sorted((shared_data / "police_uk").glob("*.csv.gz")))
    assert values > 200_000
    assert found == {}


# ------------------------------------------------------------------------------------------------------ what is found


def digits(count: int) -> str:
    return "".join(RANDOM.choice(string.digits) for _ in range(count))


def letters(count: int, among: str = string.ascii_uppercase) -> str:
    return "".join(RANDOM.choice(among) for _ in range(count))


def nhs_number() -> str:
    while True:
        first = digits(9)
        for last in string.digits:
            if nhs.is_valid(first + last):
                return first + last


def nhs_spaced() -> str:
    one = nhs_number()
    return f"{one[:3]} {one[3:6]} {one[6:]}"


def pnc() -> tuple[str, str, str]:
    year, serial = RANDOM.randint(1960, 2026), RANDOM.randint(1, 9_999_999)
    return str(year), f"{serial:07}", LETTERS[int(f"{year % 100:02}{serial:07}") % 23]


def pnc_long() -> str:
    year, serial, letter = pnc()
    return f"{year}/{serial}{letter}"


def pnc_short() -> str:
    year, serial, letter = pnc()
    return f"{year[2:]}/{int(serial)}{letter}"


def pnc_plain() -> str:
    return pnc_long().replace("/", "")


def cro() -> str:
    year, serial = RANDOM.randint(0, 99), RANDOM.randint(1, 999_999)
    return f"{serial}/{year:02}{LETTERS[int(f'{year:02}{serial:06}') % 23]}"


def cro_file() -> str:
    year, serial = RANDOM.randint(0, 99), RANDOM.randint(1, 999_999)
    return f"SF{year:02}/{serial}{LETTERS[int(f'{year:02}{serial}') % 23]}"


def pupil() -> str:
    body = "805" + digits(9)  # Hartlepool's schools
    return upn.calc_check_digit("A" + body) + body


def arrest() -> str:
    return f"{digits(2)}{digits(2)}{letters(2)}{digits(2)}{digits(11)}{letters(1, LETTERS)}"


def arrest_with_strokes() -> str:
    return f"{digits(2)}/01{letters(2)}/{digits(2)}/{RANDOM.randint(1, 999_999)}{letters(1, LETTERS)}"


def insurance() -> str:
    return f"{letters(1, 'ABCEHJLMOPRSWXY')}{letters(1, 'ABCEHJLMPRSWXYZ')}{digits(6)}{letters(1, 'ABCD')}"


def insurance_spaced() -> str:
    one = insurance()
    return " ".join((one[:2], one[2:4], one[4:6], one[6:8], one[8:]))


def telephone(form: str) -> Callable[[], str]:
    return lambda: re.sub("9", lambda _: digits(1), form)


MADE: list[tuple[str, Callable[[], str]]] = [
    ("an NHS number", nhs_number),
    ("an NHS number", nhs_spaced),
    ("a PNC id", pnc_long),
    ("a PNC id", pnc_short),
    ("a PNC id", pnc_plain),
    ("a CRO number", cro),
    ("a CRO number", cro_file),
    ("a pupil number", pupil),
    ("an arrest or summons number", arrest),
    ("an arrest or summons number", arrest_with_strokes),
    ("a National Insurance number", insurance),
    ("a National Insurance number", insurance_spaced),
    ("a prison number", lambda: f"{letters(1)}{digits(4)}{letters(2)}"),
    ("a probation case number", lambda: f"{letters(1)}{digits(6)}"),
    (
        "an e-mail address",
        lambda: f"{letters(5).lower()}.{letters(7).lower()}{digits(2)}@example.{RANDOM.choice(('uk', 'police.uk', 'com'))}",
    ),
    *(
        ("a telephone number", telephone(form))
        for form in (
            "07799999999",
            "07799 999999",
            "+44 7799 999999",
            "01642 999999",
            "020 7999 9999",
            "0191-999-9999",
            "+44 (0)1642 999999",
        )
    ),
    ("a full postcode", lambda: f"TS{RANDOM.randint(1, 29)} {digits(1)}{letters(2, 'ABDEFGHJLNPQRSTUWXYZ')}"),
    ("a full postcode", lambda: f"DL{RANDOM.randint(1, 17)}{digits(1)}{letters(2, 'ABDEFGHJLNPQRSTUWXYZ')}"),
]


@pytest.mark.parametrize(("kind", "make"), MADE, ids=[f"{kind} {number}" for number, (kind, _) in enumerate(MADE)])
def test_identifiers_made_by_their_own_rules_are_found_wherever_they_stand(kind: str, make: Callable[[], str]) -> None:
    looks, missed = DETECTORS[kind], 0
    for _ in range(200):
        one = make()
        missed += not all(
            looks(text)
            for text in (
                one,
                f"{one}.",
                f"ref {one} given",
                f"({one})",
                one.lower() if kind not in ("a prison number", "a probation case number") else one,
            )
        )
    assert missed == 0


def test_a_wrong_check_character_is_no_identifier_but_by_chance() -> None:
    """One in twenty-three letters, or one in eleven digits, is right: no more than that is taken for one."""
    for looks, make in ((DETECTORS["a PNC id"], pnc_long), (DETECTORS["a CRO number"], cro), (DETECTORS["an NHS number"], nhs_number)):
        for _ in range(200):
            one = make()
            others = LETTERS if one[-1] in LETTERS else string.digits
            assert [last for last in others if looks(one[:-1] + last)] == [one[-1]]


@pytest.mark.parametrize(
    "name",
    [
        "Mr Smith",
        "Mrs A. Jones",
        "Dr Farooq",
        "PC Wilson",
        "Robert Allen",
        "SARAH O'CONNOR",
        "Allen, Robert",
        "Jean-Luc, Emma",
        "mohammed ali khan",
    ],
)
def test_names_are_found(name: str) -> None:
    assert DETECTORS["a person's name"](name)


@pytest.mark.parametrize(
    "words",
    ["On or near Victoria Road", "Charlotte Street", "Redcar and Cleveland", "Under investigation", "Hartlepool 001A", "Criminal damage and arson",
     "George Street", "Victoria Park", "St Helen Auckland", "Miss", "Grace", "May", "Summer House", "Offender given a caution", "Dr Grays Hospital"],
)  # fmt: skip
def test_places_and_kinds_are_no_names(words: str) -> None:
    assert not DETECTORS["a person's name"](words)


def test_half_the_made_up_people_of_the_collection_are_found_and_some_of_every_twenty(shared_data: Path) -> None:
    """Their names are misspelt on purpose. One that is found is enough to stop a push."""
    with gzip.open(shared_data / "linkage" / "splink_fake_1000.csv.gz", "rt", encoding="utf-8") as file:
        people = sorted({f"{row['first_name']} {row['surname']}" for row in csv.DictReader(file) if row["first_name"] and row["surname"]})
    RANDOM.shuffle(people)
    found = [DETECTORS["a person's name"](name) for name in people]
    assert (len(people), sum(found)) == (497, 243)
    assert all(any(found[begin : begin + 20]) for begin in range(0, len(found) - 20, 20))
