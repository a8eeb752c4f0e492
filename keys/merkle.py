"""The Merkle tree of RFC 9162 section 2.1: growing, roots and proofs over stored nodes, and their verification with nothing stored.

A stored node is (level, index, 32-byte hash): level 0 holds leaf hashes, and node (l, i) is the complete subtree over leaves
[i * 2**l, (i + 1) * 2**l). `Get` answers for any such complete node below the tree's size.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence

from keys.errors import BadFormat, BadProof

__all__ = [
    "EMPTY_ROOT",
    "BadProof",
    "Get",
    "Node",
    "consistency",
    "grow",
    "inclusion",
    "leaf_hash",
    "node_hash",
    "root",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

Get = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(00 ‖ data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(size: int, leaves: Sequence[bytes], get: Get) -> list[Node]:
    """The nodes that appending these leaf hashes to a tree of `size` leaves completes, leaves included, in the order to store them."""
    new: list[Node] = []
    known: dict[tuple[int, int], bytes] = {}
    for position, leaf in enumerate(leaves, start=size):
        level, index, value = 0, position, leaf
        known[level, index] = value
        new.append((level, index, value))
        while index & 1:
            left = known.get((level, index - 1)) or get(level, index - 1)
            level, index, value = level + 1, index >> 1, node_hash(left, value)
            known[level, index] = value
            new.append((level, index, value))
    return new


def root(size: int, get: Get) -> bytes:
    """The root of the first `size` leaves."""
    return _subtree(0, size, get) if size else EMPTY_ROOT


def root_of(leaves: Iterable[bytes]) -> tuple[int, bytes]:
    """How many leaf hashes there are, and their root; keeps no more than one node a level."""
    peaks: list[tuple[int, bytes]] = []
    count = 0
    for leaf in leaves:
        level, value, count = 0, leaf, count + 1
        while peaks and peaks[-1][0] == level:
            level, value = level + 1, node_hash(peaks.pop()[1], value)
        peaks.append((level, value))
    if not peaks:
        return 0, EMPTY_ROOT
    _, value = peaks.pop()
    while peaks:
        value = node_hash(peaks.pop()[1], value)
    return count, value


def inclusion(index: int, size: int, get: Get) -> list[bytes]:
    """The proof (RFC 9162 section 2.1.3.1) that leaf `index` is in the tree of `size` leaves, from the leaf upwards."""
    if not 0 <= index < size:
        raise BadFormat("the leaf is not in the tree")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, get))
            end = middle
        else:
            path.append(_subtree(start, middle, get))
            start = middle
    return path[::-1]


def consistency(old: int, size: int, get: Get) -> list[bytes]:
    """The proof (RFC 9162 section 2.1.4.1) that the tree of `size` leaves begins with the tree of `old`; empty if old is 0 or size."""
    if not 0 <= old <= size:
        raise BadFormat("the old tree is larger than the tree")
    if old in {0, size}:
        return []
    path: list[bytes] = []
    start, end = 0, size
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_subtree(middle, end, get))
            end = middle
        else:
            path.append(_subtree(start, middle, get))
            start = middle
    if start:  # else this subtree is the whole old tree, whose root the verifier has
        path.append(_subtree(start, end, get))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Raise BadProof unless `path` leads from the leaf hash at `index` to `root` (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise BadProof("the leaf is not in the tree")
    _check_hashes(leaf, root, *path)
    here, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise BadProof("the path is too long")
        if here & 1 or here == last:
            value = node_hash(sibling, value)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        here, last = here >> 1, last >> 1
    if last or not hmac.compare_digest(value, root):
        raise BadProof("the path does not lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Raise BadProof unless `path` proves that the tree (new, new_root) begins with (old, old_root) (RFC 9162 section 2.1.4.2).

    A tree is proved to begin with itself by an empty path. The empty tree says nothing of a larger one, so `old` = 0 < `new` is refused:
    whoever has seen only an empty log has nothing to compare.
    """
    if old == new and (old > 0 or old_root == EMPTY_ROOT):
        if path or old_root != new_root:
            raise BadProof("the roots differ")
        return
    if not 0 < old < new:
        raise BadProof("the old tree is empty, or larger than the new one")
    _check_hashes(old_root, new_root, *path)
    if not path:
        raise BadProof("the path is too short")
    # Where the old tree is one complete subtree, its root is the first node of the path and is left out.
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            raise BadProof("the path is too long")
        if here & 1 or here == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        here, last = here >> 1, last >> 1
    if last or first != old_root or second != new_root:
        raise BadProof("the path does not join the two roots")


def _split(leaves: int) -> int:
    """The largest power of two smaller than `leaves`, which is at least 2."""
    return 1 << (leaves - 1).bit_length() - 1


def _subtree(start: int, end: int, get: Get) -> bytes:
    """The hash over leaves [start, end): one stored node, or at most one a level folded from the right."""
    pieces: list[bytes] = []
    while end - start > 1 and (end - start) & (end - start - 1):
        middle = start + _split(end - start)
        pieces.append(_complete(start, middle, get))
        start = middle
    value = _complete(start, end, get)
    for piece in reversed(pieces):
        value = node_hash(piece, value)
    return value


def _complete(start: int, end: int, get: Get) -> bytes:
    level = (end - start).bit_length() - 1
    return get(level, start >> level)


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != 32 for value in hashes):
        raise BadProof("a hash is not 32 bytes")
