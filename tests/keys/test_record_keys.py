"""Record keys against the vectors and the standard library's HMAC."""

import hmac
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat
from keys.pseudonym import PSEUDONYM
from keys.record_keys import record_key_secret, record_keys
from tests.keys.shared import vector

DOCUMENT = vector("record_keys")
SECRET, KEY = bytes.fromhex(DOCUMENT["secret"]), bytes.fromhex(DOCUMENT["key"])


def column(values: Sequence[bytes | None]) -> pa.FixedSizeBinaryArray:
    return pa.array(values, PSEUDONYM)


def test_the_key_is_bound_to_reference_and_kind() -> None:
    assert record_key_secret(SECRET, DOCUMENT["reference"], DOCUMENT["kind"]) == KEY
    assert record_key_secret(SECRET, "LCJP-MV8", DOCUMENT["kind"]).hex() == DOCUMENT["other_reference_key"]
    assert record_key_secret(SECRET, DOCUMENT["reference"], "other") != KEY


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(BadFormat):
            record_keys(column([None]), KEY)
        return
    assert record_keys(column([bytes.fromhex(case["pseudonym"])]), KEY).tolist() == [case["record_key"]]


def test_the_vector_of_a_cell() -> None:
    found = record_keys(column([bytes.fromhex(text) for text in DOCUMENT["cell"]["pseudonyms"]]), KEY)
    assert int(found.sum(dtype=np.uint64)) % 2**32 == DOCUMENT["cell"]["cell_key"]


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=20), st.integers(0, 5))
def test_every_row_by_itself_in_slices_and_chunks(values: list[bytes], start: int) -> None:
    expected = [int.from_bytes(hmac.digest(KEY, value, "sha256")[:4], "big") for value in values]
    assert record_keys(column(values).slice(start), KEY).tolist() == expected[start:]
    chunked = pa.chunked_array([column(values[:start]), column(values[start:])], PSEUDONYM)
    found = record_keys(chunked, KEY)
    assert found.dtype == np.uint32
    assert found.tolist() == expected


@pytest.mark.parametrize("key", [b"", KEY[:-1], KEY + b"0"])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    with pytest.raises(BadFormat):
        record_keys(column([bytes(16)]), key)


def test_another_type_is_refused() -> None:
    for wrong in (pa.array(["text"]), pa.array([b"x" * 16], pa.binary()), pa.array([b"x" * 8], pa.binary(8))):
        with pytest.raises(BadFormat):
            record_keys(wrong, KEY)
