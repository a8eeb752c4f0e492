"""Intake over the API: exactly once, all or nothing, and every refusal by its code."""

import secrets
from typing import Any

import pytest

from agreements.signing import Capacity, Voice
from exchange.db import writing
from exchange.register import partners
from exchange.submissions import process
from tests.exchange.standing import CLEVELAND, DURHAM, OPERATOR, REFERENCE, TEAM, World, crimes, print_of, problem
from tests.folders import lying


def test_the_whole_way_and_a_true_receipt(world: World) -> None:
    pushed = world.prepare([crimes(5), crimes(2, seed=9)])
    opened = world.open(pushed)
    assert (opened.status_code, opened.get_json()["state"], opened.get_json()["missing"]) == (201, "open", [1, 2])
    assert world.put(pushed, 2).get_json() == {"part": 2, "missing": [1]}
    assert world.put(pushed, 1).status_code == 201
    done = world.complete(pushed)
    assert (done.status_code, done.get_json()["state"]) == (202, "complete")
    said = world.acknowledgement(done.get_json()["acknowledgement"])
    assert (said.submission, said.upload) == (pushed.id, pushed.manifest.upload)
    assert world.process(pushed.id) == "held"
    receipt = world.receipt(pushed.id)
    assert (receipt.outcome, receipt.rows, receipt.rows_digest) == ("held", 7, pushed.manifest.rows_digest)
    assert receipt.dispose_on == "2031-04-30"
    found = world.call("get", f"/v1/submissions/{pushed.id}", CLEVELAND).get_json()
    assert found["state"] == "held"
    assert found["report"]["empty"] == {"last_outcome": 7}
    heads = world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()["heads"]
    assert heads == {"2021-04": {"submission": pushed.id, "rows_digest": receipt.rows_digest}}
    assert not list(world.hub.places.staging.names())


def test_repeats_find_what_they_repeat(world: World) -> None:
    pushed = world.prepare([crimes()])
    first = world.open(pushed).get_json()
    again = world.open(pushed)
    assert (again.status_code, again.get_json()) == (200, first)
    assert world.put(pushed, 1).status_code == 201
    assert world.put(pushed, 1).status_code == 200
    acknowledged = world.complete(pushed).get_json()["acknowledgement"]
    world.clock.forward(hours=1)
    assert world.complete(pushed).get_json()["acknowledgement"] == acknowledged
    assert world.put(pushed, 1).status_code == 200
    world.process(pushed.id)
    receipt = world.row(pushed.id).receipt
    assert world.process(pushed.id) == "held"
    assert world.complete(pushed).get_json()["receipt"] == receipt
    assert world.open(pushed).get_json()["receipt"] == receipt


def test_the_same_content_gets_the_receipt_of_the_head(world: World) -> None:
    held = world.hold()
    again = world.prepare([crimes()])
    answer = world.open(again)
    assert (answer.status_code, answer.get_json()["same_content"], again.id) == (200, True, held.id)
    assert answer.get_json()["receipt"] == world.row(held.id).receipt
    assert [one["submission"] for one in world.call("get", "/v1/submissions", CLEVELAND).get_json()["submissions"]] == [held.id]


def test_new_content_follows_the_head_or_is_refused(world: World) -> None:
    first = world.hold()
    lost = world.prepare([crimes(4)])
    assert problem(world.open(lost), 409, "head-moved")["head"] == first.id
    second = world.hold([crimes(4)], after=first.id)
    assert world.row(first.id).state == "superseded"
    assert world.receipt(second.id).after == first.id
    # The old content again is new content now: it would replace the head.
    assert problem(world.open(world.prepare([crimes()], after=first.id)), 409, "head-moved")["head"] == second.id
    third = world.hold([crimes()], after=second.id)
    assert [world.row(one.id).state for one in (first, second, third)] == ["superseded", "superseded", "held"]


def test_of_two_that_follow_the_same_head_one_is_held(world: World) -> None:
    one, other = world.prepare([crimes(2)]), world.prepare([crimes(4)])
    world.send(one)
    world.send(other)
    assert [world.process(one.id), world.process(other.id)] == ["held", "refused"]
    [reason] = world.receipt(other.id).reasons
    assert "held first" in reason.reason


def test_a_nil_return_is_held_and_replaces(world: World) -> None:
    held = world.hold()
    nil = world.hold([], after=held.id)
    assert world.receipt(nil.id).rows == 0
    assert world.row(held.id).state == "superseded"


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"agreement": "sha256:" + "0" * 64}, 404, "unknown-agreement"),
        ({"agreement": 5}, 404, "unknown-agreement"),
        ({"dataset": "cats"}, 403, "refused-by-agreement"),
        ({"mode": "append"}, 403, "refused-by-agreement"),
        ({"period": "2021"}, 403, "refused-by-agreement"),
        ({"period": "2020-12"}, 403, "refused-by-agreement"),
        ({"period": "2026-12"}, 403, "refused-by-agreement"),
        ({"period": "9999-12"}, 403, "refused-by-agreement"),
        ({"period": "0000-01"}, 422, "bad-manifest"),
        ({"period": "2021-04\n"}, 422, "bad-manifest"),
        ({"period": "2021-13"}, 422, "bad-manifest"),
        ({"supplier": DURHAM}, 422, "wrong-key"),
        ({"reference": "LCJP-MV8"}, 422, "bad-manifest"),
        ({"version": 2}, 422, "bad-manifest"),
        ({"rows": 4}, 422, "bad-manifest"),
        ({"rows": -1}, 422, "bad-manifest"),
        ({"rows": True}, 422, "bad-manifest"),
        ({"extra": 1}, 422, "bad-manifest"),
        ({"upload": "x"}, 422, "bad-manifest"),
        ({"totals": {}}, 422, "bad-manifest"),
        ({"totals": {"crime": 0, "month": 0, "authority": 0, "crime_type": 0, "last_outcome": 99}}, 422, "bad-manifest"),
        ({"epoch": 2}, 422, "linkage-mismatch"),
        ({"key_check": "f" * 16}, 422, "linkage-mismatch"),
        ({"normaliser": 99}, 422, "linkage-mismatch"),
        ({"sealing_key": "seal-none"}, 422, "sealing-key-expired"),
        ({"after": "sub-000000000000000000000000"}, 409, "head-moved"),
    ],
    ids=str,
)
def test_a_manifest_that_is_not_right_opens_nothing(world: World, members: dict[str, Any], status: int, code: str) -> None:
    problem(world.open(world.prepare([crimes()], **members)), status, code)
    assert world.call("get", "/v1/submissions", CLEVELAND).get_json() == {"submissions": []}


def test_a_manifest_by_another_key_or_altered_opens_nothing(world: World) -> None:
    for place in (f"{DURHAM}/manifest", f"{CLEVELAND}/client", f"{CLEVELAND}/signatory"):
        problem(world.open(world.prepare([crimes()], key=world.signing(place))), 422, "wrong-key")
    pushed = world.prepare([crimes()])
    pushed.signed["document"]["period"] = "2021-05"
    problem(world.open(pushed), 422, "wrong-key")
    assert world.open(world.prepare([crimes()], supplier=CLEVELAND), supplier=DURHAM).status_code in (403, 404, 422)
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/manifest"]), "lost", world.clock())
    # The role rests on the manifest key: with it gone, there is nothing left to submit as.
    problem(world.open(world.prepare([crimes()])), 403, "forbidden")


def test_one_upload_id_is_one_manifest(world: World) -> None:
    upload = secrets.token_hex(16)
    world.open(world.prepare([crimes()], upload=upload))
    problem(world.open(world.prepare([crimes(4)], upload=upload)), 409, "upload-conflict")
    problem(world.open(world.prepare([crimes()], upload=upload, supplier=DURHAM), DURHAM), 409, "upload-conflict")


def test_limits_are_asked_of_the_manifest(world: World) -> None:
    limits = world.hub.settings
    too_many = world.prepare([crimes(1, seed=number) for number in range(limits.parts + 1)])
    problem(world.open(too_many), 422, "too-large")
    tall = world.prepare([crimes(limits.part_rows + 1)])
    problem(world.open(tall), 422, "too-large")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"5", b'{"a":NaN}', b'{"a":1,"a":2}', b"\xff", b"[" * 100_000, b'{"document":null}', b'{"document":[]}', b"{}"],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_manifest(world: World, body: bytes) -> None:
    answer = world.call("post", "/v1/submissions", CLEVELAND, data=body, content_type="application/json")
    assert answer.status_code in (404, 422)
    assert answer.content_type == "application/problem+json"
    problem(world.call("post", "/v1/submissions", CLEVELAND, data=body, content_type="text/plain"), 415, "unsupported-media-type")


def test_a_part_counts_only_whole_and_right(world: World) -> None:
    pushed = world.prepare([crimes(), crimes(seed=1)])
    world.open(pushed)
    right = pushed.parts[0]
    problem(world.put(pushed, 1, body=right[:-1]), 422, "part-mismatch")
    problem(world.put(pushed, 1, body=right + b"x"), 413, "part-mismatch")
    problem(world.put(pushed, 1, body=pushed.parts[1][: len(right)]), 422, "part-mismatch")
    problem(world.put(pushed, 1, digest="sha-256=:AAAA:"), 422, "part-damaged")
    for digest in ("", "sha-512=:AAAA:", "md5=:AAAA:"):
        problem(world.put(pushed, 1, digest=digest), 411, "length-required")
    for number in (0, 3, 10**30):
        problem(world.call("put", f"/v1/submissions/{pushed.id}/parts/{number}", CLEVELAND, data=right), 404, "no-such-part")
    assert problem(world.complete(pushed), 409, "parts-missing")["missing"] == [1, 2]
    assert not list(world.hub.places.staging.names())
    assert not lying(world.settings, "staging")


def test_a_body_without_a_length_is_refused(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.open(pushed)
    headers = {"Authorization": f"Bearer {world.token(CLEVELAND)}", "Content-Digest": "sha-256=:AAAA:", "Transfer-Encoding": "chunked"}
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    path = f"/v1/submissions/{pushed.id}/parts/1"
    problem(world.app.test_client().put(path, headers=headers, environ_overrides=environ), 411, "length-required")


def test_a_body_over_the_limit_is_refused_before_it_is_read(world: World) -> None:
    big = b" " * (5 << 20)
    problem(world.call("post", "/v1/submissions", CLEVELAND, data=big, content_type="application/json"), 413, "request-entity-too-large")


def test_who_is_no_supplier_submits_nothing(world: World) -> None:
    problem(world.call("post", "/v1/submissions", TEAM, json={}), 403, "forbidden")


def test_under_a_suspended_agreement_nothing_is_taken_or_held(world: World) -> None:
    waiting, complete = world.prepare([crimes()]), world.prepare([crimes(4)], supplier=DURHAM)
    world.open(waiting)
    world.put(waiting, 1)
    world.send(complete, DURHAM)
    world.say(OPERATOR, Capacity.DPO, Voice.SUSPEND)
    found = problem(world.complete(waiting), 403, "refused-by-agreement")
    assert found["clause"] == "LCJP-MV7 version 1, suspension"
    problem(world.open(world.prepare([crimes(6)])), 403, "refused-by-agreement")
    assert process.pending(world.hub.engine, world.hub.clock()) == []
    assert world.process(complete.id) == "complete"
    assert world.row(complete.id).receipt is None
    assert not list(world.hub.places.held.names())
    world.say(OPERATOR, Capacity.SIGNATORY, Voice.RESUME)
    assert process.pending(world.hub.engine, world.hub.clock()) == [complete.id]
    assert world.process(complete.id) == "held"
    world.complete(waiting)
    assert world.process(waiting.id) == "held"


def test_what_was_complete_before_the_agreement_ended_is_refused_with_a_receipt(world: World) -> None:
    pushed = world.prepare([crimes()])
    world.send(pushed)
    world.say(CLEVELAND, Capacity.SIGNATORY, Voice.TERMINATE)
    assert world.process(pushed.id) == "refused"
    receipt = world.receipt(pushed.id)
    assert (receipt.outcome, receipt.dispose_on) == ("refused", None)
    assert "terminated" in receipt.reasons[0].reason
    assert not list(world.hub.places.staging.names())


def test_the_listing_filters_and_refuses_what_it_does_not_know(world: World) -> None:
    held = world.hold()
    found = world.call("get", f"/v1/submissions?reference={REFERENCE}&dataset=crimes", CLEVELAND).get_json()["submissions"]
    assert [(one["submission"], one["state"], one["rows"], one["dispose_on"]) for one in found] == [(held.id, "held", 3, "2031-04-30")]
    assert world.call("get", "/v1/submissions?dataset=outcomes", CLEVELAND).get_json() == {"submissions": []}
    assert world.call("get", "/v1/submissions?supplier=durham-constabulary", CLEVELAND).status_code == 422


def test_envelopes_are_relayed_to_whom_they_are_sealed(world: World) -> None:
    path = f"/v1/agreements/{REFERENCE}/envelopes"
    assert len(world.call("get", path, DURHAM).get_json()["envelopes"]) == 1
    assert world.call("get", path, CLEVELAND).get_json() == {"envelopes": []}
    assert world.call("post", path, CLEVELAND, json=world.envelope()).status_code == 201
    problem(world.call("post", path, CLEVELAND, json=world.envelope(check="f" * 16)), 409, "epoch-exists")
    problem(world.call("post", path, DURHAM, json=world.envelope(DURHAM, CLEVELAND)), 409, "epoch-exists")
    problem(world.call("post", path, DURHAM, json=world.envelope(epoch=2)), 422, "bad-cryptography")
    assert world.call("post", path, DURHAM, json=world.envelope(DURHAM, CLEVELAND, epoch=2)).status_code == 201
    assert world.call("get", f"/v1/agreements/{REFERENCE}/datasets/crimes/contract", CLEVELAND).get_json()["linkage"]["epoch"] == 2


def test_a_revoked_manifest_key_issues_no_linkage_secret(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token(CLEVELAND)}"}
    with writing(world.hub.engine) as session:
        partners.revoke(session, print_of(world.keys[f"{CLEVELAND}/manifest"]), "lost", world.clock())
    answer = world.call("post", f"/v1/agreements/{REFERENCE}/envelopes", headers=headers, json=world.envelope(epoch=2))
    problem(answer, 422, "wrong-key")
