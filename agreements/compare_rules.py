"""Which of two field rules lets more leave, along two lines that are never mixed up.

*Detail*: a rule is no finer than another if what it makes of a value can be worked out from what the other makes of it, for every value
that both admit. *Admission*: a rule covers another if it admits every value that the other admits. Both are answered “yes” only where
that is certain, so that what cannot be decided is never called narrower.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from agreements.coarsen import BandEdges, Coarse, Flag, Generalise, Round, TopCode
from agreements.fields import KeepPattern, KeepRange, KeepValues, Map, PseudonymiseRule, Rule


class Order(StrEnum):
    """How the new stands to the old along one line."""

    MORE = "more"
    LESS = "less"
    SAME = "same"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Compared:
    """The new rule against the old: detail, admission, and whether common values leave under other names."""

    detail: Order
    admits: Order
    renamed: bool


def compared(old: Rule, new: Rule, *, empty: bool = False) -> Compared:
    """Two rules for one source field of one type. ``empty``: whether both versions let the field be empty."""
    detail = _ordered(new_within_old=no_finer(old, new, empty=empty), old_within_new=no_finer(new, old, empty=empty))
    admits = _ordered(new_within_old=covers(old, new, empty=empty), old_within_new=covers(new, old, empty=empty))
    return Compared(detail, admits, detail is Order.SAME and _renamed(old, new, empty=empty))


def _ordered(*, new_within_old: bool, old_within_new: bool) -> Order:
    if new_within_old and old_within_new:
        return Order.SAME
    return Order.LESS if new_within_old else Order.MORE if old_within_new else Order.UNDECIDED


_FINEST_FIRST = ((Coarse.MONTH, Coarse.QUARTER, Coarse.YEAR), (Coarse.SECTOR, Coarse.DISTRICT))


def no_finer(old: Rule, new: Rule, *, empty: bool = False) -> bool:
    """Certain that ``new`` of a value can be worked out from ``old`` of it, for every value both admit."""
    match old, new:
        case (KeepValues() | KeepPattern() | KeepRange(), _):
            return True  # what is kept as it is gives everything that can be made of it
        case (Generalise(to=was), Generalise(to=now)):
            return any(was in line and now in line and line.index(was) <= line.index(now) for line in _FINEST_FIRST)
        case (PseudonymiseRule(), _):
            return old == new
        case (BandEdges() | Round() | TopCode(), _):
            return _numbers_no_finer(old, new)
        case (Map() | Flag(), Map() | Flag() | KeepValues() | KeepPattern()):
            return _tables_no_finer(old, new, empty=empty)
        case _:
            return old == new


def _numbers_no_finer(old: Rule, new: Rule) -> bool:
    match old, new:
        case (BandEdges(edges=was), BandEdges(edges=now)):
            return set(now) <= set(was)
        case (BandEdges(edges=was), KeepRange(low=int(low), high=int(high))):
            return high - low <= len(was) and set(range(low + 1, high + 1)) <= set(was)
        case (TopCode(limit=was), TopCode(limit=now)):
            return now <= was
        case (TopCode(limit=limit), KeepRange(high=int(high))):
            return high <= limit
        case (TopCode(limit=limit), BandEdges(edges=edges)):
            return edges[-1] <= limit
        case (Round(step=was), Round(step=now)):
            # Halves of an even multiple fall inside a block of the finer step: only odd multiples nest.
            return now % was == 0 and now // was % 2 == 1
        case (Round(step=step), BandEdges(edges=edges)):
            return all(_rounded(edge - 1, step) != _rounded(edge, step) for edge in edges)
        case _:
            return False


def _rounded(number: int, step: int) -> int:
    whole = (abs(number) * 2 + step) // (2 * step) * step
    return whole if number >= 0 else -whole


def covers(old: Rule, new: Rule, *, empty: bool = False) -> bool:
    """Certain that ``old`` admits every value that ``new`` admits."""
    if _admits_blank(new, empty=empty) and not _admits_blank(old, empty=empty):
        return False
    match old, new:
        case (BandEdges() | Round() | TopCode() | Flag() | PseudonymiseRule(), _):
            return True
        case (Generalise(to=Coarse.MONTH | Coarse.QUARTER | Coarse.YEAR), _):
            return True
        case (Generalise(), Generalise()):
            return True
        case (KeepRange(low=low, high=high), KeepRange(low=new_low, high=new_high)):
            return _within(low, new_low) and _within(new_high, high)
        case (Map(list_name="", otherwise=str()), _):
            return True
        case (KeepValues() | KeepPattern() | Map(), Map() | KeepValues()):
            return _tables_cover(old, new, empty=empty)
        case _:
            return old == new


def _within(low: int | date, high: int | date) -> bool:
    return low <= high  # type: ignore[operator]  # one field, one type: consistency has checked


def _admits_blank(rule: Rule, *, empty: bool) -> bool:
    return empty or (isinstance(rule, Map) and rule.blank is not None)


class _Mark(StrEnum):
    """Classes of source values that no list names, and the answer to a value that may not leave."""

    REST = "\x00rest"
    BLANK = "\x00blank"
    REFUSED = "\x00refused"


Product = str | bool | None
Table = Mapping[str, Product]
_OPEN: Final = "\x00as it is"


def _tables(old: Rule, new: Rule, *, empty: bool) -> tuple[Table, Table] | None:
    """What each rule makes of every class of source values that either tells apart; None where a code list hides it."""
    lists = [(rule.list_name, rule.list_digest) if isinstance(rule, Map) else ("", "") for rule in (old, new)]
    if lists[0] != lists[1]:
        return None
    keys = tuple(dict.fromkeys((*_keys(old), *_keys(new))))
    return _table(old, keys, empty=empty), _table(new, keys, empty=empty)


def _keys(rule: Rule) -> Iterable[str]:
    match rule:
        case Map(list_name=""):
            return (code for code, _ in rule.codes)
        case Map():
            return rule.values  # the codes behind one value of a list are told apart by no rule that goes by it
        case KeepValues() | Flag():
            return rule.values
        case _:
            return ()


def _table(rule: Rule, keys: Iterable[str], *, empty: bool) -> Table:
    blank: Product = None if empty else _Mark.REFUSED
    match rule:
        case KeepValues(values=values):
            return {**{key: key if key in values else _Mark.REFUSED for key in keys}, _Mark.REST: _Mark.REFUSED, _Mark.BLANK: blank}
        case KeepPattern(pattern=pattern):
            kept = {key: key if re.fullmatch(pattern, key) else _Mark.REFUSED for key in keys}
            return {**kept, _Mark.REST: _OPEN, _Mark.BLANK: blank}
        case Flag(values=values):
            return {**{key: key in values for key in keys}, _Mark.REST: False, _Mark.BLANK: blank}
        case Map():
            rest = _Mark.REFUSED if rule.otherwise is None else rule.otherwise
            made = {value: value for value in rule.products} if rule.list_name else dict(rule.codes)
            fallback = _Mark.REFUSED if rule.list_name else rest
            shown = blank if rule.blank is None else rule.blank
            return {**{key: made.get(key, fallback) for key in keys}, _Mark.REST: rest, _Mark.BLANK: shown}
        case _:
            raise TypeError(f"{type(rule).__name__} is no table of values.")


def _tables_no_finer(old: Rule, new: Rule, *, empty: bool) -> bool:
    found = _tables(old, new, empty=empty)
    if found is None:
        return False
    was, now = found
    if now[_Mark.REST] == _OPEN and was[_Mark.REST] is not _Mark.REFUSED:
        return False
    becomes: dict[Product, Product] = {}
    for place, product in was.items():
        if product is not _Mark.REFUSED and now[place] is not _Mark.REFUSED and becomes.setdefault(product, now[place]) != now[place]:
            return False
    return True


def _tables_cover(old: Rule, new: Rule, *, empty: bool) -> bool:
    found = _tables(old, new, empty=empty)
    if found is None or (found[0][_Mark.REST] == _OPEN and found[1][_Mark.REST] is not _Mark.REFUSED):
        return False
    return all(found[0][place] is not _Mark.REFUSED for place, product in found[1].items() if product is not _Mark.REFUSED)


def translation(old: Rule, new: Rule, *, empty: bool = False) -> dict[Product, Product] | None:
    """For two rules that go by lists of values: what ``old`` made of a value → what ``new`` makes of it, whichever value it was.

    What is left out stands for values that ``new`` refuses. None where that depends on the value, which is no longer known, or on a
    code list. Stricter than :func:`no_finer`, which asks of values that both admit. ``empty``: whether ``old`` lets the field be empty.
    """
    if _list(old) != _list(new):
        return None
    # A code list may itself hold what stands for its unlisted codes: then that product is a class of its own.
    keys = tuple(dict.fromkeys(key for rule in (old, new) for key in (_products(rule) if _list(old) else _keys(rule))))
    was, now = _table(old, keys, empty=empty), _table(new, keys, empty=True)
    if now[_Mark.REST] == _OPEN and was[_Mark.REST] is not _Mark.REFUSED:
        return None
    found: dict[Product, Product] = {}
    for place, product in was.items():
        if product is not _Mark.REFUSED and found.setdefault(product, now[place]) != now[place]:
            return None
    return {product: becomes for product, becomes in found.items() if becomes is not _Mark.REFUSED}


def _list(rule: Rule) -> str:
    return f"{rule.list_name} {rule.list_digest}" if isinstance(rule, Map) and rule.list_name else ""


def _products(rule: Rule) -> Iterable[str]:
    return rule.products if isinstance(rule, Map) else ()


def _renamed(old: Rule, new: Rule, *, empty: bool) -> bool:
    tabular = (KeepValues, KeepPattern, Map, Flag)
    found = _tables(old, new, empty=empty) if isinstance(old, tabular) and isinstance(new, tabular) else None
    if found is None:
        return type(old) is not type(new)
    refused = _Mark.REFUSED
    return any(was != found[1][place] for place, was in found[0].items() if was is not refused and found[1][place] is not refused)
