"""A succession holds by its own words: one document, every signature of it, both checkpoints by the log's keys."""

from typing import Any

import pytest

from keys.checkpoint import Checkpoint, sign_checkpoint
from keys.errors import BadFormat, BadSignature
from keys.formats import Succession
from keys.sign import SigningKey, Use, sign_document
from keys.succession import bundle, read_succession

LOG, OLD, ANN, BEN = (SigningKey.from_seed(bytes([number] * 32)) for number in range(1, 5))
ENDED, BEGINS = Checkpoint("a/log", 9, bytes(32)), Checkpoint("a/log-2", 7, bytes([7] * 32))


def document(ended: str | None = None, begins: str | None = None) -> dict[str, Any]:
    made = Succession(1, ended or sign_checkpoint(ENDED, OLD), begins or sign_checkpoint(BEGINS, LOG), "Burnt.", "2026-11-22T09:30:00Z")
    return made.document()


def signed(*keys: SigningKey, about: dict[str, Any] | None = None) -> dict[str, Any]:
    return bundle([sign_document(about or document(), Use.LOG_SUCCESSION, key) for key in keys])


def test_it_says_who_signed_and_what_ends_and_begins() -> None:
    read = read_succession(signed(ANN, BEN), [OLD.public], [LOG.public])
    assert (read.ended, read.begins) == (ENDED, BEGINS)
    assert read.signers == {ANN.public.fingerprint, BEN.public.fingerprint}


def test_the_old_log_may_have_had_another_key() -> None:
    assert read_succession(signed(ANN), [LOG.public, OLD.public], [LOG.public]).ended == ENDED
    for old, new in (([LOG.public], [LOG.public]), ([OLD.public], [OLD.public]), ([], [])):
        with pytest.raises(BadSignature):
            read_succession(signed(ANN), old, new)


@pytest.mark.parametrize("begins", [Checkpoint("a/log", 10, bytes(32)), Checkpoint("a/log-2", 0, bytes(32))])
def test_the_new_log_has_a_name_of_its_own_and_something_in_it(begins: Checkpoint) -> None:
    with pytest.raises(BadFormat):
        read_succession(signed(ANN, about=document(begins=sign_checkpoint(begins, LOG))), [OLD.public], [LOG.public])


def test_a_signature_for_another_use_or_document_spoils_it() -> None:
    good, another = signed(ANN), {**document(), "reason": "Drowned."}
    for spoiling in (sign_document(document(), Use.STATEMENT, BEN), sign_document(another, Use.LOG_SUCCESSION, BEN)):
        with pytest.raises(BadSignature):
            read_succession({**good, "signatures": [*good["signatures"], spoiling]}, [OLD.public], [LOG.public])
    with pytest.raises(BadSignature):
        read_succession({**good, "document": another}, [OLD.public], [LOG.public])


def test_signatures_of_several_documents_are_no_bundle() -> None:
    with pytest.raises(BadFormat):
        bundle([])
    with pytest.raises(BadFormat):
        bundle([*signed(ANN)["signatures"], *signed(BEN, about={**document(), "reason": "Drowned."})["signatures"]])


@pytest.mark.parametrize("bad", [None, [], {}, {"format": 1}, {**signed(ANN), "more": 1}, {**signed(ANN), "signatures": {}}])
def test_what_is_no_bundle_is_refused(bad: Any) -> None:
    with pytest.raises(BadFormat):
        read_succession(bad, [OLD.public], [LOG.public])
