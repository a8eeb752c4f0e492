"""Clauses of hubs about a submission, from its manifest to its receipt."""

from conformance.asking import answered, refused
from conformance.clauses import Suite, demand
from conformance.hub import HubStage
from keys.encoding import digest
from keys.formats import Acknowledgement
from keys.sign import SigningKey, Use, sign_document, verify_document

SENT: Suite[HubStage] = Suite()
SUBMITTING, CODES = "api.md, Submitting", "api.md, Problem codes"


@SENT.clause("manifest-key", CODES, "A manifest by another key than the agreement names is refused")
def wrong_key(stage: HubStage) -> None:
    made = stage.made()
    signed = sign_document(made.signed["document"], Use.MANIFEST, SigningKey.generate())
    refused(stage.client.ask("POST", "/v1/submissions", json=signed), 422, "wrong-key")


@SENT.clause("manifest-altered", "formats.md, section 3", "A manifest that was altered after it was signed is refused")
def altered(stage: HubStage) -> None:
    made = stage.made()
    signed = {**made.signed, "document": {**made.signed["document"], "created": "2020-01-01T00:00:00Z"}}
    answer = stage.client.ask("POST", "/v1/submissions", json=signed)
    demand(answer.status_code == 422, f"expected 422, and got {answer.status_code}")


@SENT.clause("manifest-members", "formats.md, section 8", "A manifest with a member too many is refused, by the member's name")
def members(stage: HubStage) -> None:
    made = stage.made()
    signed = sign_document({**made.signed["document"], "remark": "none"}, Use.MANIFEST, stage.signing)
    refused(stage.client.ask("POST", "/v1/submissions", json=signed), 422, "bad-manifest")


@SENT.clause("manifest-opens", SUBMITTING, "A manifest opens a submission: 201, its parts missing")
def opens(stage: HubStage) -> None:
    found = stage.opened
    demand(found["upload"] == stage.prepared.manifest.upload, "it is of another upload")
    demand((found["state"], found["missing"]) == ("open", [1]), "it is not open with part 1 missing")


@SENT.clause("manifest-again", SUBMITTING, "The same upload and manifest again: 200, and the same submission")
def again(stage: HubStage) -> None:
    found = answered(stage.post(stage.prepared), 200)
    demand(found["submission"] == stage.opened["submission"], "another submission was opened")


@SENT.clause("upload-conflict", CODES, "The same upload id with another manifest is refused")
def conflict(stage: HubStage) -> None:
    demand(stage.opened, "")
    other = stage.made(2, upload=stage.prepared.manifest.upload)
    refused(stage.post(other), 409, "upload-conflict")


@SENT.clause("part-digest", SUBMITTING, "A part without Content-Digest is refused")
def no_digest(stage: HubStage) -> None:
    refused(stage.client.put(f"{stage.path}/parts/1", stage.prepared.parts[0], digest=""), 411, "length-required")


@SENT.clause("part-damaged", SUBMITTING, "A part that is not what its digest announces is refused")
def damaged(stage: HubStage) -> None:
    whole = stage.prepared.parts[0]
    bad = whole[:-1] + bytes([whole[-1] ^ 1])
    right = "sha-256=:" + "A" * 43 + "=:"
    refused(stage.client.put(f"{stage.path}/parts/1", bad, digest=right), 422, "part-damaged")


@SENT.clause("part-other", CODES, "A whole part that the manifest does not name is refused")
def other_part(stage: HubStage) -> None:
    whole = stage.prepared.parts[0]
    refused(stage.client.put(f"{stage.path}/parts/1", whole[:-1] + bytes([whole[-1] ^ 1])), 422, "part-mismatch")


@SENT.clause("part-number", CODES, "A part of a number that the manifest does not have is refused")
def number(stage: HubStage) -> None:
    refused(stage.client.put(f"{stage.path}/parts/2", stage.prepared.parts[0]), 404, "no-such-part")


@SENT.clause("complete-early", SUBMITTING, "Complete before the parts are there is refused, and names what is missing")
def early(stage: HubStage) -> None:
    found = refused(stage.client.ask("POST", f"{stage.path}/complete"), 409, "parts-missing")
    demand(found.get("missing") == [1], "missing does not name part 1")


@SENT.clause("part-taken", SUBMITTING, "The right part is taken: 201, and 200 when it comes again")
def taken(stage: HubStage) -> None:
    demand(stage.put.status_code == 201, f"expected 201, and got {stage.put.status_code}")
    demand(stage.put.json() == {"part": 1, "missing": []}, "the answer is not of the part, with nothing missing")
    answered(stage.client.put(f"{stage.path}/parts/1", stage.prepared.parts[0]), 200)


@SENT.clause("acknowledged", "formats.md, section 8", "Complete is acknowledged, signed with the receipts key, for this very manifest")
def acknowledged(stage: HubStage) -> None:
    found = Acknowledgement.parse(verify_document(stage.completed["acknowledgement"], Use.ACKNOWLEDGEMENT, stage.hub_keys["receipts"]))
    demand(found.submission == stage.opened["submission"], "it is of another submission")
    demand(found.manifest == digest(stage.prepared.signed["document"]), "it is of another manifest")


@SENT.clause("acknowledged-once", SUBMITTING, "Complete again has the same acknowledgement")
def acknowledged_once(stage: HubStage) -> None:
    found = answered(stage.client.ask("POST", f"{stage.path}/complete"), 202)
    demand(found["acknowledgement"] == stage.completed["acknowledgement"], "there is a second acknowledgement")


@SENT.clause("receipt", "formats.md, section 8", "The receipt is signed with the receipts key, and repeats what the manifest says")
def receipt(stage: HubStage) -> None:
    found, manifest = stage.receipt.document(), stage.prepared.manifest.document()
    demand(found["outcome"] == "held", f"the submission was refused: {'; '.join(one['clause'] for one in found['reasons'])}")
    names = ("upload", "supplier", "reference", "version", "agreement", "dataset", "period", "mode", "after", "rows", "rows_digest")
    differing = [name for name in names if found[name] != manifest[name]]
    demand(not differing, f"it differs from the manifest in {', '.join(differing)}")
    demand(found["manifest"] == digest(stage.prepared.signed["document"]), "it is of another manifest")
    demand(found["submission"] == stage.opened["submission"], "it is of another submission")


@SENT.clause("receipt-once", "formats.md, section 8", "The same upload gets the same receipt")
def receipt_once(stage: HubStage) -> None:
    found = answered(stage.post(stage.prepared), 200)
    demand(found["submission"] == stage.opened["submission"] and found["receipt"] == stage.decided["receipt"], "there is another receipt")


@SENT.clause("same-content", SUBMITTING, "Content equal to what stands is not held twice: its own receipt is the answer")
def same_content(stage: HubStage) -> None:
    demand(stage.receipt.outcome == "held", "nothing is held")
    document = {**stage.prepared.signed["document"], "upload": stage.prepared.manifest.upload[::-1], "after": stage.opened["submission"]}
    found = answered(stage.client.ask("POST", "/v1/submissions", json=sign_document(document, Use.MANIFEST, stage.signing)), 200)
    demand(found.get("same_content") is True, "same_content is not true")
    demand(found["submission"] == stage.opened["submission"] and found["receipt"] == stage.decided["receipt"], "it is not what stands")


@SENT.clause("head", SUBMITTING, "Anything else must follow the head, which the refusal names")
def head(stage: HubStage) -> None:
    demand(stage.receipt.outcome == "held", "nothing is held")
    found = refused(stage.post(stage.made(2, after="sub-of-another-time")), 409, "head-moved")
    demand(found.get("head") == stage.opened["submission"], "head is not what stands")


@SENT.clause("withdraw", SUBMITTING, "What is open can be withdrawn, again and again; what is decided stays")
def withdraw(stage: HubStage) -> None:
    made = stage.made(2)
    opened = answered(stage.post(made), 201)
    for _ in range(2):
        found = answered(stage.client.ask("DELETE", f"/v1/submissions/{opened['submission']}"), 200)
        demand(found["state"] == "lapsed", f"it is {found['state']}")
    demand(stage.receipt.outcome == "held", "nothing is held")
    refused(stage.client.ask("DELETE", stage.path), 409, "not-open")


@SENT.clause("nil", SUBMITTING, "A nil return has no rows and no parts, and gets a receipt")
def nil(stage: HubStage) -> None:
    demand(stage.receipt.outcome == "held", "nothing is held")
    made = stage.made(0)
    opened = answered(stage.post(made), 201)
    path = f"/v1/submissions/{opened['submission']}"
    answered(stage.client.ask("POST", f"{path}/complete"), 202)
    found = verify_document(stage.awaited(path)["receipt"], Use.RECEIPT, stage.hub_keys["receipts"])
    demand((found["outcome"], found["rows"]) == ("held", 0), "it is not held with no rows")


@SENT.clause("listed", SUBMITTING, "The list has the caller's own submissions, newest first")
def listed(stage: HubStage) -> None:
    wanted = {"reference": stage.chosen, "dataset": stage.named}
    found = answered(stage.client.ask("GET", "/v1/submissions", params=wanted), 200)["submissions"]
    times = [one["received"] for one in found]
    demand(times == sorted(times, reverse=True), "it is not newest first")
    demand(stage.opened["submission"] in {one["submission"] for one in found}, "the submission just made is not in it")


@SENT.clause("unknown-submission", CODES, "A submission that is not there, or not the caller's, is the same 404")
def unknown(stage: HubStage) -> None:
    stage.require_supplier()
    refused(stage.client.ask("GET", "/v1/submissions/sub-000000000000000000000000"), 404, "not-found")
