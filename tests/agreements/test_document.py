"""From words to values: one canonical form, nothing unknown, nothing deceptive, and no input that does anything but be refused."""

import contextlib
import functools
import json
import random
import tomllib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agreements.document import LIMIT, canonical, fill, placeholders, read, read_canonical, read_draft
from agreements.errors import InvalidDocument
from tests.agreements import papers

PLACES = sorted(papers.leaves(papers.document()), key=str)
TABLES = sorted(papers.tables(papers.document()), key=str)


def test_the_shipped_agreement_is_valid_once_filled() -> None:
    found = read(papers.text())
    assert (found.reference, found.version, len(found.parties)) == ("LCJP-MV7", 1, 3)
    assert found.digest.startswith("sha256:")
    assert not placeholders(papers.text())


def test_words_and_canonical_bytes_lead_to_the_same_agreement() -> None:
    found = read(papers.text())
    assert read_canonical(canonical(found)) == found


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_order_of_tables_and_keys_and_remarks_are_not_signed(seed: int) -> None:
    again = papers.toml(papers.document(), random.Random(seed))
    assert tomllib.loads(again) == papers.document()
    assert read(again).digest == papers.agreement().digest
    assert canonical(read(again)) == canonical(papers.agreement())


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case date():
            return value + timedelta(days=1)
        case _:
            return value[:-1] + ("0" if value[-1] != "0" else "1")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_any_changed_word_changes_the_digest_or_is_refused(place: tuple[str | int, ...]) -> None:
    parsed = papers.document()
    holder = papers.at(parsed, place[:-1])
    holder[place[-1]] = _other(holder[place[-1]])
    try:
        found = papers.build(parsed)
    except InvalidDocument:
        return
    assert found.digest != papers.agreement().digest


def test_most_words_may_be_changed_so_that_the_test_above_says_something() -> None:
    words = [place for place in PLACES if place[0] in ("agreement", "parties") and isinstance(papers.at(papers.document(), place), str)]
    accepted = 0
    for place in words:
        parsed = papers.document()
        holder = papers.at(parsed, place[:-1])
        holder[place[-1]] = _other(holder[place[-1]])
        with contextlib.suppress(InvalidDocument):
            accepted += papers.build(parsed).digest != papers.agreement().digest
    assert accepted > len(words) // 2


@pytest.mark.parametrize("place", TABLES, ids=lambda place: ".".join(map(str, place)) or "top")
def test_an_unknown_key_is_refused_with_its_place(place: tuple[str | int, ...]) -> None:
    parsed = papers.document()
    papers.at(parsed, place)["surprise"] = "x"
    with pytest.raises(InvalidDocument) as caught:
        papers.build(parsed)
    named = place[: place.index("rule") + 1] if "rule" in place else place[: place.index("labels")] if "labels" in place else place
    assert any(line.startswith(".".join(map(str, named))) for line in caught.value.problems)


@pytest.mark.parametrize(
    "character",
    ["\u202e", "\u2066", "\u200b", "\u0007", "\u2028", "\ue000", "\u00ad", "e\u0301"],
    ids=["override", "isolate", "zero width", "bell", "line separator", "private", "soft hyphen", "decomposed"],
)
@pytest.mark.parametrize(
    "place",
    [
        ("agreement", "purpose"),
        ("parties", 0, "name"),
        ("parties", 0, "dpo", "name"),
        ("parties", 0, "lawful_bases", 0, "gateway"),
        ("recipients", 0, "name"),
        ("datasets", 0, "title"),
        ("datasets", 0, "fields", 0, "reason"),
        ("datasets", 0, "fields", 3, "rule", "keep", "values", 0),
        ("datasets", 0, "fields", 2, "rule", "map", "otherwise"),
        ("datasets", 0, "fields", 2, "rule", "map", "blank"),
        ("datasets", 0, "fields", 2, "rule", "map", "values", 0),
        ("releases", 0, "question"),
        ("releases", 0, "caveats", 0),
        ("releases", 0, "dimensions", 1, "categories", 0),
        ("releases", 0, "lookups", 0, "order", 0),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
def test_characters_that_deceive_a_reader_are_refused_wherever_people_read(place: tuple[str | int, ...], character: str) -> None:
    parsed = papers.document()
    holder = papers.at(parsed, place[:-1])
    holder[place[-1]] += character
    with pytest.raises(InvalidDocument) as caught:
        papers.build(parsed)
    assert any("deceive" in line for line in caught.value.problems)
    assert all(character not in line for line in caught.value.problems)


@pytest.mark.parametrize("spelling", ["yes", "on", 1, "true", 0, "no"])
def test_yes_and_no_have_one_spelling(spelling: object) -> None:
    with pytest.raises(InvalidDocument, match="must be true or false"):
        papers.edited(lambda parsed: parsed["releases"][0].update(public=spelling))


@pytest.mark.parametrize(
    "toml",
    [
        "",
        "a = ",
        "= 1",
        "[agreement]\nversion = " + "1" * 5000,
        "[agreement]\nversion = nan",
        "[agreement]\nversion = 1e400",
        "agreement = " + "[" * 100_000,
        "agreement = " + "{a=" * 2_000 + "1" + "}" * 2_000,
        "x = 1\n" * 2,
        "[agreement]\n[agreement]",
        "# " + "x" * LIMIT,
        "# " + "é" * (LIMIT // 2),
        "[agreement]\nreference = '\ud800'",
    ],
    ids=["empty", "cut", "nameless", "digits", "nan", "infinity", "arrays", "tables", "twice", "table twice", "long", "wide", "surrogate"],
)
def test_hostile_words_are_refused(toml: str) -> None:
    with pytest.raises(InvalidDocument):
        read(toml)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":1}',
        b'{"a":1e999}',
        b'{"a":' + b"1" * 5000 + b"}",
        b'{"a":9007199254740993}',
        b'{"a":"\\ud800"}',
        b"\xff\xfe{}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"a":"' + b"x" * LIMIT + b'"}',
    ],
    ids=lambda data: repr(data[:16]),
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidDocument):
        read_canonical(data)


@pytest.mark.parametrize("change", [b" ", b"\n"])
def test_bytes_that_are_not_canonical_are_refused(change: bytes) -> None:
    with pytest.raises(InvalidDocument, match="canonical"):
        read_canonical(canonical(papers.agreement()) + change)
    members = json.loads(canonical(papers.agreement()))
    with pytest.raises(InvalidDocument, match="canonical"):
        read_canonical(json.dumps(members).encode())


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(st.sampled_from(PLACES + [place for place in TABLES if place]), JUNK)
def test_anything_in_any_place_is_an_agreement_or_a_refusal(place: tuple[str | int, ...], junk: Any) -> None:
    parsed = papers.document()
    papers.at(parsed, place[:-1])[place[-1]] = junk
    try:
        data = papers.canonical(parsed)
    except ValueError:
        return
    try:
        found = read_canonical(data)
    except InvalidDocument:
        return
    assert canonical(found) == data
    for dataset in found.datasets:
        assert [field.rule.describe() for field in dataset.fields]
        assert dataset.schema


def test_a_time_of_day_is_refused() -> None:
    words = papers.text().replace("from = 2010-12-01", "from = 2010-12-01T00:00:00", 1)
    with pytest.raises(InvalidDocument):
        read(words)
    with pytest.raises(InvalidDocument):
        read(papers.text().replace("from = 2010-12-01, to = 2036-12-01", "from = 07:00:00, to = 08:00:00", 1))


def test_a_place_that_was_not_filled_is_refused_by_the_card_it_waits_for() -> None:
    template = papers.TEMPLATE.read_text(encoding="utf-8")
    waiting = placeholders(template)
    assert len(waiting) == len(set(waiting)) > 15
    with pytest.raises(InvalidDocument) as caught:
        read(fill(template, {card: papers.fingerprint(card) for card in waiting[1:]}))
    assert len(caught.value.problems) == 1
    assert waiting[0] in caught.value.problems[0]


def test_a_draft_is_read_with_its_places_still_open_and_with_nothing_else_forgiven() -> None:
    template = papers.TEMPLATE.read_text(encoding="utf-8")
    draft, filled = read_draft(template), read(papers.text())
    assert (draft.datasets, draft.releases, draft.missing) == (filled.datasets, filled.releases, filled.missing)
    assert read_draft(papers.text()) == filled
    half = fill(template, {placeholders(template)[0]: papers.fingerprint("of another")})
    assert read_draft(half).datasets == filled.datasets
    with pytest.raises(InvalidDocument) as caught:
        read_draft(template.replace('mode = "replace"', 'mode = "repalce"', 1))
    assert len(caught.value.problems) == 1
    assert "mode" in caught.value.problems[0]


@pytest.mark.parametrize("ending", ["\n", " ", "\r"])
def test_a_fingerprint_is_exactly_its_form(ending: str) -> None:
    with pytest.raises(InvalidDocument, match="fingerprint"):
        papers.edited(lambda parsed: parsed["recipients"][0].update(client=papers.fingerprint("a/client") + ending))


ES256 = "es256:" + "0" * 64


def test_a_client_may_sign_with_es256() -> None:
    def clients(parsed: papers.Document) -> None:
        parsed["recipients"][0]["client"] = ES256
        parsed["parties"][0]["keys"]["client"] = "es256:" + "1" * 64

    found = papers.edited(clients)
    assert found.recipients[0].client == ES256
    assert found.parties[0].keys is not None
    assert found.parties[0].keys.client in found.parties[0].machines
    assert read_canonical(canonical(found)).digest == found.digest != papers.agreement().digest

    def shared(parsed: papers.Document) -> None:
        clients(parsed)
        parsed["parties"][0]["keys"]["client"] = ES256

    with pytest.raises(InvalidDocument, match="one key, one use"):
        papers.edited(shared)


def test_no_other_key_is_of_es256() -> None:
    """Every other place of a fingerprint, wherever it is: people, manifests, witnesses, encryption, the hub's own."""
    places: list[tuple[Any, ...]] = []

    def walk(found: Any, *path: Any) -> None:
        if isinstance(found, dict | list):
            for name, value in found.items() if isinstance(found, dict) else enumerate(found):
                walk(value, *path, name)
        elif isinstance(found, str) and found.startswith(("ed25519:", "xwing:")):
            places.append(path)

    walk(papers.document())
    others = [path for path in places if path[-1] != "client"]
    assert {path[-1] for path in others} >= {"key", "manifest", "encryption", "witness", "identity", "receipts", "editions", "log"}
    for *way, last in others:
        parsed = papers.document()
        functools.reduce(lambda one, step: one[step], way, parsed)[last] = ES256
        with pytest.raises(InvalidDocument, match=rf"{last}.*must be a fingerprint: “(ed25519|xwing):"):
            papers.build(parsed)


@pytest.mark.parametrize(
    "value", ["es256:", "es256:" + "0" * 63, "es256:" + "A" * 64, "ES256:" + "0" * 64, "passkey:" + "0" * 64, "xwing:" + "0" * 64]
)
def test_a_client_has_an_ed25519_or_an_es256_key(value: str) -> None:
    for edit in (
        lambda parsed: parsed["recipients"][0].update(client=value),
        lambda parsed: parsed["parties"][0]["keys"].update(client=value),
    ):
        with pytest.raises(InvalidDocument, match=r"client.*“ed25519:” or “es256:” and 64 hex digits"):
            papers.edited(edit)
