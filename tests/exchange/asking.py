"""Requests about people's rights as a supplier's client makes them, and the looks into the hub that tell what became of the rows."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import select
from werkzeug.test import TestResponse

from exchange.db import reading
from exchange.log.tables import EntryRow
from exchange.submissions.tables import HeldPartRow
from keys.encoding import b64, unb64
from keys.errors import KeysError
from keys.parquet import decrypting_dataset
from keys.pseudonym import NORMALISER, PSEUDONYM, rekey
from keys.rights import RightsReceipt, RightsRequest, pack
from keys.seal import rights_info, seal
from keys.sign import Use, sign_document, verify_document
from tests.exchange.standing import CLEVELAND, KEY_CHECK, REFERENCE, SCHEMA, World
from tests.folders import content_of

KIND = "published_crime"


def pseudonym(row: int, seed: int = 0) -> bytes:
    """Of a row that :func:`tests.exchange.standing.crimes` makes."""
    return hashlib.sha256(f"{seed} {row}".encode()).digest()[:16]


def request(
    world: World, right: str, people: Collection[bytes], *, supplier: str = CLEVELAND, epoch: int = 1, key: str = "", **members: Any
) -> dict[str, Any]:
    """A signed request; ``members`` take the place of what it would say."""
    about, notice = members.pop("about", world.agreement), world.sealing_notice()
    number = members.get("request", secrets.token_hex(16))
    info = rights_info(agreement=about.digest, supplier=supplier, request=number)
    document: dict[str, Any] = {
        "format": 1,
        "request": number,
        "supplier": supplier,
        "reference": about.reference,
        "version": about.version,
        "agreement": about.digest,
        "right": right,
        "kind": KIND,
        "datasets": ["crimes"],
        "normaliser": NORMALISER,
        "epochs": [{"epoch": epoch, "key_check": KEY_CHECK}],
        "sealing_key": notice["id"],
        "sealed": b64(seal(pack({epoch: people}), unb64(notice["public"]), info)),
        "created": world.clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        **members,
    }
    return sign_document(RightsRequest.parse(document).document(), Use.RIGHTS_REQUEST, world.signing(key or f"{supplier}/manifest"))


def ask(world: World, right: str, people: Collection[bytes], *, supplier: str = CLEVELAND, **more: Any) -> RightsReceipt:
    """Ask; the receipt, verified."""
    signed = request(world, right, people, supplier=supplier, **more)
    return receipt_of(world, world.call("post", "/v1/rights", supplier, json=signed), signed)


def receipt_of(world: World, answer: TestResponse, signed: dict[str, Any]) -> RightsReceipt:
    assert answer.status_code == 200, answer.text
    hub = world.agreement.operator.hub
    assert hub is not None
    receipt = RightsReceipt.parse(verify_document(answer.get_json()["receipt"], Use.RIGHTS_RECEIPT, hub.receipts))
    asked = RightsRequest.parse(signed["document"])
    assert (receipt.request, receipt.right, receipt.supplier) == (asked.request, asked.right, asked.supplier)
    return receipt


def parts(world: World, submission: str) -> list[pa.Table]:
    """The rows of every part of a submission as they are held."""
    row, hub = world.row(submission), world.hub
    held, found = hub.places.held, []
    for part in row.held:
        key = hub.keyring.store.unwrap(row.key, part.wrapped_key)
        found.append(decrypting_dataset([(held.place(part.object), key, part.aad)], SCHEMA, filesystem=held.filesystem).to_table())
    return found


def rekeyed(world: World, people: Sequence[bytes], epoch: int = 1) -> set[bytes]:
    made = rekey(pa.array(people, PSEUDONYM), world.hub.keyring.rekey(REFERENCE, KIND, epoch))
    return set(made.to_pylist())


def everything_readable(world: World, kept: Sequence[tuple[bytes, bytes, str]] = ()) -> set[bytes]:
    """Every pseudonym that anybody could read who has the database, the objects, the keystore, and copies (object, wrapped key, aad) of old."""
    hub, folder = world.hub, world.folder / "thief"
    folder.mkdir(exist_ok=True)
    copies = list(kept)
    with reading(hub.engine) as session:
        known = [(part.wrapped_key, part.aad) for part in session.execute(select(HeldPartRow)).scalars()]
    objects = [content_of(hub.places.held, name) for name in hub.places.held.names()]
    copies += [(content, wrapped, aad) for content in objects for wrapped, aad in known]
    copies += [(content, wrapped, aad) for content in objects for _, wrapped, aad in kept]
    found: set[bytes] = set()
    for content, wrapped, aad in copies:
        for name in hub.keyring.store.names("submission/"):
            found |= _tried(folder / "object.parquet", content, (name, wrapped, aad), world)
    return found


def _tried(path: Path, content: bytes, with_what: tuple[str, bytes, str], world: World) -> set[bytes]:
    name, wrapped, aad = with_what
    try:
        key = world.hub.keyring.store.unwrap(name, wrapped)
        path.write_bytes(content)
        table = decrypting_dataset([(path, key, aad)], SCHEMA).to_table(columns=["crime"])
    except (KeysError, OSError):
        return set()
    return set(table.column("crime").to_pylist())


def entries(world: World, what: str) -> list[dict[str, Any]]:
    with reading(world.hub.engine) as session:
        found = session.execute(select(EntryRow.entry).order_by(EntryRow.number)).scalars()
        return [entry for entry in found if entry and str(entry["what"]).startswith(what)]
