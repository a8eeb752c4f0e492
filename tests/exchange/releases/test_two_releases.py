"""A second release of one agreement, asked for in the hub beside what the first has published; and one of another agreement."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from agreements.model import Agreement
from agreements.release import Release
from agreements.signing import Capacity, Voice
from exchange.db import reading
from exchange.errors import Conflict
from exchange.releases import history
from exchange.releases.screen import published_tables
from tests.agreements.papers import build
from tests.exchange.releases.drafted import APRIL, ask, publish, row
from tests.exchange.releases.test_history import corrected, forgotten
from tests.exchange.standing import CLEVELAND, DURHAM, World

OTHER = "mv7-places"


def with_another(document: dict[str, Any], **head: Any) -> Agreement:
    """The agreement, changed at its head, with a second release: crimes by place alone."""
    parsed = copy.deepcopy(document)
    parsed["agreement"].update(head)
    other = copy.deepcopy(parsed["releases"][0])
    for name in ("lookups", "derived", "caveats"):
        other.pop(name, None)
    dimensions = [one for one in other["dimensions"] if one["name"] in {"force", "authority", "month"}]
    tables = [{"name": "places", "title": "Crimes by place", "dimensions": ["force", "month", "authority"]}]
    other.update(
        name=OTHER,
        title="Crimes by place",
        dimensions=dimensions,
        tables=tables,
        earlier_rows=True,
        caveats=["Places are those published."],
    )
    parsed["releases"] = [{**parsed["releases"][0], "earlier_rows": True}, other]
    return build(parsed)


def in_force(world: World) -> World:
    agreement = with_another(world.agreement.document, version=2)
    world.enter(agreement)
    world.sign_all(agreement)
    again = world.restarted()
    again.__dict__["agreement"] = agreement
    return again


def test_a_second_release_of_the_same_people_is_made_and_published_and_then_the_first_again(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    world = in_force(world)
    second = ask(world, release=OTHER)
    assert row(world, second).draft["history"] == [first]
    publish(world, second)
    third = ask(world)
    assert row(world, third).draft["history"] == [first, second]
    shown = [of_places(world, one) for one in (first, second, third)]
    assert shown[0] == shown[1] == shown[2]


def of_places(world: World, edition: str) -> list[list[int | None]]:
    """What an edition shows of forces and places, all outcomes together."""
    found = row(world, edition)
    release = world.agreement.release(found.release)
    assert release is not None
    tables = published_tables(release, [APRIL], {file.name: file.content for file in found.files})
    [shown] = [one for one in tables if one.table.name in {"by-area", "places"}]
    return [[int(count) if not hidden else None for count, hidden in zip(*cells, strict=True)] for cells in _flat(shown)]


def _flat(shown: Any) -> list[tuple[Any, Any]]:
    names = [axis.name for axis in shown.along]
    order = [names.index(name) for name in ("force", "authority", "month")] + ([names.index("group")] if "group" in names else [])
    found = [array.transpose(order)[:, :, 1] for array in (shown.counts, shown.hidden)]
    if "group" in names:
        found = [array[:, :, 0] for array in found]
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def test_it_is_made_after_a_correction_too_while_exact_counts_are_kept_and_not_without(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    corrected(world, first, ["Charged"] * 45 + ["Unable to prosecute"] * 42 + ["No suspect identified"] * 30 + [None] * 30)
    world = in_force(world)
    second = ask(world, release=OTHER)
    assert row(world, second).draft["history"] == [first]
    forgotten(world, first)
    with pytest.raises(Conflict, match="its exact counts are not kept any more") as caught:
        ask(world, release=OTHER)
    assert caught.value.code == "population-published"


def test_another_agreement_is_joined_by_what_its_words_mean_unless_the_first_is_stopped(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    about = with_another(world.agreement.document, reference="LCJP-OTHER")
    asked = about.release(OTHER)
    assert asked is not None
    [found] = read(world, about, asked)
    assert (found.edition, found.made is not None, found.columns["authority"], found.columns["group"]) == (
        first,
        True,
        "authority",
        "group",
    )
    with pytest.raises(Conflict, match="it counts other units"):
        read(world, about, replace(asked, present=()))
    world.say(DURHAM, Capacity.DPO, Voice.SUSPEND)
    with pytest.raises(Conflict, match="stopped with its agreement"):
        read(world, about, asked)


def read(world: World, about: Agreement, asked: Release) -> list[history.Published]:
    base = about.dataset(asked.base)
    assert base is not None
    with reading(world.hub.engine) as session:
        return history.read(session, world.hub.keyring, about, asked, [(base.adapter, CLEVELAND, APRIL.name)])
