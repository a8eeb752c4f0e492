"""Versions compared, rehearsed and explained, at the API and at the command line: the same words, and to each only its own."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from agreements.explain import Operation, Question
from agreements.model import Agreement
from agreements.periods import Period
from agreements.signing import Capacity, Voice
from exchange.commands.root import cli
from exchange.commands.running import run
from exchange.db import reading, writing
from exchange.errors import UnknownAgreement
from exchange.questions.explain import explain_for
from exchange.questions.past import standing_then, version_then
from exchange.register import agreements
from exchange.releases.tables import EditionRow, EditionState
from tests.exchange.configured import configured
from tests.exchange.standing import CLEVELAND, DURHAM, REFERENCE, TEAM, World, problem

BASE = f"/v1/agreements/{REFERENCE}"
SIGNATORY = Capacity.SIGNATORY
SUBMIT = {"operation": "submit", "dataset": "crimes", "period": "2021-04"}
Shell = Callable[..., Any]


@pytest.fixture
def shell(world: World) -> Shell:
    """The command line of this hub: the answer as JSON, and the exit code."""
    config = configured(world)

    def call(*words: str | Path) -> tuple[int, Any]:
        done = CliRunner().invoke(cli, ["--config", str(config), "--json", "agreement", *map(str, words)])
        return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else done

    return call


def written(world: World, folder: Path, agreement: Agreement | None = None, **replaced: str) -> Path:
    path = folder / f"{agreement.version if agreement else 1}.toml"
    path.write_text(world.words(**replaced), encoding="utf-8")
    return path


def proposed(world: World, **replaced: str) -> Agreement:
    second = world.version(2, **replaced)
    world.enter(second)
    return second


# ------------------------------------------------------------------------------------------------------ difference


def test_the_difference_is_the_same_at_the_api_and_at_the_command_line(world: World, tmp_path: Path, shell: Shell) -> None:
    second = proposed(world, retention='"P12Y"')
    answer = world.call("get", f"{BASE}/difference?from=1&to=2", CLEVELAND).get_json()
    assert (answer["from"], answer["to"]) == (world.agreement.digest, second.digest)
    first = answer["changes"][0]
    assert (first["risk"], first["clause"], first["before"], first["after"]) == ("wider", "dataset crimes, retention", "P10Y", "P12Y")
    assert first["words"] == "Retention of crimes grows from 10 years to 12 years after the period's end."
    old, new = written(world, tmp_path), written(world, tmp_path, second, version="2", retention='"P12Y"')
    code, told = shell("compare", old, new)
    assert (code, told["changes"]) == (0, answer["changes"])
    assert list(dict.fromkeys(one["risk"] for one in answer["changes"])) == ["wider", "words"]
    assert shell("compare", old, old)[1]["changes"] == []


def test_the_difference_reads_well_in_the_shell(world: World, tmp_path: Path) -> None:
    old, new = written(world, tmp_path), written(world, tmp_path, proposed(world), version="2", retention='"P9Y"')
    done = CliRunner().invoke(cli, ["agreement", "compare", str(old), str(new)])
    assert done.exit_code == 0, done.output
    assert "From LCJP-MV7 version 1 to LCJP-MV7 version 2: 2 changes." in done.output
    assert "Narrower than before (1)" in done.output
    assert "dataset crimes, retention: Retention of crimes falls from 10 years to 9 years after the period's end." in done.output


def test_a_version_that_is_not_there_and_an_agreement_that_is_not_ones_own_are_unknown(world: World) -> None:
    problem(world.call("get", f"{BASE}/difference?from=1&to=7", CLEVELAND), 404, "unknown-agreement")
    problem(world.call("get", "/v1/agreements/LCJP-NONE/difference?from=1&to=2", CLEVELAND), 404, "unknown-agreement")
    problem(world.call("get", f"{BASE}/rehearsal?version=7", CLEVELAND), 404, "unknown-agreement")
    problem(world.call("get", f"{BASE}/rehearsal?version=1", TEAM), 403, "forbidden")
    assert world.call("get", f"{BASE}/difference?from=1&to=1", TEAM).get_json()["changes"] == []


# ------------------------------------------------------------------------------------------------------- rehearsal


def test_a_rehearsal_shows_a_party_its_own_submissions_and_the_operator_all(world: World, tmp_path: Path, shell: Shell) -> None:
    mine = world.hold()
    world.clock.forward(seconds=1)
    theirs = world.hold(supplier=DURHAM)
    second = proposed(world, back_fill_from='"2021-06"')
    answer = world.call("get", f"{BASE}/rehearsal?version=2", CLEVELAND).get_json()
    assert answer["counts"] == {"submissions": {"newly-refused": 1}, "editions": {}}
    [one] = answer["submissions"]
    assert (one["id"], one["waiting"]) == (mine.id, False)
    assert one["effects"][0]["clause"] == "LCJP-MV7 version 2, dataset crimes, period"
    path = written(world, tmp_path, second, version="2", back_fill_from='"2021-06"')
    code, told = shell("rehearse", path)
    assert (code, [row["id"] for row in told["submissions"]]) == (0, [mine.id, theirs.id])
    words = CliRunner().invoke(cli, ["--config", str(configured(world)), "agreement", "rehearse", str(path)]).output
    assert "2 submissions." in words
    assert "    2  would have been refused" in words


def test_a_rehearsal_of_a_document_that_was_never_entered_needs_no_register_of_its_own(world: World, tmp_path: Path, shell: Shell) -> None:
    held, waiting = world.hold(), world.prepare([], period="2021-05")
    world.send(waiting)
    path = tmp_path / "longer.toml"
    path.write_text(world.words(version="2", retention='"P12Y"'), encoding="utf-8")
    code, told = shell("rehearse", path)
    assert (code, told["counts"]["submissions"]) == (0, {"destroyed-later": 2})
    assert {one["id"]: one["waiting"] for one in told["submissions"]} == {held.id: False, waiting.id: True}
    assert len(shell("list")[1]["agreements"]) == 1  # nothing was entered


def test_what_never_arrived_whole_is_left_out_and_a_stranger_reference_is_refused(world: World, tmp_path: Path, shell: Shell) -> None:
    world.open(world.prepare([], period="2021-05"))
    assert world.call("get", f"{BASE}/rehearsal?version=1", CLEVELAND).get_json()["submissions"] == []
    other = tmp_path / "other.toml"
    other.write_text(world.words().replace(REFERENCE, "LCJP-OTHER"), encoding="utf-8")
    code, said = shell("rehearse", other)
    assert (code, "nothing was ever submitted" in str(said.exception)) == (1, True)


def test_findings_are_told_offline(world: World, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["agreement", "findings", str(written(world, tmp_path))])
    assert done.exit_code == 0, done.output
    assert "LCJP-MV7 version 1, dataset crimes, retention: crimes is kept for 10 years" in done.output


# --------------------------------------------------------------------------------------------------------- explain


def explained(world: World, client: str = CLEVELAND, **asked: str) -> Any:
    return world.call("get", f"{BASE}/explain?" + "&".join(f"{name}={value}" for name, value in asked.items()), client)


def test_the_explanation_is_the_same_at_the_api_and_at_the_command_line(world: World, shell: Shell) -> None:
    answer = explained(world, **SUBMIT).get_json()
    assert (answer["allowed"], answer["clause"]) == (True, "LCJP-MV7 version 1, dataset crimes, retention")
    at = world.clock().isoformat()
    asked = ["explain", REFERENCE, "--party", CLEVELAND, "--dataset", "crimes", "--at", at]
    assert shell(*asked, "--period", "2021-04") == (0, answer)
    refused = explained(world, **{**SUBMIT, "period": "2019-04"}).get_json()
    assert not refused["allowed"]
    assert shell(*asked, "--period", "2019-04") == (5, refused)
    assert refused["clause"] == "LCJP-MV7 version 1, dataset crimes, period"


def test_what_refuses_a_push_is_what_explain_says(world: World) -> None:
    world.say(DURHAM, SIGNATORY, Voice.SUSPEND)
    pushed = problem(world.open(world.prepare([])), 403, "refused-by-agreement")
    answer = explained(world, **SUBMIT).get_json()
    assert (answer["clause"], answer["remedy"]) == (pushed["clause"], pushed["remedy"])
    assert pushed["detail"] == f"{answer['clause']}: {answer['reason']} {answer['remedy']}"


def test_a_recipient_asks_what_it_may_receive_and_a_party_does_not_learn_of_it(world: World) -> None:
    assert explained(world, TEAM, operation="receive", release="mv7-outcomes").get_json()["allowed"]
    assert explained(world, TEAM, operation="request", release="mv7-outcomes").get_json()["allowed"]
    problem(explained(world, CLEVELAND, operation="receive", release="mv7-outcomes"), 404, "unknown-agreement")
    problem(explained(world, TEAM, **SUBMIT), 404, "unknown-agreement")


def test_a_question_that_is_not_whole_is_told_so(world: World) -> None:
    problem(explained(world, operation="submit"), 422, "unclear-question")
    problem(explained(world, **{**SUBMIT, "period": "April"}), 422, "bad-period")
    assert explained(world, operation="sing").status_code == 422


def test_it_explains_how_it_stood_at_a_moment_gone_by(world: World, shell: Shell) -> None:
    before = world.clock()
    world.clock.now += timedelta(hours=1)
    world.say(DURHAM, SIGNATORY, Voice.SUSPEND)
    world.clock.now += timedelta(hours=1)
    with reading(world.hub.engine) as session:
        question = Question(Operation.SUBMIT, CLEVELAND, "crimes", Period.parse("2021-04"))
        now = world.clock()
        assert not explain_for(session, CLEVELAND, REFERENCE, question, now).decision
        assert explain_for(session, CLEVELAND, REFERENCE, question, now, before).decision
        assert not explain_for(session, CLEVELAND, REFERENCE, question, now, now).decision
        with pytest.raises(UnknownAgreement):
            explain_for(session, CLEVELAND, REFERENCE, question, now, before - timedelta(days=400))
    asked = ["explain", REFERENCE, "--party", CLEVELAND, "--dataset", "crimes", "--period", "2021-04", "--at"]
    assert shell(*asked, before.isoformat())[0] == 0
    assert shell(*asked, now.isoformat())[0] == 5


def test_the_version_that_stood_then_is_the_one_that_is_asked(world: World) -> None:
    before = world.clock()
    world.clock.now += timedelta(hours=1)
    second = world.version(2, retention='"P12Y"')
    world.enter(second)
    with reading(world.hub.engine) as session:
        then, entered = standing_then(session, REFERENCE, before), standing_then(session, REFERENCE, world.clock())
    assert then is not None
    assert entered is not None
    assert (then.agreement.version, then.state, then.successor) == (1, "in-force", None)
    assert (entered.agreement.version, entered.state) == (1, "in-force")


def test_a_decided_submission_is_explained_from_its_receipt_and_the_log(world: World, shell: Shell) -> None:
    held = world.hold()
    answer = world.call("get", f"{BASE}/explain/{held.id}", CLEVELAND).get_json()
    assert (answer["state"], answer["outcome"], answer["reasons"]) == ("held", "held", [])
    assert [one["what"] for one in answer["log"]][-1] == "submission held"
    assert answer["then"]["allowed"]
    assert answer["now"]["allowed"]
    problem(world.call("get", f"{BASE}/explain/{held.id}", DURHAM), 404, "unknown-agreement")
    problem(world.call("get", f"/v1/agreements/LCJP-OTHER/explain/{held.id}", CLEVELAND), 404, "unknown-agreement")
    code, told = shell("explain", REFERENCE, "--submission", held.id)
    assert (code, told["outcome"], told["log"]) == (0, "held", answer["log"])
    words = CliRunner().invoke(cli, ["--config", str(configured(world)), "agreement", "explain", REFERENCE, "--submission", held.id])
    assert f"{held.id} is held; it was held on" in words.output
    assert "If it were submitted now:" in words.output


def test_a_refused_submission_says_why_then_and_what_would_be_now(world: World) -> None:
    pushed = world.prepare([b"no part of ours"], counts=[1])
    world.send(pushed)
    assert world.process(pushed.id) == "refused"
    answer = world.call("get", f"{BASE}/explain/{pushed.id}", CLEVELAND).get_json()
    [reason] = answer["reasons"]
    assert reason["clause"].startswith("LCJP-MV7 version 1, dataset crimes")
    assert answer["then"]["allowed"]  # the agreement allowed it: what it held did not
    assert [one["what"] for one in answer["log"]][-1] == "submission refused"


def test_the_command_says_what_is_missing(world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell("explain", REFERENCE, "--dataset", "crimes")[0] == 2
    line = ["exchange", "--config", str(configured(world)), "agreement", "explain", REFERENCE, "--party"]
    for words, code in (
        ([CLEVELAND], 6),
        ([CLEVELAND, "--at", "noon"], 6),
        (["stranger", "--dataset", "crimes", "--period", "2021-04"], 5),
    ):
        monkeypatch.setattr("sys.argv", [*line, *words])
        assert run(cli) == code


def test_past_editions_are_rehearsed_and_dropped_ones_are_not(world: World) -> None:
    now = world.clock()
    with writing(world.hub.engine) as session:
        for number, state in enumerate((EditionState.PUBLISHED, EditionState.DROPPED)):
            session.add(
                EditionRow(
                    id=f"ed-{number}", reference=REFERENCE, agreement=world.agreement.digest, release="mv7-outcomes",
                    first_period="2021-01", last_period="2021-04", state=state, requested_by="somebody", requested_at=now, draft={},
                    draft_digest="sha256:" + "0" * 64, report={}, dispose_on=date(2031, 1, 31),
                )
            )  # fmt: skip
    proposed(world, terms='{ threshold = 5, zeros = "published", level = "C" }')
    answer = world.call("get", f"{BASE}/rehearsal?version=2", CLEVELAND).get_json()
    assert answer["counts"] == {"submissions": {}, "editions": {"shows-more": 1}}
    [one] = answer["editions"]
    assert one["name"] == "mv7-outcomes 2021-01 to 2021-04 (ed-0, published)"
    assert one["effects"][0]["clause"] == "LCJP-MV7 version 2, release mv7-outcomes, terms"


def test_the_past_is_replayed_statement_by_statement(world: World) -> None:
    """In force, a party stops it, a second party too, both resume, one ends it: at each moment it is as it was."""
    moments = []
    for party, voice in ((None, None), (DURHAM, Voice.SUSPEND), (CLEVELAND, Voice.SUSPEND), (DURHAM, Voice.RESUME),
                         (CLEVELAND, Voice.RESUME), (CLEVELAND, Voice.TERMINATE)):  # fmt: skip
        world.clock.now += timedelta(hours=1)
        if party is not None and voice is not None:
            world.say(party, SIGNATORY, voice)
        moments.append(world.clock())
    with reading(world.hub.engine) as session:
        states = [found.state for at in moments if (found := standing_then(session, REFERENCE, at + timedelta(minutes=30))) is not None]
        assert states == ["in-force", "suspended", "suspended", "suspended", "in-force", "terminated"]
        assert standing_then(session, REFERENCE, moments[0] - timedelta(days=4000)) is None
        assert standing_then(session, "LCJP-NONE", moments[0]) is None


def test_what_stopped_a_version_through_another_is_remembered_after_it_was_resumed(world: World) -> None:
    """A stop that the new version took over, one of the new that stopped what was left of the old, and an end of both."""
    second = world.version(2)
    world.enter(second)
    told: list[tuple[str, ...]] = []
    moments = []

    def note() -> None:
        with reading(world.hub.engine) as session:
            rows = [agreements.by_digest(session, one.digest) for one in (world.agreement, second)]
            told.append(tuple(row.state for row in rows if row is not None))
        moments.append(world.clock() + timedelta(minutes=30))
        world.clock.forward(hours=1)

    world.enter(given_up := world.version(3))
    world.say(DURHAM, SIGNATORY, Voice.TERMINATE, given_up)  # of a version that never began: it reaches no other
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    note()
    world.sign_all(second)
    note()
    for voice in (Voice.RESUME, Voice.SUSPEND, Voice.RESUME, Voice.TERMINATE):
        world.say(DURHAM, SIGNATORY, voice, second)
        note()
    assert told[1:] == [(state, state) for state in ("suspended", "in-force", "suspended", "in-force", "terminated")]
    with reading(world.hub.engine) as session:
        old, new = (agreements.by_digest(session, one.digest) for one in (world.agreement, second))
        assert old is not None
        assert new is not None
        found = [(version_then(old, at).state, version_then(new, at).state) for at in moments]
    assert found == told
