"""One content under one key: opened only whole, by its key, in its context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat, CannotOpen
from keys.once import open_once, seal_once

KEY = bytes(range(32))


@given(st.binary(max_size=300), st.text(min_size=1, max_size=40))
def test_what_is_sealed_comes_back(content: bytes, context: str) -> None:
    sealed = seal_once(KEY, content, context)
    assert open_once(KEY, sealed, context) == content
    assert seal_once(KEY, content, context) != sealed


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_nothing_altered_opens(place: int, by: int) -> None:
    sealed = bytearray(seal_once(KEY, b"seven", "edition/ed-1/counts"))
    sealed[place % len(sealed)] ^= by
    with pytest.raises(CannotOpen):
        open_once(KEY, bytes(sealed), "edition/ed-1/counts")


def test_another_key_context_or_half_of_it_does_not_open() -> None:
    sealed = seal_once(KEY, b"seven", "edition/ed-1/counts")
    for key, given_, context in ((bytes(32), sealed, "edition/ed-1/counts"), (KEY, sealed, "edition/ed-2/counts"), (KEY, sealed[:20], "x")):
        with pytest.raises(CannotOpen):
            open_once(key, given_, context)


def test_a_short_key_and_no_context_are_refused() -> None:
    with pytest.raises(BadFormat):
        seal_once(b"short", b"", "context")
    with pytest.raises(BadFormat):
        seal_once(KEY, b"", "")
