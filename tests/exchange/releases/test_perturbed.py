"""Editions with noise: from submission to publication, recomputed in plain Python; the same people, the same noise; who may perturb whom."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agreements.periods import Period
from agreements.signing import Capacity, Voice
from exchange import schedule
from exchange.db import reading
from exchange.errors import Conflict
from exchange.keyring import record_keys_name
from exchange.releases import kept
from exchange.releases.tables import EditionState
from tests.exchange.releases.drafted import APRIL, ask, publish, row
from tests.exchange.releases.perturbed import FORCES, NOISE, TABLES, expected, held, in_csv, in_force, noise_of, some, with_noise
from tests.exchange.releases.test_history import forgotten, submitted
from tests.exchange.standing import CLEVELAND, REFERENCE, TEAM, World

MAY = Period.parse("2021-05")


@pytest.fixture
def noisy(first_world: World, tmp_path: Path) -> Iterator[World]:
    """A hub whose agreement perturbs, before anybody has sent anything."""
    first = first_world.copy(tmp_path / "hub")
    yield in_force(first, with_noise(first.agreement.document, 2))
    first.close()


def files(world: World, edition: str) -> dict[str, bytes]:
    return {file.name: file.content for file in row(world, edition).files}


def test_what_is_published_is_the_counts_with_the_noise_of_their_people(noisy: World) -> None:
    sent = held(noisy)
    edition = ask(noisy)
    publish(noisy, edition)
    assert row(noisy, edition).state == EditionState.PUBLISHED
    wanted, published = expected(noisy, sent), noise_of(30, 8, 3)
    moved = 0
    for name in TABLES:
        counts, keys = wanted[name]
        shown = in_csv(files(noisy, edition)[f"{name}.csv"])
        assert set(counts) <= set(shown)
        for cell, text in shown.items():
            assert int(text) == published(counts[cell], keys[cell]), cell
            assert text == "0" or int(text) >= 3
            assert counts[cell] or text == "0"
            assert abs(int(text) - counts[cell]) <= 30
            moved += int(text) != counts[cell]
        assert any(0 < count < 10 for count in counts.values())
    assert moved > 50
    answer = noisy.call("get", f"/v1/editions/{edition}/tables/by-area.csv", TEAM)
    assert answer.data == files(noisy, edition)["by-area.csv"]


def test_everything_says_that_the_counts_are_perturbed_and_how(noisy: World) -> None:
    held(noisy)
    edition = ask(noisy)
    found = row(noisy, edition)
    told = (
        json.loads(found.files[0].content) if found.files[0].name.endswith(".json") else json.loads(files(noisy, edition)["by-area.json"])
    )
    for words in ("perturbed", "at most 30", "variance of 8", "need not be the sums"):
        assert words in told["disclosure"]
    assert told["perturbation"] == found.report["noise"]
    assert {name: told["perturbation"][name] for name in ("bound", "variance", "none")} == {"bound": 30, "variance": "8", "none": 2}
    assert told["perturbation"]["ptable"].startswith("sha256:")
    assert found.draft["terms"]["method"] == "cell-key"
    assert found.draft["terms"]["ptable"] == told["perturbation"]["ptable"]
    csvw = json.loads(files(noisy, edition)["by-area.csv-metadata.json"])
    assert csvw["tableSchema"]["columns"][-1]["dc:title"] == "Count, perturbed"
    assert found.report["attack"]["safe"]
    assert {one["supplier"] for one in found.report["attack"]["intruders"]} == {None, *FORCES}
    assert not any(b"record_key" in content for content in files(noisy, edition).values())


def test_the_same_rows_are_the_same_bytes_and_the_same_people_the_same_noise_beside_others(noisy: World) -> None:
    held(noisy)
    first = ask(noisy)
    publish(noisy, first)
    again = ask(noisy)
    publish(noisy, again)
    assert files(noisy, again) == files(noisy, first)
    held(noisy, (3, 4), MAY.name, month=MAY.start)
    both = ask(noisy, last=MAY)
    publish(noisy, both)
    assert row(noisy, both).draft["history"] == [first, again]
    for name in TABLES:
        alone, among = (in_csv(files(noisy, one)[f"{name}.csv"]) for one in (first, both))
        month = TABLES[name].index("month")
        assert all(among[cell] == text for cell, text in alone.items() if cell[month] == APRIL.name)


def test_a_newer_version_of_the_agreement_gives_the_same_people_the_same_noise(noisy: World) -> None:
    held(noisy)
    first = ask(noisy)
    publish(noisy, first)
    later = in_force(noisy, with_noise(noisy.agreement.document, 3, question="Of the crimes of a month, how many had which outcome?"))
    second = ask(later)
    publish(later, second)
    assert row(later, second).draft["version"] == 3
    for name in TABLES:
        assert files(later, first)[f"{name}.csv"] == files(later, second)[f"{name}.csv"]


def test_a_correction_changes_the_noise_only_where_people_came_or_went(noisy: World) -> None:
    sent = held(noisy)
    first = ask(noisy)
    publish(noisy, first)
    rows = sent[CLEVELAND][0]
    types = rows["crime_type"].to_pylist()
    one, other = types.index("Drugs"), types.index("Burglary")
    types[one], types[other] = types[other], types[one]  # as many as before, and others
    corrected = some(150, 1, types=types)
    noisy.hold([corrected], after=submitted(noisy, first, CLEVELAND))
    second = ask(noisy)
    publish(noisy, second)
    wanted, before, published = expected(noisy, {**sent, CLEVELAND: [corrected]}), expected(noisy, sent), noise_of(30, 8, 3)
    exchanged = 0
    for name in TABLES:
        shown = in_csv(files(noisy, second)[f"{name}.csv"])
        assert all(int(text) == published(wanted[name][0][cell], wanted[name][1][cell]) for cell, text in shown.items())
        exchanged += sum(
            before[name][0][cell] == wanted[name][0][cell] and before[name][1][cell] != wanted[name][1][cell] for cell in shown
        )
    assert exchanged


def refused(world: World, **asked: Any) -> Conflict:
    with pytest.raises(Conflict) as caught:
        ask(world, **asked)
    assert caught.value.code == "population-published"
    return caught.value


OTHERS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "exact": ({}, "counted in no other way"),
    "rounded": ({"method": "rounding", "base": 20, "level": "A"}, "one edition with rounded counts"),
    "other noise": ({**NOISE, "variance": 9}, "the same people need the same noise"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_who_was_perturbed_is_counted_in_no_other_way(noisy: World, other: str) -> None:
    held(noisy)
    publish(noisy, ask(noisy))
    noise, said = OTHERS[other]
    assert said in str(refused(in_force(noisy, with_noise(noisy.agreement.document, 3, noise))))


def test_who_was_counted_exactly_is_not_perturbed_afterwards(drafted: tuple[World, str]) -> None:
    world, first = drafted
    publish(world, first)
    assert "counted in no other way" in str(refused(in_force(world, with_noise(world.agreement.document, 2))))


def test_without_the_exact_counts_before_there_is_no_second_edition(noisy: World) -> None:
    held(noisy)
    first = ask(noisy)
    with reading(noisy.hub.engine) as session:
        exact = kept.opened(session, noisy.hub.keyring, row(noisy, first))
    assert exact is not None
    assert b"record_key_sum" in exact["by-area.csv"]
    publish(noisy, first)
    forgotten(noisy, first)
    assert "exact counts are not kept" in str(refused(noisy))


def test_with_another_secret_the_same_people_would_get_other_noise_and_there_is_no_edition(noisy: World) -> None:
    held(noisy)
    publish(noisy, ask(noisy))
    store = noisy.hub.keyring.store
    store.destroy(record_keys_name(REFERENCE))
    with pytest.raises(Exception, match=r"destroyed|other noise"):
        ask(noisy)


def test_rows_that_come_again_under_another_epoch_would_get_other_noise_and_there_is_no_edition(noisy: World) -> None:
    held(noisy)
    first = ask(noisy)
    publish(noisy, first)
    issued = noisy.call("post", f"/v1/agreements/{REFERENCE}/envelopes", CLEVELAND, json=noisy.envelope(epoch=2))
    assert issued.status_code == 201, issued.text
    for supplier, seed in zip(FORCES, (1, 2), strict=True):
        noisy.hold([some(150, seed)], supplier=supplier, after=submitted(noisy, first, supplier), epoch=2)
    assert "another linkage epoch" in str(refused(noisy))


def test_the_secret_of_record_keys_goes_when_the_agreement_ends(noisy: World) -> None:
    held(noisy)
    ask(noisy)
    store = noisy.hub.keyring.store
    assert record_keys_name(REFERENCE) in store.names(record_keys_name(REFERENCE))
    noisy.say(CLEVELAND, Capacity.SIGNATORY, Voice.TERMINATE)
    for _ in range(2):
        schedule.advance_agreements(noisy.hub)
        schedule.dispose_due(noisy.hub)
    schedule.advance_agreements(noisy.hub)
    assert not store.names(record_keys_name(REFERENCE))
