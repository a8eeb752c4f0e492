"""Proofs of chosen entries: what was logged is shown to be, and nothing else is."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import errors, logproof, merkle
from keys.checkpoint import Checkpoint, cosign, log_leaf, sign_checkpoint, witness_name
from keys.encoding import b64
from keys.errors import BadProof, BadSignature, KeysError
from keys.logproof import Witness, entry_line, head_line, verify_lines
from keys.sign import SigningKey
from tests.keys.shared import vector

ORIGIN, PARTY = "example/log", "durham-constabulary"
KEY, OLDER, WITNESS = (SigningKey.from_seed(bytes([number]) * 32) for number in (1, 2, 3))


class Log:
    """A log of some entries, in memory."""

    def __init__(self, size: int, redacted: int = -1) -> None:
        self.redacted = redacted
        self.entries = [{"number": number, "what": f"thing {number}"} for number in range(size)]
        self.salts = [bytes([number % 256]) * 32 for number in range(size)]
        self.leaves = [merkle.leaf_hash(log_leaf(salt, entry)) for salt, entry in zip(self.salts, self.entries, strict=True)]
        self.nodes: dict[tuple[int, int], bytes] = {}
        for level, index, value in merkle.grow(0, self.leaves, self.node):
            self.nodes[level, index] = value

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def head(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, merkle.root(size, self.node))

    def proof(self, chosen: list[int], size: int, witnessed: int = 0, keys: Sequence[SigningKey] = (OLDER, KEY)) -> list[dict[str, Any]]:
        shown = []
        if witnessed:
            note = cosign(sign_checkpoint(self.head(witnessed), KEY), witness_name(ORIGIN, PARTY), WITNESS, 1_764_000_000)
            shown = [Witness(PARTY, WITNESS.public, note, merkle.consistency(witnessed, size, self.node))]
        lines = [head_line(self.head(size), keys, shown, len(chosen))]
        for number in sorted(chosen):
            gone = number == self.redacted
            path = merkle.inclusion(number, size, self.node)
            entry = None if gone else self.entries[number]
            lines.append(entry_line(number, self.leaves[number], None if gone else self.salts[number], entry, path))
        return [dict(json.loads(json.dumps(line))) for line in lines]


def verified(lines: list[dict[str, Any]], key: SigningKey = KEY) -> tuple[logproof.Head, list[logproof.Proved]]:
    head, entries = verify_lines(lines, {key.public.fingerprint})
    return head, list(entries)


@given(size=st.integers(1, 40), data=st.data())
def test_every_choice_of_entries_of_every_log_is_proved(size: int, data: st.DataObject) -> None:
    log = Log(40, redacted=data.draw(st.integers(0, size - 1)))
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1))))
    witnessed = data.draw(st.integers(0, size))
    head, entries = verified(log.proof(chosen, size, witnessed))
    assert (head.checkpoint, head.entries, head.key) == (log.head(size), len(chosen), KEY.public.fingerprint)
    assert [(one.number, one.entry) for one in entries] == [(n, None if n == log.redacted else log.entries[n]) for n in chosen]
    assert [(one.party, one.key, one.size) for one in head.cosigned] == (
        [(PARTY, WITNESS.public.fingerprint, witnessed)] if witnessed else []
    )


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(one for key, member in inside for one in _leaves(member, (*place, key)))]


@given(data=st.data())
def test_any_change_of_any_line_is_found(data: st.DataObject) -> None:
    lines = Log(23, redacted=7).proof([2, 7, 19], 23, 11, [KEY])
    number = data.draw(st.integers(0, len(lines) - 1))
    changed = copy.deepcopy(lines)
    *path, last = data.draw(st.sampled_from([place for place in _leaves(changed[number]) if place]))
    holder: Any = changed[number]
    for key in path:
        holder = holder[key]
    value = holder[last]
    ways = ["drop"]
    ways += ["alter"] if isinstance(value, str) and value else ["count"] if isinstance(value, int) else []
    match data.draw(st.sampled_from(ways)):
        case "drop":
            del holder[last]
        case "alter":
            at = data.draw(st.integers(0, len(value) - 1))
            holder[last] = value[:at] + ("A" if value[at] not in "aA" else "B") + value[at + 1 :]
        case _:
            holder[last] = value + 1
    if (number, path, last) == (0, ["witnesses"], 0):
        return  # without its witness a proof is less, and still one
    with pytest.raises(KeysError):
        verified(changed)


@pytest.mark.parametrize("change", ["drop", "swap", "repeat", "cut", "no head", "nothing"])
def test_lines_in_another_order_or_number_are_found(change: str) -> None:
    lines = Log(23).proof([2, 7, 19], 23)
    match change:
        case "drop":
            del lines[2]
        case "swap":
            lines[1], lines[2] = lines[2], lines[1]
        case "repeat":
            lines.insert(2, lines[1])
        case "cut":
            lines = lines[:-1]
        case "no head":
            lines = lines[1:]
        case _:
            lines = []
    with pytest.raises(BadProof):
        verified(lines)


def test_another_key_is_not_believed_and_each_of_several_is() -> None:
    lines = Log(5).proof([1], 5, 3)
    assert verified(lines, OLDER)[0].key == OLDER.public.fingerprint
    with pytest.raises(BadSignature):
        verified(lines, SigningKey.generate())
    with pytest.raises(BadSignature):
        verify_lines(lines, set())


def test_a_witness_of_a_fork_is_found() -> None:
    log, other = Log(9), Log(9)
    other.entries[2] = {"number": 2, "what": "else"}
    lines = log.proof([1], 9)
    note = cosign(sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)), KEY), witness_name(ORIGIN, PARTY), WITNESS, 1)
    for shown in (
        note,
        sign_checkpoint(log.head(4), KEY),
        cosign(sign_checkpoint(log.head(4), WITNESS), witness_name(ORIGIN, PARTY), WITNESS, 1),
    ):
        said = {
            "party": PARTY,
            "key": b64(WITNESS.public.raw),
            "note": shown,
            "proof": [h.hex() for h in merkle.consistency(4, 9, log.node)],
        }
        with pytest.raises(KeysError):
            verified([{**lines[0], "witnesses": [said]}, *lines[1:]])


@pytest.mark.parametrize("case", vector("log_proof")["cases"], ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    trusted = {vector("log_proof")["key"]}
    if "error" in case:
        with pytest.raises(getattr(errors, case["error"])):
            list(verify_lines(case["lines"], trusted)[1])
        return
    head, entries = verify_lines(case["lines"], trusted)
    assert [[one.number, one.entry] for one in entries] == case["entries"]
    assert (head.checkpoint.size, [[one.party, one.size, one.time] for one in head.cosigned]) == (case["size"], case["witnesses"])
