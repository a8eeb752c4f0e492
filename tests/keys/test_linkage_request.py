"""What a request about linkage seals: two pseudonyms for every epoch, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import BadFormat
from keys.linkage import LinkageRequest, pack_pairs, unpack_pairs
from keys.pseudonym import WIDTH
from keys.rights import pack
from tests.keys.examples import LINKAGE_REQUEST

PSEUDONYM = st.binary(min_size=WIDTH, max_size=WIDTH)
PAIRS = st.dictionaries(
    st.integers(0, 2**32 - 1), st.tuples(PSEUDONYM, PSEUDONYM).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=4
)


@given(PAIRS)
def test_a_pair_goes_both_ways_whichever_comes_first(pairs: dict[int, tuple[bytes, bytes]]) -> None:
    found = unpack_pairs(pack_pairs(pairs))
    assert found == {epoch: tuple(sorted(pair)) for epoch, pair in pairs.items()}
    assert pack_pairs({epoch: (pair[1], pair[0]) for epoch, pair in pairs.items()}) == pack_pairs(pairs)


@given(PSEUDONYM)
def test_one_pseudonym_is_no_pair(one: bytes) -> None:
    with pytest.raises(BadFormat):
        pack_pairs({1: (one, one)})
    with pytest.raises(BadFormat):
        unpack_pairs(pack({1: [one]}))


def test_three_are_no_pair() -> None:
    with pytest.raises(BadFormat):
        unpack_pairs(pack({1: [bytes([number]) * WIDTH for number in range(3)]}))


@given(st.binary(max_size=90))
def test_whatever_opens_was_packed(plain: bytes) -> None:
    try:
        found = unpack_pairs(plain)
    except BadFormat:
        return
    assert pack_pairs(found) == plain


def test_epochs_stand_once() -> None:
    wrong: list[list[Any]] = [[], LINKAGE_REQUEST["epochs"] * 2]
    for epochs in wrong:
        with pytest.raises(BadFormat):
            LinkageRequest.parse({**LINKAGE_REQUEST, "epochs": epochs})
