"""Clauses of hubs about agreements, the log, and editions."""

import base64
import hashlib
from typing import Any

from conformance.asking import answered, refused
from conformance.clauses import DoesNotApply, Suite, demand
from conformance.hub import HubStage
from keys import merkle
from keys.checkpoint import Checkpoint, log_leaf, origin_of, verify_checkpoint
from keys.encoding import canonical, parse_json, unb64
from keys.sign import Use, verify_document
from keys.statements import verify_signed

AGREED: Suite[HubStage] = Suite()
READ: Suite[HubStage] = Suite()
PAPER, LOG, EDITIONS = "api.md, Agreements", "api.md, The log", "api.md, Editions"


@AGREED.clause(
    "agreement-canonical", "formats.md, section 14", "The agreement is told in its canonical form, of the digest that the list names"
)
def told(stage: HubStage) -> None:
    text = stage.told["canonical"].encode()
    demand(canonical(parse_json(text)) == text, "the text is not the canonical form of RFC 8785")
    listed = answered(stage.client.ask("GET", "/v1/agreements"), 200)["agreements"]
    mine = next(one for one in listed if one["reference"] == stage.chosen)
    demand(mine["agreement"] == "sha256:" + hashlib.sha256(text).hexdigest(), "its digest is not the one in the list")


@AGREED.clause(
    "agreement-signed", "formats.md, section 14", "Every party's signatory has signed this very text, with the key that it names"
)
def signed(stage: HubStage) -> None:
    said: dict[str, set[str]] = {}
    own = "sha256:" + hashlib.sha256(stage.told["canonical"].encode()).hexdigest()
    named = {party["id"]: party["signatory"]["key"] for party in stage.canonical["parties"]}
    for one in stage.told["statements"]:
        about = one["document"]
        if about["decision"] == "sign":
            verify_signed(one, Use.STATEMENT, {named[about["party"]]})
            said.setdefault(about["agreement"], set()).add(about["party"])
    lacking = set(named) - said.get(own, set())
    demand(not lacking, f"no signature of {', '.join(sorted(lacking))}")


@AGREED.clause("agreement-unknown", PAPER, "An agreement that the caller is no party to is unknown")
def unknown(stage: HubStage) -> None:
    refused(stage.client.ask("GET", "/v1/agreements/NO-SUCH-AGREEMENT"), 404, "unknown-agreement")


@AGREED.clause(
    "contract-key", "formats.md, section 8", "The contract's sealing key is signed by the hub's identity key that the agreement names"
)
def sealing_key(stage: HubStage) -> None:
    notice = verify_document(stage.contract["sealing_key"], Use.SEALING_KEY, stage.hub_keys["identity"])
    demand(len(unb64(notice["public"])) == 1216, "it is no X-Wing key")


@AGREED.clause("contract-unknown", PAPER, "The contract of a dataset that the caller does not supply is refused")
def no_contract(stage: HubStage) -> None:
    stage.require_supplier()
    refused(stage.client.ask("GET", f"/v1/agreements/{stage.chosen}/datasets/no-such/contract"), 404, "unknown-dataset")


# ------------------------------------------------------------------------------------------------------------- the log


def _checkpoint(stage: HubStage) -> Checkpoint:
    text = stage.client.ask("GET", "/v1/log/checkpoint").text
    return verify_checkpoint(text, origin_of(text), stage.public("log"))


@READ.clause("log-checkpoint", "formats.md, section 9", "The checkpoint is signed by the log key that the agreement names")
def checkpoint(stage: HubStage) -> None:
    demand(_checkpoint(stage).size > 0, "the log is empty, and there is an agreement")


@READ.clause("log-grows", LOG, "The log at the end of the suite is proved to begin with what it was before")
def grows(stage: HubStage) -> None:
    before = _checkpoint(stage)
    answered(stage.client.authenticate(stage.client.assertion()), 200)
    after = _checkpoint(stage)
    found = answered(stage.client.ask("GET", "/v1/log/consistency", params={"old": str(before.size), "new": str(after.size)}), 200)
    merkle.verify_consistency(before.size, after.size, before.root, after.root, _hashes(found["proof"]))
    first = answered(stage.client.ask("GET", "/v1/log/consistency", params={"old": "1", "new": str(after.size)}), 200)
    demand(len(first["proof"]) == 0 if after.size == 1 else first["proof"], "there is no proof from the first entry on")


@READ.clause("log-sizes", LOG, "A size that the log never had is refused")
def sizes(stage: HubStage) -> None:
    wanted = {"old": "1", "new": str(_checkpoint(stage).size + 1_000_000)}
    refused(stage.client.ask("GET", "/v1/log/consistency", params=wanted), 404, "no-such-size")


@READ.clause("log-own", LOG, "The caller's entries, and nobody else's, each with salt and proof that it is in the log")
def own(stage: HubStage) -> None:
    head = _checkpoint(stage)
    found = answered(stage.client.ask("GET", "/v1/log/entries", params={"after": "0", "of": str(head.size)}), 200)["entries"]
    demand(found, "there is no entry of this client, and it has a key that was registered")
    for one in found:
        demand(one["entry"]["organisation"] == stage.client.party, "an entry is another organisation's")
        leaf = merkle.leaf_hash(log_leaf(unb64(one["salt"], 32), one["entry"]))
        merkle.verify_inclusion(leaf, one["number"], head.size, _hashes(one["proof"]), head.root)


def _hashes(steps: list[str]) -> list[bytes]:
    return [bytes.fromhex(step) for step in steps]


# ------------------------------------------------------------------------------------------------------------ editions


def _file(stage: HubStage) -> tuple[str, str]:
    """A CSV of the edition: its address and its digest, as signed."""
    document = stage.edition["edition"]["document"]
    name = next((one for one in sorted(document["files"]) if one.endswith(".csv")), "")
    if not name:
        raise DoesNotApply("the edition has no CSV")
    return f"/v1/editions/{document['edition']}/tables/{name}", document["files"][name]


@READ.clause("edition-signed", EDITIONS, "An edition is signed by the hub's key for editions that its agreement names")
def edition(stage: HubStage) -> None:
    told: dict[str, Any] = answered(stage.reader.ask("GET", f"/v1/agreements/{stage.chosen}"), 200)
    own = "sha256:" + hashlib.sha256(told["canonical"].encode()).hexdigest()
    found = verify_document(stage.edition["edition"], Use.EDITION, stage.hub_keys["editions"])
    if found["agreement"] != own:
        raise DoesNotApply("the newest edition is of an earlier version of the agreement")


@READ.clause("edition-files", EDITIONS, "A file is the bytes whose digest was signed; ETag and Repr-Digest say the same")
def files(stage: HubStage) -> None:
    path, signed_digest = _file(stage)
    answer = stage.reader.ask("GET", path)
    demand(answer.status_code == 200, f"the file is not given: {answer.status_code}")
    digest = hashlib.sha256(answer.content)
    demand("sha256:" + digest.hexdigest() == signed_digest, "the bytes are not those that were signed")
    demand(answer.headers.get("ETag") == f'"{digest.hexdigest()}"', "the ETag is not the SHA-256 of the bytes")
    right = "sha-256=:" + base64.b64encode(digest.digest()).decode() + ":"
    demand(answer.headers.get("Repr-Digest") == right, "Repr-Digest is missing, or of other bytes")


@READ.clause("edition-unchanged", EDITIONS, "Whoever has a file already gets 304, and no bytes")
def unchanged(stage: HubStage) -> None:
    path, signed_digest = _file(stage)
    answer = stage.reader.ask("GET", path, headers={"If-None-Match": f'"{signed_digest.removeprefix("sha256:")}"'})
    demand(answer.status_code == 304, f"expected 304, and got {answer.status_code}")
    demand(not answer.content, "304 with a body")


@READ.clause("edition-no-file", "api.md, Problem codes", "A file that the edition does not have is refused")
def no_file(stage: HubStage) -> None:
    path, _ = _file(stage)
    refused(stage.reader.ask("GET", path.rpartition("/")[0] + "/no-such.csv"), 404, "no-such-file")


@READ.clause("roles", "api.md, Getting in", "A recipient submits nothing, and a supplier receives no edition")
def roles(stage: HubStage) -> None:
    refused(stage.reader.ask("GET", "/v1/submissions"), 403, "forbidden")
    stage.require_supplier()
    refused(stage.client.ask("GET", "/v1/editions"), 403, "forbidden")
