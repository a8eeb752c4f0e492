"""Checkpoints and cosignatures, C2SP's own examples among them."""

import base64

import pytest

from keys.checkpoint import (
    Checkpoint,
    cosign,
    cosigned_at,
    cosigned_by,
    key_id,
    log_leaf,
    origin_of,
    sign_checkpoint,
    verify_by_any,
    verify_checkpoint,
    witness_name,
)
from keys.errors import BadFormat, BadSignature
from keys.sign import SigningKey, VerifyKey

ORIGIN = "exchange.example/log"
KEY, OTHER = SigningKey.from_seed(bytes(32)), SigningKey.from_seed(bytes([1]) * 32)
POINT = Checkpoint(ORIGIN, 5, bytes(range(32)))
NOTE = sign_checkpoint(POINT, KEY)

# The example of tlog-cosignature: its checkpoint and its witness's line.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""


def test_a_note_has_the_form_of_the_standard() -> None:
    body, signature = NOTE.split("\n\n")
    assert body == f"{ORIGIN}\n5\n{base64.b64encode(bytes(range(32))).decode()}"
    assert signature.startswith(f"\u2014 {ORIGIN} ")
    assert signature.endswith("\n")
    assert base64.b64decode(signature.split(" ")[2])[:4] == key_id(ORIGIN, KEY.public)


def test_a_signed_checkpoint_verifies_beside_signatures_of_strangers() -> None:
    assert verify_checkpoint(NOTE, ORIGIN, KEY.public) == POINT
    witnessed = cosign(NOTE, "agency.example/witness", OTHER, 1_700_000_000)
    assert verify_checkpoint(witnessed, ORIGIN, KEY.public) == POINT
    # A key that shares the name but not the key id is unknown, and ignored.
    assert verify_checkpoint(NOTE + sign_checkpoint(POINT, OTHER).split("\n\n")[1], ORIGIN, KEY.public) == POINT


def test_another_log_key_or_text_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify_checkpoint(NOTE, "exchange.example/other", KEY.public)
    with pytest.raises(BadSignature):
        verify_checkpoint(NOTE, ORIGIN, OTHER.public)
    with pytest.raises(BadSignature):
        verify_checkpoint(NOTE.replace("\n5\n", "\n6\n"), ORIGIN, KEY.public)
    # A failing signature of the log's own key spoils the note, even beside a good one.
    bad = sign_checkpoint(Checkpoint(ORIGIN, 6, bytes(32)), KEY).split("\n\n")[1]
    for note in (NOTE + bad, NOTE.split("\n\n")[0] + "\n\n" + bad + NOTE.split("\n\n")[1]):
        with pytest.raises(BadSignature):
            verify_checkpoint(note, ORIGIN, KEY.public)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        NOTE[:-1],
        NOTE + "\n",
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\n5\n", "\n05\n"),
        NOTE.replace("\n5\n", "\n-5\n"),
        NOTE.replace("\n5\n", "\n\u0665\n"),
        NOTE.replace("\n5\n", "\n5\nextension\n"),
        NOTE.replace("\n5\n", "\n5\n\n"),
        NOTE.replace("\u2014", "--"),
        NOTE.replace("\u2014 ", "\u2014  "),
        NOTE.replace("\n", "\r\n"),
        NOTE.replace(ORIGIN, "exchange example/log"),
        NOTE.replace("8=\n", "9=\n"),
        NOTE + "junk\n",
        NOTE + "\u2014 a b\n" * 100,
        "x" * 70_000,
    ],
)
def test_what_is_no_checkpoint_is_refused(bad: str) -> None:
    assert bad != NOTE
    with pytest.raises(BadFormat):
        verify_checkpoint(bad, ORIGIN, KEY.public)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x00"])
def test_an_origin_that_a_note_cannot_carry_is_refused(origin: str) -> None:
    with pytest.raises(BadFormat):
        Checkpoint(origin, 1, bytes(32))


def test_sizes_and_roots_are_bounded() -> None:
    for size, root in ((-1, bytes(32)), (1 << 63, bytes(32)), (1, bytes(31))):
        with pytest.raises(BadFormat):
            Checkpoint(ORIGIN, size, root)


def test_a_cosignature_says_who_saw_the_checkpoint_and_when() -> None:
    name = "agency.example/witness"
    witnessed = cosign(cosign(NOTE, name, OTHER, 1_700_000_000), name, OTHER, 1_700_000_600)
    assert cosigned_at(witnessed, name, OTHER.public) == 1_700_000_600
    assert cosigned_at(NOTE, name, OTHER.public) is None
    assert cosigned_at(witnessed, "agency.example/another", OTHER.public) is None
    assert cosigned_at(witnessed, name, KEY.public) is None
    with pytest.raises(BadSignature):
        cosigned_at(witnessed.replace("\n5\n", "\n6\n"), name, OTHER.public)
    with pytest.raises(BadFormat):
        cosign(NOTE, "two words", OTHER, 0)


def test_the_log_key_does_not_pass_for_a_witness() -> None:
    """The signature type is part of the key id, and the header line part of what is signed."""
    assert cosigned_at(NOTE, ORIGIN, KEY.public) is None
    with pytest.raises(BadSignature):
        verify_checkpoint(cosign(NOTE.split("\n\n")[0] + "\n\n\u2014 a AAAA\n", ORIGIN, KEY, 1), ORIGIN, KEY.public)


def test_the_published_example_parses() -> None:
    with pytest.raises(BadSignature, match="not signed by the log's key"):
        verify_checkpoint(EXAMPLE, "example.com/behind-the-sofa", KEY.public)
    assert cosigned_at(EXAMPLE, "witness.example.com/w1", VerifyKey(KEY.public.raw)) is None


def test_a_log_leaf_depends_on_salt_and_entry_and_not_on_member_order() -> None:
    entry = {"operation": "collection", "sequence": 1}
    leaf = log_leaf(bytes(32), entry)
    assert leaf == log_leaf(bytes(32), dict(reversed(entry.items())))
    assert len({leaf, log_leaf(bytes([1]) * 32, entry), log_leaf(bytes(32), {**entry, "sequence": 2})}) == 3
    with pytest.raises(BadFormat):
        log_leaf(bytes(31), entry)


def test_the_name_of_a_partys_witness_is_of_that_log_alone() -> None:
    assert witness_name(ORIGIN, "cleveland-police") == f"{ORIGIN}/witness/cleveland-police"
    assert origin_of(NOTE) == ORIGIN


def test_any_key_of_the_log_verifies_it_and_no_other_does() -> None:
    assert verify_by_any(NOTE, ORIGIN, [OTHER.public, KEY.public]) == POINT
    for keys in ([], [OTHER.public]):
        with pytest.raises(BadSignature):
            verify_by_any(NOTE, ORIGIN, keys)


def test_a_note_travels_with_its_log_and_one_witness_alone() -> None:
    name, stranger = witness_name(ORIGIN, "durham"), SigningKey.from_seed(bytes([9] * 32))
    mine = cosign(NOTE, name, OTHER, 1_700_000_000)
    crowded = cosign(cosign(mine, witness_name(ORIGIN, "another"), stranger, 5), name, stranger, 6) + "\u2014 somebody AAAAAAAA\n"
    assert cosigned_by(crowded, [KEY.public], name, OTHER.public) == mine
    assert verify_checkpoint(mine, ORIGIN, KEY.public) == POINT
