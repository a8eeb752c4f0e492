"""Of any rows in any parts, exactly those of the people meant are found and left out; all others stay as they were, in their order."""

import secrets

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchange.keyring import Keyring
from exchange.objects import Objects
from exchange.submissions import finding
from exchange.submissions.finding import Kept, Moved, Part, Shown, next_key
from exchange.submissions.rights import Asked
from keys.keystore import SealedFileKeystore
from keys.parquet import EncryptedWriter, decrypting_dataset, new_data_key
from keys.providers import CredentialFileRoots
from keys.pseudonym import rekey
from keys.rights import RightsRequest
from tests.agreements.papers import agreement, dataset
from tests.exchange.asking import KIND
from tests.exchange.standing import SCHEMA, crimes
from tests.keys.examples import RIGHTS_REQUEST

PEOPLE = [bytes([number]) * 16 for number in range(8)]
SOMEBODY = st.sampled_from([*PEOPLE, None])


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Keyring, Objects]:
    folder = tmp_path_factory.mktemp("finding")
    credential = folder / "credential"
    credential.write_text(secrets.token_hex(32))
    credential.chmod(0o600)
    (folder / "roots").mkdir(mode=0o700)
    store = SealedFileKeystore.initialise(folder / "keystore", CredentialFileRoots(folder / "roots", credential))
    return Keyring(store), Objects(folder / "objects")


def asked(people: frozenset[bytes], epoch: int = 1) -> Asked:
    return Asked(RightsRequest.parse({**RIGHTS_REQUEST, "kind": KIND}), "", (), {epoch: people})


def keep(keyring: Keyring, held: Objects, tables: list[pa.Table], epoch: int = 1) -> Kept:
    """A held submission: rows re-keyed as at intake, a part each."""
    identity = f"sub-{secrets.token_hex(12)}"
    key, permutation, parts = f"submission/{identity}", keyring.rekey("LCJP-MV7", KIND, epoch), []
    keyring.store.create(key)
    for number, table in enumerate(tables, 1):
        name, data_key = f"{identity.removeprefix('sub-')}.{number}.parquet", new_data_key()
        draft = held.draft(name)
        column = rekey(table.column("crime").combine_chunks(), permutation)
        with EncryptedWriter(draft, SCHEMA, data_key, f"{identity}/{number}") as writer:
            writer.write(table.set_column(0, SCHEMA.field("crime"), column))
        held.keep(draft, name)
        parts.append(Part(number, name, keyring.store.wrap(key, data_key), f"{identity}/{number}"))
    return Kept(identity, agreement(), dataset("crimes"), "2021-04", key, epoch, tuple(parts))


def read(held: Objects, name: str, key: bytes, aad: str) -> pa.Table:
    return decrypting_dataset([(held.path(name), key, aad)], SCHEMA).to_table()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.lists(SOMEBODY, max_size=12), min_size=1, max_size=4), people=st.frozensets(st.sampled_from(PEOPLE), min_size=1))
def test_exactly_theirs_go(here: tuple[Keyring, Objects], parts: list[list[bytes | None]], people: frozenset[bytes]) -> None:
    keyring, held = here
    kept = keep(keyring, held, [crimes(len(one), crime=list(one)) for one in parts])
    found = finding.search(keyring, held, asked(people), Shown(frozenset(), (kept,)))
    wanted = {number: count for number, one in enumerate(parts, 1) if (count := sum(value in people for value in one))}
    assert [dict(one.rows) for one in found] == ([wanted] if wanted else [])
    for one in found:
        written = finding.rewrite(keyring, held, asked(people), one)
        assert written.key == f"{kept.key}/2"
        assert set(written.parts) == set(wanted)
        for part in kept.parts:
            before = read(held, part.object, keyring.store.unwrap(kept.key, part.wrapped), part.aad)
            if part.number not in written.parts:
                continue
            made = written.parts[part.number]
            mask = pa.array([value not in people for value in parts[part.number - 1]], pa.bool_())
            after = read(held, made.object, made.data_key, part.aad)
            assert after == before.filter(mask)
            assert made.rows == after.num_rows
        finding.discard(held, [written])
        assert all(part.object in set(held.names()) for part in kept.parts)


def test_pseudonyms_of_another_epoch_find_nobody(here: tuple[Keyring, Objects]) -> None:
    keyring, held = here
    kept = keep(keyring, held, [crimes(2, crime=PEOPLE[:2])], epoch=2)
    assert finding.search(keyring, held, asked(frozenset(PEOPLE)), Shown(frozenset(), (kept,))) == []
    assert len(finding.search(keyring, held, asked(frozenset(PEOPLE), 2), Shown(frozenset(), (kept,)))) == 1


def test_what_went_meanwhile_is_looked_for_again(here: tuple[Keyring, Objects]) -> None:
    keyring, held = here
    kept = keep(keyring, held, [crimes(2, crime=PEOPLE[:2])])
    [found] = finding.search(keyring, held, asked(frozenset(PEOPLE)), Shown(frozenset(), (kept,)))
    held.delete(kept.parts[0].object)
    with pytest.raises(Moved):
        finding.search(keyring, held, asked(frozenset(PEOPLE)), Shown(frozenset(), (kept,)))
    keyring.store.destroy(kept.key)
    with pytest.raises(Moved):
        finding.rewrite(keyring, held, asked(frozenset(PEOPLE)), found)
    assert finding.search(keyring, held, asked(frozenset(PEOPLE)), Shown(frozenset(), (kept,))) == []


def test_a_submission_has_one_key_after_another() -> None:
    assert next_key("submission/sub-1") == "submission/sub-1/2"
    assert next_key("submission/sub-1/2") == "submission/sub-1/3"
    assert next_key("submission/sub-1/19") == "submission/sub-1/20"
