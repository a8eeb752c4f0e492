"""Asking for rights: whom the hub can find by what is sent, what stays here, and what happens when nobody answers or the answer is false."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from adapters.agency.linkage import LinkageStore
from adapters.agency.watch import Alarm, Known, judge
from keys.pseudonym import pseudonym_key, pseudonymise
from keys.sign import SigningKey
from tests.adapters.conftest import CRIMES, Desk
from tests.adapters.entitled import Entitled
from tests.adapters.partnership import SUPPLIERS, Partnership
from tests.adapters.test_scan import found as lying_about

KIND = "published_crime"
CRIME = "4c93e8bbe957fe3b116b2213dcc2a643f0c396a8576c52c6dfd79a0b35db40c0"
CONFIGURATION, REFUSED, NETWORK, SERVER_REFUSED, INTEGRITY = 3, 5, 8, 9, 10


@pytest.fixture
def hub(partnership: Partnership) -> Iterator[Entitled]:
    found = Entitled(partnership)
    with found.serving():
        yield found


@pytest.fixture
def ask(cleveland: Desk, tmp_path: Path) -> Callable[..., Any]:
    whom = tmp_path / "whom"
    whom.write_text(f"{CRIME.upper()}\n\n{CRIME}\n", encoding="utf-8")
    return lambda right, *more: cleveland("rights", right, "--kind", KIND, "--from", whom, *more)


def without_our_outcomes(text: str) -> str:
    """Version 2, under which outcomes come from the other supplier alone."""
    before, name, after = text.replace("\nversion = 1", "\nversion = 2").partition('[[datasets]]\nname = "outcomes"')
    return before + name + after.replace(f'suppliers = ["{SUPPLIERS[0]}", "{SUPPLIERS[1]}"]', f'suppliers = ["{SUPPLIERS[1]}"]', 1)


def listed(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk("rights", "list", "--json").json["entries"]
    return found


def test_the_hub_can_find_the_person_and_nobody_else_can(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    answer = ask("erase", "--json")
    assert answer.code == 0, answer.err
    secret = LinkageStore(cleveland.home / "linkage").get("LCJP-MV7", 1)
    assert secret is not None
    [wanted] = pseudonymise(pa.array([CRIME]), KIND, pseudonym_key(secret, "LCJP-MV7", KIND, 1)).to_pylist()
    assert hub.opened == [{1: frozenset({wanted})}]
    assert (hub.asked[0].right, hub.asked[0].datasets) == ("erasure", ("crimes", "outcomes"))
    [kept] = answer.json["receipts"]
    assert json.loads((Path(kept["kept"]) / "receipt.json").read_text())["document"] == kept["receipt"]
    assert lying_about(cleveland.home, [CRIME, wanted.hex()]) == []
    assert CRIME not in (answer.out + answer.err).lower()
    verified = cleveland("verify", *sorted((cleveland.home / "rights").glob("*/*.json")))
    assert (verified.code, len(verified.out.splitlines())) == (0, 2)


@pytest.mark.parametrize(
    ("right", "name", "excludes"),
    [
        ("access", "access", False),
        ("rectify", "rectification", False),
        ("erase", "erasure", True),
        ("restrict", "restriction", True),
        ("object", "objection", True),
    ],
)
def test_who_is_left_out_from_then_on(
    cleveland: Desk, hub: Entitled, ask: Callable[..., Any], right: str, name: str, *, excludes: bool
) -> None:
    assert ask(right, "--dataset", "crimes").code == 0
    assert (hub.asked[0].right, hub.asked[0].datasets) == (name, ("crimes",))
    assert [(one["right"], one["datasets"]) for one in listed(cleveland)] == ([(name, ["crimes"])] if excludes else [])
    pushed = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert pushed.code == 0, pushed.err
    assert ("1 row is left out of LCJP-MV7 crimes 2021-04: exclusion list." in pushed.err) is excludes
    [held] = hub.submissions.values()
    assert held.manifest.rows == 7 - excludes


def impatient(desk: Desk) -> None:
    path = desk.home / "agency.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("patience = 20", "patience = 0"), encoding="utf-8")


def test_what_was_prepared_with_the_person_in_it_is_not_sent(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    impatient(cleveland)
    hub.faults.before = lambda asked: hub.faults.statuses.append(503) if asked == "POST /v1/submissions" else None
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == NETWORK
    assert len(cleveland.spooled) == 1
    hub.faults.before = lambda _: None
    assert ask("access").code == 0
    assert len(cleveland.spooled) == 1
    answer = ask("erase")
    assert "1 prepared upload(s) of LCJP-MV7 were thrown away" in answer.err
    assert cleveland.spooled == []
    assert cleveland("push", "--resume").code == 0
    assert not hub.submissions


def test_a_request_that_got_no_answer_is_sent_again_the_same(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    impatient(cleveland)
    hub.faults.after = lambda asked: hub.faults.statuses.append(503) if asked == "GET /v1/rights" else None
    assert ask("restrict").code == NETWORK
    assert len(listed(cleveland)) == 1  # here first, whatever the hub answers
    hub.faults.after = lambda _: None
    again = ask("access")
    assert again.code == 0, again.err
    assert [one.right for one in hub.asked] == ["restriction", "access"]
    assert "An earlier request has been answered" in again.err
    assert len(list((cleveland.home / "rights").glob("*/receipt.json"))) == 2


def test_a_request_that_is_refused_for_good_is_not_kept(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    hub.refuse_rights = "sealing-key-expired"
    assert ask("access").code == SERVER_REFUSED
    assert list((cleveland.home / "rights").iterdir()) == []


@pytest.mark.parametrize(
    "edit", [{"request": "0" * 32}, {"right": "access"}, {"asked": "sha256:" + "0" * 64}, {"rows": 1}, {"searched": -1}, "key"]
)
def test_a_receipt_that_does_not_hold_is_not_believed(cleveland: Desk, hub: Entitled, ask: Callable[..., Any], edit: Any) -> None:
    if edit == "key":
        hub.signer = SigningKey.generate()
    else:
        hub.edit = edit
    assert ask("erase").code == INTEGRITY
    assert list((cleveland.home / "rights").glob("*/receipt.json")) == []


def test_law_enforcement_knows_no_objection(tmp_path: Path, capsys: pytest.CaptureFixture[str], partnership: Partnership) -> None:
    one = Partnership(keys=partnership.keys, edit=lambda text: text.replace('regime = "uk-gdpr"', 'regime = "part3"'))
    hub = Entitled(one)
    with hub.serving():
        desk = Desk(one.install(tmp_path / "home", SUPPLIERS[0], hub.address), capsys)
        assert desk("keys", "issue", "LCJP-MV7").code == 0
        whom = tmp_path / "whom"
        whom.write_text(CRIME, encoding="utf-8")
        refused = desk("rights", "object", "--kind", KIND, "--from", whom)
        assert refused.code == REFUSED
        assert "gives no right to object" in refused.err
        assert "parties, cleveland-police, lawful basis of crimes" in refused.err
        assert not hub.asked
        assert listed(desk) == []
        assert desk("rights", "restrict", "--kind", KIND, "--from", whom).code == 0


def test_rights_are_there_when_the_agreement_has_ended(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    for state in ("suspended", "terminated", "expired"):
        hub.exports["LCJP-MV7"]["state"] = state
        assert ask("access").code == 0
    hub.exports["LCJP-MV7"]["state"] = "proposed"
    assert ask("access").code == REFUSED


def test_another_secret_than_the_partners_asks_nothing(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    hub.linkage["LCJP-MV7"] = {**hub.linkage["LCJP-MV7"], "key_check": "f" * 16}
    assert ask("access").code == CONFIGURATION
    hub.linkage["LCJP-MV7"] = {"epoch": 2, "key_check": "f" * 16}
    assert ask("access").code == CONFIGURATION
    assert not hub.asked


def test_a_request_in_our_name_that_we_did_not_make_raises_an_alarm(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    assert ask("access").code == 0
    hub.note(SUPPLIERS[0], "rights request: access", who=SUPPLIERS[0], subject=hub.asked[0].request)
    assert cleveland("watch").code == 0
    hub.note(SUPPLIERS[0], "rights request: erasure", who=SUPPLIERS[0], subject="ab" * 16)
    assert cleveland("watch").code == INTEGRITY
    entry = {"what": "rights request: access", "who": "us", "subject": "ab" * 16, "details": {}}
    assert judge(3, entry, Known(frozenset(), frozenset())) == Alarm(3, "rights request: access", "ab" * 16, stops=True)
    assert judge(3, entry, Known(frozenset(), frozenset({"ab" * 16}))) is None


def test_what_was_prepared_is_not_sent_as_it_was_after_a_rectification(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    impatient(cleveland)
    hub.faults.before = lambda asked: hub.faults.statuses.append(503) if asked == "POST /v1/submissions" else None
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == NETWORK
    hub.faults.before = lambda _: None
    answer = ask("rectify")
    assert "1 prepared upload(s)" in answer.err
    assert (cleveland.spooled, listed(cleveland)) == ([], [])


@pytest.mark.parametrize("lost", [False, True])
def test_what_was_acknowledged_is_not_sent_a_second_time_when_the_hub_loses_it(
    cleveland: Desk, hub: Entitled, ask: Callable[..., Any], *, lost: bool
) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04", "--no-wait").code == 0
    assert ask("erase").code == 0
    if lost:  # put back from a backup: the manifest is new to it
        hub.submissions.clear()
    assert cleveland("push", "--resume").code == (SERVER_REFUSED if lost else 0)  # what the hub has is receipted all the same
    assert cleveland.spooled == []
    assert [one.state for one in hub.submissions.values()] == ["open" if lost else "held"]
    assert [len(one.parts) for one in hub.submissions.values()] == [0 if lost else 1]
    again = cleveland("push", "crimes", CRIMES, "--period", "2021-04")
    assert (again.code, "1 row is left out" in again.err) == (0, True)


def test_a_list_that_is_gone_stops_every_push_where_somebody_was_on_it(cleveland: Desk, hub: Entitled, ask: Callable[..., Any]) -> None:
    assert ask("access").code == 0
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    assert ask("erase").code == 0
    for name in ("exclusions.json", "exclusions.key"):
        (cleveland.home / name).unlink()
    stopped = cleveland("push", "crimes", CRIMES, "--period", "2021-05")
    assert stopped.code == INTEGRITY
    assert "the exclusion list is gone" in stopped.err
    assert ask("restrict").code == INTEGRITY
    assert len(hub.submissions) == 1


def test_people_are_left_out_under_every_agreement_before_any_hub_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], partnership: Partnership
) -> None:
    other = Partnership(keys=partnership.keys, edit=lambda text: text.replace("LCJP-MV7", "LCJP-TWO"))
    hub = Entitled(partnership, other)
    with hub.serving():
        desk = Desk(partnership.install(tmp_path / "home", SUPPLIERS[0], hub.address), capsys)
        for reference in ("LCJP-MV7", "LCJP-TWO"):
            assert desk("keys", "issue", reference).code == 0
        whom = tmp_path / "whom"
        whom.write_text(CRIME, encoding="utf-8")
        hub.refuse_rights = "sealing-key-expired"
        assert desk("rights", "erase", "--kind", KIND, "--from", whom).code == SERVER_REFUSED
        assert sorted(one["reference"] for one in listed(desk)) == ["LCJP-MV7", "LCJP-TWO"]
        hub.refuse_rights = ""
        assert desk("rights", "erase", "--kind", KIND, "--from", whom).code == 0
        assert sorted(one.reference for one in hub.asked) == ["LCJP-MV7", "LCJP-TWO"]
        assert len(listed(desk)) == 2


def test_rows_outlive_the_version_under_which_they_were_supplied(
    cleveland: Desk, hub: Entitled, partnership: Partnership, ask: Callable[..., Any]
) -> None:
    assert cleveland("push", "crimes", CRIMES, "--period", "2021-04").code == 0
    newer = Partnership(keys=partnership.keys, edit=without_our_outcomes)
    hub.partnerships["LCJP-MV7"], hub.exports["LCJP-MV7"] = newer, newer.export()
    assert ask("erase").code == 0
    assert (hub.asked[0].version, hub.asked[0].datasets) == (2, ("crimes", "outcomes"))
    assert ask("access", "--dataset", "outcomes").code == 0
    assert ask("access", "--dataset", "nothing").code == REFUSED


def test_a_file_that_is_too_long_is_refused_and_not_cut(cleveland: Desk, hub: Entitled, tmp_path: Path) -> None:
    whom = tmp_path / "whom"
    whom.write_text(f"{CRIME}\n" * 20_000, encoding="utf-8")
    refused = cleveland("rights", "access", "--kind", KIND, "--from", whom)
    assert (refused.code, "longer than a mebibyte" in refused.err) == (2, True)
    assert not hub.asked
