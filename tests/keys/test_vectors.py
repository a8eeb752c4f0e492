"""Our own vectors: the formats, byte for byte. Another implementation is right when these files pass there too."""

import builtins
import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from keys import errors, formats, merkle, seal
from keys.checkpoint import Checkpoint, cosign, cosigned_at, log_leaf, sign_checkpoint, verify_checkpoint
from keys.derive import derive
from keys.encoding import b64, digest, unb64
from keys.generation import Generation
from keys.parquet import decrypting_dataset
from keys.passkey import Passkey, challenge
from keys.providers import CredentialFileRoots
from keys.pseudonym import NORMALISER, key_check_value, pseudonym_key, pseudonymise, rekey
from keys.rows import RowsDigest
from keys.sign import SigningKey, Use, sign_document, verify_document
from keys.statements import verify_signed
from tests.keys.shared import vector


def refusal(case: dict[str, Any]) -> Any:
    """Expect exactly the error that the vector names."""
    return pytest.raises(getattr(errors, case["error"], None) or getattr(builtins, case["error"]))


@pytest.mark.parametrize("case", vector("derive")["cases"], ids=lambda case: case["name"])
def test_derive(case: dict[str, Any]) -> None:
    secret = bytes.fromhex(case["secret"])
    if "error" in case:
        with refusal(case):
            derive(secret, case["use"], *case["context"], length=case["length"])
        return
    assert derive(secret, case["use"], *case["context"], length=case["length"]).hex() == case["derived"]


def test_pseudonym_key() -> None:
    document = vector("pseudonym")
    secret, reference, epoch = bytes.fromhex(document["secret"]), document["reference"], document["epoch"]
    assert pseudonym_key(secret, reference, document["kind"], epoch).hex() == document["key"]
    assert key_check_value(secret, reference, epoch) == document["key_check"]
    assert document["normaliser"] == NORMALISER


@pytest.mark.parametrize("case", vector("pseudonym")["cases"], ids=lambda case: case["name"])
def test_pseudonym(case: dict[str, Any]) -> None:
    document = vector("pseudonym")
    column, key = pa.array([case["identifier"]], pa.string()), bytes.fromhex(document["key"])
    if "error" in case:
        with refusal(case):
            pseudonymise(column, document["kind"], key)
        return
    found = pseudonymise(column, document["kind"], key)
    rekeyed = rekey(found, bytes.fromhex(document["rekey_key"]))
    assert [value and value.hex() for value in (found[0].as_py(), rekeyed[0].as_py())] == [case["pseudonym"], case["rekeyed"]]


TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "fixed_size_binary(16)": (pa.binary(16), bytes.fromhex),
    "date32": (pa.date32(), lambda days: date(1970, 1, 1) + timedelta(days)),
    "string": (pa.string(), str),
    "bool": (pa.bool_(), bool),
    "int32": (pa.int32(), int),
    "int64": (pa.int64(), int),
    "float64": (pa.float64(), float),
    "timestamp[s]": (pa.timestamp("s"), int),
}


@pytest.mark.parametrize("case", vector("rows_digest")["cases"], ids=lambda case: case["name"])
def test_rows_digest(case: dict[str, Any]) -> None:
    schema = pa.schema([(name, TYPES[kind][0]) for name, kind in case["columns"]])
    if "error" in case:
        with refusal(case):
            RowsDigest(schema)
        return
    columns = [
        pa.array([None if row[place] is None else TYPES[kind][1](row[place]) for row in case["rows"]], TYPES[kind][0])
        for place, (_, kind) in enumerate(case["columns"])
    ]
    running = RowsDigest(schema)
    running.update(pa.record_batch(columns, schema))
    assert running.hexdigest() == case["digest"]


def test_manifest_signature() -> None:
    document = vector("manifest")
    key, signed = SigningKey.from_seed(bytes.fromhex(document["seed"])), document["signed"]
    assert key.public.fingerprint == document["fingerprint"]
    assert sign_document(signed["document"], Use.MANIFEST, key) == signed
    manifest = formats.Manifest.parse(verify_document(signed, Use.MANIFEST, document["fingerprint"]))
    assert formats.digest(manifest.document()) == document["canonical_sha256"]


@pytest.mark.parametrize("case", vector("manifest")["negative"], ids=lambda case: case["name"])
def test_manifest_refusals(case: dict[str, Any]) -> None:
    document = vector("manifest")
    with refusal(case):
        verify_document({**document["signed"], **case["replace"]}, Use.MANIFEST, document["fingerprint"])


def test_seal() -> None:
    document = vector("seal")
    key = seal.EncryptionKey.from_private(bytes.fromhex(document["private"]))
    assert key.fingerprint == document["fingerprint"]
    assert hashlib.sha256(key.public).hexdigest() == document["public_sha256"]
    for name, info in (("part", seal.part_info), ("envelope", seal.envelope_info)):
        case = document[name]
        assert info(**case["context"]).hex() == case["info"]
        assert seal.unseal(unb64(case["sealed"]), key, info(**case["context"])).hex() == case["plaintext"]


@pytest.mark.parametrize("case", vector("seal")["negative"], ids=lambda case: case["name"])
def test_seal_refusals(case: dict[str, Any]) -> None:
    key = seal.EncryptionKey.from_private(bytes.fromhex(vector("seal")["private"]))
    with refusal(case):
        seal.unseal(unb64(case["sealed"]), key, seal.part_info(**case["context"]))


def test_checkpoint() -> None:
    document = vector("checkpoint")
    key, witness = SigningKey.from_seed(bytes.fromhex(document["seed"])), document["witness"]
    point = Checkpoint(document["origin"], document["size"], bytes.fromhex(document["root"]))
    assert sign_checkpoint(point, key) == document["note"]
    assert verify_checkpoint(document["note"], document["origin"], key.public) == point
    cosigner = SigningKey.from_seed(bytes.fromhex(witness["seed"]))
    assert cosign(document["note"], witness["name"], cosigner, witness["time"]) == witness["note"]
    assert cosigned_at(witness["note"], witness["name"], cosigner.public) == witness["time"]


@pytest.mark.parametrize("case", vector("checkpoint")["negative"], ids=lambda case: case["name"])
def test_checkpoint_refusals(case: dict[str, Any]) -> None:
    document = vector("checkpoint")
    key = SigningKey.from_seed(bytes.fromhex(document["seed"]))
    with refusal(case):
        verify_checkpoint(case["note"], document["origin"], key.public)


@pytest.mark.parametrize("case", vector("log_leaf")["cases"], ids=lambda case: case["name"])
def test_log_leaf(case: dict[str, Any]) -> None:
    salt = bytes.fromhex(case["salt"])
    if "error" in case:
        with refusal(case):
            log_leaf(salt, case["entry"])
        return
    leaf = log_leaf(salt, case["entry"])
    assert (leaf.hex(), merkle.leaf_hash(leaf).hex()) == (case["leaf"], case["leaf_hash"])


@pytest.mark.parametrize("case", vector("passkey")["cases"], ids=lambda case: case["name"])
def test_passkey(case: dict[str, Any]) -> None:
    document, use = vector("passkey"), Use(vector("passkey")["use"])
    passkey = Passkey(case["rp_id"], case["origin"], bytes.fromhex(case["cose"]))
    assert (passkey.fingerprint, b64(passkey.raw)) == (case["fingerprint"], case["signed"]["public"])
    found = verify_signed(case["signed"], use, case["fingerprint"])
    assert (digest(found), challenge(use, found).hex()) == (document["canonical_sha256"], document["challenge"])


@pytest.mark.parametrize("case", vector("passkey")["negative"], ids=lambda case: case["name"])
def test_passkey_refusals(case: dict[str, Any]) -> None:
    document = vector("passkey")
    first = document["cases"][0]
    with refusal(case) as refused:
        verify_signed({**first["signed"], **case["replace"]}, Use(document["use"]), first["fingerprint"])
    assert case["because"] in str(refused.value)


def test_keystore(tmp_path: Path) -> None:
    document = vector("keystore")
    credential, roots = tmp_path / "credential", tmp_path / "roots"
    credential.write_text(document["credential"])
    credential.chmod(0o600)
    roots.mkdir()
    (roots / f"root-{document['root_id']}").write_bytes(bytes.fromhex(document["wrapped_root"]))
    root = CredentialFileRoots(roots, credential).get(document["root_id"])
    assert root.hex() == document["root_key"]
    sealed = bytes.fromhex(document["sealed"])
    assert Generation.root_of(sealed) == document["root_id"]
    found = Generation.unseal(sealed, root)
    assert (found.number, found.destroyed) == (document["generation"], document["destroyed"])
    assert {name: key.hex() for name, key in found.keys.items()} == document["keys"]


@pytest.mark.parametrize("case", vector("keystore")["negative"], ids=lambda case: case["name"])
def test_keystore_refusals(case: dict[str, Any]) -> None:
    with refusal(case):
        Generation.unseal(bytes.fromhex(case["sealed"]), bytes.fromhex(case["root_key"]))


HELD = pa.schema([("crime", pa.binary(16)), ("month", pa.date32()), ("crime_type", pa.string())])


def held(case: dict[str, Any], folder: Path) -> ds.Dataset:
    (folder / "part.parquet").write_bytes(unb64(case["file"]))
    return decrypting_dataset([(folder / "part.parquet", bytes.fromhex(case["key"]), case["aad"])], HELD)


def test_held_part(tmp_path: Path) -> None:
    document = vector("held_part")
    rows = held(document, tmp_path).to_table().to_pylist()
    shown = [[row["crime"].hex(), row["month"] and row["month"].isoformat(), row["crime_type"]] for row in rows]
    assert shown == document["rows"]
    assert b"Robbery" not in unb64(document["file"])


@pytest.mark.parametrize("case", vector("held_part")["negative"], ids=lambda case: case["name"])
def test_held_part_refusals(case: dict[str, Any], tmp_path: Path) -> None:
    with refusal(case):
        held(case, tmp_path).to_table()
