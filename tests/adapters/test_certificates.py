"""Certificates of destruction are fetched, verified and kept; and a hub that shows again what it certified destroyed is caught."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keys.encoding import digest
from keys.formats import Certificate
from keys.sign import SigningKey, Use, sign_document
from tests.adapters.conftest import CRIMES, OUTCOMES, Desk
from tests.adapters.intake import Submission, as_time
from tests.adapters.partnership import Partnership
from tests.adapters.standin import StandIn

PUSH = ("push", "crimes", CRIMES, "--period", "2021-04")


def destroy(hub: StandIn, partnership: Partnership, *, key: SigningKey | None = None, **members: Any) -> Submission:
    """What the hub does on the day: the state, and the certificate that it signs."""
    [found] = [one for one in hub.submissions.values() if one.manifest.dataset == "crimes"]
    manifest = found.manifest
    document = {
        "format": 1,
        "submission": found.id,
        **{name: getattr(manifest, name) for name in ("supplier", "reference", "agreement", "dataset", "period", "rows")},
        "manifest": digest(manifest.document()),
        "was": "held",
        "parts": {"sealed": 0, "held": 1},
        "due": "2026-11-20",
        "delayed_by": [],
        "destroyed": as_time(datetime.now(UTC)),
        "method": "the only key was destroyed",
        "key": f"submission/{found.id}",
        **members,
    }
    Certificate.parse(document)
    found.state = "disposed"
    found.certificate = sign_document(document, Use.CERTIFICATE, key or partnership.signing("lcjp-operator/receipts"))
    return found


def test_kept_once_it_is_there_and_verified_offline(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    assert cleveland(*PUSH).code == 0
    assert json.loads(cleveland("watch", "--json").out)["destroyed"] == []
    found = destroy(hub, partnership)
    certificate, found.certificate = found.certificate, None
    assert json.loads(cleveland("watch", "--json").out)["destroyed"] == []  # not signed yet
    found.certificate = certificate
    answer = cleveland("watch")
    assert (answer.code, f"submission {found.id}" in answer.out) == (0, True)
    path = cleveland.home / "receipts" / found.id / "certificate.json"
    proof = cleveland("verify", path)
    assert (proof.code, "of the receipt beside it" in proof.out) == (0, True), proof
    assert cleveland("status", "--offline", "--certificates", cleveland.home / "handed").code == 0
    assert (cleveland.home / "handed" / f"{found.id}.certificate.json").read_bytes() == path.read_bytes()
    before = len(hub.requests)
    assert cleveland("status", "--json").json["certificates"] == [found.id]
    assert f"GET /v1/submissions/{found.id}" not in hub.requests[before:]

    spoilt = json.loads(path.read_text())
    spoilt["document"]["destroyed"] = "2026-11-01T00:00:00Z"
    path.write_text(json.dumps(spoilt))
    assert cleveland("verify", path).code == 10


@pytest.mark.parametrize("state", ["held", "superseded", "complete"])
def test_what_was_certified_destroyed_and_is_shown_as_held_stops_every_push(
    cleveland: Desk, hub: StandIn, partnership: Partnership, state: str
) -> None:
    assert cleveland(*PUSH).code == 0
    found = destroy(hub, partnership)
    assert cleveland("status").code == 0
    found.state = state  # a backup brought it back
    before = dict(hub.submissions)
    for arguments in (("watch",), ("status",), ("push", "outcomes", OUTCOMES, "--period", "2021-04")):
        answer = cleveland(*arguments)
        assert answer.code == 10
        assert "shows as held what it certified destroyed" in answer.err
        assert "status --certificates FOLDER" in answer.err
    assert hub.submissions == before
    found.state = "disposed"  # the destructions were re-applied
    assert cleveland("watch").code == 0


@pytest.mark.parametrize("members", [{"submission": "sub-9"}, {"period": "2021-05"}, {"supplier": "durham-constabulary"}, {"key": None}])
def test_a_certificate_of_something_else_or_by_somebody_else_is_refused(
    cleveland: Desk, hub: StandIn, partnership: Partnership, members: dict[str, Any]
) -> None:
    assert cleveland(*PUSH).code == 0
    destroy(
        hub,
        partnership,
        **({"key": SigningKey.generate()} if members == {"key": None} else {}),
        **{name: value for name, value in members.items() if value},
    )
    answer = cleveland("watch")
    assert (answer.code, "certificate of destruction" in answer.err) == (10, True)
    assert not list(cleveland.home.glob("receipts/*/certificate.json"))


def test_a_certificate_of_what_we_never_sent_is_left_alone(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    assert cleveland(*PUSH).code == 0
    found = destroy(hub, partnership)
    for path in (cleveland.home / "receipts" / found.id).iterdir():
        path.unlink()
    assert cleveland("watch").code == 0
    assert not list(cleveland.home.glob("receipts/*/certificate.json"))


def test_a_damaged_certificate_is_said(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    assert cleveland(*PUSH).code == 0
    found = destroy(hub, partnership)
    assert cleveland("watch").code == 0
    (cleveland.home / "receipts" / found.id / "certificate.json").write_text("{}")
    answer = cleveland("watch")
    assert (answer.code, "damaged" in answer.err) == (10, True)
