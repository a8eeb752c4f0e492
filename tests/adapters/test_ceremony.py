"""The linkage secret's ceremony, the agreement's verification, and the witnessed log: who is believed, and who is not."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.agency.agreements_store import verify_export
from adapters.errors import AdapterError, IntegrityFailed
from agreements.signing import Capacity, Voice
from keys.encoding import b64
from keys.formats import Card
from keys.keyfile import write_keyfile
from keys.pseudonym import key_check_value
from keys.seal import EncryptionKey, envelope_info, seal
from keys.sign import SigningKey, Use, sign_document
from tests.adapters.conftest import CRIMES, OUTCOMES, Desk
from tests.adapters.intake import Log, Problem
from tests.adapters.partnership import SUPPLIERS, Partnership, fingerprint
from tests.adapters.standin import StandIn
from tests.keys.examples import EXAMPLES

SECRET_FILE = "linkage/LCJP-MV7-1.json"


def secret_of(desk: Desk) -> Any:
    return json.loads((desk.home / SECRET_FILE).read_text())


def test_both_suppliers_hold_one_secret_that_nobody_else_may_read(cleveland: Desk, durham: Desk, hub: StandIn) -> None:
    assert secret_of(cleveland) == secret_of(durham)
    for desk in (cleveland, durham):
        assert stat.S_IMODE((desk.home / SECRET_FILE).stat().st_mode) == 0o600
    assert secret_of(cleveland)["secret"] not in json.dumps(hub.envelopes)


def test_an_interrupted_issue_is_finished_by_running_it_again(cleveland: Desk, install: Callable[[str], Desk], hub: StandIn) -> None:
    before = secret_of(cleveland)
    hub.envelopes.clear()
    assert cleveland("keys", "issue", "LCJP-MV7").code == 0
    assert secret_of(cleveland) == before
    assert install(SUPPLIERS[1])("keys", "accept", "LCJP-MV7").code == 0


def test_accepting_twice_changes_nothing(durham: Desk) -> None:
    before = secret_of(durham)
    assert durham("keys", "accept", "LCJP-MV7").code == 0
    assert secret_of(durham) == before


def test_a_second_issuer_is_told_to_accept_and_keeps_no_secret_of_its_own(
    cleveland: Desk, install: Callable[[str], Desk], hub: StandIn
) -> None:
    second = install(SUPPLIERS[1])
    answer = second("keys", "issue", "LCJP-MV7")
    assert answer.code == 9
    assert "keys accept" in answer.err
    known, hub.linkage = dict(hub.linkage), {}  # and where the hub had not said so beforehand: two at the same moment
    hub.faults.before = lambda asked: hub.linkage.update(known) if asked.startswith("POST /v1/agreements") else None
    assert second("keys", "issue", "LCJP-MV7").code == 9
    assert not (second.home / SECRET_FILE).exists()
    assert second("keys", "accept", "LCJP-MV7").code == 0


def test_a_new_epoch_is_another_secret(cleveland: Desk, durham: Desk) -> None:
    assert cleveland("keys", "issue", "LCJP-MV7", "--epoch", "2").code == 0
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    answer = durham("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "epoch 2" in answer.err) == (3, True)
    assert durham("keys", "accept", "LCJP-MV7").code == 0


def forged(partnership: Partnership, signer: SigningKey, secret: bytes, claimed: bytes, to: EncryptionKey | None = None) -> dict[str, Any]:
    recipient = partnership.encryption(SUPPLIERS[1])
    info = envelope_info(reference="LCJP-MV7", epoch=1, issuer=SUPPLIERS[0], recipient=SUPPLIERS[1])
    document = {
        "reference": "LCJP-MV7",
        "epoch": 1,
        "issuer": SUPPLIERS[0],
        "recipient": SUPPLIERS[1],
        "recipient_key": recipient.fingerprint,
        "key_check": key_check_value(claimed, "LCJP-MV7", 1),
        "sealed": b64(seal(secret, (to or recipient).public, info)),
    }
    return sign_document(document, Use.ENVELOPE, signer)


@pytest.mark.parametrize("fault", ["signer", "check value", "sealed to another", "no envelope", "short"])
def test_a_forged_envelope_is_not_opened(fault: str, install: Callable[[str], Desk], hub: StandIn, partnership: Partnership) -> None:
    issuer = partnership.signing(f"{SUPPLIERS[0]}/manifest")
    secret, other = bytes(32), bytes(range(32))
    made: dict[str, Callable[[], dict[str, Any] | None]] = {
        "signer": lambda: forged(partnership, SigningKey.generate(), secret, secret),
        "check value": lambda: forged(partnership, issuer, other, secret),
        "sealed to another": lambda: forged(partnership, issuer, secret, secret, EncryptionKey.generate()),
        "no envelope": lambda: None,
        "short": lambda: forged(partnership, issuer, secret[:31], secret),
    }
    envelope = made[fault]()
    hub.linkage["LCJP-MV7"] = {"epoch": 1, "key_check": key_check_value(secret, "LCJP-MV7", 1)}
    hub.envelopes[:] = [envelope] if envelope else []
    desk = install(SUPPLIERS[1])
    assert desk("keys", "accept", "LCJP-MV7").code == (3 if fault == "no envelope" else 10)
    assert not (desk.home / SECRET_FILE).exists()


def test_keys_other_than_those_agreed_begin_no_ceremony(install: Callable[[str], Desk], hub: StandIn) -> None:
    desk = install(SUPPLIERS[0])
    (desk.home / "keys" / "encryption.json").unlink()
    write_keyfile(desk.home / "keys" / "encryption.json", EncryptionKey.generate(), owner=SUPPLIERS[0], role="encryption")
    answer = desk("keys", "issue", "LCJP-MV7")
    assert (answer.code, "keys.encryption" in answer.err) == (3, True)
    assert not hub.envelopes


@pytest.mark.parametrize("path", ["keys/manifest.json", SECRET_FILE])
def test_a_secret_that_others_may_read_is_refused(cleveland: Desk, path: str) -> None:
    (cleveland.home / path).chmod(0o640)
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "chmod 600" in answer.err) == (3, True)


def test_a_secret_that_was_altered_is_refused(cleveland: Desk) -> None:
    path = cleveland.home / SECRET_FILE
    path.write_text(json.dumps({**secret_of(cleveland), "secret": b64(bytes(32))}))
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 10


# ---------------------------------------------------------------------------------------------------------------- the agreement


def altered(partnership: Partnership, how: str) -> dict[str, Any]:
    export = partnership.export()
    match how:
        case "words":
            export["canonical"] = export["canonical"].replace("joint-controller", "controller")
        case "a signature missing":
            export["statements"].pop()
        case "a signature twice, another missing":
            export["statements"][-1] = export["statements"][-3]
        case "signed by somebody else":
            export["statements"][-1]["signature"] = b64(bytes(64))
        case "key under another's name":
            prints = [fingerprint(key) for key in partnership.keys.values() if isinstance(key, SigningKey)][:2]
            export["keys"][prints[0]] = export["keys"][prints[1]]
        case "another name":
            export["version"] = 2
        case "not canonical":
            export["canonical"] += " "
    return export


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("words", 10),
        ("a signature missing", 5),
        ("a signature twice, another missing", 5),
        ("signed by somebody else", 10),
        ("key under another's name", 10),
        ("another name", 10),
        ("not canonical", 10),
    ],
)
def test_an_agreement_that_does_not_hold_is_not_pushed_under(
    cleveland: Desk, hub: StandIn, partnership: Partnership, how: str, code: int
) -> None:
    hub.exports["LCJP-MV7"] = altered(partnership, how)
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == code
    assert not hub.submissions
    with pytest.raises(AdapterError):
        verify_export(hub.exports["LCJP-MV7"])


def test_an_agreement_that_names_an_es256_client_of_others_verifies() -> None:
    card = Card.parse(EXAMPLES["client card"][1])
    named = Partnership(edit=lambda text: text.replace("@lcjp-performance-team/client", card.fingerprint))
    export = named.export()
    export["keys"][card.fingerprint] = card.public
    verified = verify_export(export)
    assert verified.agreement.recipients[0].client == card.fingerprint
    assert verified.public_key(card.fingerprint) == card.raw
    other = b64(bytes([2 + (card.raw[-1] & 1)]) + card.raw[1:33])  # the same point, otherwise spelt
    for wrong in (other, b64(card.raw[:-1] + bytes([card.raw[-1] ^ 1])), b64(card.raw[1:33]), "", "=", 5):
        with pytest.raises(IntegrityFailed):
            verify_export({**export, "keys": {**export["keys"], card.fingerprint: wrong}})


def test_a_hub_that_invents_our_signatory_is_caught_by_the_pin(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    keys = {place: key for place, key in partnership.keys.items() if place != "cleveland-police/signatory"}
    invented = Partnership(keys=keys)
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = invented, invented.export()
    (cleveland.home / "agreements" / "LCJP-MV7" / "1.json").unlink()
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "pinned" in answer.err) == (10, True)


def test_other_words_under_a_version_seen_before_are_caught(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    other = Partnership(keys=partnership.keys, edit=lambda text: text.replace("P10Y", "P9Y"))
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = other, other.export()
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "verified here before" in answer.err) == (10, True)


def test_an_older_version_than_was_in_force_is_caught(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    newer = Partnership(keys=partnership.keys, edit=lambda text: text.replace("\nversion = 1", "\nversion = 2"))
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = newer, newer.export()
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = partnership, partnership.export()
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 10


def second(partnership: Partnership, *changed: str) -> Partnership:
    """Version 2, in which some keys are new."""
    keys = {place: key for place, key in partnership.keys.items() if place not in changed}
    return Partnership(keys=keys, edit=lambda text: text.replace("\nversion = 1", "\nversion = 2"))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (["durham-constabulary/dpo"], 0),  # its own signatory signed with the key of version 1
        (["durham-constabulary/signatory"], 0),  # and so did two other parties
        (["durham-constabulary/signatory", "lcjp-operator/signatory"], 10),  # one other party is not two
    ],
)
def test_a_version_that_changes_keys_needs_the_old_key_or_two_others(
    cleveland: Desk, hub: StandIn, partnership: Partnership, changed: list[str], code: int
) -> None:
    assert cleveland("status").code == 0  # version 1 is what this agency has seen in force
    newer = second(partnership, *changed)
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = newer, newer.export()
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert answer.code == code, answer
    assert ("nobody entitled vouches" in answer.err) == bool(code)
    assert bool(hub.submissions) != bool(code)


def test_a_signed_suspension_of_one_dataset_stops_that_one(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    hub.exports["LCJP-MV7"] = partnership.export()
    hub.exports["LCJP-MV7"]["statements"].append(partnership.say("durham-constabulary", Capacity.DPO, Voice.SUSPEND, "outcomes"))
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    answer = cleveland("push", "outcomes", OUTCOMES, "--period", "2021-04")
    assert (answer.code, "the dataset outcomes is suspended" in answer.err) == (5, True)


@pytest.mark.parametrize("voice", [Voice.SUSPEND, Voice.TERMINATE])
def test_a_signed_suspension_counts_whatever_the_hub_says(cleveland: Desk, hub: StandIn, partnership: Partnership, voice: Voice) -> None:
    hub.exports["LCJP-MV7"] = partnership.export()
    hub.exports["LCJP-MV7"]["statements"].append(partnership.say("durham-constabulary", Capacity.SIGNATORY, voice))
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 5


def test_a_hub_that_hides_a_stop_it_has_shown_is_caught(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    before = partnership.export()
    hub.exports["LCJP-MV7"] = {
        **before,
        "statements": [*before["statements"], partnership.say("durham-constabulary", Capacity.DPO, Voice.SUSPEND)],
    }
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 5
    hub.exports["LCJP-MV7"] = before  # what it answered a day earlier
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "1 statement(s) that it showed here before" in answer.err) == (10, True), answer
    assert not hub.submissions
    resumed = partnership.say("durham-constabulary", Capacity.SIGNATORY, Voice.RESUME)
    hub.exports["LCJP-MV7"] = {**before, "statements": [*before["statements"], resumed]}
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 10  # a resumption of nothing hides it no better


def test_what_is_spooled_stays_here_while_a_signed_stop_lasts(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    def refuse(asked: str) -> None:
        if asked.startswith("PUT "):
            raise Problem(403, "refused-by-agreement", "the agreement is suspended.", clause="suspension")

    hub.faults.before = refuse
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 5
    hub.faults.before = lambda _: None
    stop, resumed = (partnership.say("durham-constabulary", Capacity.SIGNATORY, voice) for voice in (Voice.SUSPEND, Voice.RESUME))
    hub.exports["LCJP-MV7"] = whole = partnership.export()
    whole["statements"].append(stop)  # and yet the hub calls it in force
    before = len(hub.requests)
    assert cleveland("push", "--resume").code == 5
    assert not [one for one in hub.requests[before:] if one.startswith(("PUT ", "POST /v1/submissions"))]
    whole["statements"].append(resumed)
    answer = cleveland("push", "--resume", "--json")
    assert [one["state"] for one in answer.json["resumed"]] == ["held"]


def test_a_contract_that_is_not_what_was_agreed_is_refused(cleveland: Desk, hub: StandIn, partnership: Partnership) -> None:
    other = Partnership(keys=partnership.keys, edit=lambda text: text.replace("P10Y", "P9Y"))

    def swap(asked: str) -> None:
        hub.partnerships["LCJP-MV7"] = other if asked.endswith("/contract") else partnership

    hub.faults.before = swap
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (answer.code, "is not what the agreement says" in answer.err) == (10, True)


# ---------------------------------------------------------------------------------------------------------------- the log


def rewrite(hub: StandIn, entries: int) -> None:
    hub.log = Log()
    for number in range(entries):
        hub.log.append(b"another history %d" % number)


@pytest.mark.parametrize("entries", [1, 4, 9])
def test_a_log_rolled_back_or_forked_stops_the_push_and_keeps_the_evidence(cleveland: Desk, hub: StandIn, entries: int) -> None:
    for number in range(3):
        hub.log.append(b"%d" % number)
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    before = (cleveland.home / "checkpoint.json").read_bytes()
    rewrite(hub, entries)
    answer = cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--json")
    assert (answer.code, answer.json["error"]) == (10, "integrity")
    assert (cleveland.home / "checkpoint.json").read_bytes() == before
    assert len(list(cleveland.home.glob("evidence-*.txt"))) == 1


def test_a_log_under_another_name_or_key_is_not_the_log(cleveland: Desk, hub: StandIn) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    hub.origin = "another.example"
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 10


def test_a_growing_log_is_followed(cleveland: Desk, hub: StandIn) -> None:
    for number in range(20):
        hub.log.append(b"%d" % number)
        assert cleveland("push", "--resume").code == 0
    assert json.loads((cleveland.home / "checkpoint.json").read_text())["note"].split("\n")[1] == str(hub.log.size)


def test_a_kept_checkpoint_that_was_altered_is_noticed(cleveland: Desk) -> None:
    assert cleveland("push", "--resume").code == 0
    path: Path = cleveland.home / "checkpoint.json"
    path.write_text(path.read_text().replace("log.hub.example", "log.hub.exampl3"))
    assert cleveland("push", "--resume").code == 10
