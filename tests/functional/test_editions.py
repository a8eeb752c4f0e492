"""Editions that may not be: asked for by the wrong person, checked by the wrong people, or the second of one population."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from demo.cast import OPERATOR, REFERENCE, RELEASE
from demo.stage import hub
from exchange import schedule
from exchange.db import reading
from exchange.errors import Conflict, ExchangeError, RefusedByAgreement, Unacceptable
from exchange.releases.tables import EditionFileRow, EditionRow, PopulationRow, VoteRow
from tests.functional.raw import Raw, small
from tests.functional.truth import log_entries
from tests.functional.world import CLEVELAND, DURHAM, Server, World, copied, person

MONTH, OTHER = "2021-06", "2021-07"
CHECKERS = "LCJP-MV7 version 1, approvals, output checkers"
REQUESTS = f"LCJP-MV7 version 1, release {RELEASE}, requests"


@pytest.fixture(scope="module")
def filled(prepared: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Both suppliers' crimes and outcomes of one month, held. Not to be changed: copy it."""
    world, extracts = copied(prepared, tmp_path_factory.mktemp("filled") / "run"), tmp_path_factory.mktemp("extracts")
    with Server(world) as server:
        server.start()
        for party in (CLEVELAND, DURHAM):
            raw = Raw(world, party)
            for dataset in ("crimes", "outcomes"):
                submission = raw.sent(raw.sealed(small(extracts, party, dataset, MONTH, rows=400)))
                assert raw.decided(submission)["state"] == "held"
    return world


@pytest.fixture
def partnership(filled: World, tmp_path: Path) -> World:
    return copied(filled, tmp_path / "run")


def request(world: World, *, key: Path | None = None, last: str = MONTH) -> str:
    asked = ("--json", "release", "request", REFERENCE, RELEASE, "--from", MONTH, "--to", last, "--reason", "Rows were corrected.")
    return str(json.loads(world.exchange(*asked, "--key", key or person(world, OPERATOR, "checker")))["edition"])


def check(world: World, edition: str, party: str, role: str = "checker") -> None:
    world.exchange("release", "check", edition, "--approve", "--key", person(world, party, role))


def count(world: World) -> dict[str, int]:
    with reading(world.hub().engine) as session:
        tables = (EditionRow, EditionFileRow, VoteRow, PopulationRow)
        return {table.__tablename__: session.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


@contextmanager
def refused(world: World, kind: type[ExchangeError], code: str, clause: str) -> Iterator[None]:
    """Refused with this code and clause, and a remedy; nothing more is kept than before."""
    before = count(world)
    with pytest.raises(kind) as caught:
        yield
    assert (caught.value.code, caught.value.extra.get("clause")) == (code, clause)
    assert caught.value.remedy
    assert count(world) == before


def test_who_may_check_and_how_often(partnership: World) -> None:
    """The whole of it on one draft, which in the end is published all the same, by the two who may."""
    world = partnership
    edition = request(world)
    with refused(world, RefusedByAgreement, "refused-by-agreement", CHECKERS):
        check(world, edition, OPERATOR)  # who asked for it
    with refused(world, RefusedByAgreement, "refused-by-agreement", CHECKERS):
        check(world, edition, CLEVELAND, "dpo")  # no checker
    check(world, edition, CLEVELAND)
    with refused(world, Conflict, "already-checked", CHECKERS):
        check(world, edition, CLEVELAND)
    check(world, edition, DURHAM)
    what = [entry["what"] for entry in log_entries(world.hub())]
    assert what.count("edition published") == 1


def test_two_drafts_of_one_population(partnership: World) -> None:
    """Both may be drafted and looked at; the first is published, and the other was not protected together with it. A third one is."""
    first, second = request(partnership), request(partnership)
    for edition in (first, second):
        check(partnership, edition, CLEVELAND)
    check(partnership, first, DURHAM)
    with refused(partnership, Conflict, "population-published", f"LCJP-MV7 version 1, release {RELEASE}, terms"):
        check(partnership, second, DURHAM)
    states = partnership.exchange("release", "list")
    assert f"{first}  {REFERENCE} {RELEASE} {MONTH} to {MONTH}: published" in states
    assert f"{second}  {REFERENCE} {RELEASE} {MONTH} to {MONTH}: awaiting-check" in states
    third = request(partnership)
    for party in (CLEVELAND, DURHAM):
        check(partnership, third, party)
    assert f"{third}  {REFERENCE} {RELEASE} {MONTH} to {MONTH}: published" in partnership.exchange("release", "list")


def test_a_month_that_nobody_submitted(partnership: World) -> None:
    with refused(partnership, Unacceptable, "inputs-missing", f"LCJP-MV7 version 1, release {RELEASE}, base"):
        request(partnership, last=OTHER)


def test_a_key_that_the_agreement_does_not_name(partnership: World, tmp_path: Path) -> None:
    hub(None, "person", "new", "--owner", OPERATOR, "--role", "checker", "--out", tmp_path / "other")
    key = tmp_path / "other" / f"{OPERATOR}-checker.key.json"
    with refused(partnership, RefusedByAgreement, "refused-by-agreement", REQUESTS):
        request(partnership, key=key)
    edition = request(partnership)
    with refused(partnership, RefusedByAgreement, "refused-by-agreement", CHECKERS):
        partnership.exchange("release", "check", edition, "--approve", "--key", key)


def test_nothing_is_drafted_or_published_while_suspended(partnership: World) -> None:
    world, document = partnership, partnership.places.run / "lcjp-mv7.toml"
    edition = request(world)
    check(world, edition, CLEVELAND)
    said = world.places.run / "suspend.json"
    hub(None, "agreement", "suspend", document, "--key", person(world, DURHAM, "dpo"), "--out", said)
    world.exchange("agreement", "record", said)
    schedule.advance_agreements(world.hub())
    clause = "LCJP-MV7 version 1, suspension"
    with refused(world, RefusedByAgreement, "refused-by-agreement", clause):
        check(world, edition, DURHAM)
    with refused(world, RefusedByAgreement, "refused-by-agreement", clause):
        request(world)


def test_checkers_compare_methods_and_see_what_is_hidden_and_nobody_else_the_comparison(partnership: World, tmp_path: Path) -> None:
    world, asked = partnership, person(partnership, OPERATOR, "checker")
    named = (REFERENCE, RELEASE, "--from", MONTH, "--to", MONTH)
    made = json.loads(world.exchange("--json", "release", "request", *named, "--advise", "--key", asked))
    assert "advice" not in made["report"]
    edition, plain, compared = str(made["edition"]), tmp_path / "plain.svg", tmp_path / "compared.svg"
    shown = json.loads(world.exchange("--json", "release", "show", edition, "--picture", plain))
    assert "advice" not in shown
    assert "advice" not in shown["report"]
    checker = person(world, CLEVELAND, "checker")
    seen = json.loads(world.exchange("--json", "release", "show", edition, "--key", checker, "--picture", compared))
    methods = {option["method"]: option for option in seen["advice"]}
    assert set(methods) == {"suppress", "rounding", "controlled", "ten-five", "cell-key"}
    assert all(option["usable"] == (option["why_not"] == "") for option in seen["advice"])
    assert "Value that each method would lose" in compared.read_text(encoding="utf-8")
    assert "Value that each method would lose" not in plain.read_text(encoding="utf-8")
    for party in (CLEVELAND, DURHAM):
        check(world, edition, party)
    assert json.loads(world.exchange("--json", "release", "show", edition))["state"] == "published"
    with reading(world.hub().engine) as session:
        assert "advice" not in session.get_one(EditionRow, edition).report
