"""An agency's life at a real hub: what arrives is collected, the scorecard comes back, and the hub knows who is silent and what is late."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser

from demo.cast import AGENCIES
from exchange.db import reading, writing
from exchange.submissions import attendance
from tests.functional.browser import at_localhost, invite, visitor
from tests.functional.raw import small
from tests.functional.world import CLEVELAND, World, agency, serving

DURHAM = AGENCIES[1].party


def watched(world: World, folder: Path) -> Path:
    """Cleveland's state folder, which watches this one."""
    home = world.home(CLEVELAND)
    toml = home / "agency.toml"
    entry = f'\n[[folders]]\nfolder = "{folder}"\nfile = "crimes-{{period}}.csv"\ndataset = "crimes"\nquiet = 0.1\n'
    toml.write_text(toml.read_text() + entry)
    return home


def test_what_arrives_is_collected_and_scored(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "extracts"
    folder.mkdir()
    for month in ("2021-06", "2021-07"):
        small(tmp_path, CLEVELAND, "crimes", month, rows=20).path.rename(folder / f"crimes-{month}.csv")
    home = watched(world, folder)
    with serving(world):
        doctor = agency("doctor", "--home", home, "--json")
        assert (doctor.code, {one["mark"] for one in json.loads(doctor.out)["steps"]} - {"look"}) == (0, {"ok"}), doctor
        collected = agency("collect", "--home", home, "--no-input", "--json")
        assert collected.code == 0, collected
        assert [one["submissions"][0]["receipt"]["rows"] for one in json.loads(collected.out)["sent"]] == [20, 20]
        again = agency("collect", "--home", home, "--json")
        assert (again.code, json.loads(again.out)["sent"]) == (0, [])
        scored = agency("scorecard", "--home", home, "--json")
        people = agency("scorecard", "--home", home)
    [card] = [one for one in json.loads(scored.out)["cards"] if one["dataset"] == "crimes"]
    assert [(one["period"], one["rows"], one["back_fill"]) for one in card["periods"]] == [("2021-07", 20, True), ("2021-06", 20, True)]
    assert 0 < card["periods"][0]["completeness"] <= 1
    assert "2021-07" in people.out
    assert DURHAM not in scored.out + people.out

    with reading(world.hub().engine) as session:
        now = datetime.now(UTC) + timedelta(days=4)
        assert {one.supplier for one in attendance.silent(session, now)} >= {CLEVELAND, DURHAM}
        assert attendance.silent(session, datetime.now(UTC), CLEVELAND) == []


def test_what_the_hub_notes_as_late_is_no_alarm_to_its_supplier(world: World) -> None:
    home = world.home(CLEVELAND)
    with writing(world.hub().engine) as session:
        noted = attendance.notice(session, datetime.now(UTC) + timedelta(days=100))
    assert any(f"crimes of {CLEVELAND}" in one for one in noted)
    assert "late: LCJP-MV7" not in world.exchange("status")  # today nothing is
    assert "lcjp_exchange_overdue_periods{" in world.exchange("status", "--metrics")
    with serving(world):
        seen = agency("watch", "--home", home)
    assert (seen.code, "in our name" in seen.out) == (0, False), seen


def test_its_people_read_the_scorecard_on_any_screen(world: World, chromium: Browser, tmp_path: Path) -> None:
    world = at_localhost(world)
    invitation = invite(world, CLEVELAND, "Robin Example", "dpo")
    extracts = [small(tmp_path, CLEVELAND, "crimes", month, rows=20) for month in ("2021-06", "2021-07")]
    with serving(world), visitor(chromium, world.address) as robin:
        for extract in extracts:
            assert agency("push", "crimes", extract.path, "--period", extract.period, "--home", world.home(CLEVELAND)).code == 0
        robin.enrol(invitation)
        page = robin.go("/scorecard")
        assert page.get_by_role("link", name="2021-07").is_visible()
        page.get_by_text("2021-07, field by field").click()
        assert page.get_by_text("crime_type: filled in for 20 of 20 rows").is_visible()
        robin.check("scorecard")
