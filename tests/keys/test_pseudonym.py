"""Pseudonyms against HMAC by the standard library, and re-keying against AES block by block."""

import hashlib
import hmac

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat, BadIdentifier
from keys.pseudonym import KINDS, NORMALISER, key_check_value, normalise, pseudonym_key, pseudonymise, rekey

SECRET = bytes(range(32))
KIND = "published_crime"
KEY = pseudonym_key(SECRET, "MV7", KIND, 1)


def crime(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def expected(identifier: str) -> bytes:
    return hmac.new(KEY, identifier.encode(), "sha256").digest()[:16]


identifiers = st.integers(0, 40).map(crime)
written = st.none() | st.sampled_from(["", " ", "\t"]) | identifiers | identifiers.map(lambda value: f" {value.upper()}\n")


@given(st.lists(written, max_size=30), st.integers(0, 5), st.sampled_from([pa.string(), pa.large_string()]))
def test_a_pseudonym_is_the_hmac_of_the_tidied_identifier(values: list[str | None], start: int, kind: pa.DataType) -> None:
    column = pa.array(values, kind).slice(start)
    found = pseudonymise(column, KIND, KEY)
    assert found.type == pa.binary(16)
    found.validate(full=True)
    tidied = [(value or "").strip().lower() for value in values[start:]]
    assert found.to_pylist() == [expected(value) if value else None for value in tidied]
    assert normalise(column, KIND).to_pylist() == [value or None for value in tidied]


def test_many_rows_and_repeated_rows_give_the_same() -> None:
    few, many = [crime(number) for number in range(50)], [crime(number) for number in range(6000)]
    for values in (few * 120, many, [*many, None]):
        found = pseudonymise(pa.array(values), KIND, KEY).to_pylist()
        assert found == [value and expected(value) for value in values]


def test_null_rows_may_hide_anything() -> None:
    """Arrow lets a null slot keep bytes: they neither reach the pseudonym nor count as a bad identifier."""
    hidden = pa.array([crime(1), "not an id", crime(2)])
    bitmap = pa.py_buffer(bytes([0b101]))
    column = pa.StringArray.from_buffers(3, hidden.buffers()[1], hidden.buffers()[2], bitmap)
    assert pseudonymise(column, KIND, KEY).to_pylist() == [expected(crime(1)), None, expected(crime(2))]
    assert bytes(pseudonymise(column, KIND, KEY).buffers()[1])[16:32] == bytes(16)


BAD = ["0", crime(1)[:-1], crime(1) + "0", crime(1)[:-1] + "g", crime(1)[:-1] + "/", crime(1)[:-1] + ":", crime(1)[:-1] + "`"]


@pytest.mark.parametrize("bad", [*BAD, "\u00a0" + crime(1), crime(1)[:-1] + "\uff10", "é" * 32, "é" * 64, crime(1) + "\n0"])
def test_a_bad_identifier_is_named_by_its_row_and_never_by_its_value(bad: str) -> None:
    column = pa.array([crime(1), None, bad, "", bad])
    with pytest.raises(BadIdentifier) as refused:
        pseudonymise(column, KIND, KEY)
    assert (refused.value.kind, refused.value.rows, refused.value.count) == (KIND, [2, 4], 2)
    assert bad not in str(refused.value)


def test_a_hundred_bad_rows_are_named_and_all_are_counted() -> None:
    with pytest.raises(BadIdentifier) as refused:
        normalise(pa.array(["x"] * 150), KIND)
    assert (refused.value.rows, refused.value.count) == (list(range(100)), 150)


def test_keys_and_check_values_are_bound_to_reference_kind_and_epoch() -> None:
    assert NORMALISER == 1
    keys = {pseudonym_key(SECRET, reference, KIND, epoch) for reference in ("MV7", "MV8") for epoch in (1, 2)}
    checks = {key_check_value(SECRET, reference, epoch) for reference in ("MV7", "MV8") for epoch in (1, 2)}
    assert len(keys) == len(checks) == 4
    assert all(len(check) == 16 and not any(key.hex().startswith(check) for key in keys) for check in checks)


def test_what_is_not_known_or_not_text_is_refused() -> None:
    column = pa.array([crime(1)])
    for kind in ("person", "", "PUBLISHED_CRIME"):
        with pytest.raises(BadFormat):
            pseudonym_key(SECRET, "MV7", kind, 1)
        with pytest.raises(BadFormat):
            pseudonymise(column, kind, KEY)
    with pytest.raises(BadFormat):
        pseudonymise(pa.array([1]), KIND, KEY)
    with pytest.raises(BadFormat):
        pseudonymise(column, KIND, KEY[:-1])
    assert all(kind.form for kind in KINDS.values())


pseudonyms = st.lists(st.none() | st.binary(min_size=16, max_size=16), max_size=40)


@given(pseudonyms, st.integers(0, 20), st.integers(0, 20))
def test_rekeying_is_aes_of_each_value_and_has_an_inverse(values: list[bytes | None], start: int, length: int) -> None:
    column = pa.array(values, pa.binary(16)).slice(start, length)
    found = rekey(column, SECRET)
    found.validate(full=True)
    cipher = Cipher(algorithms.AES256(SECRET), modes.ECB())
    assert found.to_pylist() == [value and cipher.encryptor().update(value) for value in column.to_pylist()]
    assert rekey(found, SECRET, inverse=True).equals(column)
    slots = np.frombuffer(found.buffers()[1] or b"", np.uint8)[: 16 * len(found)].reshape(-1, 16)
    assert not slots[[value is None for value in found.to_pylist()]].any()


def test_rekeying_refuses_other_columns_and_keys() -> None:
    with pytest.raises(BadFormat):
        rekey(pa.array([b"12345678"], pa.binary(8)), SECRET)
    with pytest.raises(BadFormat):
        rekey(pa.array([bytes(16)], pa.binary(16)), SECRET[:16])
