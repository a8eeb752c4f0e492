"""What lies beside the entries of a cohort: how many events each unit had, and what its attributes say as at entry."""

from typing import Any

import ibis

from agreements.cohort import Attribute, Event
from exchange.releases.cohorts_rows import DAY, FIRST, KEY, SUPPLIER, UNIT, bound, flag, proof
from exchange.releases.deriving import NO, in_words
from exchange.releases.linking import PERSON

COUNT, SAYS, BY = "count of events", "what it says", "bits of those who say so"


def happened(entries: ibis.Table, rows: ibis.Table, event: Event) -> ibis.Table:
    """UNIT, COUNT (how many rows are such an event of the unit) and BY (who sent one of them), for units that have one.

    After, the unit is held against its first entry; before, against every entry of it, and a row beside several counts once.
    """
    own = entries if event.before else entries.filter(entries[FIRST] == 0)
    there = _theirs(rows, flag(event))
    day = there[_their(f"{event.dataset}.{event.date}")]
    when = (
        [day <= own[DAY], day >= own[bound(event)], there[_their(KEY)] != own[KEY]]
        if event.before
        else [day > own[DAY], day <= own[bound(event)]]
    )
    if event.proven:
        when.append(there[_their(f"{event.dataset}.{event.proven}")] <= own[proof(event)])
    # An entry from another dataset has none of these fields, and an absent value differs from nothing.
    when += [
        there[_their(name)] != own[name] if name in own.columns else NO for name in (f"{event.dataset}.{one}" for one in event.differs)
    ]
    found = own.inner_join(there, [own[PERSON] == there[_their(PERSON)], *when])
    return found.group_by(UNIT).aggregate(**{COUNT: found[_their(KEY)].nunique(), BY: _bits(found)})


def said_at_entry(entries: ibis.Table, rows: ibis.Table, attribute: Attribute) -> ibis.Table:
    """UNIT, SAYS and BY, for units of which the dataset has a row as at entry: what the latest says, the least of several of one day; who sent one of these."""
    own = entries.filter(entries[FIRST] == 0)
    there = _theirs(rows, flag(attribute))
    date = _their(f"{attribute.dataset}.{attribute.date}")
    when = [there[date] <= own[DAY], there[date] >= own[bound(attribute)]]
    if attribute.since:
        when.append(there[_their(f"{attribute.dataset}.{attribute.since}")] <= own[DAY])
    if attribute.until:
        until = there[_their(f"{attribute.dataset}.{attribute.until}")]
        when.append(until.isnull() | (until >= own[DAY]))
    found = own.inner_join(there, [own[PERSON] == there[_their(PERSON)], *when])
    if not attribute.field:
        return found.group_by(UNIT).aggregate(**{BY: _bits(found)}).mutate(**{SAYS: ibis.literal("true")})
    said = found[_their(f"{attribute.dataset}.{attribute.field}")].min()
    least = found.group_by([UNIT, date]).aggregate(**{SAYS: said, BY: _bits(found)})
    # A latest row that says nothing is not passed over for an earlier one.
    words = ibis.coalesce(in_words(least[SAYS]), ibis.literal(attribute.otherwise))
    return least.group_by(UNIT).aggregate(**{SAYS: words.argmax(least[date]), BY: least[BY].argmax(least[date])})


def _bits(found: ibis.Table) -> Any:
    """A bit for each supplier of one of the rows."""
    return (ibis.literal(1, "int64") << found[_their(SUPPLIER)].cast("int64")).bit_or()


def _their(name: str) -> str:
    return f"their {name}"


def _theirs(rows: ibis.Table, flag: str) -> ibis.Table:
    """The rows of one use, under names that no entry has."""
    mine = rows.filter(rows[flag] == 1)
    return mine.select(**{_their(name): mine[name] for name in mine.columns if name != flag})
