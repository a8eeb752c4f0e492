"""What changes in a dataset: who supplies it, which fields leave and how much of each, for how long it is kept."""

from collections.abc import Iterator
from datetime import date, timedelta

from agreements.changes import Change, Risk, members, order, reworded
from agreements.compare_rules import Order, compared
from agreements.model import Agreement, Dataset, Field, Subjects
from agreements.periods import Duration

_DETAIL = {
    Order.MORE: (Risk.WIDER, "leaves in more detail than before"),
    Order.LESS: (Risk.NARROWER, "leaves in less detail than before"),
    Order.UNDECIDED: (Risk.CHANGED, "leaves in another form, which is neither more nor less than before"),
}
_ADMITS = {
    Order.MORE: (Risk.WIDER, "admits values that were refused before"),
    Order.LESS: (Risk.NARROWER, "refuses values that were admitted before"),
    Order.UNDECIDED: (Risk.CHANGED, "admits other values than before"),
}


def datasets(old: Agreement, new: Agreement) -> Iterator[Change]:
    """Datasets that come and go, and what changes in those that stay."""
    for after in new.datasets:
        before = old.dataset(after.name)
        if before is None:
            yield Change(Risk.WIDER, f"dataset {after.name}", f"Dataset {after.name} is added.", "", after.title)
        else:
            yield from dataset_changes(before, after)
    for gone in old.datasets:
        if new.dataset(gone.name) is None:
            yield Change(Risk.NARROWER, f"dataset {gone.name}", f"Dataset {gone.name} is removed.", gone.title, "")
    yield from order("datasets", "the datasets", [one.name for one in old.datasets], [one.name for one in new.datasets])


def dataset_changes(old: Dataset, new: Dataset) -> Iterator[Change]:
    """What changes in one dataset, in the order in which it is read."""
    place, name = f"dataset {new.name}", new.name
    yield from reworded(place, f"the title of {name}", old.title, new.title)
    yield from reworded(f"{place}, about", f"what one row of {name} is", old.grain, new.grain, risk=Risk.CHANGED)
    about = [[who for who in one.about if who is not Subjects.NOBODY] for one in (old, new)]
    yield from members(f"{place}, about", f"Data about {{}} in {name}", *about)
    yield from reworded(f"{place}, adapter", f"the adapter that makes {name}", old.adapter, new.adapter, risk=Risk.CHANGED)
    yield from members(f"{place}, suppliers", f"{{}} as a supplier of {name}", old.suppliers, new.suppliers)
    yield from order(f"{place}, suppliers", f"the suppliers of {name}", old.suppliers, new.suppliers)
    yield from reworded(f"{place}, period", f"the period of {name}", old.period, new.period, risk=Risk.CHANGED)
    yield from reworded(
        f"{place}, period", f"the field that tells the period of {name}", old.period_field, new.period_field, risk=Risk.CHANGED
    )
    due = [f"{one.due_days} days after the period's end" for one in (old, new)]
    yield from reworded(f"{place}, due day", f"the day on which {name} is due", *due, risk=Risk.CHANGED)
    yield from reworded(f"{place}, mode", f"what a further submission of {name} means", old.mode, new.mode, risk=Risk.CHANGED)
    yield from _retention(place, old, new)
    yield from _fields(place, old, new)


def _retention(place: str, old: Dataset, new: Dataset) -> Iterator[Change]:
    was, now = old.retention, new.retention
    if was.text == now.text:
        return
    words = f"from {was.in_words()} to {now.in_words()} after the period's end."
    subject = f"Retention of {new.name}"
    match kept(was, now):
        case Order.MORE:
            yield Change(Risk.WIDER, f"{place}, retention", f"{subject} grows {words}", was.text, now.text)
        case Order.LESS:
            yield Change(Risk.NARROWER, f"{place}, retention", f"{subject} falls {words}", was.text, now.text)
        case Order.UNDECIDED:
            yield Change(Risk.CHANGED, f"{place}, retention", f"{subject} goes {words}", was.text, now.text)
        case Order.SAME:
            yield Change(Risk.WORDS, f"{place}, retention", f"{subject} is as long, written differently.", was.text, now.text)


_ENDS = tuple(start + timedelta(days=day) for start in (date(2019, 1, 1), date(2095, 1, 1)) for day in range(6 * 366))
"""Days on which a period may end: leap years, and the hundred-year that is none."""


def kept(old: Duration, new: Duration) -> Order:
    """How the new retention stands to the old, on every day from which it may be counted; undecided where that depends on the day."""
    if (old.months, old.days) == (new.months, new.days):
        return Order.SAME
    months, days = new.months - old.months, new.days - old.days
    if months * days >= 0:
        return Order.MORE if months + days > 0 else Order.LESS
    ends = ((old.after(day), new.after(day)) for day in _ENDS)
    longer = {after > before for before, after in ends if after != before}
    if len(longer) != 1:
        return Order.UNDECIDED
    return Order.MORE if longer.pop() else Order.LESS


def _fields(place: str, old: Dataset, new: Dataset) -> Iterator[Change]:
    before = {field.name: field for field in old.fields}
    after = {field.name: field for field in new.fields}
    for name, field in after.items():
        clause = f"{place}, field {name}"
        if name not in before:
            yield Change(Risk.WIDER, clause, f"Field {name} of {new.name} is added.", "", _told(field))
        else:
            yield from _field(clause, f"field {name} of {new.name}", before[name], field)
    for name, field in before.items():
        if name not in after:
            yield Change(Risk.NARROWER, f"{place}, field {name}", f"Field {name} of {new.name} is removed.", _told(field), "")
    yield from order(f"{place}, fields", f"the fields of {new.name}, in which they travel,", tuple(before), tuple(after), risk=Risk.CHANGED)


def _told(field: Field) -> str:
    return f"{field.rule.describe()} {field.meaning}"


def _field(clause: str, what: str, old: Field, new: Field) -> Iterator[Change]:
    sources = [f"{one.source} ({one.type})" for one in (old, new)]
    yield from reworded(clause, f"what {what} is made from", *sources, risk=Risk.CHANGED)
    if old.rule != new.rule:
        yield from _rule(clause, f"{what[:1].upper()}{what[1:]}", old, new)
    if old.may_be_empty != new.may_be_empty:
        risk, words = (Risk.WIDER, "may now be empty.") if new.may_be_empty else (Risk.NARROWER, "may no longer be empty.")
        empty = ["may be empty" if one.may_be_empty else "never empty" for one in (old, new)]
        yield Change(risk, clause, f"{what[:1].upper()}{what[1:]} {words}", *empty)
    yield from reworded(clause, f"the kind of data that {what} is", old.category, new.category, risk=Risk.CHANGED)
    yield from reworded(clause, f"the meaning of {what}", old.meaning, new.meaning)
    yield from reworded(clause, f"the reason for {what}", old.reason, new.reason)


def _rule(clause: str, what: str, old: Field, new: Field) -> Iterator[Change]:
    told = [one.rule.describe() for one in (old, new)]
    if (old.source, old.type) != (new.source, new.type):
        yield Change(Risk.CHANGED, clause, f"{what} has another rule, on another source field.", *told)
        return
    found = compared(old.rule, new.rule, empty=old.may_be_empty and new.may_be_empty)
    for order_found, table in ((found.detail, _DETAIL), (found.admits, _ADMITS)):
        if order_found in table:
            risk, words = table[order_found]
            yield Change(risk, clause, f"{what} {words}.", *told)
    if found.renamed:
        yield Change(Risk.CHANGED, clause, f"{what} shows the same values under other names.", *told)
    elif found.detail is Order.SAME and found.admits is Order.SAME:
        yield Change(Risk.WORDS, clause, f"The rule of {what[:1].lower()}{what[1:]} is written differently, to the same effect.", *told)
