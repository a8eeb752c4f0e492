"""The key with which a supplier cosigns the log: optional, of one use, and told like every other."""

from typing import Any

import pytest

from agreements.document import canonical, read_canonical
from agreements.errors import InvalidDocument
from tests.agreements import papers


def keys_of(parsed: papers.Document, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = [party["keys"] for party in parsed["parties"] if "keys" in party][number]
    return found


def without(parsed: papers.Document) -> None:
    for number in range(2):
        keys_of(parsed, number).pop("witness")


def test_an_agreement_without_it_says_what_it_said_before() -> None:
    found = papers.edited(without)
    assert b'"witness":"ed25519' not in canonical(found)
    assert read_canonical(canonical(found)).digest == found.digest != papers.agreement().digest
    for party in found.parties:
        assert "" not in party.machines
        assert party.keys is None or (party.keys.witness == "" and len(party.machines) == 3)


def test_it_is_one_of_the_partys_machine_keys() -> None:
    for party in papers.agreement().parties:
        assert party.keys is None or party.keys.witness == papers.fingerprint(f"{party.id}/witness") == party.machines[-1]


@pytest.mark.parametrize("value", ["", "xwing:" + "0" * 64, "passkey:" + "0" * 64, "ed25519:0", None])
def test_it_is_an_ed25519_key_where_it_is_there(value: Any) -> None:
    with pytest.raises(InvalidDocument, match="witness"):
        papers.edited(lambda parsed: keys_of(parsed).update(witness=value))


@pytest.mark.parametrize("use", ["manifest", "client"])
def test_it_is_of_one_use(use: str) -> None:
    with pytest.raises(InvalidDocument, match="one key, one use"):
        papers.edited(lambda parsed: keys_of(parsed).update(witness=keys_of(parsed)[use]))


def test_another_partys_is_not_ours() -> None:
    with pytest.raises(InvalidDocument, match="one key, one use"):
        papers.edited(lambda parsed: keys_of(parsed).update(witness=keys_of(parsed, 1)["witness"]))
