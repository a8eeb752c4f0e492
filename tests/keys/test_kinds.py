"""Kinds of identifier against their vectors: what each takes, its one normalised form, and the pseudonym that follows."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadIdentifier
from keys.pseudonym import KINDS, NORMALISER, normalise, pseudonym_key, pseudonymise

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "kinds.json").read_text(encoding="utf-8"))
IDENTIFIERS = list(VECTORS["kinds"])
CASES = [(kind, case) for kind in IDENTIFIERS for case in VECTORS["kinds"][kind]["cases"]]


def test_the_vectors_are_of_this_normaliser_and_of_keys_of_their_own() -> None:
    assert VECTORS["normaliser"] == NORMALISER
    secret = bytes.fromhex(VECTORS["secret"])
    keys = {kind: pseudonym_key(secret, VECTORS["reference"], kind, VECTORS["epoch"]).hex() for kind in IDENTIFIERS}
    assert keys == {kind: VECTORS["kinds"][kind]["key"] for kind in IDENTIFIERS}
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{kind}-{place}" for place, (kind, _) in enumerate(CASES)])
def test_a_kind(kind: str, case: dict[str, Any]) -> None:
    column = pa.array([case["identifier"], None], pa.string())
    key = bytes.fromhex(VECTORS["kinds"][kind]["key"])
    if case.get("error"):
        with pytest.raises(BadIdentifier) as caught:
            pseudonymise(column, kind, key)
        assert list(caught.value.rows) == [0]
        assert case["identifier"] not in str(caught.value)
        return
    assert normalise(column, kind).to_pylist() == [case["normalised"], None]
    assert [value and value.hex() for value in pseudonymise(column, kind, key).to_pylist()] == [case["pseudonym"], None]


def test_every_identifier_that_agreements_may_name_has_a_kind_in_words() -> None:
    named = {"published_crime", "crime", "incident", "case", "person_pnc", "person_cro", "person_noms", "person_crn"}
    assert named <= set(KINDS)
    assert named - {"published_crime"} == set(IDENTIFIERS)
    assert all(len(KINDS[kind].form) > 10 for kind in named)


@given(
    st.sampled_from(IDENTIFIERS), st.lists(st.sampled_from([case["identifier"] for _, case in CASES if not case.get("error")]), max_size=5)
)
def test_a_normalised_column_is_normalised_again_to_itself(kind: str, written: list[str]) -> None:
    try:
        once = normalise(pa.array(written, pa.string()), kind)
    except BadIdentifier:
        return
    assert normalise(once, kind).equals(once)
