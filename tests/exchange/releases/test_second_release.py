"""Another release over the same people: protected with what is published where the two can be joined, and refused where they cannot."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agreements.document import fill, placeholders, read
from agreements.meant import made_twice
from agreements.release import Dimension, Level, Release, Table, Terms, Zeros
from agreements.worked_out import FirstOf
from exchange.disclosure import Need
from exchange.disclosure.attack import attack
from exchange.releases import meanings, series
from exchange.releases.counting import require_told_apart
from exchange.releases.errors import BadRelease, Unconnected
from exchange.releases.gate import guard
from exchange.releases.past import Past
from exchange.releases.protected import Shown, read_protected
from exchange.releases.tabulate import Tabulated, tabulate
from tests.agreements.papers import ROOT, fingerprint
from tests.exchange.releases import world

APRIL = world.periods("2021-04", "2021-04")
BY_TYPE = Table("by-type", "Crimes by type and outcome", ("month", "crime_type", "group"))
BY_KIND = Table("by-kind", "Crimes by kind and area", ("when", "kind", "area"))


def first() -> Release:
    return replace(world.release(), tables=(BY_TYPE,))


def second(**changed: Any) -> Release:
    """Counts the same crimes under other names: by type and by authority, without any outcome."""
    before = world.release()
    one = {dimension.name: dimension for dimension in before.dimensions}
    renamed = (
        replace(one["month"], name="when"),
        replace(one["crime_type"], name="kind", categories=tuple(reversed(one["crime_type"].categories))),
        replace(one["authority"], name="area"),
    )
    found = replace(before, name="mv7-kinds", period_dimension="when", dimensions=renamed, tables=(BY_KIND,), lookups=(), derived=())
    return replace(found, **changed)


def made(release: Release, rows: world.Relations) -> tuple[dict[str, bytes], Tabulated]:
    counted: list[Tabulated] = []
    exact = tabulate(release, world.agreement(), rows, APRIL, tell=counted.append)
    return exact, counted[0]


def past(release: Release, counted: Tabulated, files: Mapping[str, bytes], beside: Release) -> Past:
    [columns] = meanings.columns(world.agreement(), beside, [(world.agreement(), release)])
    return Past("first", read_protected(release, APRIL, files), counted, frozenset(), release, columns)


def attacked(release: Release, now: Tabulated, before: Past, published: Mapping[str, Mapping[str, bytes]]) -> int:
    """How many cells fall when all that was published, nothing of it called history, is attacked at once. ``published``: by number."""
    files = dict(series.joined(release, now, [before]))
    protected = {}
    for name, entry in json.loads(files["spec.json"])["tables"].items():
        table, universe, number = name.split("~")
        rows = list(csv.DictReader(io.StringIO(files[entry["file"]].decode(), newline="")))
        kept = [column for column in rows[0] if column != "suppressed"]
        files[entry["file"]] = written(kept, [[row[column] for column in kept] for row in rows])
        shown = {
            key(row): (row["value"], row["suppressed"])
            for row in csv.DictReader(io.StringIO(published[number][f"{table}.csv"].decode(), newline=""))
        }
        month = {"1": "month", "2": "when"}[number]
        cells = [
            [*(row[one] for one in entry["dims"]), *shown[key({**{DIMS[number][one]: row[one] for one in entry["dims"]}, month: universe})]]
            for row in rows
        ]
        protected[entry["file"]] = written([*entry["dims"], "value", "suppressed"], cells)
    return len(attack(files, protected, Need(release.terms.known_min, release.terms.min_width)).vulnerable)


def key(row: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in row.items() if item[0] not in {"value", "suppressed"})


def written(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def margin(shown: Shown, axis: str) -> tuple[Mapping[str, int], Mapping[str, bool]]:
    """Of April, all other dimensions at their total: counts, and what is hidden, by code."""
    names = [one.name for one in shown.along]
    at = tuple(slice(None) if name == axis else int(name in {"month", "when"}) for name in names)
    codes = next(one for one in shown.along if one.name == axis).all_codes
    return dict(zip(codes, shown.counts[at].tolist(), strict=True)), dict(zip(codes, shown.hidden[at].tolist(), strict=True))


DIMS = {"1": {"kind": "crime_type", "group": "group"}, "2": {"kind": "kind", "area": "area"}}


def test_two_releases_of_real_data_are_safe_together() -> None:
    rows, one, other = world.relations(APRIL), first(), second()
    exact, counted = made(one, rows)
    published, _ = guard(exact, one)
    _, now = made(other, rows)
    before = past(one, counted, published, other)
    assert before.columns == {"crime_type": "kind", "group": "group"}
    own = beside(other, now, before)
    was, later = of_types(one, published), of_types(other, own)
    assert was == ({code: later[0][code] for code in was[0]}, {code: later[1][code] for code in was[1]})
    assert attacked(other, now, before, {"1": published, "2": own}) == 0


def beside(release: Release, now: Tabulated, before: Past) -> dict[str, bytes]:
    """The protected tables of a release beside an earlier edition, as the gate makes them."""
    protected, _ = guard(series.joined(release, now, [before]), series.strictest(release, [before]))
    return series.newest(release, now, [before], protected)


def of_types(release: Release, files: Mapping[str, bytes]) -> tuple[Mapping[str, int], Mapping[str, bool]]:
    shown = read_protected(release, APRIL, files)
    return margin(shown["by-type"], "crime_type") if "by-type" in shown else margin(shown["by-kind"], "kind")


def test_what_is_safe_by_itself_is_not_beside_another_and_the_gate_sees_it() -> None:
    """Three drugs crimes share their outcome with the robberies and their place with the burglaries: each release alone hides them behind others."""
    crimes = [("Drugs", 3, "E01012085", ""), ("Robbery", 20, "E01020600", ""), ("Burglary", 25, "E01012085", "Under investigation")]
    rows = world.small([(f"{kind}{n}", "2021-04", place, kind, last) for kind, count, place, last in crimes for n in range(count)], [])
    one, other = first(), second()
    exact, counted = made(one, rows)
    published, _ = guard(exact, one)
    alone, now = made(other, rows)
    before, (by_itself, _) = past(one, counted, published, other), guard(alone, other)
    assert attacked(other, now, before, {"1": published, "2": by_itself}) > 0
    assert attacked(other, now, before, {"1": published, "2": beside(other, now, before)}) == 0


def small(*types: tuple[str, int]) -> world.Relations:
    crimes = [(f"{kind}{number}", "2021-04", "E01012085", kind, "") for kind, count in types for number in range(count)]
    return world.small(crimes, [])


def test_what_one_hides_the_other_does_not_show() -> None:
    """The first hides a type of three crimes, and with it another; the second has the same margin."""
    rows, one, other = small(("Drugs", 3), ("Robbery", 40), ("Burglary", 50)), first(), second()
    exact, counted = made(one, rows)
    published, _ = guard(exact, one)
    _, now = made(other, rows)
    before = past(one, counted, published, other)
    own = beside(other, now, before)
    _, was = of_types(one, published)
    _, hidden = of_types(other, own)
    assert was == {code: hidden[code] for code in was}
    assert was["Drugs"]
    assert sum(was.values()) >= 2


def test_a_change_between_the_two_counts_as_one() -> None:
    """Three more robberies when the second is made: the margin that the first shows differs by too few people."""
    one, other = first(), second()
    exact, counted = made(one, small(("Robbery", 40), ("Burglary", 50), ("Drugs", 60)))
    published, _ = guard(exact, one)
    _, now = made(other, small(("Robbery", 43), ("Burglary", 50), ("Drugs", 60)))
    before = past(one, counted, published, other)
    own = beside(other, now, before)
    counts, was = of_types(one, published)
    later, hidden = of_types(other, own)
    assert not was["Robbery"]
    assert hidden["Robbery"]
    assert all(hidden[code] or later[code] == counts[code] for code in counts if not was[code])


def test_the_strictest_terms_of_all_hold_for_all() -> None:
    terms = Terms(5, Zeros.PUBLISHED, Level.A)
    looser = second(terms=terms)
    before = Past("first", {}, None, frozenset(), first(), {})
    assert series.strictest(looser, [before]).terms == replace(terms, threshold=10, level=Level.C)
    assert series.strictest(looser, []).terms == terms
    with pytest.raises(Unconnected, match="noughts otherwise"):
        series.strictest(second(terms=replace(terms, zeros=Zeros.SUPPRESSIBLE)), [before])


@pytest.mark.parametrize("what", ["categories", "table without months"])
def test_what_cannot_be_joined_is_refused_with_what_to_change(what: str) -> None:
    rows, one = small(("Drugs", 30), ("Robbery", 40)), first()
    exact, counted = made(one, rows)
    published, _ = guard(exact, one)
    other = second()
    if what == "categories":
        kind = other.dimension("kind")
        other = second(
            dimensions=tuple(replace(d, categories=(*d.categories, ("New", "New"))) if d == kind else d for d in other.dimensions)
        )
        said = "dimension kind has other categories: give both releases the same"
    else:
        other = second(tables=(BY_KIND, Table("by-area", "Crimes by area", ("area",))))
        said = "by-area is not cut by when"
    _, now = made(other, rows)
    with pytest.raises(Unconnected, match=said):
        series.joined(other, now, [past(one, counted, published, other)])


def test_dimensions_are_one_column_where_they_mean_the_same_and_only_there() -> None:
    agreement, one = world.agreement(), world.release()
    derived = tuple(
        replace(each, otherwise="Nothing yet") if isinstance(each, FirstOf) and each.name == "group" else each for each in one.derived
    )
    swapped = {"crime_type": "authority", "authority": "crime_type"}
    renamed: tuple[Dimension, ...] = tuple(replace(d, name=swapped.get(d.name, d.name)) for d in one.dimensions)
    tables = (Table("t", "T", ("month", "crime_type", "authority", "group", "months_to_outcome", "force")),)
    other = replace(one, name="other", dimensions=renamed, derived=derived, tables=tables)
    [found] = meanings.columns(agreement, one, [(agreement, other)])
    same = {"force": "force", "months_to_outcome": "months_to_outcome"}
    assert found == {**same, "crime_type": "authority", "authority": "crime_type", "group": "group_"}
    assert meanings.made_otherwise(agreement, one, agreement, other) == "group"
    assert meanings.made_otherwise(agreement, one, agreement, replace(other, derived=one.derived)) == ""
    last = replace(one.dimension("group"), name="last", source="crimes.last_outcome")
    coarser = replace(other, derived=(), dimensions=(last,), tables=(Table("t", "T", ("last",)),))
    assert meanings.made_otherwise(agreement, one, agreement, coarser) == "last"


def test_one_release_has_no_two_tables_by_one_field_made_in_two_ways() -> None:
    """Its last outcome in one table and the group of that in another: the one could be the other made coarser. In one table together they may stand."""
    agreement, one = world.agreement(), world.release()
    last = replace(one.dimension("group"), name="last", source="crimes.last_outcome")
    dimensions = (*one.dimensions, last)
    apart = (Table("t", "T", ("month", "group")), Table("u", "U", ("month", "last")))
    beside = (Table("t", "T", ("month", "group", "last")), Table("u", "U", ("month", "crime_type")))
    assert made_twice(agreement, one) is None
    assert made_twice(agreement, replace(one, dimensions=dimensions, tables=apart)) == ("group", "last")
    assert made_twice(agreement, replace(one, dimensions=dimensions, tables=beside)) is None
    hidden = replace(one.terms, zeros=Zeros.SUPPRESSIBLE)
    assert made_twice(agreement, replace(one, dimensions=dimensions, tables=beside, terms=hidden)) == ("group", "last")
    again = replace(one.dimension("crime_type"), name="kind")
    twice = (Table("t", "T", ("month", "crime_type")), Table("u", "U", ("month", "kind", "force")))
    assert made_twice(agreement, replace(one, dimensions=(*one.dimensions, again), tables=twice)) == ("crime_type", "kind")
    with pytest.raises(BadRelease, match="crime_type and kind are made from one field"):
        require_told_apart(agreement, replace(one, dimensions=(*one.dimensions, again), tables=twice))


def test_movements_and_the_population_of_prisons_do_not_stand_in_each_others_way() -> None:
    text = (ROOT / "config" / "agreements" / "reoffending.toml").read_text(encoding="utf-8")
    agreement = read(fill(text, {card: fingerprint(card) for card in placeholders(text)}))
    movements, population = agreement.release("mr8-movements"), agreement.release("mr8-population")
    assert movements is not None
    assert population is not None
    one, other = meanings.dated(agreement, movements), meanings.dated(agreement, population)
    [adapter] = one.keys() & other.keys()
    assert not meanings.may_share_rows(one, other, adapter)


def test_rows_that_are_dated_by_another_column_are_others_unless_one_has_both_dates() -> None:
    one = {"prison": meanings.Dated(frozenset({"moved"}), frozenset({"moved", "where"}))}
    other = {"prison": meanings.Dated(frozenset({"snapshot"}), frozenset({"snapshot", "where"}))}
    both = {"prison": meanings.Dated(frozenset({"snapshot"}), frozenset({"snapshot", "moved"}))}
    assert not meanings.may_share_rows(one, other, "prison")
    assert meanings.may_share_rows(one, both, "prison")
    assert meanings.may_share_rows(both, one, "prison")
    assert meanings.may_share_rows(one, one, "prison")
    assert meanings.may_share_rows(one, {}, "prison")
