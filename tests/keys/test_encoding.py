"""Canonical JSON, the strict reader, base64url and framing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import MAX_DEPTH, MAX_NUMBER, b64, canonical, digest, framed, parse_json, unb64
from keys.errors import BadFormat

numbers = st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(-MAX_NUMBER, MAX_NUMBER)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(text, values, max_size=6), st.randoms())
def test_canonical_form_does_not_depend_on_member_order(document: dict[str, Any], random: Any) -> None:
    members = list(document.items())
    random.shuffle(members)
    assert canonical(dict(members)) == canonical(document)
    assert digest(dict(members)) == digest(document)


@given(values)
def test_what_is_written_canonically_reads_back_and_writes_the_same(value: Any) -> None:
    written = canonical(value)
    assert canonical(parse_json(written)) == written


def test_canonical_form_is_that_of_rfc_8785() -> None:
    document: dict[str, Any] = {
        "numbers": [333333333.33333329, 4.50, 2e-3, 1e-27],
        "string": '€$\u000f\nA\'B"\\"/',
        "literals": [None, True, False],
    }
    assert (
        canonical(document)
        == ('{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\"/"}').encode()
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30, MAX_NUMBER + 1, b"bytes", {1: 2}, "\ud800", object()])
def test_what_json_cannot_hold_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(BadFormat):
        canonical({"member": value})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"a":1,"a":1}',
        b'[{"a":{"b":1,"b":2}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"1e16",
        str(MAX_NUMBER + 1).encode(),
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"'a'",
        b"[1,]",
    ],
)
def test_the_reader_refuses(data: bytes) -> None:
    with pytest.raises(BadFormat) as refused:
        parse_json(data)
    assert "1111" not in str(refused.value)


def test_the_reader_accepts_up_to_its_limits() -> None:
    assert parse_json(b"[" * (MAX_DEPTH - 1) + b"1" + b"]" * (MAX_DEPTH - 1)) is not None
    assert parse_json(str(MAX_NUMBER).encode()) == MAX_NUMBER
    assert parse_json(b" 1 ", limit=3) == 1
    with pytest.raises(BadFormat, match="longer than 2 bytes"):
        parse_json(b" 1 ", limit=2)


@given(st.binary(max_size=200))
def test_the_reader_raises_nothing_else(data: bytes) -> None:
    try:
        parse_json(data)
    except BadFormat:
        return
    json.loads(data)


@given(st.binary(max_size=70))
def test_base64url_both_ways(data: bytes) -> None:
    assert unb64(b64(data), len(data)) == data
    with pytest.raises(BadFormat):
        unb64(b64(data), len(data) + 1)


@pytest.mark.parametrize("bad", ["AA==", "A", "AB", "A A", "AA\n", "+/", "é", None, 7, b"AA"])
def test_base64url_is_strict(bad: Any) -> None:
    with pytest.raises(BadFormat):
        unb64(bad)


item = st.text(max_size=4) | st.integers(0, 2**64 - 1) | st.binary(max_size=4)


@given(st.lists(item, max_size=4), st.lists(item, max_size=4))
def test_framing_tells_every_two_lists_apart(one: list[Any], other: list[Any]) -> None:
    assert (framed(*one) == framed(*other)) == (one == other)


@pytest.mark.parametrize("bad", [-1, 2**64, True, 1.0, None])
def test_framing_takes_text_bytes_and_unsigned_integers_only(bad: Any) -> None:
    with pytest.raises(BadFormat):
        framed(bad)
