"""One and the same people under two agreements, and under two linkage epochs: no value that is held of the one equals any of the other.

From identifiers to held rows: each agency derives its pseudonyms from the secret, the hub opens, permutes and stores them; what is compared is
what the hub reads back of its own store.
"""

import hashlib
from dataclasses import dataclass

import pyarrow as pa

from agreements.document import read
from agreements.model import Agreement
from exchange.db import reading
from exchange.submissions import holdings
from keys.encoding import b64
from keys.formats import Envelope
from keys.pseudonym import PSEUDONYM, key_check_value, pseudonym_key, pseudonymise
from keys.seal import EncryptionKey, envelope_info, seal
from keys.sign import Use, sign_document
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, World, crimes

OTHER = "LCJP-OTHER"
KIND = "published_crime"
PEOPLE = pa.array([hashlib.sha256(str(number).encode()).hexdigest() for number in range(40)])


@dataclass(frozen=True)
class Under:
    """A linkage secret of an agreement's agencies in one epoch."""

    agreement: Agreement
    epoch: int
    secret: bytes

    @property
    def check(self) -> str:
        return key_check_value(self.secret, self.agreement.reference, self.epoch)

    def sent(self) -> pa.FixedSizeBinaryArray:
        """The pseudonyms of everybody, as an agency sends them."""
        return pseudonymise(PEOPLE, KIND, pseudonym_key(self.secret, self.agreement.reference, KIND, self.epoch))


def second(world: World) -> Agreement:
    """Another agreement of the same parties, with the same words but its reference, in force."""
    found = read(world.words(reference=f'"{OTHER}"'))
    world.enter(found)
    assert world.sign_all(found) == "in-force"
    return found


def issue(world: World, under: Under) -> None:
    reference = under.agreement.reference
    key = world.keys[f"{DURHAM}/encryption"]
    assert isinstance(key, EncryptionKey)
    info = envelope_info(reference=reference, epoch=under.epoch, issuer=CLEVELAND, recipient=DURHAM)
    found = Envelope(reference, under.epoch, CLEVELAND, DURHAM, key.fingerprint, under.check, b64(seal(under.secret, key.public, info)))
    signed = sign_document(found.document(), Use.ENVELOPE, world.signing(f"{CLEVELAND}/manifest"))
    issued = world.call("post", f"/v1/agreements/{reference}/envelopes", CLEVELAND, json=signed)
    assert issued.status_code == 201, issued.text


def store(world: World, under: Under, sent: pa.Array, after: str | None = None) -> tuple[str, list[bytes]]:
    """Push everybody; the submission, and what the hub then reads back of its store, in the order of the store."""
    rows = crimes(len(PEOPLE), crime=sent.to_pylist())
    pushed = world.hold([rows], about=under.agreement, epoch=under.epoch, key_check=under.check, after=after)
    dataset = under.agreement.dataset("crimes")
    assert dataset is not None
    with reading(world.hub.engine) as session:
        batches = [one for one in holdings.live(session, under.agreement.reference, "crimes") if one.submission == pushed.id]
        table = holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, under.agreement, dataset).to_table()
    held: list[bytes] = table.column("crime").to_pylist()
    assert len(set(held)) == len(PEOPLE)
    return pushed.id, held


def apart(*stores: list[bytes]) -> bool:
    return len(set().union(*stores)) == sum(len(one) for one in stores)


def test_two_agreements_of_the_same_people_share_no_value(world: World) -> None:
    other = second(world)
    here, there = Under(world.agreement, 2, bytes(range(32))), Under(other, 1, bytes(range(32)))  # even under one and the same secret
    for under in (here, there):
        issue(world, under)
    stores = [store(world, under, under.sent())[1] for under in (here, there)]
    assert apart(*stores, here.sent().to_pylist(), there.sent().to_pylist())


def test_nor_do_they_when_an_agency_sends_both_the_same_pseudonyms(world: World) -> None:
    """The hub's own keys part them, whatever agencies do; and the order in which rows are stored tells nothing either."""
    other = second(world)
    here, there = Under(world.agreement, 2, bytes(range(32))), Under(other, 1, bytes(range(32)))
    for under in (here, there):
        issue(world, under)
    same = pa.array([hashlib.sha256(bytes([number])).digest()[:16] for number in range(len(PEOPLE))], PSEUDONYM)
    stores = [store(world, under, same)[1] for under in (here, there)]
    assert apart(*stores, same.to_pylist())
    assert all(held == sorted(held) for held in stores)


def test_two_linkage_epochs_of_the_same_people_share_no_value(world: World) -> None:
    first, renewed = Under(world.agreement, 2, bytes(range(32))), Under(world.agreement, 3, bytes(range(32)))  # the secret not even changed
    issue(world, first)
    before, held = store(world, first, first.sent())
    issue(world, renewed)
    _, again = store(world, renewed, renewed.sent(), after=before)
    assert apart(held, again, first.sent().to_pylist(), renewed.sent().to_pylist())
    assert world.hub.keyring.rekey(REFERENCE, KIND, 2) != world.hub.keyring.rekey(REFERENCE, KIND, 3)


def test_within_one_agreement_and_epoch_two_agencies_share_every_value(world: World) -> None:
    """The control: without it the tests above would also hold of a hub that links nothing."""
    under = Under(world.agreement, 2, bytes(range(32)))
    issue(world, under)
    _, mine = store(world, under, under.sent())
    rows = crimes(len(PEOPLE), crime=under.sent().to_pylist())
    pushed = world.hold([rows], supplier=DURHAM, epoch=2, key_check=under.check)
    dataset = world.agreement.dataset("crimes")
    assert dataset is not None
    with reading(world.hub.engine) as session:
        batches = [one for one in holdings.live(session, REFERENCE, "crimes") if one.submission == pushed.id]
        theirs = holdings.rows(session, world.hub.keyring, world.hub.places.held, batches, world.agreement, dataset).to_table()
    assert theirs.column("crime").to_pylist() == mine
