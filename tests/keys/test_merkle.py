"""The Merkle tree against its definition, against itself, and against the transparency-dev proofs (Apache-2.0)."""

import base64
import contextlib
import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import merkle
from keys.errors import BadFormat, BadProof
from tests.keys.shared import merkle_cases

Nodes = dict[tuple[int, int], bytes]


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word, over leaf hashes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def tree(leaves: Sequence[bytes], *steps: int) -> Nodes:
    """The stored nodes after appending the leaves in steps of these sizes, then the rest."""
    nodes: Nodes = {}
    done = 0
    for step in [*steps, len(leaves)]:
        batch = leaves[done : done + step]
        for level, index, value in merkle.grow(done, batch, lambda level, index: nodes[level, index]):
            assert (level, index) not in nodes
            nodes[level, index] = value
        done += len(batch)
    return nodes


def hashes(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


@given(st.integers(0, 70), st.lists(st.integers(0, 9), max_size=5))
def test_the_root_is_the_defined_one_however_the_tree_grew(size: int, steps: list[int]) -> None:
    leaves = hashes(size)
    nodes = tree(leaves, *steps)
    for smaller in range(size + 1):
        assert merkle.root(smaller, lambda level, index: nodes[level, index]) == defined_root(leaves[:smaller])


def test_every_proof_of_small_trees_verifies_and_no_other() -> None:
    leaves = hashes(33)
    nodes = tree(leaves)

    def get(level: int, index: int) -> bytes:
        return nodes[level, index]

    roots = [merkle.root(size, get) for size in range(34)]
    for size in range(1, 34):
        for index in range(size):
            path = merkle.inclusion(index, size, get)
            merkle.verify_inclusion(leaves[index], index, size, path, roots[size])
            for wrong in (index + 1, index - 1):
                with pytest.raises(BadProof):
                    merkle.verify_inclusion(leaves[index], wrong, size, path, roots[size])
            with pytest.raises(BadProof):
                merkle.verify_inclusion(leaves[index], index, size, [*path, leaves[0]], roots[size])
        for old in range(1, size + 1):
            path = merkle.consistency(old, size, get)
            merkle.verify_consistency(old, size, roots[old], roots[size], path)
            with pytest.raises(BadProof):
                merkle.verify_consistency(old, size, roots[old], roots[size], [*path, leaves[0]])
            with pytest.raises(BadProof):
                merkle.verify_consistency(old, size, leaves[0] if old != 1 else leaves[1], roots[size], path)
    assert merkle.consistency(0, 33, get) == []
    merkle.verify_consistency(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, [])


def test_a_log_of_a_million_leaves_asks_for_few_nodes() -> None:
    asked: list[tuple[int, int]] = []

    def get(level: int, index: int) -> bytes:
        asked.append((level, index))
        assert (index + 1) << level <= 1_000_001
        return hashlib.sha256(f"{level} {index}".encode()).digest()

    merkle.inclusion(123_456, 1_000_001, get)
    merkle.consistency(999_999, 1_000_001, get)
    assert len(asked) < 80


def test_what_is_not_in_the_tree_cannot_be_asked_for() -> None:
    with pytest.raises(BadFormat):
        merkle.inclusion(3, 3, lambda _level, _index: b"")
    with pytest.raises(BadFormat):
        merkle.consistency(4, 3, lambda _level, _index: b"")


def refuses(check: object) -> bool:
    assert callable(check)
    with contextlib.suppress(BadProof):
        check()
        return False
    return True


def decoded(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def test_inclusion_vectors() -> None:
    cases = merkle_cases("inclusion")
    assert len(cases) > 80
    for name, case in cases:
        root, leaf = decoded([case["root"] or "", case["leafHash"] or ""])
        path = decoded(case["proof"])
        refused = refuses(lambda c=case, r=root, f=leaf, p=path: merkle.verify_inclusion(f, c["leafIdx"], c["treeSize"], p, r))
        assert refused == case["wantErr"], name


def test_consistency_vectors() -> None:
    cases = merkle_cases("consistency")
    assert len(cases) > 80
    for name, case in cases:
        old, new = decoded([case["root1"] or "", case["root2"] or ""])
        path = decoded(case["proof"])
        refused = refuses(lambda c=case, o=old, n=new, p=path: merkle.verify_consistency(c["size1"], c["size2"], o, n, p))
        assert refused == case["wantErr"], name


def test_subtree_inclusion_vectors() -> None:
    """A subtree [start, end) is a tree of its own, where start is a multiple of the power of two that holds it."""
    cases = merkle_cases("subtreeinclusion")
    assert len(cases) > 150
    for name, case in cases:
        root, leaf = decoded([case["root"] or "", case["leafHash"] or ""])
        path, size = decoded(case["proof"]), case["end"] - case["start"]
        whole = size > 0 and case["start"] % (1 << (size - 1).bit_length()) == 0
        index = case["leafIdx"] - case["start"]
        refused = not whole or refuses(lambda i=index, s=size, r=root, f=leaf, p=path: merkle.verify_inclusion(f, i, s, p, r))
        assert refused == case["wantErr"], name


def test_subtree_consistency_vectors_that_start_at_the_first_leaf() -> None:
    ran = 0
    for name, case in merkle_cases("subtreeconsistency"):
        if case["start"] != 0 or case["end"] == 0:
            continue  # other subtrees are no trees of this log
        ran += 1
        old, new = decoded([case["root1"] or "", case["root2"] or ""])
        path = decoded(case["proof"])
        refused = refuses(lambda c=case, o=old, n=new, p=path: merkle.verify_consistency(c["end"], c["size"], o, n, p))
        assert refused == case["wantErr"], name
    assert ran > 20


@given(size=st.integers(0, 200))
def test_the_root_of_leaves_as_they_go_by_is_that_of_the_tree(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    nodes: dict[tuple[int, int], bytes] = {}
    for level, index, value in merkle.grow(0, leaves, lambda level, index: nodes[level, index]):
        nodes[level, index] = value
    assert merkle.root_of(iter(leaves)) == (size, merkle.root(size, lambda level, index: nodes[level, index]))
