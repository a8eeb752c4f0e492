"""The documents: what goes in comes out, and each member's every wrong form is refused by name and without its value."""

import dataclasses
import itertools
from typing import Any

import pytest

from keys import formats
from keys.encoding import canonical, parse_json
from keys.errors import BadFormat
from tests.keys.examples import ENCRYPTION, ES256, EXAMPLES, MANIFEST, PASSKEY, RECEIPT, SIGNING


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_document_goes_both_ways(name: str) -> None:
    kind, document = EXAMPLES[name]
    parsed = kind.parse(parse_json(canonical(document)))
    assert parsed.document() == document
    assert kind.parse(parsed.document()) == parsed
    with pytest.raises(dataclasses.FrozenInstanceError):
        parsed.__setattr__(next(iter(document)), 1)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_member_is_needed_and_no_other_is_allowed(name: str) -> None:
    kind, document = EXAMPLES[name]
    for member in document:
        with pytest.raises(BadFormat, match=f"^{member}: missing"):
            kind.parse({key: value for key, value in document.items() if key != member})
    with pytest.raises(BadFormat, match="a member that it does not have"):
        kind.parse({**document, "surprise": 1})
    others: list[Any] = [None, [], "text", 1]
    for other in others:
        with pytest.raises(BadFormat):
            kind.parse(other)


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_member_takes_a_value_of_another_type(name: str) -> None:
    kind, document = EXAMPLES[name]
    for member, good in document.items():
        for bad in (True, 1.5, -1, [1], {"a": "b"}, "", "\n", b"bytes", 2**60):
            if type(bad) is type(good) and isinstance(bad, int) and bad > 0:
                continue
            with pytest.raises(BadFormat, match=f"^{member}: "):
                kind.parse({**document, member: bad})


WRONG: dict[str, list[Any]] = {
    "format": [0, 2, "1"],
    "upload": ["0" * 31, "0" * 33, "A" * 32, "g" * 32],
    "version": [0],
    "agreement": ["sha256:" + "ab" * 31, "ab" * 32, "sha256:" + "AB" * 32, "sha512:" + "ab" * 32],
    "dataset": ["x" * 201, "a\tb", "a\x7f"],
    "period": ["2025-13", "2025-Q5", "2025-Q0", "25", "2025-3", "2025-02-30", "2025-03-", "2025-W14", "2025-03\n"],
    "mode": ["Replace", "delete", None],
    "key_check": ["0011", "00112233445566AA"],
    "normaliser": [0],
    "rows": [4, 6, None, 5.0],
    "totals": [{"crime": -1}, {"crime": 6}, {"crime": "2"}, {"": 1}, None, []],
    "parts": [[], None, {}, [{}], [{"sha256": "x", "size": 1, "rows": 5}], [{**MANIFEST["parts"][0], "more": 1}]],
    "created": ["2025-04-02", "2025-04-02T09:30:00", "2025-04-02T09:30:00+00:00", "2025-02-30T00:00:00Z", "2025-04-02T24:30:00Z", 5],
}


@pytest.mark.parametrize(("member", "bad"), [(member, bad) for member, values in WRONG.items() for bad in values])
def test_a_wrong_manifest_is_refused_by_name(member: str, bad: Any) -> None:
    with pytest.raises(BadFormat) as refused:
        formats.Manifest.parse({**MANIFEST, member: bad})
    message = str(refused.value)
    assert message.startswith(("rows", f"{member}: "))
    if isinstance(bad, str) and len(bad) > 4:
        assert bad not in message


@pytest.mark.parametrize("good", ["2025", "2025-Q1", "2025-12", "2024-02-29"])
def test_every_form_of_period_is_accepted(good: str) -> None:
    assert formats.Manifest.parse({**MANIFEST, "period": good}).period == good


def test_an_invalid_document_cannot_be_built_either() -> None:
    manifest = formats.Manifest.parse(MANIFEST)
    with pytest.raises(BadFormat, match=r"^upload: "):
        dataclasses.replace(manifest, upload="no")
    with pytest.raises(BadFormat, match=r"^rows: "):
        dataclasses.replace(manifest, parts=manifest.parts[:1])


def test_a_nil_return_is_a_manifest_of_no_rows() -> None:
    nil = {**MANIFEST, "rows": 0, "parts": [], "totals": {}}
    assert formats.Manifest.parse(nil).parts == ()


def test_a_refusal_gives_a_reason() -> None:
    with pytest.raises(BadFormat, match=r"^reasons: "):
        formats.Receipt.parse({**RECEIPT, "outcome": "refused"})


def test_the_digest_names_a_document_whatever_its_order() -> None:
    manifest = formats.Manifest.parse(MANIFEST)
    assert formats.digest(manifest.document()) == formats.digest(dict(reversed(MANIFEST.items())))


def test_a_card_computes_its_fingerprint() -> None:
    cards = [formats.Card.parse(EXAMPLES[name][1]) for name in ("signing card", "client card", "passkey card", "encryption card")]
    assert [card.fingerprint for card in cards] == [
        SIGNING.public.fingerprint,
        ES256.fingerprint,
        PASSKEY.fingerprint,
        ENCRYPTION.fingerprint,
    ]
    assert [card.raw for card in cards] == [SIGNING.public.raw, ES256.raw, PASSKEY.raw, ENCRYPTION.public]
    for card, other in itertools.permutations(cards, 2):
        with pytest.raises(BadFormat, match=r"^public: "):
            dataclasses.replace(card, public=other.public)
