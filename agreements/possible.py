"""What a field, or anything that a release may ask of or be cut by, can ever say: so that nobody waits for a code that no rule delivers. Pure."""

import re

from agreements.coarsen import BandEdges, Flag
from agreements.cohort import ATTRIBUTES, ENTRY, EVENTS, Attribute
from agreements.fields import KeepPattern, KeepValues, Map
from agreements.model import Agreement, Field
from agreements.release import Release
from agreements.worked_out import Banded, Cases, Derived, FirstOf, Matched, MonthsBetween, Number

YES_NO = ("true", "false")

Codes = tuple[str, ...]


def codes_of(field: Field) -> Codes | None:
    """Every value that a field's rule delivers, as conditions and categories write it; None where the rule does not name them."""
    match field.rule:
        case KeepValues(values=values):
            return values
        case Map():
            return field.rule.products
        case BandEdges():
            return field.rule.labels
        case Flag():
            return YES_NO
        case _:
            return None


def never(field: Field, codes: Codes) -> Codes:
    """Those of the codes that the field can never hold. All, where its rule is of numbers, dates or pseudonyms."""
    if isinstance(field.rule, KeepPattern):
        return tuple(code for code in codes if not re.fullmatch(field.rule.pattern, code))
    may = codes_of(field) or ()
    return tuple(code for code in codes if code not in may)


def field_of(agreement: Agreement, source: str) -> Field | None:
    """The field that ``dataset.field`` names; None if there is none."""
    name, _, wanted = source.partition(".")
    dataset = agreement.dataset(name)
    return next((one for one in dataset.fields if one.name == wanted), None) if dataset else None


def possible(agreement: Agreement, release: Release, source: str) -> Codes | None:
    """Everything that a source of dimensions and conditions may say, absence apart; None where that is not told by the words, or there is no such source."""
    derived = next((one for one in release.derived if one.name == source), None)
    if derived is not None:
        return _derived(agreement, release, derived)
    if release.cohort is None:
        field = field_of(agreement, source)
        return codes_of(field) if field else None
    kind, _, name = source.partition(".")
    if source == ENTRY:
        return tuple(dict.fromkeys(one.label for one in release.cohort.entries))
    if kind == EVENTS:
        return YES_NO if any(one.name == name for one in release.cohort.events) else None
    attribute = next((one for one in release.cohort.attributes if kind == ATTRIBUTES and one.name == name), None)
    return _attribute(agreement, attribute) if attribute else None


def _attribute(agreement: Agreement, attribute: Attribute) -> Codes | None:
    if not attribute.field:
        return tuple(dict.fromkeys(("true", attribute.otherwise)))
    field = field_of(agreement, f"{attribute.dataset}.{attribute.field}")
    found = codes_of(field) if field else None
    return None if found is None else tuple(dict.fromkeys((*found, attribute.otherwise)))


def _derived(agreement: Agreement, release: Release, derived: Derived) -> Codes | None:
    match derived:
        case FirstOf(first_of=sources, otherwise=otherwise):
            found = [possible(agreement, release, one) for one in sources]
            return None if None in found else tuple(dict.fromkeys((*(code for one in found if one for code in one), otherwise)))
        case Banded(value=name) if any(one.name == name and one.number is Number.EVENTS for one in release.values):
            return tuple(dict.fromkeys((*(band.label for band in derived.bands), derived.beyond)))
        case MonthsBetween() | Banded():
            return tuple(dict.fromkeys((*(band.label for band in derived.bands), derived.beyond, derived.before, derived.otherwise)))
        case Matched():
            return YES_NO
        case Cases(cases=cases, otherwise=otherwise):
            return tuple(dict.fromkeys((*(case.label for case in cases), otherwise)))
